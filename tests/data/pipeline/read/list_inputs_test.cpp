#include <gtest/gtest.h>

#include "base/error.h"
#include "data/pipeline/read/input_names.h"
#include "data/pipeline/read/unit_reader.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

namespace fs = std::filesystem;

// Files of a source below the test's directory: "path:format", groups with a "+" for each further file.
std::string listed(const TemporaryDirectory& directory, const std::string& path, std::int64_t unit_bytes = 1 << 20) {
  std::string list;
  for (const InputFile& file : list_inputs({{.path = (directory.path() / path).string()}}, unit_bytes)) {
    list += (list.empty() ? "" : " ") + file.path.lexically_relative(directory.path()).string() + ":" +
            std::string(configs::enum_names<InputFormat>[static_cast<std::size_t>(file.format)]);
    if (!file.members.empty()) list += std::string(file.members.size() - 1, '+');
  }
  return list;
}

void fill(const TemporaryDirectory& directory, const std::vector<std::pair<std::string, std::string>>& files) {
  for (const auto& [name, content] : files) {
    fs::create_directories((directory.path() / name).parent_path());
    directory.write(name, content);
  }
}

TEST(ListInputs, WalksFoldersInTheOrderOfBytesAndPassesOverHiddenFiles) {
  const TemporaryDirectory directory;
  fill(directory, {{"in/b.jsonl", ""}, {"in/a/z.jsonl", ""}, {"in/a-b.jsonl", ""}, {"in/.hidden.jsonl", ""}, {"in/.git/c.jsonl", ""}, {"in/B.jsonl", ""}});
  fs::create_symlink("..", directory.path() / "in/a/loop");
  fs::create_symlink("nowhere", directory.path() / "in/dangling");
  EXPECT_EQ(listed(directory, "in"), "in/B.jsonl:jsonl in/a-b.jsonl:jsonl in/a/z.jsonl:jsonl in/b.jsonl:jsonl");
}

TEST(ListInputs, PatternsMatchFilesAndFoldersOfThePath) {
  const TemporaryDirectory directory;
  fill(directory, {{"d1/x/a.jsonl", ""}, {"d2/x/b.jsonl", ""}, {"d2/x/c.txt", ""}, {"d3/y/deep/e.jsonl", ""}, {"e1/x/f.jsonl", ""}});
  EXPECT_EQ(listed(directory, "d?/x/*.jsonl"), "d1/x/a.jsonl:jsonl d2/x/b.jsonl:jsonl");
  EXPECT_EQ(listed(directory, "d*"), "d1/x/a.jsonl:jsonl d2/x/b.jsonl:jsonl d2/x/c.txt:text d3/y/deep/e.jsonl:jsonl");
}

TEST(ListInputs, MatchesOneComponentInLinearlyManySteps) {
  EXPECT_TRUE(matches_pattern("web-2024.jsonl", "web-*.json?"));
  EXPECT_TRUE(matches_pattern("abcabc", "*abc"));
  EXPECT_TRUE(matches_pattern("", "**"));
  EXPECT_FALSE(matches_pattern("abcab", "*abc"));
  EXPECT_FALSE(matches_pattern(".x", "*"));
  EXPECT_TRUE(matches_pattern(".x", ".*"));
  EXPECT_FALSE(matches_pattern(std::string(20000, 'a'), "*a*a*a*a*a*a*a*a*b"));
}

TEST(ListInputs, TellsFormatsByEndingElseByFirstBytes) {
  const TemporaryDirectory directory;
  fill(directory, {{"a.JSONL.GZ", ""},
                   {"b.warc.gz", ""},
                   {"c.warc.wet.gz", ""},
                   {"d.parquet", ""},
                   {"e.htm", ""},
                   {"f.md", ""},
                   {"g.ndjson.zst", ""},
                   {"h", "\xef\xbb\xbf {}"},
                   {"i", "PAR1...."},
                   {"j", "WARC/1.0\r\n"},
                   {"k", "\n<!DOCTYPE html>"},
                   {"l", "words"},
                   {"m.wet", ""},
                   {"n",
                    "\xff\xfe"
                    "a\0"}});
  const std::pair<const char*, const char*> kExpected[] = {{"a.JSONL.GZ", "jsonl"},
                                                           {"b.warc.gz", "warc"},
                                                           {"c.warc.wet.gz", "wet"},
                                                           {"d.parquet", "parquet"},
                                                           {"e.htm", "html"},
                                                           {"f.md", "text"},
                                                           {"g.ndjson.zst", "jsonl"},
                                                           {"h", "jsonl"},
                                                           {"i", "parquet"},
                                                           {"j", "warc"},
                                                           {"k", "html"},
                                                           {"l", "text"},
                                                           {"m.wet", "wet"},
                                                           {"n", "text"}};
  for (const auto& [name, format] : kExpected) EXPECT_EQ(listed(directory, name), std::string(name) + ":" + format);
  directory.write("junk", std::string("\x7f"
                                      "ELF\0\0\0",
                                      7));
  EXPECT_NE(message_of<DataError>([&] { listed(directory, "junk"); }).find("junk: neither"), std::string::npos);
  EXPECT_EQ(list_inputs({{.path = (directory.path() / "junk").string(), .format = InputFormat::text}}, 100).size(), 1U);
}

TEST(ListInputs, SmallTextsShareAGroup) {
  const TemporaryDirectory directory;
  for (int i = 0; i < 10; ++i) fill(directory, {{"in/" + std::to_string(i) + ".txt", std::string(40, 'x')}});
  fill(directory, {{"in/5.html", std::string(40, 'x')}, {"in/6.txt", std::string(500, 'x')}});
  EXPECT_EQ(listed(directory, "in", 100),
            "in/0.txt:text+ in/2.txt:text+ in/4.txt:text in/5.html:html in/5.txt:text in/6.txt:text in/7.txt:text+ in/9.txt:text");
  for (int i = 0; i < 1500; ++i) fill(directory, {{"many/" + std::to_string(i), ""}});
  const auto groups = list_inputs({{.path = (directory.path() / "many").string()}}, 1 << 20);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].members.size() + groups[1].members.size(), 1500U);
}

TEST(ListInputs, SourcesAreNamedAfterTheirPath) {
  EXPECT_EQ(default_source_name("raw/web/*.jsonl.zst"), "web");
  EXPECT_EQ(default_source_name("raw/page.v1.jsonl.gz"), "page.v1");
  EXPECT_EQ(default_source_name("raw/books/"), "books");
  EXPECT_EQ(default_source_name("./CC-MAIN.warc.wet.gz"), "CC-MAIN");
  EXPECT_EQ(default_source_name("*.txt"), "input");
  const TemporaryDirectory directory;
  fill(directory, {{"web/a.jsonl", ""}});
  const std::string folder = (directory.path() / "web").string();
  const auto inputs = list_inputs({{.path = folder}, {.path = folder, .source = "mine"}}, 100);
  ASSERT_EQ(inputs.size(), 2U);
  EXPECT_EQ(inputs[0].source.source, "web");
  EXPECT_EQ(inputs[1].source.source, "mine");
  EXPECT_EQ(input_name(inputs[0], inputs[0].path), "a.jsonl");
}

TEST(ListInputs, NamesFilesOfUnknownEndingsThatAreReadAsText) {
  const TemporaryDirectory directory;
  fill(directory, {{"in/a.csv", "x,y"}, {"in/b.csv.gz", "x,y"}, {"in/c.txt", "x"}, {"in/README", "x"}, {"in/d.dump", "{\"text\": 1}"}});
  const std::string folder = (directory.path() / "in").string();
  const std::string told = doubtful_inputs(list_inputs({{.path = folder}}, 100));
  EXPECT_EQ(told.find(folder + "/a.csv and 1 more"), 0U) << told;
  EXPECT_EQ(doubtful_inputs(list_inputs({{.path = folder, .format = InputFormat::text}}, 100)), "") << "the user has said it";
  EXPECT_EQ(doubtful_inputs(list_inputs({{.path = folder + "/c.txt"}, {.path = folder + "/README"}}, 100)), "");
}

TEST(ListInputs, WhatIsNotThereIsAnError) {
  const TemporaryDirectory directory;
  fs::create_directories(directory.path() / "empty");
  EXPECT_NE(message_of<DataError>([&] { listed(directory, "missing.jsonl"); }).find("missing.jsonl: no such"), std::string::npos);
  EXPECT_NE(message_of<DataError>([&] { listed(directory, "*.jsonl"); }).find("no file matches"), std::string::npos);
  EXPECT_NE(message_of<DataError>([&] { listed(directory, "empty"); }).find("no file in it"), std::string::npos);
}

}  // namespace
}  // namespace phidias::data::pipeline
