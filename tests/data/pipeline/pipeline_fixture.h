// A pipeline over two small files, and what it leaves.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "data/pipeline/pipeline.h"
#include "data/pipeline/unit_file.h"
#include "parallel/single_process.h"
#include "tests/data/pipeline/test_stages.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline::pipeline_test {

namespace fs = std::filesystem;
using test_stages::first_word;
using test_stages::length;

// Lines "{id, text}": words come again, every seventh text is short, every 11th ends in exclamation marks.
inline std::string lines(int count, int seed = 0) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    const int n = i * 7919 + seed;
    std::string content = "word" + std::to_string(n % 97) + (i % 7 == 0 ? "" : " and a sentence of number " + std::to_string(n));
    if (i % 11 == 0) content += "!!";
    text += "{\"id\": \"d" + std::to_string(seed) + "-" + std::to_string(i) + "\", \"text\": \"" + content + "\", \"date\": \"2024-01-01\"}\n";
  }
  return text;
}

// Its model is missing.
class Impossible final : public Stage {
 public:
  struct Config {};
  Impossible(const Config&, const StageSetup& setup) : Stage(setup) { throw DataError("model.bin: cannot read it"); }
  std::unique_ptr<StageWorker> worker() const override { return nullptr; }
};

template <class Visitor>
void visit(Impossible::Config&, Visitor&) {}

const StageType& impossible_type() {
  static const StageType type = stage_type<Impossible>("impossible", "cannot be made");
  return type;
}

struct Fixture {
  std::shared_ptr<TemporaryDirectory> folder = std::make_shared<TemporaryDirectory>();
  parallel::SingleProcess group;
  PipelineConfig config;

  // The same pipeline with the same input into another output.
  Fixture(const Fixture& other, const std::string& name) : folder(other.folder), config(other.config) { config.output = (folder->path() / name).string(); }
  Fixture() {
    configure_logging({.level = LogLevel::warning});
    config.name = "test";
    config.output = (folder->path() / "out").string();
    config.work.unit_bytes = 4000;
    config.work.threads = 1;
    config.write.dropped = DroppedOutput::documents;
    add("a.jsonl", lines(300));
    add("b.jsonl", lines(200, 5));
    config.stages = {length(12), first_word(), length(20, StageMode::annotate, {}, "later")};
  }
  void add(const std::string& name, const std::string& content) { config.read.push_back({.path = folder->write(name, content)}); }
  PipelineOutcome run(std::function<int()> stop = {}) { return run_pipeline(config, {.group = &group, .version = "test", .stop_signal = std::move(stop)}); }
  Json manifest() const { return read_json(fs::path(config.output) / "manifest.json"); }
  // Every file of the output by its content; the manifest without its timing.
  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(config.output)) {
      if (!entry.is_regular_file()) continue;
      const std::string name = fs::relative(entry.path(), config.output).string();
      found[name] = read_file(entry.path());
      if (name != "manifest.json") continue;
      OrderedJson manifest = OrderedJson::parse(found[name]);
      manifest.erase("timing");
      found[name] = manifest.dump();
    }
    found.erase("pipeline.yaml");  // names output and threads
    return found;
  }
  std::vector<Json> documents(const std::string& folder_name) const {
    std::vector<Json> all;
    for (const auto& [name, content] : files()) {
      if (!name.starts_with(folder_name + "/")) continue;
      const std::string text = decompress(content);
      for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = text.find('\n', begin);
        all.push_back(Json::parse(text.substr(begin, end - begin)));
        begin = end + 1;
      }
    }
    return all;
  }
};

inline void expect_equal(const std::map<std::string, std::string>& one, const std::map<std::string, std::string>& other) {
  EXPECT_EQ(one.size(), other.size());
  for (const auto& [name, content] : one) {
    ASSERT_TRUE(other.contains(name)) << name;
    EXPECT_TRUE(other.at(name) == content) << name;
  }
}

}  // namespace phidias::data::pipeline::pipeline_test
