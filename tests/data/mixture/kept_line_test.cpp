#include "data/mixture/kept_line.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/data/temporary_directory.h"

#define LLVMFuzzerTestOneInput kept_line_target
#include "tests/fuzz/kept_line_fuzz.cpp"
#include "tests/support/mutations.h"
#undef LLVMFuzzerTestOneInput

namespace phidias::data::mixture {
namespace {

TEST(KeptLine, TakesTextIdAndTheColumnsAskedFor) {
  KeptLineParser parser({"education.score", "language", "source", "flag", "count", "absent"});
  const KeptLine line = parser.parse(
      R"({"id": "a/1", "text": "h\u00e9llo", "source": "web", "kept": true, "annotations": {"education.score": 3.25, "language": "en", "flag": true, "count": 7, "absent": null, "other": []}})");
  EXPECT_EQ(line.text, "h\xC3\xA9llo");
  EXPECT_EQ(line.id, hash_string("a/1").low);
  EXPECT_EQ(line.text_hash, hash_string("h\xC3\xA9llo").low);
  EXPECT_EQ(line.values, (std::vector<ColumnValue>{3.25F, std::string("en"), std::string("web"), 1.0F, 7.0F, std::monostate()}));
}

TEST(KeptLine, PlainLinesHaveColumnsBesideTheTextAndTheTextAsId) {
  KeptLineParser parser({"score"});
  const KeptLine line = parser.parse(R"({"text": "a", "score": 2})");
  EXPECT_EQ(line.values, (std::vector<ColumnValue>{2.0F}));
  EXPECT_EQ(line.id, line.text_hash);
  EXPECT_EQ(parser.parse(R"({"id": 17, "text": "a"})").id, hash_string("17").low);
}

TEST(KeptLine, DroppedLinesNeedNoText) {
  KeptLineParser parser({});
  EXPECT_FALSE(parser.parse(R"({"id": "x", "kept": false, "reason": "length.short"})").kept);
}

TEST(KeptLine, RefusesWhatIsNoDocument) {
  KeptLineParser parser({"score"});
  const auto error = [&](const char* text) { return message_of<DataError>([&] { parser.parse(text); }); };
  EXPECT_EQ(error("[1]"), "expected a JSON object");
  EXPECT_EQ(error(R"({"id": "a"})"), "the line has no text");
  EXPECT_EQ(error(R"({"text": 3})"), "'text' is not a text");
  EXPECT_EQ(error(R"({"text": "a", "annotations": {"score": [1]}})"), "annotation 'score' is neither a number nor a text");
  EXPECT_TRUE(error("{\"text\": \"\xFF\"}").starts_with("not valid JSON"));
  EXPECT_TRUE(error(R"({"text": "a)").starts_with("not valid JSON"));
}

TEST(KeptLine, MutatedLinesNeverCrash) {
  const std::string good = R"({"id": "a/1", "text": "h\u00e9llo", "source": "web", "kept": true, "annotations": {"score": 3.25, "language": "en"}})";
  std::mt19937 random(5);
  for (int i = 0; i < 5000; ++i) {
    const std::string bytes = mutated(good, {}, random);
    kept_line_target(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
}

}  // namespace
}  // namespace phidias::data::mixture
