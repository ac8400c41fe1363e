#include "data/tokenizers/added_vocabulary.h"

#include <algorithm>
#include <cstring>

#include "data/tokenizers/utf8.h"

namespace phidias::data {
namespace {

bool is_space(const char* at, bool space_is_mark) {
  return !(space_is_mark && *at == ' ') && (CharacterClasses::get().of(decode_utf8(at)) & CharacterClasses::space);
}
bool is_word(std::uint32_t code_point) { return CharacterClasses::get().of(code_point) & CharacterClasses::word; }

std::size_t strip_left(std::string_view text, std::size_t begin, bool space_is_mark) {
  while (begin > 0) {
    std::size_t before = begin - 1;
    while (is_continuation(text[before])) --before;
    if (!is_space(text.data() + before, space_is_mark)) break;
    begin = before;
  }
  return begin;
}

std::size_t strip_right(std::string_view text, std::size_t end, bool space_is_mark) {
  while (end < text.size() && is_space(text.data() + end, space_is_mark)) end += utf8_length(text[end]);
  return end;
}

}  // namespace

std::int32_t StringMatcher::child(std::int32_t node, unsigned char byte) const {
  const auto found = children_.find(static_cast<std::uint64_t>(node) << 8 | byte);
  return found == children_.end() ? -1 : found->second;
}

void StringMatcher::add(std::string_view text, std::int32_t value) {
  if (text.empty()) return;
  std::int32_t node = 0;
  for (const char byte : text) {
    const auto [entry, is_new] =
        children_.emplace(static_cast<std::uint64_t>(node) << 8 | static_cast<unsigned char>(byte), static_cast<std::int32_t>(values_.size()));
    if (is_new) values_.push_back(-1);
    node = entry->second;
  }
  if (values_[node] < 0) values_[node] = value;
  if (!is_start_[static_cast<unsigned char>(text[0])]) starts_.push_back(text[0]);
  is_start_[static_cast<unsigned char>(text[0])] = true;
}

StringMatcher::Match StringMatcher::find(std::string_view text, std::size_t from) const {
  for (std::size_t at = from; at < text.size(); ++at) {
    if (starts_.size() == 1) {
      const void* next = std::memchr(text.data() + at, starts_[0], text.size() - at);
      if (!next) break;
      at = static_cast<const char*>(next) - text.data();
    } else {
      while (at < text.size() && !is_start_[static_cast<unsigned char>(text[at])]) ++at;
    }
    Match match;
    std::int32_t node = 0;
    for (std::size_t i = at; i < text.size() && (node = child(node, static_cast<unsigned char>(text[i]))) >= 0; ++i) {
      if (values_[node] >= 0) match = {at, i + 1, values_[node]};
    }
    if (match.value >= 0) return match;
  }
  return {};
}

void AddedVocabulary::add(const std::vector<AddedToken>& tokens, const Vocabulary& model, const std::function<std::string(std::string_view)>& normalize) {
  for (const AddedToken& token : tokens) {
    if (token.special && !token.content.empty() && special_.insert(token.content).second) first_special_.push_back(token);
  }
  std::int32_t next_id = std::max(max_id_ + 1, static_cast<std::int32_t>(model.ids.size()));
  for (const AddedToken& token : tokens) {
    if (token.content.empty()) continue;
    std::int32_t id;
    if (const auto known = find_id(token.content)) {
      if (by_id_.at(*known) == token) continue;
      id = *known;
    } else if (const auto piece = model.find(token.content)) {
      id = *piece;
    } else {
      id = next_id++;
    }
    max_id_ = std::max(max_id_, id);
    ids_[token.content] = id;
    by_id_[id] = token;
    if (!special_.contains(token.content)) other_.push_back(token);
  }
  raw_ = normalized_ = StringMatcher();
  for (const auto* list : {&first_special_, &other_}) {
    for (const AddedToken& token : *list) {
      if (token.normalized) {
        normalized_.add(normalize(token.content), ids_.at(token.content));
      } else {
        raw_.add(token.content, ids_.at(token.content));
      }
    }
  }
}

void AddedVocabulary::find(const StringMatcher& matcher, std::string_view text, bool space_is_mark, const MatchFilter& keep, std::vector<Piece>& pieces) const {
  std::size_t done = 0;
  if (!matcher.empty()) {
    // As in the reference, the search goes on after the token itself, not after the white space it strips.
    for (auto match = matcher.find(text, 0); match.value >= 0; match = matcher.find(text, match.end)) {
      const AddedToken& token = by_id_.at(match.value);
      if (!keep(token, match.begin, match.end)) continue;
      if (token.single_word) {
        const bool joined_left = match.begin > 0 && is_word(decode_utf8_before(text.data() + match.begin));
        const bool joined_right = match.end < text.size() && is_word(decode_utf8(text.data() + match.end));
        if (joined_left || joined_right) continue;
      }
      const std::size_t end = token.rstrip ? strip_right(text, match.end, space_is_mark) : match.end;
      const std::size_t begin = token.lstrip ? std::min(std::max(strip_left(text, match.begin, space_is_mark), done), end) : match.begin;
      if (done < begin) pieces.push_back({done, begin, -1});
      if (begin < end) pieces.push_back({begin, end, match.value});  // else the token before has stripped all of it
      done = end;
    }
  }
  if (done < text.size()) pieces.push_back({done, text.size(), -1});
}

const AddedToken* AddedVocabulary::token(std::int32_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second;
}

std::optional<std::int32_t> AddedVocabulary::find_id(const std::string& content) const {
  const auto found = ids_.find(content);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

}  // namespace phidias::data
