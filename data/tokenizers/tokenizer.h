// Text to token ids and back, exactly as Hugging Face's fast tokenizers do (transformers 4.57.3).
//
//   auto tokenizer = Tokenizer::load(model_directory);      // tokenizer.json (+ tokenizer_config.json), else tokenizer.model, else *.tiktoken
//   std::vector<std::int32_t> ids = tokenizer->encode("Hello world");
//
// Immutable after loading; every method may be called from several threads at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace phidias::data {

// What added tokens written out in the text become.
enum class SpecialTokens {
  parse,  // their ids, as transformers does
  text,   // ordinary text for tokens flagged special (the others, such as </s> in Phi-3, are still parsed)
  error,  // DataError naming the token and its byte position
};

struct ByteRange {
  std::int64_t begin = 0, end = 0;
};

struct EncodeOptions {
  SpecialTokens special = SpecialTokens::parse;
  // With `parse`: ranges of the text (sorted, disjoint) inside which special tokens are treated by `inside` instead: message contents of
  // a rendered chat. A match that touches a range counts as inside.
  std::span<const ByteRange> content{};
  SpecialTokens inside = SpecialTokens::parse;
  bool add_special_tokens = true;  // the post-processor's bos / eos, where the tokenizer has one
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  // Throws DataError: no tokenizer file, or one this program does not implement (naming the field).
  static std::unique_ptr<Tokenizer> load(const std::filesystem::path& directory);

  // Replaces `ids` and `offsets`. Text must be UTF-8 (DataError with the byte position otherwise). `offsets`, when given, receives for each id the byte range
  // of the text it came from as Hugging Face reports it (in bytes here; code points at the command line). `forged`, when given, is increased by the number of
  // special tokens found inside `options.content`.
  virtual void encode(std::string_view text, const EncodeOptions& options, std::vector<std::int32_t>& ids, std::vector<ByteRange>* offsets = nullptr,
                      std::int64_t* forged = nullptr) const = 0;
  std::vector<std::int32_t> encode(std::string_view text, SpecialTokens special = SpecialTokens::parse) const;
  virtual std::string decode(std::span<const std::int32_t> ids, bool skip_special) const = 0;

  virtual std::int64_t vocab_size() const = 0;  // largest id + 1, added tokens included
  virtual std::optional<std::int32_t> token_to_id(std::string_view token) const = 0;
  virtual std::string id_to_token(std::int32_t id) const = 0;  // "" for an id without a token
  virtual bool is_special(std::int32_t id) const = 0;
  virtual std::optional<std::int32_t> bos_id() const = 0;  // tokenizer_config.json
  virtual std::optional<std::int32_t> eos_id() const = 0;
  virtual std::optional<std::int32_t> pad_id() const = 0;
  // Of every file that decides about ids: key of token-store caches.
  virtual Hash128 content_hash() const = 0;
};

}  // namespace phidias::data
