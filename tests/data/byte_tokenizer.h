// A tokenizer for tests: every byte is a token (id = byte), and Phi-3's special tokens follow, role tokens and <|end|> swallowing white space after them.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/error.h"
#include "data/tokenizers/tokenizer.h"

namespace phidias::data {

class ByteTokenizer final : public Tokenizer {
 public:
  using Tokenizer::encode;
  static constexpr std::array<std::string_view, 6> kSpecials = {"<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>", "<s>"};
  static constexpr std::int32_t kEos = 256, kAssistant = 257, kSystem = 258, kEnd = 259, kUser = 260, kBos = 261;

  void encode(std::string_view text, const EncodeOptions& options, std::vector<std::int32_t>& ids, std::vector<ByteRange>* offsets,
              std::int64_t* forged) const override {
    for (std::int64_t at = 0; at < static_cast<std::int64_t>(text.size());) {
      std::int64_t end = at + 1;
      std::int32_t id = static_cast<unsigned char>(text[static_cast<std::size_t>(at)]);
      for (std::size_t s = 0; s < kSpecials.size(); ++s) {
        if (!text.substr(static_cast<std::size_t>(at)).starts_with(kSpecials[s])) continue;
        const std::int64_t stop = at + static_cast<std::int64_t>(kSpecials[s].size());
        bool inside = false;
        for (const ByteRange& range : options.content) inside |= at < range.end && stop > range.begin;
        if (inside && forged != nullptr) ++*forged;
        const SpecialTokens rule = inside ? options.inside : options.special;
        if (rule == SpecialTokens::error) throw DataError("special token " + std::string(kSpecials[s]) + " at byte " + std::to_string(at));
        if (rule == SpecialTokens::text) continue;
        id = 256 + static_cast<std::int32_t>(s);
        end = stop;
        if (id != kEos && id != kBos) {
          while (end < static_cast<std::int64_t>(text.size()) && (text[static_cast<std::size_t>(end)] == '\n' || text[static_cast<std::size_t>(end)] == ' '))
            ++end;
        }
      }
      ids.push_back(id);
      if (offsets != nullptr) offsets->push_back({at, end});
      at = end;
    }
  }
  std::string decode(std::span<const std::int32_t> ids, bool skip_special) const override {
    std::string text;
    for (const std::int32_t id : ids) {
      if (id < 256)
        text += static_cast<char>(id);
      else if (!skip_special)
        text += id_to_token(id);
    }
    return text;
  }
  std::int64_t vocab_size() const override { return 262; }
  std::optional<std::int32_t> token_to_id(std::string_view token) const override {
    for (std::size_t s = 0; s < kSpecials.size(); ++s) {
      if (kSpecials[s] == token) return 256 + static_cast<std::int32_t>(s);
    }
    return std::nullopt;
  }
  std::string id_to_token(std::int32_t id) const override {
    return id >= 256 ? std::string(kSpecials[static_cast<std::size_t>(id - 256)]) : std::string(1, static_cast<char>(id));
  }
  bool is_special(std::int32_t id) const override { return id >= 256; }
  std::optional<std::int32_t> bos_id() const override { return kBos; }
  std::optional<std::int32_t> eos_id() const override { return kEos; }
  std::optional<std::int32_t> pad_id() const override { return kEos; }
  Hash128 content_hash() const override { return hash_string("bytes"); }
};

}  // namespace phidias::data
