#include "data/synthetic/noise.h"

#include <gtest/gtest.h>

#include <set>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data {
namespace {

std::vector<Json> lines_of(const std::string& path) {
  std::vector<Json> lines;
  const std::string text = read_file(path);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    lines.push_back(Json::parse(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return lines;
}

TEST(Noise, HasEveryKindAndLeavesNoSlotOpen) {
  const TemporaryDirectory folder;
  const std::string path = (folder.path() / "noise.jsonl").string();
  const NoiseReport report = make_noise({.documents = 600, .seed = 3}, path);
  std::set<std::string> kinds;
  for (const Json& line : lines_of(path)) {
    kinds.insert(line.at("kind"));
    EXPECT_EQ(line.at("text").get<std::string>().find('{'), std::string::npos) << line.at("text");
    EXPECT_TRUE(line.at("url").get<std::string>().starts_with("https://"));
  }
  EXPECT_EQ(kinds, (std::set<std::string>{"boilerplate", "ephemeral", "gibberish", "repetition", "spam"}));
  EXPECT_EQ(report.documents_by_kind.size(), 5u);
}

TEST(Noise, IsAFunctionOfItsSeed) {
  const TemporaryDirectory folder;
  const auto made = [&](std::int64_t seed) {
    const std::string path = (folder.path() / "noise.jsonl").string();
    make_noise({.documents = 50, .seed = seed}, path);
    return read_file(path);
  };
  EXPECT_EQ(made(1), made(1));
  EXPECT_NE(made(1), made(2));
}

TEST(Noise, CopiesSeedsWholeOrWithSmallEdits) {
  const TemporaryDirectory folder;
  std::string text;
  for (int i = 0; i < 200; ++i) text += "word" + std::to_string(i) + " ";
  const std::string seeds = folder.write("seeds.jsonl", Json{{"text", text}}.dump() + "\n");
  const std::string path = (folder.path() / "noise.jsonl").string();
  make_noise({.documents = 400, .seeds = seeds, .duplicates = 0.5}, path);
  int whole = 0, edited = 0;
  for (const Json& line : lines_of(path)) {
    if (line.at("kind") != "duplicate") continue;
    ++(line.at("text") == text ? whole : edited);
    EXPECT_TRUE(line.at("text").get<std::string>().starts_with("word0 word1 ")) << "edits are few";
  }
  EXPECT_GT(whole, 50);
  EXPECT_GT(edited, 50);
  EXPECT_THROW(make_noise({.seeds = folder.write("none.jsonl", "{\"text\": \"short\"}\n")}, path), DataError);
}

}  // namespace
}  // namespace phidias::data
