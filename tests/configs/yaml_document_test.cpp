#include "configs/yaml_document.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace phidias::configs {

namespace {

std::string problems_of(const std::string& text) {
  Problems problems;
  parse_yaml(text, "f", problems);
  try {
    problems.throw_if_any();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST(YamlDocument, KeepsPositionsOfKeysAndValues) {
  Problems problems;
  const auto document = parse_yaml("a: 1\nb:\n  - x\n  - {c: 'd'}\n", "f", problems);
  ASSERT_TRUE(document && problems.empty());
  EXPECT_EQ(document->key_positions[1].text(), "f:2:1");
  const Value& list = *document->find("b");
  ASSERT_EQ(list.kind, Value::Kind::list);
  EXPECT_EQ(list.items[0].position.text(), "f:3:5");
  const Value& inner = *list.items[1].find("c");
  EXPECT_EQ(inner.position.text(), "f:4:9");
  EXPECT_EQ(inner.text, "d");
  EXPECT_TRUE(inner.quoted);
}

TEST(YamlDocument, QuotedNullIsText) {
  Problems problems;
  const auto document = parse_yaml("a: null\nb: 'null'\nc:\nd: ~\n", "f", problems);
  EXPECT_TRUE(document->find("a")->is_null());
  EXPECT_EQ(document->find("b")->kind, Value::Kind::scalar);
  EXPECT_TRUE(document->find("c")->is_null());
  EXPECT_TRUE(document->find("d")->is_null());
}

TEST(YamlDocument, EmptyTextIsNull) {
  Problems problems;
  EXPECT_TRUE(parse_yaml("", "f", problems)->is_null());
  EXPECT_TRUE(parse_yaml("# only a comment\n", "f", problems)->is_null());
  EXPECT_TRUE(problems.empty());
}

TEST(YamlDocument, NamesATabThatIndents) {
  const std::string told = "not valid YAML: tabs cannot indent YAML: use spaces";
  EXPECT_EQ(problems_of("a:\n\t- x\n"), "f:2:1: " + told);
  EXPECT_EQ(problems_of("a:\n  b: 1\n\tc: 2\n"), "f:3:1: " + told);
  EXPECT_EQ(problems_of("a:\n  - x\n  \t- y: [\n").find("f:3:1: " + told), 0U) << problems_of("a:\n  - x\n  \t- y: [\n");
  EXPECT_EQ(problems_of("a: |\n  x\n  \ty\nb: 1\nc: [\n").find("tab"), std::string::npos) << "a tab inside a text is not at fault";
}

TEST(YamlDocument, DuplicateKeysNameBothPlacesAndTheFullPath) {
  EXPECT_EQ(problems_of("a:\n  - {b: 1, c: 2, b: 3}\n"), "f:2:18: a[0].b: duplicate key, first given at f:2:6");
}

TEST(YamlDocument, RefusesWhatReadersResolveDifferently) {
  EXPECT_EQ(problems_of("a: {x: 1}\n<<: {y: 2}\n"), "f:2:1: <<: merge keys are not supported: write the keys out");
  EXPECT_NE(problems_of("a: &n 1\nb: *n\n").find("anchors"), std::string::npos);
  EXPECT_NE(problems_of("a: &n 1\nb: *n\n").find("aliases"), std::string::npos);
  EXPECT_NE(problems_of("a: &n [*n]\n").find("aliases"), std::string::npos);  // a cycle
  EXPECT_NE(problems_of("a: !!int 1\n").find("tags"), std::string::npos);
  EXPECT_NE(problems_of("? [a, b]\n: 1\n").find("a key must be plain text"), std::string::npos);
  EXPECT_NE(problems_of("? {a: b}\n: {c: d}\ne: f\n").find("a key must be plain text"), std::string::npos);
  EXPECT_NE(problems_of("a: 1\n---\nb: 2\n").find("second YAML document"), std::string::npos);
}

TEST(YamlDocument, SyntaxErrorsHaveAPlace) {
  EXPECT_EQ(problems_of("a: 1\nb: [1, 2\n").substr(0, 4), "f:3:");
  EXPECT_NE(problems_of("a: 1\nb: [1, 2\n").find("not valid YAML"), std::string::npos);
}

TEST(YamlDocument, DeepNestingIsAnErrorNotACrash) {
  EXPECT_NE(problems_of(std::string(100000, '[')).find("not valid YAML"), std::string::npos);
  std::string nested;
  for (int depth = 0; depth < 3000; ++depth) nested += std::string(static_cast<std::size_t>(depth), ' ') + "a:\n";
  EXPECT_NE(problems_of(nested), "");
}

}  // namespace phidias::configs
