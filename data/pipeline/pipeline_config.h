// A pipeline file: what is read, the stages in order, what is written.
//
//   PipelineConfig config = read_pipeline_config("web.yaml", {"output=runs/web"});
//   run_pipeline(config, ...);                                  // data/pipeline/pipeline.h
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "configs/enum_names.h"
#include "configs/run_config.h"
#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

enum class InputFormat { automatic, jsonl, parquet, warc, wet, text, html };
enum class OutputFormat { jsonl_zst, jsonl, parquet };
enum class DroppedOutput { none, reasons, documents };

struct InputSource {
  std::string path;    // a file, a folder (all files below it) or a pattern with * and ?
  std::string source;  // name; empty: the path's last component without endings
  InputFormat format = InputFormat::automatic;
  std::string text_field = "text", id_field = "id", url_field = "url";
};

struct WriteSection {
  OutputFormat format = OutputFormat::jsonl_zst;
  std::int64_t shard_bytes = 256'000'000;  // of text
  std::int64_t level = 3;                  // zstd
  bool annotations = true;
  DroppedOutput dropped = DroppedOutput::reasons;
};

struct WorkSection {
  std::int64_t unit_bytes = 8 << 20;
  std::int64_t threads = 0;  // per rank; 0: cores / ranks
  std::int64_t memory_bytes = 0;
  bool keep = false;
  bool resume = true;
};

struct StageEntry {
  const StageType* type = nullptr;
  std::shared_ptr<const StageSettings> settings;
  std::string position = {};  // "web.yaml:12:5"; empty when it was not read from a file
  const std::string& name() const { return settings->common.name; }
};

struct PipelineConfig {
  std::string name;    // the file's stem
  std::string output;  // directory
  std::int64_t seed = 0;
  configs::OnError on_error = configs::OnError::stop;
  std::string tokenizer;  // directory; empty: tokens are not counted
  std::int64_t samples = 3;
  std::vector<InputSource> read;
  WriteSection write;
  WorkSection work;
  std::vector<StageEntry> stages;
};

// Throw ConfigError with every mistake of the file and the overrides (output=DIR, write.level=9 ...; stages are not overridden).
PipelineConfig read_pipeline_config(const std::string& path, const std::vector<std::string>& overrides);
PipelineConfig parse_pipeline_config(const std::string& text, const std::string& path, const std::vector<std::string>& overrides);
// Reads back to an equal configuration.
std::string dump_pipeline_config(const PipelineConfig& config);
// Without what plays no part in the result: `output`, and of `work` all but unit_bytes.
PipelineConfig result_settings(const PipelineConfig& config);
bool needs_model(const PipelineConfig& config);
// docs/pipeline-reference.md
std::string pipeline_reference();
// Its section of one stage.
std::string stage_reference(const StageType& type);
// The stage's own keys ("when.source" for one in a section), without those of every stage.
std::vector<std::string> keys_of(const StageType& type);

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 7> enum_names<data::pipeline::InputFormat>{"auto", "jsonl", "parquet", "warc", "wet", "text", "html"};
template <>
inline constexpr std::array<std::string_view, 3> enum_names<data::pipeline::OutputFormat>{"jsonl.zst", "jsonl", "parquet"};
template <>
inline constexpr std::array<std::string_view, 3> enum_names<data::pipeline::DroppedOutput>{"none", "reasons", "documents"};
}  // namespace phidias::configs
