#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "base/atomic_file.h"
#include "base/json.h"
#include "data/pipeline/pipeline.h"
#include "parallel/single_process.h"
#include "tests/data/pipeline/test_stages.h"
#include "tests/support/mpi_test.h"

namespace phidias::data::pipeline {
namespace {

namespace fs = std::filesystem;

std::string lines(int count, int seed) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += "{\"text\": \"word" + std::to_string((i * 7919 + seed) % 301) + std::string(static_cast<std::size_t>(i % 40), 'x') + " text\"}\n";
  return text;
}

// Every file of an output by its content; the manifest without what may differ.
std::map<std::string, std::string> files(const fs::path& output) {
  std::map<std::string, std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(output)) {
    if (!entry.is_regular_file()) continue;
    if (entry.path().filename() == "pipeline.yaml") continue;  // names output and threads
    std::string content = read_file(entry.path());
    if (entry.path().filename() == "manifest.json") {
      OrderedJson manifest = OrderedJson::parse(content);
      manifest.erase("timing");
      content = manifest.dump();
    }
    found[fs::relative(entry.path(), output).string()] = content;
  }
  return found;
}

// Few large files: ranks share each. Many small ones: every rank takes some.
void expect_equal_to_one_rank(int file_count, int lines_of_each) {
  parallel::Communicator& group = mpi_test::world().host();
  const fs::path folder = fs::temp_directory_path() / ("phidias-pipeline-ranks-" + parallel::broadcast_string(group, std::to_string(getpid())));
  PipelineConfig config;
  config.name = "test";
  config.work.unit_bytes = 3000;
  config.work.threads = 2;
  config.stages = {test_stages::length(12), test_stages::first_word(), test_stages::length(30), test_stages::first_word("again")};
  if (group.rank() == 0) {
    fs::create_directories(folder / "in");
    for (int i = 0; i < file_count; ++i) std::ofstream(folder / "in" / ("part-" + std::to_string(100 + i) + ".jsonl")) << lines(lines_of_each + i, i);
  }
  group.barrier();
  config.read = {{.path = (folder / "in").string()}};
  config.output = (folder / "many").string();
  run_pipeline(config, {.group = &group, .version = "test"});
  if (group.rank() == 0) {
    parallel::SingleProcess alone;
    config.output = (folder / "one").string();
    config.work.threads = 1;
    run_pipeline(config, {.group = &alone, .version = "test"});
    EXPECT_GE(files(folder / "one").size(), 2u);
    EXPECT_EQ(files(folder / "one"), files(folder / "many"));
    fs::remove_all(folder);
  }
  group.barrier();
}

TEST(PipelineOverRanks, GivesTheBytesOfOneRankWhenRanksShareFiles) { expect_equal_to_one_rank(2, 900); }

TEST(PipelineOverRanks, GivesTheBytesOfOneRankWhenRanksTakeWholeFiles) { expect_equal_to_one_rank(17, 120); }

TEST(PipelineOverRanks, GivesTheBytesOfOneRankWhenThereIsNextToNothing) { expect_equal_to_one_rank(1, 1); }

}  // namespace
}  // namespace phidias::data::pipeline
