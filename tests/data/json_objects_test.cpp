#include "data/json_objects.h"

#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "base/json.h"
#include "tests/data/temporary_directory.h"

#define LLVMFuzzerTestOneInput json_object_target
#include "tests/fuzz/json_object_fuzz.cpp"
#undef LLVMFuzzerTestOneInput

namespace phidias::data {
namespace {

TEST(JsonObjects, ComeWithTheirPlaces) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("a.jsonl", "{\"a\": 1}\n\nnothing\n[1]\n{\"a\": \"\xff\"}\n{\"a\": 2}\n");
  std::vector<std::string> seen, bad;
  for_each_json_object(
      path, [&](const JsonObject& object) { seen.push_back(object.where + "=" + text_at(object.value, "a").value()); },
      [&](const std::string& where, const std::string& what) { bad.push_back(where + "=" + what); });
  EXPECT_EQ(seen, (std::vector<std::string>{path + ":1=1", path + ":6=2"}));
  ASSERT_EQ(bad.size(), 3U);
  EXPECT_TRUE(bad[0].starts_with(path + ":3=not valid JSON")) << bad[0];
  EXPECT_EQ(bad[1], path + ":4=not a JSON object");
  EXPECT_EQ(bad[2], path + ":5=invalid UTF-8");
  EXPECT_NE(message_of<DataError>([&] { for_each_json_object(path, [](const JsonObject&) {}); }).find(":3: not valid JSON"), std::string::npos);
}

TEST(JsonObjects, MembersAreFoundByPaths) {
  const OrderedJson value = OrderedJson::parse(R"({"a": {"b": [1, "x", true]}, "a.c": "dotted", "n": 1.5, "t": true, "none": null})");
  EXPECT_EQ(texts_at(value, "a.b"), (std::vector<std::string>{"1", "x", "true"}));
  EXPECT_EQ(text_at(value, "a.c"), "dotted");
  EXPECT_EQ(text_at(value, "n"), "1.5");
  EXPECT_EQ(number_at(value, "t"), 1.0);
  EXPECT_EQ(text_at(value, "a"), std::nullopt);
  EXPECT_EQ(texts_at(value, "a"), std::nullopt);
  EXPECT_EQ(texts_at(value, "none")->size(), 0U);
  EXPECT_EQ(member_at(value, "a.b.c"), nullptr);
}

TEST(JsonObjects, TooDeepOnesAreRefused) {
  OrderedJson value;
  const std::string deep = "{\"a\":" + std::string(200000, '[') + std::string(200000, ']') + "}";
  EXPECT_NE(parse_json_object(deep, value)->find("inside each other"), std::string::npos);
}

TEST(JsonObjects, FoldersAreReadInTheOrderOfNames) {
  const TemporaryDirectory directory;
  for (const char* name : {"b.jsonl", "a.jsonl.zst", "notes.txt"}) directory.write(name, "");
  const std::vector<std::string> files = json_files(directory.path());
  ASSERT_EQ(files.size(), 2U);
  EXPECT_TRUE(files[0].ends_with("a.jsonl.zst"));
  EXPECT_THROW(json_files(std::filesystem::create_directory(directory.path() / "empty") ? (directory.path() / "empty").string() : ""), DataError);
}

TEST(JsonObjects, AnyBytesAreReadOrRefused) {
  std::mt19937 random(5);
  const std::string start =
      R"({"id": "q1", "text": "a\u00e9\ud83d\ude00b", "annotations": {"score": 1e3, "a": {"b": [1, -2.5, null, true]}}, "n": 18446744073709551616})";
  for (int i = 0; i < 4000; ++i) {
    std::string bytes = start;
    for (int change = static_cast<int>(random() % 4); change >= 0 && !bytes.empty(); --change) {
      const std::size_t at = random() % bytes.size();
      static const char* kPieces[] = {"null", "\"", "{", "}", "[", "1e999", "\\u", "\xff", "\\", ",", "\"a\":", "-"};
      if (random() % 3 == 0)
        bytes[at] = static_cast<char>(random());
      else if (random() % 2 == 0)
        bytes.erase(at, 1 + random() % 5);
      else
        bytes.insert(at, kPieces[random() % std::size(kPieces)]);
    }
    json_object_target(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
}

}  // namespace
}  // namespace phidias::data
