// From a record to the token documents it is trained as: template, tokenizer, targets, and what happens above max_length.
//
// Targets (docs: "Conventions"). chat: a token is trained when it begins inside a trained range of the rendered text (an answer's content and its <|end|>, the
// closing eos after a final answer). text: every token, and the eos token that is appended (not where the text was cut). completion: the tokens that begin in
// the completion, and the eos. tokens: labels as given, aligned with input_ids. The first token of a document is never a target.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "configs/run_config.h"
#include "data/chat_template.h"
#include "data/record.h"
#include "data/token_block.h"
#include "data/tokenizers/tokenizer.h"

namespace phidias::data {

struct EncodedChat {
  RenderedChat rendered;
  std::vector<std::int32_t> ids;
  std::vector<std::uint8_t> trained;  // per token, 1 = a target
  std::vector<ByteRange> offsets;
  std::int64_t forged_specials = 0;
};

// What `data.special_tokens_in_content` asks of the tokenizer inside contents.
SpecialTokens inside_content(configs::SpecialTokensInContent choice);

EncodedChat encode_chat(const Tokenizer& tokenizer, const ChatTemplate& chat_template, std::span<const Message> messages, const RenderOptions& options,
                        SpecialTokens inside = SpecialTokens::text);

struct EncoderOptions {
  const Tokenizer* tokenizer = nullptr;
  std::optional<ChatTemplate> chat_template;
  std::string no_template_reason;  // the error of a chat record when there is no template
  configs::TrainOn train_on = configs::TrainOn::assistant;
  configs::OverLength over_length = configs::OverLength::automatic;
  SpecialTokens inside = SpecialTokens::text;
  std::int64_t max_length = 0;  // tokens of a document; > 0
  std::int64_t vocab_size = 0;  // ids of tokens records stay below it; 0: the tokenizer's
};

class RecordEncoder {
 public:
  explicit RecordEncoder(EncoderOptions options);
  // Appends the record's documents to `block` and counts. Throws DataError without a location (unknown token id, forged special token under `error`,
  // a preference or prompt record, a chat without a template).
  void encode(const Record& record, std::int64_t line, TokenBlock& block);

 private:
  void encode_text(std::string_view text, std::int64_t trained_from, TokenBlock& block);
  void encode_tokens(const Record& record);
  void emit(RecordKind kind, std::int64_t line, TokenBlock& block);

  EncoderOptions options_;
  std::vector<std::int32_t> ids_, labels_;  // of the record at hand
  std::vector<std::uint8_t> trained_;
  std::vector<ByteRange> offsets_;
};

}  // namespace phidias::data
