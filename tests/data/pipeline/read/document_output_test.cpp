#include "data/pipeline/read/document_output.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <limits>

#include "base/json.h"
#include "data/pipeline/read/json_document.h"
#include "data/pipeline/read/json_text.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(text, out);
  return out;
}

std::string printed(double value) {
  std::string out;
  append_json_number(value, out);
  return out;
}

Document example() {
  Document document;
  document.id = "a/1";
  document.source = "web";
  document.set_text("one \"two\"\n");
  document.fields = R"("metadata":{"k": 1})";
  document.annotations().set("words", 812.0);
  document.annotations().set("language", "en");
  document.annotations().set("good", true);
  return document;
}

std::string line_of(const Document& document, const LineContent& content = {}) {
  std::string line;
  append_document_line(document, content, line);
  return line;
}

TEST(DocumentOutput, WritesTheMembersInTheirOrder) {
  Document document = example();
  EXPECT_EQ(line_of(document),
            R"({"id":"a/1","text":"one \"two\"\n","source":"web","metadata":{"k": 1},"kept":true,"annotations":{"words":812,"language":"en","good":true}})"
            "\n");
  document.url = "http://x";
  document.drop("short");
  EXPECT_EQ(line_of(document, {.text = false, .annotations = true}),
            R"({"id":"a/1","source":"web","kept":false,"reason":"short","annotations":{"words":812,"language":"en","good":true}})"
            "\n");
  EXPECT_EQ(line_of(document, {.text = true, .annotations = false}),
            R"({"id":"a/1","text":"one \"two\"\n","url":"http://x","source":"web","metadata":{"k": 1},"kept":false,"reason":"short"})"
            "\n");
}

TEST(DocumentOutput, EscapesExactlyWhatJsonAsksFor) {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  all += "\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80";
  for (std::size_t shift = 0; shift < 9; ++shift) {  // every place in a word of eight bytes
    const std::string text = std::string(shift, 'x') + all;
    EXPECT_EQ(parse_json(json_string(text), "test").get<std::string>(), text);
    EXPECT_EQ(json_string(text), Json(text).dump()) << "the choice of escapes is nlohmann's";
  }
  EXPECT_EQ(json_string(""), "\"\"");
}

TEST(DocumentOutput, NumbersAreShortestAndReadBackTheSame) {
  EXPECT_EQ(printed(812), "812");
  EXPECT_EQ(printed(0.1), "0.1");
  EXPECT_EQ(printed(-0.0), "-0.0");
  EXPECT_EQ(printed(1e21), "1e+21");
  EXPECT_EQ(printed(123456789012345680000.0), "1.2345678901234568e+20");
  EXPECT_EQ(printed(std::nan("")), "null");
  EXPECT_EQ(printed(-std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(printed(5e-324), "5e-324");
}

// Characters of one to four bytes, with many that are escaped.
rc::Gen<std::string> any_text() {
  const auto character = rc::gen::weightedOneOf<std::uint32_t>({{4, rc::gen::inRange<std::uint32_t>(0, 0x80)},
                                                                {2, rc::gen::element<std::uint32_t>('"', '\\', '\n', 0, 0x1f, 0x7f)},
                                                                {1, rc::gen::inRange<std::uint32_t>(0x80, 0xd800)},
                                                                {1, rc::gen::inRange<std::uint32_t>(0xe000, 0x110000)}});
  return rc::gen::map(rc::gen::container<std::vector<std::uint32_t>>(character), [](const std::vector<std::uint32_t>& points) {
    std::string text;
    for (const std::uint32_t point : points) append_utf8(text, point);
    return text;
  });
}

bool same(const AnnotationValue& a, const AnnotationValue& b) {
  const double *x = std::get_if<double>(&a), *y = std::get_if<double>(&b);
  if (x == nullptr || y == nullptr) return a == b;
  return std::isnan(*x) ? std::isnan(*y) : *x == *y && std::signbit(*x) == std::signbit(*y);
}

TEST(DocumentOutput, ALineReadsBackAsTheSameDocument) {
  EXPECT_TRUE(rc::check([] {
    Document document;
    document.id = "i" + *any_text();
    document.url = *any_text();
    document.source = *any_text();
    document.set_text(*any_text());
    const auto members = *rc::gen::container<std::vector<std::string>>(any_text());
    for (std::size_t i = 0; i < members.size(); ++i)
      document.fields +=
          (i > 0 ? "," : "") + json_string("f" + std::to_string(i)) + ":{" + json_string(members[i]) + ": [" + json_string(members[i]) + ",{} , -1]}";
    for (int i = *rc::gen::inRange(0, 6); i > 0; --i) {
      const std::string name = std::to_string(i) + *any_text();
      switch (*rc::gen::inRange(0, 3)) {
        case 0:
          document.annotations().set(name, *rc::gen::arbitrary<double>());
          break;
        case 1:
          document.annotations().set(name, *rc::gen::arbitrary<bool>());
          break;
        default:
          document.annotations().set(name, std::string_view(*any_text()));
      }
    }
    const std::string line = line_of(document);
    RC_ASSERT(line.find('\n') == line.size() - 1);
    Document read;
    JsonDocuments({.path = "x.jsonl", .source = {.path = "x.jsonl", .source = document.source}}).parse(line, line.size(), 1, read);
    RC_ASSERT(read.id == document.id);
    RC_ASSERT(read.url == document.url);
    RC_ASSERT(read.source == document.source);
    RC_ASSERT(read.text() == document.text());
    RC_ASSERT(read.fields == document.fields);
    RC_ASSERT(read.annotations().size() == document.annotations().size());
    for (std::size_t i = 0; i < read.annotations().size(); ++i) {
      RC_ASSERT(read.annotations().begin()[i].name == document.annotations().begin()[i].name);
      RC_ASSERT(same(read.annotations().begin()[i].value, document.annotations().begin()[i].value));
    }
    RC_ASSERT(line_of(read) == line);
  }));
}

}  // namespace
}  // namespace phidias::data::pipeline
