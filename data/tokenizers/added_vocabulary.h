// Added tokens: found in the text before the model sees it.
//
// Behaves as the added vocabulary of Hugging Face tokenizers 0.22, also where tokens are declared twice (tokenizer.json, then
// tokenizer_config.json): the last declaration says what is stripped, the first special one whether the token is looked for in raw or in
// normalised text, and what was special once stays special.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "data/tokenizers/definition.h"

namespace phidias::data {

// Leftmost-longest search for a fixed set of strings.
class StringMatcher {
 public:
  struct Match {
    std::size_t begin = 0, end = 0;
    std::int32_t value = -1;  // -1: none
  };
  // A string added twice keeps its first value.
  void add(std::string_view text, std::int32_t value);
  bool empty() const { return starts_.empty(); }
  // The first match at or after `from`.
  Match find(std::string_view text, std::size_t from) const;

 private:
  std::int32_t child(std::int32_t node, unsigned char byte) const;
  std::unordered_map<std::uint64_t, std::int32_t> children_;  // node << 8 | byte
  std::vector<std::int32_t> values_{-1};                      // by node
  std::string starts_;                                        // first bytes
  bool is_start_[256] = {};
};

// What becomes of a match: kept, skipped (its text stays ordinary) or refused by an exception of the callee. Called in the order of the text.
using MatchFilter = std::function<bool(const AddedToken& token, std::size_t begin, std::size_t end)>;

class AddedVocabulary {
 public:
  struct Piece {
    std::size_t begin = 0, end = 0;
    std::int32_t id = -1;  // -1: text between tokens
  };

  // Adds tokens in order; ids are those of the model's vocabulary, else new ones after all others (as the reference, whatever the file says).
  // `normalize` maps a token's content to the text that `find` sees with Normalized.
  void add(const std::vector<AddedToken>& tokens, const Vocabulary& model, const std::function<std::string(std::string_view)>& normalize);

  // Appends the pieces of `text` to `pieces`: tokens (white space they strip included) and the non-empty rest. In normalized text whose spaces
  // stand for word marks, `space_is_mark`, they are not white space.
  void find_raw(std::string_view text, const MatchFilter& keep, std::vector<Piece>& pieces) const { find(raw_, text, false, keep, pieces); }
  void find_normalized(std::string_view text, bool space_is_mark, const MatchFilter& keep, std::vector<Piece>& pieces) const {
    find(normalized_, text, space_is_mark, keep, pieces);
  }
  bool has_raw() const { return !raw_.empty(); }
  bool has_normalized() const { return !normalized_.empty(); }

  const AddedToken* token(std::int32_t id) const;
  std::optional<std::int32_t> find_id(const std::string& content) const;
  bool is_special(const std::string& content) const { return special_.contains(content); }
  std::int32_t max_id() const { return max_id_; }  // -1 when there is none
  const std::unordered_map<std::int32_t, AddedToken>& tokens() const { return by_id_; }

 private:
  void find(const StringMatcher& matcher, std::string_view text, bool space_is_mark, const MatchFilter& keep, std::vector<Piece>& pieces) const;

  std::unordered_map<std::int32_t, AddedToken> by_id_;
  std::unordered_map<std::string, std::int32_t> ids_;
  std::unordered_set<std::string> special_;
  std::vector<AddedToken> first_special_, other_;  // every declaration that is looked for: of a special token its first special one
  StringMatcher raw_, normalized_;
  std::int32_t max_id_ = -1;
};

}  // namespace phidias::data
