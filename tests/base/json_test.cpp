#include "base/json.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/atomic_file.h"
#include "base/error.h"

namespace phidias {
namespace {

std::string error_of(std::string_view text) {
  try {
    parse_json(text, "config.json");
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Json, ReadsValuesOfEveryKind) {
  const Json document = parse_json(R"({"a": [1, -2, 2.5, true, null, "\u00e9"], "b": {"a": {}, "c": 18446744073709551615}})", "here");
  EXPECT_EQ(document["a"][0], 1);
  EXPECT_EQ(document["a"][2], 2.5);
  EXPECT_TRUE(document["a"][4].is_null());
  EXPECT_EQ(document["a"][5], "\xc3\xa9");
  EXPECT_EQ(document["b"]["c"].get<std::uint64_t>(), 18446744073709551615ull);
  EXPECT_EQ(parse_json("7", "here"), 7);
}

TEST(Json, ErrorsSayWhere) {
  EXPECT_TRUE(error_of("{\n  \"a\": 1,\n  \"b\": ]\n}").starts_with("config.json:3:8: ")) << error_of("{\n  \"a\": 1,\n  \"b\": ]\n}");
  EXPECT_TRUE(error_of("{\"a\": 1").starts_with("config.json:1:")) << error_of("{\"a\": 1");
  EXPECT_TRUE(error_of("").starts_with("config.json:1:1: ")) << error_of("");
  EXPECT_TRUE(error_of("{} {}").starts_with("config.json:1:4: ")) << error_of("{} {}");
  EXPECT_TRUE(error_of("[\"\xff\"]").starts_with("config.json:1:")) << error_of("[\"\xff\"]");
  EXPECT_EQ(error_of("[1e999]").find("no error"), std::string::npos);
  EXPECT_EQ(error_of("{\n]").find("json.exception"), std::string::npos);
}

TEST(Json, AKeyThatStandsTwiceInOneObjectIsRefused) {
  EXPECT_EQ(error_of("{\"a\": 1,\n \"a\": 2}"), "config.json:2:4: the key \"a\" stands twice in one object");
  EXPECT_NE(error_of(R"({"x": [{"b": 1, "b": 1}]})").find("\"b\" stands twice"), std::string::npos);
  EXPECT_NE(error_of(R"({"\u0061": 1, "a": 1})").find("\"a\" stands twice"), std::string::npos);
  EXPECT_EQ(error_of(R"({"a": {"a": 1}, "b": {"a": 2}, "c": [{"a": 3}, {"a": 4}]})"), "no error");
}

TEST(Json, FilesAreNamedInErrors) {
  const auto path = std::filesystem::path(::testing::TempDir()) / "phidias_json_test.json";
  write_file_atomic(path, "{\"a\": tru}");
  try {
    read_json(path);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with(path.string() + ":1:")) << error.what();
  }
  write_file_atomic(path, "{\"a\": true}");
  EXPECT_EQ(read_json(path)["a"], true);
  std::filesystem::remove(path);
  EXPECT_THROW(read_json(path), DataError);
}

TEST(Json, DeepNestingDoesNotExhaustTheStackOfTheParser) {
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  EXPECT_TRUE(parse_json(deep, "deep").is_array());
}

}  // namespace
}  // namespace phidias
