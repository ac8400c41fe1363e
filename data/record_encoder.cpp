#include "data/record_encoder.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "data/batch.h"

namespace phidias::data {

SpecialTokens inside_content(configs::SpecialTokensInContent choice) {
  switch (choice) {
    case configs::SpecialTokensInContent::text:
      return SpecialTokens::text;
    case configs::SpecialTokensInContent::parse:
      return SpecialTokens::parse;
    case configs::SpecialTokensInContent::error:
      return SpecialTokens::error;
  }
  return SpecialTokens::text;
}

EncodedChat encode_chat(const Tokenizer& tokenizer, const ChatTemplate& chat_template, std::span<const Message> messages, const RenderOptions& options,
                        SpecialTokens inside) {
  EncodedChat chat;
  chat.rendered = chat_template.render(messages, options);
  const EncodeOptions encode{.special = SpecialTokens::parse, .content = chat.rendered.content, .inside = inside, .add_special_tokens = false};
  tokenizer.encode(chat.rendered.text, encode, chat.ids, &chat.offsets, &chat.forged_specials);
  chat.trained.assign(chat.ids.size(), 0);
  // Both lists are sorted. A role token that swallows the answer's leading white space begins before the range and is not a target.
  auto range = chat.rendered.trained.begin();
  for (std::size_t t = 0; t < chat.ids.size(); ++t) {
    const std::int64_t begin = chat.offsets[t].begin;
    while (range != chat.rendered.trained.end() && range->end <= begin) ++range;
    if (range == chat.rendered.trained.end()) break;
    chat.trained[t] = begin >= range->begin ? 1 : 0;
  }
  return chat;
}

RecordEncoder::RecordEncoder(EncoderOptions options) : options_(std::move(options)) {
  if (options_.vocab_size == 0) options_.vocab_size = options_.tokenizer->vocab_size();
  if (options_.max_length < 2) throw ConfigError("data.max_length: a document needs at least 2 tokens");
}

void RecordEncoder::encode_text(std::string_view text, std::int64_t trained_from, TokenBlock& block) {
  const ByteRange whole{0, static_cast<std::int64_t>(text.size())};
  const EncodeOptions encode{
      .special = SpecialTokens::parse, .content = {&whole, text.empty() ? 0U : 1U}, .inside = options_.inside, .add_special_tokens = true};
  options_.tokenizer->encode(text, encode, ids_, &offsets_, &block.counters.forged_specials);
  trained_.resize(ids_.size());
  for (std::size_t t = 0; t < ids_.size(); ++t) trained_[t] = offsets_[t].begin >= trained_from ? 1 : 0;
  const std::optional<std::int32_t> eos = options_.tokenizer->eos_id();
  if (!eos) throw DataError("the tokenizer has no eos token (tokenizer_config.json, \"eos_token\"), which ends every text");
  if (ids_.empty() || ids_.back() != *eos) {
    ids_.push_back(*eos);
    trained_.push_back(1);
  } else {
    trained_.back() = 1;
  }
}

void RecordEncoder::encode_tokens(const Record& record) {
  const auto check = [&](const std::vector<std::int32_t>& values, const char* field, bool ignored_allowed) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (ignored_allowed && values[i] == kIgnoredTarget) continue;
      if (values[i] < 0 || values[i] >= options_.vocab_size) {
        throw DataError(std::string("'") + field + "' holds " + std::to_string(values[i]) + " at index " + std::to_string(i) + "; token ids are 0 to " +
                        std::to_string(options_.vocab_size - 1));
      }
    }
  };
  check(record.input_ids, "input_ids", false);
  check(record.labels, "labels", true);
  ids_ = record.input_ids;
  trained_.assign(ids_.size(), 1);
  bool differ = false;
  for (std::size_t i = 0; i < record.labels.size(); ++i) {
    trained_[i] = record.labels[i] != kIgnoredTarget ? 1 : 0;
    differ |= trained_[i] != 0 && record.labels[i] != ids_[i];
  }
  if (differ) labels_ = record.labels;
}

void RecordEncoder::encode(const Record& record, std::int64_t line, TokenBlock& block) {
  ids_.clear();
  labels_.clear();
  trained_.clear();
  offsets_.clear();
  switch (record.kind) {
    case RecordKind::text:
      encode_text(record.text, 0, block);
      break;
    case RecordKind::completion:
      encode_text(record.prompt + record.completion, static_cast<std::int64_t>(record.prompt.size()), block);
      break;
    case RecordKind::tokens:
      encode_tokens(record);
      break;
    case RecordKind::chat: {
      if (!options_.chat_template) throw DataError("a chat record, but " + options_.no_template_reason);
      EncodedChat chat = encode_chat(*options_.tokenizer, *options_.chat_template, record.messages,
                                     {.add_generation_prompt = false, .train_on = options_.train_on}, options_.inside);
      ids_ = std::move(chat.ids);
      trained_ = std::move(chat.trained);
      block.counters.forged_specials += chat.forged_specials;
      block.counters.system_left_out += chat.rendered.left_out;
      break;
    }
    default:
      throw DataError("a " + std::string(to_string(record.kind)) + " record; the methods pretrain and sft train on text, chat, completion and tokens records");
  }
  ++block.counters.records;
  emit(record.kind, line, block);
}

void RecordEncoder::emit(RecordKind kind, std::int64_t line, TokenBlock& block) {
  const auto limit = static_cast<std::size_t>(options_.max_length);
  const auto piece = [&](std::size_t begin, std::size_t end, std::uint32_t number) {
    const std::span<const std::int32_t> labels = labels_;
    block.add(std::span(ids_).subspan(begin, end - begin), std::span(trained_).subspan(begin, end - begin),
              labels.empty() ? labels : labels.subspan(begin, end - begin), line, number);
  };
  if (ids_.size() <= limit) return piece(0, ids_.size(), 0);
  configs::OverLength rule = options_.over_length;
  if (rule == configs::OverLength::automatic) {
    rule = kind == RecordKind::text || kind == RecordKind::tokens ? configs::OverLength::split : configs::OverLength::truncate;
  }
  if (rule == configs::OverLength::drop) {
    ++block.counters.dropped_long;
  } else if (rule == configs::OverLength::truncate) {
    ++block.counters.truncated;
    piece(0, limit, 0);
  } else {
    ++block.counters.split;
    std::uint32_t number = 0;
    for (std::size_t begin = 0; begin + 1 < ids_.size(); begin += limit)
      piece(begin, std::min(begin + limit, ids_.size()), number++);  // one token alone has no target
  }
}

}  // namespace phidias::data
