// Stages for tests of the engine: one that works on each document, and a collective one.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/pipeline/pipeline_config.h"

namespace phidias::data::pipeline::test_stages {

// Annotates the length, drops what is short, takes trailing '!' off.
class Length final : public Stage {
 public:
  struct Config {
    std::int64_t minimum = 10;
  };
  Length(const Config& config, const StageSetup& setup) : Stage(setup), config_(config) {}
  std::unique_ptr<StageWorker> worker() const override {
    class Worker final : public DocumentWorker {
     public:
      explicit Worker(const Length& stage) : stage_(stage) {}
      using DocumentWorker::process;
      void process(Document& document) override {
        document.annotations().set(stage_.qualified("characters"), static_cast<double>(document.text().size()));
        if (static_cast<std::int64_t>(document.text().size()) < stage_.config_.minimum) document.drop("short");
        if (document.text().ends_with('!')) document.set_text(document.text().substr(0, document.text().find_last_not_of('!') + 1));
      }

     private:
      const Length& stage_;
    };
    return std::make_unique<Worker>(*this);
  }

 private:
  Config config_;
};

template <class Visitor>
void visit(Length::Config& c, Visitor& v) {
  v.field(c.minimum, {.key = "minimum", .doc = "characters at least"});
}

// Keeps the first document of every first word, in the order of the input; notes how many there are on the others' survivor.
class FirstWord final : public CollectiveStage {
 public:
  struct Config {};
  FirstWord(const Config&, const StageSetup& setup) : CollectiveStage(setup) {}
  std::unique_ptr<StageWorker> worker() const override { return std::make_unique<NoWork>(); }
  void collect(const Document& document, std::string& record) const override { record = document.text().substr(0, document.text().find(' ')); }
  std::int64_t resolve_bytes(std::int64_t documents, std::int64_t, int) const override { return 64 * documents; }
  void resolve(const Collected& collected, std::span<RecordList> decisions) override {
    std::string mine;
    for (const CollectedUnit& unit : collected.units)
      for (std::size_t i = 0; i < unit.records.size(); ++i)
        mine += std::to_string(unit.first_document + static_cast<std::int64_t>(i)) + " " + std::string(unit.records[i]) + "\n";
    std::map<std::string, std::int64_t> first;
    for (const std::string& part : parallel::all_gather_strings(*collected.group, mine)) {
      for (std::size_t begin = 0; begin < part.size();) {
        const std::size_t end = part.find('\n', begin), space = part.find(' ', begin);
        const std::int64_t number = std::stoll(part.substr(begin, space - begin));
        const auto [entry, fresh] = first.try_emplace(part.substr(space + 1, end - space - 1), number);
        entry->second = std::min(entry->second, number);
        begin = end + 1;
      }
    }
    words_ = first.size();
    for (std::size_t u = 0; u < collected.units.size(); ++u)
      for (std::size_t i = 0; i < collected.units[u].records.size(); ++i)
        decisions[u].add(first.at(std::string(collected.units[u].records[i])) == collected.units[u].first_document + static_cast<std::int64_t>(i) ? ""
                                                                                                                                                  : "again");
  }
  void apply(Document& document, std::string_view decision) const override { document.drop(decision); }
  std::vector<std::pair<std::string, std::string>> notes() const override { return {{"words", std::to_string(words_)}}; }

 private:
  std::size_t words_ = 0;
};

template <class Visitor>
void visit(FirstWord::Config&, Visitor&) {}

inline const StageType& length_type() {
  static const StageType type = stage_type<Length>("length", "drops short documents");
  return type;
}

inline const StageType& first_word_type() {
  static const StageType type = stage_type<FirstWord>("first_word", "one document per first word");
  return type;
}

// A stage with its defaults.
template <class S>
StageEntry entry(const StageType& type, const std::string& name, typename S::Config config = {}, StageMode mode = StageMode::drop, StageCondition when = {}) {
  auto settings = std::make_shared<SettingsOf<S>>();
  settings->config = config;
  settings->common = {name, mode, std::move(when)};
  return {&type, settings};
}

inline StageEntry length(std::int64_t minimum, StageMode mode = StageMode::drop, StageCondition when = {}, const std::string& name = "length") {
  return entry<Length>(length_type(), name, {minimum}, mode, std::move(when));
}

inline StageEntry first_word(const std::string& name = "first_word") { return entry<FirstWord>(first_word_type(), name); }

}  // namespace phidias::data::pipeline::test_stages
