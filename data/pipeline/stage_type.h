// From a stage's key in a pipeline file to its typed settings, and from those to the stage.
//
//   template <class Visitor> void visit(LengthStage::Config& c, Visitor& v) { v.field(c.minimum, {.key = "minimum", .doc = "words at least"}); }
//   std::vector<StageType> text_stages() { return {stage_type<LengthStage>("length", "drops short documents")}; }
//
// Reading, dumping and the reference page follow from the one visit. `Stage::Config::check(problems...)` is not asked for: a constructor that finds its
// settings impossible throws ConfigError.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "configs/documenter.h"
#include "configs/reader.h"
#include "configs/writer.h"
#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

enum class StageMode { drop, annotate };

// A stage sees only documents that fit; the others pass it by untouched. Empty lists fit all.
struct StageCondition {
  std::vector<std::string> language, source;
};

// Keys that every stage has.
struct StageCommon {
  std::string name;  // empty: its key
  StageMode mode = StageMode::drop;
  StageCondition when;
};

class StageSettings {
 public:
  virtual ~StageSettings() = default;
  // Throws ConfigError for settings that cannot be, DataError for a model or list that cannot be read.
  virtual std::unique_ptr<Stage> make(const StageSetup& setup) const = 0;
  // All settings, defaults filled in, as YAML in flow style.
  virtual std::string yaml() const = 0;
  StageCommon common;
};

struct StageType {
  std::string_view key, doc;
  bool needs_model = false;  // runs in the engine program only
  std::unique_ptr<StageSettings> (*read)(const configs::Value& settings, const std::string& path, configs::ReadState& state);
  std::string (*reference)();  // rows of a table of its own keys
};

template <class Visitor>
void visit(StageCondition& c, Visitor& v) {
  v.field(c.language, {.key = "language", .doc = "only documents with one of these in the annotation `language`", .default_text = "all"});
  v.field(c.source, {.key = "source", .doc = "only documents of these sources", .default_text = "all"});
}

template <class Visitor>
void visit(StageCommon& c, Visitor& v) {
  v.field(c.name, {.key = "name", .doc = "first part of its annotations and reasons, unique in the pipeline", .default_text = "the stage's key"});
  v.field(c.mode,
          {.key = "mode", .doc = "`annotate`: write what it would do as `<name>.reason` and `<name>.would_change`; nothing is dropped, no text changed"});
  v.section(c.when, {.key = "when", .doc = "documents that it sees"});
}

template <class S>
struct SettingsOf final : StageSettings {
  typename S::Config config;
  std::unique_ptr<Stage> make(const StageSetup& setup) const override { return std::make_unique<S>(config, setup); }
  std::string yaml() const override {
    SettingsOf copy = *this;  // visitors take members by reference
    configs::FlowWriter writer;
    visit(copy.common, writer);
    visit(copy.config, writer);
    return writer.flow();
  }
};

template <class S>
StageType stage_type(std::string_view key, std::string_view doc, bool needs_model = false) {
  return {.key = key,
          .doc = doc,
          .needs_model = needs_model,
          .read = [](const configs::Value& settings, const std::string& path, configs::ReadState& state) -> std::unique_ptr<StageSettings> {
            auto read = std::make_unique<SettingsOf<S>>();
            configs::Reader reader(settings, path, state);
            visit(read->common, reader);
            visit(read->config, reader);
            reader.finish();
            return read;
          },
          .reference =
              [] {
                typename S::Config config;
                configs::Documenter documenter("a list");
                visit(config, documenter.as_one_table());
                return documenter.table();
              }};
}

// Every stage there is, in the order of the reference page; by subject.
std::vector<StageType> all_stage_types();
std::vector<StageType> text_stages();
std::vector<StageType> quality_stages();
std::vector<StageType> dedup_stages();
std::vector<StageType> classify_stages();
std::vector<StageType> knowledge_stages();
std::vector<StageType> decontaminate_stages();
std::vector<StageType> model_stages();

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::StageMode>{"drop", "annotate"};
}
