// What a tokenizer's files say, whichever format they are in: the readers (tokenizer_json.h, sentencepiece_model.h, tiktoken_file.h) fill it,
// transformers_config.h applies tokenizer_config.json on top, bpe_tokenizer.h runs it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace phidias::data {

inline constexpr std::string_view kWordMark = "\xE2\x96\x81";  // U+2581, SentencePiece's stand-in for a space

// The text with a space for every word mark.
std::string with_plain_spaces(std::string_view text);

struct AddedToken {
  std::string content;
  bool special = false, normalized = false, single_word = false, lstrip = false, rstrip = false;
  bool operator==(const AddedToken&) const = default;
};

struct MergeRule {
  std::uint32_t rank = 0;  // lower merges first; rules of one result may share a rank
  std::int32_t left = 0, right = 0, result = 0;
};

struct Vocabulary {
  std::vector<std::string> pieces;  // by id; "" where no piece has the id
  std::unordered_map<std::string, std::int32_t> ids;
  // False when the piece or the id is taken already by another.
  bool add(std::string piece, std::int32_t id);
  std::optional<std::int32_t> find(const std::string& piece) const;
};

// How a text between added tokens is cut into words that are merged on their own.
enum class WordPattern { none, gpt2, cl100k, o200k };

// Where a word mark (or, byte-level, a space) is put in front of a piece of text.
enum class Prefix {
  never,
  normalizer,  // every piece between added tokens, before added tokens flagged `normalized` are looked for
  always,      // every piece, unless it starts with one already
  first,       // the same, only at the very start of the text
};

struct DecoderStep {
  enum Kind { replace, byte_fallback, fuse, strip, byte_level } kind = fuse;
  std::string pattern{}, content{};  // replace; strip: content is one character
  std::size_t strip_start = 0, strip_stop = 0;
};

struct TokenizerDefinition {
  // The model: byte-pair encoding.
  Vocabulary vocabulary;
  std::vector<MergeRule> merges;
  std::optional<std::string> unk_token;
  bool byte_fallback = false, fuse_unk = false, ignore_merges = false;
  // Before the model.
  bool byte_level = false;      // symbols are bytes spelled in the GPT-2 alphabet
  bool replace_spaces = false;  // " " becomes U+2581 ...
  bool has_normalizer = false;  // ... in the normalizer, before added tokens flagged `normalized` are looked for; else after
  Prefix prefix = Prefix::never;
  bool prefix_by_config = false;  // tokenizer_config.json's add_prefix_space decides (transformers, for a ByteLevel that stands alone)
  WordPattern word_pattern = WordPattern::none;
  // After it. A template has one entry that is not an id: the text itself.
  struct TemplateItem {
    bool is_text = false;
    std::int32_t id = 0;
  };
  std::vector<TemplateItem> post_template;  // empty: the text alone
  bool trim_offsets = false, trim_keeps_prefix = false;
  std::optional<std::vector<DecoderStep>> decoder;  // absent: pieces are joined with spaces
  // Tokens beside the model, file by file, in the order in which each declares them (added_vocabulary.h says what repetition means).
  std::vector<std::vector<AddedToken>> added_tokens;
  bool config_replaces_added = false;  // tokens above that tokenizer_config.json lists too count as not declared before (tokenizer.model)
  // As tokenizer_config.json names them.
  std::optional<std::string> bos_token, eos_token, pad_token;
  bool clean_up_spaces = false;
};

}  // namespace phidias::data
