#include "data/record_encoder.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/data/byte_tokenizer.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data {
namespace {

const ByteTokenizer kTokenizer;

EncoderOptions options(std::int64_t max_length = 1000, configs::OverLength over_length = configs::OverLength::automatic) {
  EncoderOptions result{.tokenizer = &kTokenizer, .chat_template = ChatTemplate::named("phi-3-mini", "<s>", "<|endoftext|>"), .no_template_reason = {}};
  result.max_length = max_length;
  result.over_length = over_length;
  return result;
}

TokenBlock encode(const Record& record, const EncoderOptions& with) {
  TokenBlock block;
  RecordEncoder(with).encode(record, 7, block);
  return block;
}

Record text_record(std::string text) {
  Record record;
  record.text = std::move(text);
  return record;
}

Record chat_record(std::vector<Message> messages) {
  Record record;
  record.kind = RecordKind::chat;
  record.messages = std::move(messages);
  return record;
}

// Tokens of a document, trained ones in upper case; specials as E(os), A, S, e(nd), U.
std::string show(const TokenBlock& block, std::size_t document) {
  const DocumentEntry& entry = block.view().entries[document];
  std::string text;
  for (std::size_t i = entry.begin; i < entry.begin + entry.length; ++i) {
    const std::int32_t id = block.view().ids[i];
    const std::string token = id < 256 ? std::string(1, static_cast<char>(id)) : std::string("[") + "_asxu"[id - 256] + "]";
    text += block.view().trained[i] != 0 ? (id < 256 ? std::string(1, static_cast<char>(toupper(id))) : token + "+") : token;
  }
  return text;
}

TEST(RecordEncoder, TextIsTrainedWholeAndEndsWithEos) {
  const TokenBlock block = encode(text_record("abc"), options());
  ASSERT_EQ(block.view().entries.size(), 1U);
  EXPECT_EQ(show(block, 0), "aBC[_]+") << "the first token has nothing before it and is no target";
  EXPECT_EQ(block.view().entries[0].targets, 3U);
  EXPECT_EQ(block.view().entries[0].line, 7U);
}

TEST(RecordEncoder, CompletionTrainsTheCompletionAndEos) {
  Record record;
  record.kind = RecordKind::completion;
  record.prompt = "ab";
  record.completion = "cd";
  EXPECT_EQ(show(encode(record, options()), 0), "abCD[_]+");
}

TEST(RecordEncoder, ChatTrainsAnswersEndsAndTheClosingEos) {
  const TokenBlock block = encode(chat_record({{"user", "q", {}}, {"assistant", "a", {}}}), options());
  EXPECT_EQ(show(block, 0), "[u]q[x][a]A[x]+[_]+");
}

TEST(RecordEncoder, RoleTokenThatSwallowsWhiteSpaceIsNotTrained) {
  EXPECT_EQ(show(encode(chat_record({{"user", "q", {}}, {"assistant", "  a", {}}}), options()), 0), "[u]q[x][a]A[x]+[_]+");
}

TEST(RecordEncoder, TokensTakeLabelsAsTheyAre) {
  Record record;
  record.kind = RecordKind::tokens;
  record.input_ids = {10, 11, 12, 13};
  TokenBlock block = encode(record, options());
  EXPECT_EQ(block.view().entries[0].targets, 3U);
  EXPECT_TRUE(block.view().labels.empty());
  record.labels = {10, -100, 99, 13};
  RecordEncoder(options()).encode(record, 8, block);
  ASSERT_EQ(block.view().entries.size(), 2U);
  EXPECT_EQ(block.view().entries[1].targets, 2U);
  EXPECT_EQ(std::vector<std::int32_t>(block.view().labels.begin(), block.view().labels.end()), (std::vector<std::int32_t>{10, 11, 12, 13, 10, -100, 99, 13}));
  record.input_ids[2] = 262;
  EXPECT_NE(message_of<DataError>([&] { encode(record, options()); }).find("'input_ids' holds 262 at index 2; token ids are 0 to 261"), std::string::npos);
}

TEST(RecordEncoder, LongTextIsSplitWithoutLoss) {
  const TokenBlock block = encode(text_record("abcdefghij"), options(4));
  ASSERT_EQ(block.view().entries.size(), 3U);
  EXPECT_EQ(show(block, 0) + "/" + show(block, 1) + "/" + show(block, 2), "aBCD/eFGH/iJ[_]+");
  EXPECT_EQ(block.view().entries[2].piece, 2U);
  EXPECT_EQ(block.counters.split, 1);
  EXPECT_EQ(encode(text_record("abcd"), options(4)).view().entries.size(), 1U) << "an eos alone in a last piece has no target and makes no document";
}

TEST(RecordEncoder, LongTextIsCutOrDroppedWhenAsked) {
  const TokenBlock cut = encode(text_record("abcdefghij"), options(4, configs::OverLength::truncate));
  EXPECT_EQ(show(cut, 0), "aBCD") << "no eos after a cut";
  EXPECT_EQ(cut.counters.truncated, 1);
  const TokenBlock dropped = encode(text_record("abcdefghij"), options(4, configs::OverLength::drop));
  EXPECT_TRUE(dropped.view().entries.empty());
  EXPECT_EQ(dropped.counters.dropped_long, 1);
}

TEST(RecordEncoder, LongChatIsCutAndDroppedWhenNoTargetIsLeft) {
  const Record record = chat_record({{"user", "question", {}}, {"assistant", "answer", {}}});
  const TokenBlock cut = encode(record, options(14));
  EXPECT_EQ(show(cut, 0), "[u]question[x][a]ANS");
  const TokenBlock dropped = encode(record, options(11));
  EXPECT_TRUE(dropped.view().entries.empty());
  EXPECT_EQ(dropped.counters.dropped_no_target, 1);
}

TEST(RecordEncoder, ForgedSpecialTokensFollowTheRuleAndAreCounted) {
  const Record record = chat_record({{"user", "a<|end|>b", {}}, {"assistant", "c", {}}});
  const TokenBlock text = encode(record, options());
  EXPECT_EQ(show(text, 0), "[u]a<|end|>b[x][a]C[x]+[_]+");
  EXPECT_EQ(text.counters.forged_specials, 1);
  EncoderOptions parse = options();
  parse.inside = SpecialTokens::parse;
  EXPECT_EQ(show(encode(record, parse), 0), "[u]a[x]b[x][a]C[x]+[_]+");
  EncoderOptions error = options();
  error.inside = SpecialTokens::error;
  EXPECT_NE(message_of<DataError>([&] { encode(record, error); }).find("<|end|>"), std::string::npos);
  EXPECT_EQ(encode(text_record("x<|end|>y"), options()).counters.forged_specials, 1) << "a text is content from end to end";
}

TEST(RecordEncoder, PairsAndPromptsAreRefusedPolitely) {
  Record record;
  record.kind = RecordKind::preference;
  EXPECT_NE(message_of<DataError>([&] { encode(record, options()); }).find("a preference record"), std::string::npos);
  EncoderOptions bare = options();
  bare.chat_template.reset();
  bare.no_template_reason = "the directory has no template";
  EXPECT_NE(message_of<DataError>([&] { encode(chat_record({{"user", "q", {}}}), bare); }).find("the directory has no template"), std::string::npos);
}

}  // namespace
}  // namespace phidias::data
