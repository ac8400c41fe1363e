#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <map>

#include "base/error.h"
#include "data/line_blocks.h"
#include "tests/data/pipeline/read/reading.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

// The document of a file of one line.
Document one(const std::string& line, InputSource source = {}) {
  const TemporaryDirectory directory;
  source.path = directory.write("one.jsonl", line);
  Reading reading = read_inputs({source});
  for (const ReadProblem& problem : reading.problems) ADD_FAILURE() << problem.what;
  EXPECT_EQ(reading.documents.size(), 1U);
  return reading.documents.empty() ? Document() : std::move(reading.documents.front());
}

std::string problem_of(const std::string& line, InputSource source = {}) {
  const TemporaryDirectory directory;
  source.path = directory.write("one.jsonl", "{\"text\":\"good\"}\n" + line + "\n{\"text\":\"also good\"}");
  const Reading reading = read_inputs({source});
  if (reading.problems.size() != 1) return std::to_string(reading.problems.size()) + " problems";
  EXPECT_EQ(reading.problems.front().line, 2);
  EXPECT_EQ(reading.problems.front().file, source.path);
  EXPECT_EQ(reading.documents.size(), 2U) << "the lines around it are read";
  return reading.problems.front().what;
}

TEST(JsonlReader, TakesTextIdAndUrlAndKeepsTheOtherMembersByteForByte) {
  const Document document = one(R"({ "id": "x1", "metadata" : {"b": [1, 2.50 , "}"],"a":{}} , "text":"A\n\"b\" \u00e9", "url":"http:\/\/a.b" , "n" : -1.0e5})");
  EXPECT_EQ(document.id, "x1");
  EXPECT_EQ(document.text(), "A\n\"b\" \xc3\xa9");
  EXPECT_EQ(document.url, "http://a.b");
  EXPECT_EQ(document.fields, R"("metadata":{"b": [1, 2.50 , "}"],"a":{}},"n":-1.0e5)");
  EXPECT_EQ(document.source, "one");
  EXPECT_EQ(document.line, 1);
}

TEST(JsonlReader, IdsMayBeNumbersAndAreMadeUpWhereTheyAreMissing) {
  EXPECT_EQ(one(R"({"text":"","id":12345678901234567890123})").id, "12345678901234567890123");
  EXPECT_EQ(one(R"({"text":"","id":1.50})").id, "1.50");
  EXPECT_EQ(one("\n{\"text\":\"\"}").id, "one/one.jsonl/2");
  EXPECT_EQ(one(R"({"text":"","id":null})").id, "one/one.jsonl/1");
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory.path() / "web" / "2024");
  directory.write("web/2024/a.jsonl", "{\"text\":\"\"}");
  EXPECT_EQ(read_input((directory.path() / "web").string()).documents.front().id, "web/2024/a.jsonl/1");
}

TEST(JsonlReader, DotsLeadIntoObjectsUnlessTheNameIsAMember) {
  const std::string line = R"({"raw":{"content":"inner","key":7},"raw.content":"outer","text":"other"})";
  EXPECT_EQ(one(line, {.text_field = "raw.content"}).text(), "outer");
  const Document document = one(R"({"raw":{"content":"inner","key":7},"text":"other"})", {.text_field = "raw.content", .id_field = "raw.key"});
  EXPECT_EQ(document.text(), "inner");
  EXPECT_EQ(document.id, "7");
  EXPECT_EQ(document.fields, R"("raw":{"content":"inner","key":7},"input_text":"other")") << "two members \"text\" cannot be written";
  EXPECT_EQ(one(R"({"text":"a","metadata":{"url":"http://m"}})").url, "http://m");
  EXPECT_EQ(one(R"({"text":"a","url":"http://t","metadata":{"url":"http://m"}})").url, "http://t");
}

TEST(JsonlReader, AnEmptyTextIsADocumentAndANulCharacterIsText) {
  EXPECT_EQ(one(R"({"text":""})").text(), "");
  EXPECT_EQ(one(R"({"text":"a\u0000b"})").text(), std::string("a\0b", 3));
}

TEST(JsonlReader, RestoresWhatAnEarlierPipelineWrote) {
  const Document document = one(
      R"({"id":"a","text":"t","source":"wiki","kept":false,"reason":"x.y","annotations":{"n":0.5,"b":true,"s":"de","z":null},"extra":1})", {.source = "wiki"});
  EXPECT_EQ(document.source, "wiki");
  EXPECT_FALSE(document.dropped()) << "decided on anew";
  EXPECT_EQ(document.annotations().number("n"), 0.5);
  EXPECT_EQ(document.annotations().number("b"), 1.0);
  EXPECT_EQ(document.annotations().text("s"), "de");
  EXPECT_TRUE(std::isnan(document.annotations().number("z").value()));
  EXPECT_EQ(document.fields, "\"extra\":1");
}

TEST(JsonlReader, MembersOfOthersWithThePipelinesNamesAreKeptUnderAnother) {
  EXPECT_EQ(one(R"({"text":"t","source":"cc"})", {.source = "mine"}).fields, R"("input_source":"cc")");
  EXPECT_EQ(one(R"({"text":"t","source":"mine"})", {.source = "mine"}).fields, "");
  EXPECT_EQ(one(R"({"text":"t","source":["cc"]})").fields, R"("input_source":["cc"])");
  EXPECT_EQ(one(R"({"text":"t","reason":"r","annotations":[1]})").fields, R"("input_reason":"r","input_annotations":[1])");
  const Document nested = one(R"({"text":"t","annotations":{"a":1,"b":[2]}})");
  EXPECT_EQ(nested.fields, R"("input_annotations":{"a":1,"b":[2]})");
  EXPECT_EQ(nested.annotations().size(), 0U);
}

TEST(JsonlReader, IntegersOfAnyLengthAreKept) {
  const std::string members = R"("big":123456789012345678901234567890,"deep":[{"x":-99999999999999999999}],"f":0.1234567890123456789012345)";
  EXPECT_EQ(one("{\"text\":\"123456789012345678901234567890\"," + members + "}").fields, members);
  EXPECT_NE(problem_of(R"({"text":"t","big":00123456789012345678901})").find("not valid JSON"), std::string::npos);
}

TEST(JsonlReader, NamesWhatCannotBeRead) {
  EXPECT_NE(problem_of(R"({"text":"a")").find("not valid JSON"), std::string::npos);
  EXPECT_NE(problem_of(R"({"text":"a","b":tru})").find("not valid JSON"), std::string::npos);
  EXPECT_NE(problem_of(R"({"text":"a"} {"text":"b"})").find("not valid JSON"), std::string::npos);
  EXPECT_NE(problem_of("[1]").find("not a JSON object"), std::string::npos);
  EXPECT_NE(problem_of("{\"text\":\"a\xff\"}").find("invalid UTF-8 at byte 11"), std::string::npos);
  EXPECT_NE(problem_of(std::string("{\"text\":\"a\0\"}", 13)).find("not valid JSON"), std::string::npos) << "a NUL that is not escaped";
  EXPECT_NE(problem_of(R"({"text":"\ud800"})").find("surrogate"), std::string::npos);
  EXPECT_NE(problem_of(R"({"text":"\udc00 x"})").find("surrogate"), std::string::npos);
  EXPECT_NE(problem_of(R"({"text":"a","b":"\ud800\u0041"})").find("surrogate"), std::string::npos);
  EXPECT_NE(problem_of(R"({"content":"a","x":1})").find("no member 'text' (there are: content, x)"), std::string::npos);
  EXPECT_NE(problem_of("{}").find("the object is empty"), std::string::npos);
  EXPECT_NE(problem_of(R"({"text":null})").find("null, not a string"), std::string::npos);
  EXPECT_NE(problem_of(R"({"text":["a"]})").find("'text' is not a string"), std::string::npos);
  EXPECT_NE(problem_of(R"({"text":"a","id":{}})").find("'id' is not a string"), std::string::npos);
  EXPECT_NE(problem_of(R"({"text":"a","url":3})").find("'url' is not a string"), std::string::npos);
  EXPECT_NE(problem_of(R"({"text":"a","x":1,"t\u0065xt":"b"})").find("'text' stands twice"), std::string::npos);
  EXPECT_NE(problem_of(R"({"text":"a","x":1,"x":2})").find("'x' stands twice"), std::string::npos);
  EXPECT_NE(problem_of("{\"text\":" + std::string(5000, '[') + std::string(5000, ']') + "}").find("not valid JSON"), std::string::npos);
  EXPECT_NE(problem_of("{\"text\":\"" + std::string(kMaxLineBytes, 'x') + "\"}").find("the limit is 67.1 MB"), std::string::npos);
}

std::string many_lines() {
  std::string text;
  for (int i = 0; i < 2000; ++i)
    text += i % 97 == 5 ? "broken\n" : "{\"text\":\"" + std::string(static_cast<std::size_t>(i * 37 % 200), 'x') + "\",\"i\":" + std::to_string(i) + "}\n";
  return text;
}

TEST(JsonlReader, UnitsGiveTheSameDocumentsWhateverIsTaken) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("a.jsonl", many_lines());
  const Reading whole = read_input(path);
  EXPECT_EQ(whole.units, 1);
  EXPECT_EQ(whole.documents.size() + whole.problems.size(), 2000U);
  const Reading units = read_input(path, 4096);
  EXPECT_GT(units.units, 40);
  EXPECT_EQ(units.lines(), whole.lines());
  ASSERT_EQ(units.problems.size(), whole.problems.size());
  for (std::size_t i = 0; i < whole.problems.size(); ++i) EXPECT_EQ(units.problems[i].line, whole.problems[i].line);
  for (const std::int64_t parts : {2, 3}) {
    std::map<std::int64_t, std::string> texts;  // by line
    for (std::int64_t part = 0; part < parts; ++part) {
      const Reading mine = read_inputs({{.path = path}}, 4096, [&](std::int64_t index) { return index % parts == part; });
      for (const Document& document : mine.documents) EXPECT_TRUE(texts.emplace(document.line, document.id + document.text()).second);
    }
    ASSERT_EQ(texts.size(), whole.documents.size());
    for (const Document& document : whole.documents) EXPECT_EQ(texts[document.line], document.id + document.text());
  }
}

TEST(JsonlReader, AUnitOutlivesItsReader) {
  const TemporaryDirectory directory;
  for (const bool compressed : {false, true}) {
    std::string path = directory.write("a.jsonl", many_lines());
    if (compressed) {
      path = (directory.path() / "a.jsonl.gz").string();
      const gzFile file = gzopen(path.c_str(), "wb");
      const std::string text = many_lines();
      gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
      gzclose(file);
    }
    std::vector<std::unique_ptr<Unit>> units;
    {
      const auto files = list_inputs({{.path = path}}, 4096);
      const auto reader = open_units(files.front(), 4096);
      while (reader->advance()) units.push_back(reader->take());
    }
    Reading late;
    for (const auto& unit : units) read_unit(*unit, late);
    EXPECT_EQ(late.documents.size(), read_input(path).documents.size());
  }
}

TEST(JsonlReader, ATruncatedFileGivesItsWholeLinesAndThenAnError) {
  const TemporaryDirectory directory;
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "{\"text\":\"" + std::to_string(i * 7919 % 10007) + "\"}\n";
  const std::string path = (directory.path() / "t.jsonl.gz").string();
  const gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  const auto reader = open_units(list_inputs({{.path = path}}, 4096).front(), 4096);
  Reading reading;
  const std::string message = message_of<DataError>([&] {
    while (reader->advance()) read_unit(*reader->take(), reading);
  });
  EXPECT_NE(message.find("t.jsonl.gz: the gzip stream ends early"), std::string::npos) << message;
  EXPECT_TRUE(reading.problems.empty());
  ASSERT_GT(reading.documents.size(), 1500U);
  for (std::size_t i = 0; i < reading.documents.size(); ++i) EXPECT_EQ(reading.documents[i].text(), std::to_string(i * 7919 % 10007));
}

TEST(JsonlReader, AnEmptyFileHasNoDocuments) {
  const TemporaryDirectory directory;
  const Reading reading = read_input(directory.write("empty.jsonl", ""));
  EXPECT_EQ(reading.units, 0);
  EXPECT_TRUE(reading.problems.empty());
}

}  // namespace
}  // namespace phidias::data::pipeline
