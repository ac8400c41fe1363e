// The tokenizer that a TokenizerDefinition describes: added tokens, normalizer, word pattern, byte-pair encoding, template, decoder.
//
// Speed: words (of the pattern, or between places that no merge can cross) are looked up in a cache of one line per word; the few misses are
// merged. Each call borrows a workspace from a pool, so calls of several threads share nothing but the pool's lock.
#pragma once

#include <memory>
#include <mutex>

#include "data/tokenizers/added_vocabulary.h"
#include "data/tokenizers/bpe_model.h"
#include "data/tokenizers/definition.h"
#include "data/tokenizers/tokenizer.h"

namespace phidias::data {

class BpeTokenizer final : public Tokenizer {
 public:
  BpeTokenizer(TokenizerDefinition definition, Hash128 content_hash);
  ~BpeTokenizer() override;

  using Tokenizer::encode;
  void encode(std::string_view text, const EncodeOptions& options, std::vector<std::int32_t>& ids, std::vector<ByteRange>* offsets = nullptr,
              std::int64_t* forged = nullptr) const override;
  std::string decode(std::span<const std::int32_t> ids, bool skip_special) const override;
  std::int64_t vocab_size() const override;
  std::optional<std::int32_t> token_to_id(std::string_view token) const override;
  std::string id_to_token(std::int32_t id) const override;
  bool is_special(std::int32_t id) const override;
  std::optional<std::int32_t> bos_id() const override { return id_of(definition_.bos_token); }
  std::optional<std::int32_t> eos_id() const override { return id_of(definition_.eos_token); }
  std::optional<std::int32_t> pad_id() const override { return id_of(definition_.pad_token); }
  Hash128 content_hash() const override { return content_hash_; }

 private:
  struct Workspace;
  struct Loan;  // a workspace while a call has it
  struct Output;
  std::optional<std::int32_t> id_of(const std::optional<std::string>& token) const;
  std::string normalized(std::string_view text) const;

  void encode_raw(std::string_view text, std::size_t text_begin, const MatchFilter& keep, Workspace& workspace, Output& output) const;
  std::string_view canonicalize(std::string_view text, std::size_t text_begin, Workspace& workspace, Output& output) const;
  void encode_piece(std::string_view text, Workspace& workspace, Output& output) const;
  template <WordPattern pattern>
  void encode_words(const char* begin, const char* end, std::int64_t begin_position, Workspace& workspace, Output& output) const;
  void encode_uncached(std::string_view word, std::int64_t position, Workspace& workspace, Output& output) const;
  void trim_offsets(std::string_view text, Output& output) const;

  TokenizerDefinition definition_;
  BpeModel model_;
  AddedVocabulary added_;
  Hash128 content_hash_;
  mutable std::mutex pool_mutex_;
  mutable std::vector<std::unique_ptr<Workspace>> pool_;
};

}  // namespace phidias::data
