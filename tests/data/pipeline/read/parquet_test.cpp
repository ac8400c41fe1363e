#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <random>

#include "base/error.h"
#include "data/line_blocks.h"
#include "data/parquet_plugin.h"
#include "data/record.h"
#include "tests/data/pipeline/read/golden.h"
#include "tests/data/pipeline/read/reading.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

bool arrow_is_loaded() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.find("libarrow") != std::string::npos) return true;
  return false;
}

TEST(Parquet, ArrowIsLoadedWithTheFirstFile) {
  EXPECT_FALSE(arrow_is_loaded());
  read_input(golden_path("table.parquet"));
  EXPECT_TRUE(arrow_is_loaded());
}

TEST(Parquet, RowsReadAsPyarrowReadsThem) {
  const Reading reading = read_input(golden_path("table.parquet"));
  EXPECT_TRUE(reading.problems.empty());
  const std::vector<Json> expected = golden_documents("table.jsonl");
  ASSERT_EQ(reading.documents.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Document& document = reading.documents[i];
    EXPECT_EQ(document.id, expected[i].at("id"));
    EXPECT_EQ(document.text(), expected[i].at("text").get<std::string>());
    EXPECT_EQ(document.url, expected[i].at("url"));
    EXPECT_EQ(parse_json("{" + document.fields + "}", "fields"), expected[i].at("fields")) << document.fields;
    EXPECT_EQ(document.line, static_cast<std::int64_t>(i + 1));
  }
}

TEST(Parquet, UnitsGiveTheSameDocumentsWhateverIsTaken) {
  const std::string path = golden_path("table.parquet");
  const Reading whole = read_input(path);
  for (const std::int64_t unit_bytes : {1, 700, 3000}) {
    const Reading units = read_input(path, unit_bytes);
    EXPECT_EQ(units.lines(), whole.lines()) << unit_bytes;
    EXPECT_GT(units.units, 1);
    std::vector<std::string> texts(whole.documents.size());
    for (const std::int64_t rest : {2, 0, 1}) {
      const Reading part = read_inputs({{.path = path}}, unit_bytes, [rest](std::int64_t index) { return index % 3 == rest; });
      for (const Document& document : part.documents) texts.at(static_cast<std::size_t>(document.line - 1)) += document.text() + document.id;
    }
    for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(texts[i], whole.documents[i].text() + whole.documents[i].id);
  }
}

TEST(Parquet, RangesCoverAllRowsOnce) {
  const std::vector<ParquetTable::RowGroup> groups = {{10, 100}, {10, 100}, {0, 0}, {100, 5000}, {1, 9000}, {5, 10}};
  for (const std::int64_t bytes : {1, 150, 1000, 100000}) {
    std::int64_t next = 0;
    for (const RowRange& range : row_ranges(groups, bytes)) {
      EXPECT_EQ(range.first, next);
      EXPECT_GT(range.rows, 0);
      next += range.rows;
    }
    EXPECT_EQ(next, 126) << bytes;
  }
  EXPECT_EQ(row_ranges(groups, 1000).size(), 1U + 5U + 1U + 1U) << "two small groups, the large one in five parts, one row, the rest";
  EXPECT_TRUE(row_ranges({}, 10).empty());
}

TEST(Parquet, AMissingOrMistypedColumnOfTextsIsAnErrorThatNamesTheColumns) {
  const auto open = [](const std::string& text_field) { return read_inputs({{.path = golden_path("table.parquet"), .text_field = text_field}}); };
  const std::string missing = message_of<DataError>([&] { open("content"); });
  EXPECT_NE(missing.find("table.parquet: there is no column 'content'; its columns are text, id, url, score"), std::string::npos) << missing;
  EXPECT_NE(message_of<DataError>([&] { open("score"); }).find("holds double, not text"), std::string::npos);
  EXPECT_NE(message_of<DataError>([&] { open("metadata.deep.x"); }).find("no column 'metadata.deep.x'"), std::string::npos);
  EXPECT_EQ(open("metadata.lang").documents.front().text(), "en");
  EXPECT_EQ(open("kind").documents[1].text(), "b");
}

TEST(Parquet, AMissingTextIsAProblemOfItsRow) {
  const Reading reading = read_inputs({{.path = golden_path("table.parquet"), .text_field = "url"}});
  EXPECT_EQ(reading.documents.size(), 20U);
  ASSERT_EQ(reading.problems.size(), 5U);
  EXPECT_EQ(reading.problems[1].line, 6);
  EXPECT_NE(reading.problems[1].what.find("null, not a string"), std::string::npos);
}

TEST(Parquet, DamagedFilesAreErrors) {
  const TemporaryDirectory directory;
  const std::string whole = read_file(golden_path("table.parquet"));
  EXPECT_NE(message_of<DataError>([&] { read_input(directory.write("cut.parquet", whole.substr(0, whole.size() / 2))); }).find("cut.parquet: "),
            std::string::npos);
  EXPECT_NE(message_of<DataError>([&] { read_input(directory.write("empty.parquet", "")); }).find("empty.parquet: "), std::string::npos);
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    std::string damaged = whole;
    for (int changes = 0; changes < 3; ++changes) damaged[random() % damaged.size()] = static_cast<char>(random());
    try {
      read_input(directory.write("damaged.parquet", damaged));
    } catch (const DataError&) {
    }
  }
}

std::vector<Document> examples() {
  std::vector<Document> documents;
  for (int i = 0; i < 300; ++i) {
    Document document;
    document.id = "d" + std::to_string(i);
    document.source = "a";
    document.set_text(i == 5 ? "" : "text\n\"" + std::string(static_cast<std::size_t>(i), 'x') + "\xc3\xa9");
    if (i % 3 == 0) document.url = "http://x/" + std::to_string(i);
    if (i % 4 == 0) document.fields = "\"b\":[1, 2],\"a\":{\"x\":null}";
    if (i % 5 == 0) document.annotations().set("score", i / 7.0);
    if (i % 7 == 0) document.annotations().set("language", "de");
    documents.push_back(std::move(document));
  }
  return documents;
}

void write(const std::filesystem::path& path, const std::vector<Document>& documents, const LineContent& content = {}) {
  const auto shard = ParquetShard::create(path, content, 3);
  for (const Document& document : documents) shard->add(document);
  shard->finish();
}

TEST(Parquet, WhatIsWrittenReadsBackTheSame) {
  const TemporaryDirectory directory;
  std::string lines;
  for (const Document& document : examples()) append_document_line(document, {}, lines);
  write(directory.path() / "a.parquet", examples());
  const Reading reading = read_input((directory.path() / "a.parquet").string());
  EXPECT_TRUE(reading.problems.empty());
  EXPECT_EQ(reading.lines(), lines);
  write(directory.path() / "b.parquet", examples());
  EXPECT_EQ(read_file(directory.path() / "a.parquet"), read_file(directory.path() / "b.parquet")) << "the same documents, the same bytes";
  write(directory.path() / "none.parquet", {});
  EXPECT_TRUE(read_input((directory.path() / "none.parquet").string()).documents.empty());
}

TEST(Parquet, DroppedDocumentsCarryTheirReason) {
  const TemporaryDirectory directory;
  std::vector<Document> documents = examples();
  documents.resize(1);
  documents.front().drop("short");
  write(directory.path() / "dropped.parquet", documents, {.text = false, .annotations = true});
  std::string line;
  const std::string path = (directory.path() / "dropped.parquet").string();
  parquet_plugin(path).open(path)->append_lines(0, 1, line);
  EXPECT_EQ(line, "{\"id\":\"d0\",\"source\":\"a\",\"kept\":false,\"reason\":\"short\",\"annotations\":{\"score\":0,\"language\":\"de\"}}\n");
}

TEST(Parquet, AnUnfinishedShardLeavesNothing) {
  const TemporaryDirectory directory;
  ParquetShard::create(directory.path() / "a.parquet", {}, 3)->add(examples().front());
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(Parquet, TrainingRecordsAreRowsAsWell) {
  std::int64_t next = 1;
  LineBlocks blocks(golden_path("table.parquet"), 2000);
  RecordParser parser;
  while (const auto block = blocks.next())
    for_each_line(*block, [&](std::int64_t line, std::string_view text) {
      EXPECT_EQ(line, next++);
      EXPECT_EQ(parser.parse(text, RecordKind::automatic).kind, RecordKind::text);
    });
  EXPECT_EQ(next, 26);
}

}  // namespace
}  // namespace phidias::data::pipeline
