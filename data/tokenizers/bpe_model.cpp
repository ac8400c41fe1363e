#include "data/tokenizers/bpe_model.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>

#include "base/error.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data {
namespace {

constexpr std::size_t kShortWord = 40;  // symbols: above, the heap wins over scanning an array
constexpr std::uint32_t kJoinBits = 1u << 17;
constexpr std::uint32_t kMark = 0x2581;

std::uint64_t mix(std::uint64_t key) {
  key *= 0x9E3779B97F4A7C15u;
  return key ^ (key >> 29);
}

std::string byte_token(int byte) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  return {'<', '0', 'x', kDigits[byte >> 4], kDigits[byte & 15], '>'};
}

// The piece in canonical text, or false when no text can contain it.
bool canonical(const TokenizerDefinition& definition, const std::string& piece, std::string& text) {
  if (definition.byte_level) return ByteAlphabet::get().to_bytes(piece, text);
  text = definition.replace_spaces ? with_plain_spaces(piece) : piece;
  return !definition.replace_spaces || piece.find(' ') == std::string::npos;
}

}  // namespace

BpeModel::BpeModel(const TokenizerDefinition& definition)
    : byte_level_(definition.byte_level),
      byte_fallback_(definition.byte_fallback),
      fuse_unk_(definition.fuse_unk),
      ignore_merges_(definition.ignore_merges),
      mark_is_space_(definition.replace_spaces),
      page_of_(0x1100, -1),
      other_joins_(kJoinBits / 64) {
  const Vocabulary& vocabulary = definition.vocabulary;
  if (definition.unk_token) {
    const auto id = vocabulary.find(*definition.unk_token);
    if (!id) throw DataError("tokenizer: model.unk_token '" + *definition.unk_token + "' is not in the vocabulary");
    unk_ = *id;
  }
  std::fill(std::begin(ascii_symbols_), std::end(ascii_symbols_), -1);
  std::vector<std::string> texts(vocabulary.pieces.size());
  lengths_.assign(vocabulary.pieces.size(), 0);
  for (std::size_t id = 0; id < texts.size(); ++id) {
    const std::string& piece = vocabulary.pieces[id];
    if (piece.empty() || !canonical(definition, piece, texts[id])) continue;
    const std::string& text = texts[id];
    lengths_[id] = static_cast<std::uint32_t>(text.size());
    if (ignore_merges_) whole_words_.emplace(text, static_cast<std::int32_t>(id));
    if (byte_level_ ? text.size() == 1 : text.size() == static_cast<std::size_t>(utf8_length(text[0]))) {
      const std::uint32_t code = byte_level_ ? static_cast<unsigned char>(text[0]) : decode_utf8(text.data());
      if (byte_level_ || code < 128) ascii_symbols_[code] = static_cast<std::int32_t>(id);
      set_symbol(code, static_cast<std::int32_t>(id));
    }
  }
  bool all_bytes = byte_fallback_ && !byte_level_;
  for (int byte = 0; byte < 256; ++byte) {
    byte_tokens_[byte] = vocabulary.find(byte_token(byte)).value_or(-1);
    all_bytes &= byte_tokens_[byte] >= 0;
  }
  // Without a symbol or bytes for every character, unknown ones may fuse or vanish, and their neighbours meet.
  can_cut_ = all_bytes && !ignore_merges_;
  const bool complete = byte_level_ ? std::find(std::begin(ascii_symbols_), std::end(ascii_symbols_), -1) == std::end(ascii_symbols_) : all_bytes;
  if (!complete && unk_ < 0) throw DataError("tokenizer: model.unk_token is missing, and the vocabulary has no piece for every byte: text would vanish");

  std::vector<bool> is_byte_token(texts.size());
  for (const std::int32_t id : byte_tokens_) {
    if (id >= 0) is_byte_token[id] = true;
  }
  pairs_.assign(std::bit_ceil(definition.merges.size() * 2 + 16), {kNoPair, kNoPair});
  pairs_shift_ = 64 - std::countr_zero(pairs_.size());
  for (const MergeRule& rule : definition.merges) {
    insert_pair(rule);
    const std::string &left = texts[rule.left], &right = texts[rule.right];
    for (const std::int32_t part : {rule.left, rule.right}) {
      if (part == unk_ || is_byte_token[part]) can_cut_ = false;
    }
    if (is_byte_token[rule.result]) can_cut_ = false;
    if (left.empty() || right.empty() || byte_level_) continue;
    set_joins(decode_utf8_before(left.data() + left.size()), decode_utf8(right.data()));
  }
  const bool lengths_known = byte_level_ ? !byte_fallback_ : can_cut_ && (!mark_is_space_ || ascii_symbols_[' '] >= 0);
  if (!lengths_known) std::fill(lengths_.begin(), lengths_.end(), 0);
  for (const std::int32_t id : byte_tokens_) {
    if (id >= 0 && lengths_known && !byte_level_) lengths_[id] = 1;
  }
  if (unk_ >= 0) lengths_[unk_] = 0;
}

void BpeModel::set_symbol(std::uint32_t code_point, std::int32_t id) {
  std::int32_t& page = page_of_[code_point >> 8];
  if (page < 0) {
    page = static_cast<std::int32_t>(symbol_pages_.size() / 256);
    symbol_pages_.resize(symbol_pages_.size() + 256, -1);
  }
  symbol_pages_[page * 256 + (code_point & 0xFF)] = id;
}

std::int32_t BpeModel::symbol_of(std::uint32_t code_point) const {
  const std::int32_t page = page_of_[code_point >> 8];
  return page < 0 ? -1 : symbol_pages_[page * 256 + (code_point & 0xFF)];
}

std::uint32_t BpeModel::joins_bucket(std::uint32_t left, std::uint32_t right) {
  return static_cast<std::uint32_t>(mix(std::uint64_t{left} << 32 | right) >> 47);
}

void BpeModel::set_joins(std::uint32_t left, std::uint32_t right) {
  if ((left | right) < 128) {
    ascii_joins_[left][right >> 6] |= std::uint64_t{1} << (right & 63);
  } else {
    const std::uint32_t bucket = joins_bucket(left, right);
    other_joins_[bucket >> 6] |= std::uint64_t{1} << (bucket & 63);
  }
}

bool BpeModel::joins(std::uint32_t left, std::uint32_t right) const {
  if ((left | right) < 128) return ascii_joins_[left][right >> 6] >> (right & 63) & 1;
  const std::uint32_t bucket = joins_bucket(left, right);
  return other_joins_[bucket >> 6] >> (bucket & 63) & 1;
}

const char* BpeModel::word_end(const char* begin, const char* end) const {
  const char* at = begin;
  std::uint32_t left = decode_utf8(at);
  at += utf8_length(*at);
  while (at < end) {
    const auto byte = static_cast<unsigned char>(*at);
    if ((left | byte) < 128) {
      if (!(ascii_joins_[left][byte >> 6] >> (byte & 63) & 1)) return at;
      left = byte;
      ++at;
      continue;
    }
    const std::uint32_t right = decode_utf8(at);
    if (!joins(left, right)) return at;
    left = right;
    at += utf8_length(*at);
  }
  return end;
}

void BpeModel::insert_pair(const MergeRule& rule) {
  const std::uint64_t key = std::uint64_t(std::uint32_t(rule.left)) << 32 | std::uint32_t(rule.right);
  std::size_t slot = mix(key) >> pairs_shift_;
  while (pairs_[slot].key != kNoPair && pairs_[slot].key != key) slot = (slot + 1) & (pairs_.size() - 1);
  pairs_[slot] = {key, std::uint64_t{rule.rank} << 32 | std::uint32_t(rule.result)};  // a repeated rule: the last one counts, as in the reference
}

std::uint64_t BpeModel::pair(std::int32_t left, std::int32_t right) const {
  const std::uint64_t key = std::uint64_t(std::uint32_t(left)) << 32 | std::uint32_t(right);
  for (std::size_t slot = mix(key) >> pairs_shift_;; slot = (slot + 1) & (pairs_.size() - 1)) {
    if (pairs_[slot].key == key) return pairs_[slot].value;
    if (pairs_[slot].key == kNoPair) return kNoPair;
  }
}

void BpeModel::build_symbols(std::string_view word, MergeScratch& scratch) const {
  std::vector<Symbol>& symbols = scratch.symbols;
  symbols.clear();
  // A run of characters without a symbol, held back until the next character with one: unless fused, all but the last are out already.
  std::uint32_t unknown = 0;
  for (std::size_t at = 0; at < word.size();) {
    const std::uint32_t length = byte_level_ ? 1 : utf8_length(word[at]);
    const std::uint32_t code = byte_level_ ? static_cast<unsigned char>(word[at]) : decode_utf8(word.data() + at);
    const std::int32_t id = byte_level_ || code < 128 ? ascii_symbols_[code] : symbol_of(code);
    if (id >= 0) {
      if (unknown) symbols.push_back({unk_, unknown});
      unknown = 0;
      symbols.push_back({id, length});
      at += length;
      continue;
    }
    std::string_view bytes = word.substr(at, length);
    at += length;
    std::string spelled;
    if (byte_level_) bytes = spelled = ByteAlphabet::get().from_bytes(bytes);
    if (mark_is_space_ && bytes == " ") bytes = kWordMark;
    if (byte_fallback_ && std::all_of(bytes.begin(), bytes.end(), [this](char byte) { return byte_tokens_[static_cast<unsigned char>(byte)] >= 0; })) {
      for (std::size_t i = 0; i < bytes.size(); ++i) symbols.push_back({byte_tokens_[static_cast<unsigned char>(bytes[i])], i < length ? 1u : 0u});
      continue;
    }
    if (unk_ < 0) continue;
    if (unknown && !fuse_unk_) symbols.push_back({unk_, unknown}), unknown = 0;
    unknown += length;
  }
  if (unknown) symbols.push_back({unk_, unknown});
}

void BpeModel::encode_word(std::string_view word, MergeScratch& scratch) const {
  std::vector<Symbol>& symbols = scratch.symbols;
  if (ignore_merges_) {
    const auto whole = whole_words_.find(std::string(word));
    if (whole != whole_words_.end()) {
      symbols.assign(1, {whole->second, static_cast<std::uint32_t>(word.size())});
      return;
    }
  }
  build_symbols(word, scratch);
  if (symbols.size() < 2) return;
  if (symbols.size() <= kShortWord) {
    merge_short(symbols, scratch);
  } else {
    merge_long(symbols, scratch);
  }
}

void BpeModel::merge_short(std::vector<Symbol>& symbols, MergeScratch& scratch) const {
  std::size_t count = symbols.size();
  scratch.pair.resize(count);
  std::uint64_t* pairs = scratch.pair.data();
  for (std::size_t i = 0; i + 1 < count; ++i) pairs[i] = pair(symbols[i].id, symbols[i + 1].id);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i) {
      if (pairs[i] >> 32 < pairs[best] >> 32) best = i;
    }
    if (pairs[best] == kNoPair) break;
    symbols[best].id = static_cast<std::int32_t>(pairs[best] & 0xFFFFFFFFu);
    symbols[best].length += symbols[best + 1].length;
    --count;
    for (std::size_t i = best + 1; i < count; ++i) {
      symbols[i] = symbols[i + 1];
      pairs[i] = pairs[i + 1];
    }
    if (best + 1 < count) pairs[best] = pair(symbols[best].id, symbols[best + 1].id);
    if (best > 0) pairs[best - 1] = pair(symbols[best - 1].id, symbols[best].id);
  }
  symbols.resize(count);
}

// The heap holds rank << 32 | position; an entry whose pair has changed since is stale and dropped when it comes up.
void BpeModel::merge_long(std::vector<Symbol>& symbols, MergeScratch& scratch) const {
  const auto count = static_cast<std::int64_t>(symbols.size());
  if (count > std::numeric_limits<std::int32_t>::max()) throw DataError("tokenizer: a word of more than 2^31 symbols");
  auto &heap = scratch.heap, &pairs = scratch.pair;
  auto &previous = scratch.previous, &next = scratch.next;
  heap.clear();
  pairs.assign(count, kNoPair);
  previous.resize(count);
  next.resize(count);
  for (std::int64_t i = 0; i < count; ++i) {
    previous[i] = static_cast<std::int32_t>(i - 1);
    next[i] = i + 1 < count ? static_cast<std::int32_t>(i + 1) : -1;
    if (i + 1 == count) break;
    pairs[i] = pair(symbols[i].id, symbols[i + 1].id);
    if (pairs[i] != kNoPair) heap.push_back((pairs[i] & 0xFFFFFFFF00000000u) | static_cast<std::uint32_t>(i));
  }
  std::make_heap(heap.begin(), heap.end(), std::greater<>());
  const auto renew = [&](std::int32_t at) {
    pairs[at] = next[at] < 0 ? kNoPair : pair(symbols[at].id, symbols[next[at]].id);
    if (pairs[at] == kNoPair) return;
    heap.push_back((pairs[at] & 0xFFFFFFFF00000000u) | static_cast<std::uint32_t>(at));
    std::push_heap(heap.begin(), heap.end(), std::greater<>());
  };
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    const std::uint64_t top = heap.back();
    heap.pop_back();
    const auto at = static_cast<std::int32_t>(top & 0xFFFFFFFFu);
    if (pairs[at] == kNoPair || pairs[at] >> 32 != top >> 32) continue;
    const std::int32_t right = next[at];
    symbols[at].id = static_cast<std::int32_t>(pairs[at] & 0xFFFFFFFFu);
    symbols[at].length += symbols[right].length;
    next[at] = next[right];
    if (next[at] >= 0) previous[next[at]] = at;
    pairs[right] = kNoPair;
    next[right] = -2;
    renew(at);
    if (previous[at] >= 0) renew(previous[at]);
  }
  std::int64_t kept = 0;
  for (std::int32_t at = 0; at >= 0; at = next[at]) symbols[kept++] = symbols[at];
  symbols.resize(kept);
}

}  // namespace phidias::data
