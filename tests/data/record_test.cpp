#include "data/record.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/philox.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data {
namespace {

Record parse(std::string_view line, RecordKind kind = RecordKind::automatic) { return RecordParser().parse(line, kind); }

std::string error_of(std::string_view line, RecordKind kind = RecordKind::automatic) {
  return message_of<DataError>([&] { parse(line, kind); });
}

TEST(Record, KindIsDetectedFromTheFields) {
  EXPECT_EQ(parse(R"({"text": "a"})").kind, RecordKind::text);
  EXPECT_EQ(parse(R"({"messages": [{"role": "user", "content": "a"}], "text": "b"})").kind, RecordKind::chat);
  EXPECT_EQ(parse(R"({"prompt": "a", "completion": "b"})").kind, RecordKind::completion);
  EXPECT_EQ(parse(R"({"prompt": "a", "chosen": "b", "rejected": "c"})").kind, RecordKind::preference);
  EXPECT_EQ(parse(R"({"prompt_ids": [1], "chosen_ids": [2], "rejected_ids": [3]})").kind, RecordKind::preference);
  EXPECT_EQ(parse(R"({"prompt": "a"})").kind, RecordKind::prompt);
  EXPECT_EQ(parse(R"({"input_ids": [1, 2]})").kind, RecordKind::tokens);
  EXPECT_NE(error_of(R"({"question": "a", "answer": "b"})").find("found question, answer"), std::string::npos);
  EXPECT_NE(error_of("{}").find("the object is empty"), std::string::npos);
}

TEST(Record, ReadsChatsWithPartsAndTrainFlags) {
  const Record record = parse(
      R"({"messages": [{"role": "system", "content": ""}, {"role": "user", "content": [{"type": "text", "text": "a\u00e9"}, {"type": "text", "text": "b"}]},
                                  {"role": "assistant", "content": "c", "train": false}]})");
  ASSERT_EQ(record.messages.size(), 3U);
  EXPECT_EQ(record.messages[1].content,
            "a\xc3\xa9"
            "b");
  EXPECT_FALSE(record.messages[1].train.has_value());
  EXPECT_EQ(record.messages[2].train, std::optional<bool>(false));
}

TEST(Record, ReadsTokensAndLabels) {
  const Record record = parse(R"({"input_ids": [5, 6, 7], "labels": [-100, 6, 9]})");
  EXPECT_EQ(record.input_ids, (std::vector<std::int32_t>{5, 6, 7}));
  EXPECT_EQ(record.labels, (std::vector<std::int32_t>{-100, 6, 9}));
}

TEST(Record, NamesWhatIsWrong) {
  EXPECT_NE(error_of(R"({"text": "a")").find("not valid JSON"), std::string::npos);
  EXPECT_NE(error_of("[1, 2]").find("not a JSON object"), std::string::npos);
  EXPECT_EQ(error_of("{\"text\": \"\xff\"}"), "invalid UTF-8");
  EXPECT_NE(error_of(R"({"text": 3})").find("'text' is not a string"), std::string::npos);
  EXPECT_NE(error_of(R"({"prompt": "a"})", RecordKind::text).find("missing field 'text'"), std::string::npos);
  EXPECT_NE(error_of(R"({"prompt": "a"})", RecordKind::completion).find("missing field 'completion'"), std::string::npos);
  EXPECT_NE(error_of(R"({"messages": []})").find("'messages' is empty"), std::string::npos);
  EXPECT_NE(error_of(R"({"messages": "x"})").find("'messages' is not a list"), std::string::npos);
  EXPECT_NE(error_of(R"({"messages": [{"role": "user", "content": "x"}, {"role": "robot", "content": "y"}]})").find("message 2: unknown role 'robot'"),
            std::string::npos);
  EXPECT_NE(error_of(R"({"messages": [{"content": "x"}]})").find("message 1: missing field 'role'"), std::string::npos);
  EXPECT_NE(error_of(R"({"messages": [{"role": "user"}]})").find("message 1: missing field 'content'"), std::string::npos);
  EXPECT_NE(error_of(R"({"messages": [{"role": "user", "content": [{"type": "image"}]}]})").find("only parts"), std::string::npos);
  EXPECT_NE(error_of(R"({"messages": [{"role": "user", "content": "x", "train": 1}]})").find("'train'"), std::string::npos);
  EXPECT_NE(error_of(R"({"input_ids": [1, "2"]})").find("at index 1"), std::string::npos);
  EXPECT_NE(error_of(R"({"input_ids": [1, 99999999999]})").find("at index 1"), std::string::npos);
  EXPECT_NE(error_of(R"({"input_ids": [1, 2], "labels": [1]})").find("'labels' has 1 entries for 2"), std::string::npos);
  EXPECT_NE(error_of(std::string(3000, '[')).find("not valid JSON"), std::string::npos) << "nesting has a limit";
  EXPECT_THROW(record_kind_from("chats"), ConfigError);
}

// Damaged lines end in a record or in DataError, never otherwise; one parser serves all of them.
TEST(Record, SurvivesDamagedLines) {
  const std::vector<std::string> seeds = {
      R"({"text": "a \u00e9 \ud83d\ude00 b"})",
      R"({"messages": [{"role": "user", "content": [{"type": "text", "text": "q"}]}, {"role": "assistant", "content": "a", "train": true}]})",
      R"({"prompt": "a", "completion": "b"})", R"({"input_ids": [1, 2, 3], "labels": [-100, 2, 3]})",
      R"({"prompt": "a", "chosen": "b", "rejected": "c", "margin": 0.5})"};
  RecordParser parser;
  int records = 0, errors = 0;
  for (std::uint64_t round = 0; round < 20000; ++round) {
    const PhiloxKey key = philox_key(7, RandomSite::shuffle, round);
    std::string line = seeds[round % seeds.size()];
    const std::uint32_t edits = 1 + philox_uint32(key, 0) % 4;
    for (std::uint32_t e = 0; e < edits && !line.empty(); ++e) {
      const std::uint32_t draw = philox_uint32(key, 1 + 3 * e), at = philox_uint32(key, 2 + 3 * e) % static_cast<std::uint32_t>(line.size());
      const char byte = static_cast<char>(philox_uint32(key, 3 + 3 * e));
      if (draw % 4 == 0)
        line[at] = byte;
      else if (draw % 4 == 1)
        line.erase(at, 1 + draw / 4 % 8);
      else if (draw % 4 == 2)
        line.insert(at, 1, byte);
      else
        line += line.substr(at, 20);
    }
    try {
      parser.parse(line, RecordKind::automatic);
      ++records;
    } catch (const DataError&) {
      ++errors;
    }
  }
  EXPECT_GT(records, 100);
  EXPECT_GT(errors, 1000);
  EXPECT_EQ(parser.parse(seeds[0], RecordKind::automatic).text, "a \xc3\xa9 \xf0\x9f\x98\x80 b");
}

}  // namespace
}  // namespace phidias::data
