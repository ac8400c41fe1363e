#include "data/tokenizers/bpe_tokenizer.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "data/tokenizers/decoder.h"
#include "data/tokenizers/utf8.h"
#include "data/tokenizers/word_cache.h"
#include "data/tokenizers/word_patterns.h"

namespace phidias::data {
namespace {

constexpr std::size_t kPadding = WordCache::kMaxLength;  // readable bytes that the cache wants behind a word

}  // namespace

struct BpeTokenizer::Workspace {
  WordCache cache;
  MergeScratch merge;
  std::vector<AddedVocabulary::Piece> pieces, inner_pieces;
  std::vector<char> canonical, prefixed;
  std::vector<std::int64_t> original_of;  // by position in `canonical`, when that has another length than the text
  std::vector<std::int32_t> ids;
};

struct BpeTokenizer::Loan {
  explicit Loan(const BpeTokenizer& owner) : tokenizer(owner) {
    {
      const std::lock_guard lock(owner.pool_mutex_);
      if (!owner.pool_.empty()) {
        workspace = std::move(owner.pool_.back());
        owner.pool_.pop_back();
      }
    }
    if (!workspace) workspace = std::make_unique<Workspace>();
  }
  ~Loan() {
    const std::lock_guard lock(tokenizer.pool_mutex_);
    tokenizer.pool_.push_back(std::move(workspace));
  }
  const BpeTokenizer& tokenizer;
  std::unique_ptr<Workspace> workspace;
};

// Where ids go, and how positions in canonical text map to the text: position p is byte text_begin + p - inserted, or original_of[p].
struct BpeTokenizer::Output {
  Output(std::vector<std::int32_t>& id_buffer, std::vector<ByteRange>* ranges, std::string_view whole_text)
      : ids(id_buffer), offsets(ranges), text(whole_text) {}

  std::vector<std::int32_t>& ids;  // its size is capacity; `count` are in use
  std::size_t count = 0;
  std::vector<ByteRange>* offsets;
  std::string_view text;
  std::int64_t text_begin = 0, inserted = 0, first = 0;  // first: lowest position that stands for a byte of the text
  const std::int64_t* original_of = nullptr;

  // Room for `more` ids behind `count`.
  std::int32_t* room(std::size_t more) {
    if (ids.size() < count + more) ids.resize(std::max(ids.size() * 2, count + more + 1024));
    return ids.data() + count;
  }
  std::int64_t original(std::int64_t position) const {
    position = std::max(position, first);
    return original_of ? original_of[position] : text_begin + position - inserted;
  }
  // End of the character of the text that the byte before canonical position `end` came from.
  std::int64_t original_end(std::int64_t end) const {
    std::int64_t to = original(end - 1) + 1;
    while (to < static_cast<std::int64_t>(text.size()) && is_continuation(text[to])) ++to;
    return to;
  }
  // The characters of the text that canonical bytes [begin, end) came from; an empty range stands for the byte before it.
  void add_offset(std::int64_t begin, std::int64_t end) {
    if (begin == end) --begin;
    std::int64_t from = original(begin);
    while (from > 0 && is_continuation(text[from])) --from;
    offsets->push_back({from, original_end(end)});
  }
  void add_token(std::int32_t id, std::int64_t begin, std::int64_t end) {
    *room(1) = id;
    ++count;
    if (offsets) offsets->push_back({begin, end});
  }
};

BpeTokenizer::BpeTokenizer(TokenizerDefinition definition, Hash128 content_hash)
    : definition_(std::move(definition)), model_(definition_), content_hash_(content_hash) {
  const auto normalize = [this](std::string_view text) { return normalized(text); };
  for (const auto& tokens : definition_.added_tokens) added_.add(tokens, definition_.vocabulary, normalize);
}

BpeTokenizer::~BpeTokenizer() = default;

// The canonical form of what the normalizer makes of a text.
std::string BpeTokenizer::normalized(std::string_view text) const {
  if (!definition_.has_normalizer) return std::string(text);
  return (definition_.prefix == Prefix::normalizer && !text.empty() ? " " : "") + with_plain_spaces(text);
}

void BpeTokenizer::encode(std::string_view text, const EncodeOptions& options, std::vector<std::int32_t>& ids, std::vector<ByteRange>* offsets,
                          std::int64_t* forged) const {
  ids.clear();
  if (offsets) offsets->clear();
  if (!simdjson::validate_utf8(text.data(), text.size())) {
    throw DataError("the text is not UTF-8 at byte " + std::to_string(find_invalid_utf8(text)));
  }
  const auto keep = [&](const AddedToken& token, std::size_t begin, std::size_t end) {
    if (!added_.is_special(token.content)) return true;
    const auto range = std::upper_bound(options.content.begin(), options.content.end(), static_cast<std::int64_t>(begin),
                                        [](std::int64_t position, const ByteRange& r) { return position < r.end; });
    const bool inside = range != options.content.end() && range->begin < static_cast<std::int64_t>(end);
    if (inside && forged) ++*forged;
    const SpecialTokens action = inside && options.special == SpecialTokens::parse ? options.inside : options.special;
    if (action == SpecialTokens::error) {
      throw DataError("special token '" + token.content + "' in the text at byte " + std::to_string(begin));
    }
    return action == SpecialTokens::parse;
  };
  Loan loan(*this);
  Workspace& workspace = *loan.workspace;
  Output output(workspace.ids, offsets, text);
  workspace.pieces.clear();
  added_.find_raw(text, keep, workspace.pieces);
  for (const AddedVocabulary::Piece& piece : workspace.pieces) {
    if (piece.id >= 0) {
      output.add_token(piece.id, static_cast<std::int64_t>(piece.begin), static_cast<std::int64_t>(piece.end));
    } else {
      encode_raw(text.substr(piece.begin, piece.end - piece.begin), piece.begin, keep, workspace, output);
    }
  }
  if (offsets && definition_.trim_offsets) trim_offsets(text, output);
  const std::int32_t* found = workspace.ids.data();
  if (!options.add_special_tokens || definition_.post_template.empty()) {
    ids.assign(found, found + output.count);
    return;
  }
  std::vector<ByteRange> ranges;
  for (const auto& item : definition_.post_template) {
    if (item.is_text) {
      ids.insert(ids.end(), found, found + output.count);
      if (offsets) ranges.insert(ranges.end(), offsets->begin(), offsets->end());
    } else {
      ids.push_back(item.id);
      ranges.resize(offsets ? ranges.size() + 1 : 0);
    }
  }
  if (offsets) *offsets = std::move(ranges);
}

// Text between the added tokens of the raw text: searched, once normalised, for those that are looked for then; the rest is encoded.
void BpeTokenizer::encode_raw(std::string_view text, std::size_t text_begin, const MatchFilter& keep, Workspace& workspace, Output& output) const {
  auto& pieces = workspace.inner_pieces;
  pieces.clear();
  if (!added_.has_normalized()) return encode_piece(canonicalize(text, text_begin, workspace, output), workspace, output);
  if (!definition_.has_normalizer) {
    const auto keep_original = [&](const AddedToken& token, std::size_t begin, std::size_t end) { return keep(token, text_begin + begin, text_begin + end); };
    added_.find_normalized(text, false, keep_original, pieces);
    for (const AddedVocabulary::Piece& piece : pieces) {
      if (piece.id >= 0) {
        output.add_token(piece.id, static_cast<std::int64_t>(text_begin + piece.begin), static_cast<std::int64_t>(text_begin + piece.end));
      } else {
        encode_piece(canonicalize(text.substr(piece.begin, piece.end - piece.begin), text_begin + piece.begin, workspace, output), workspace, output);
      }
    }
    return;
  }
  const std::string_view normal = canonicalize(text, text_begin, workspace, output);
  const auto keep_original = [&](const AddedToken& token, std::size_t begin, std::size_t end) {
    return keep(token, output.original(static_cast<std::int64_t>(begin)), output.original_end(static_cast<std::int64_t>(end)));
  };
  added_.find_normalized(normal, definition_.replace_spaces, keep_original, pieces);
  for (const AddedVocabulary::Piece& piece : pieces) {
    if (piece.id >= 0) {
      output.add_token(piece.id, output.original(static_cast<std::int64_t>(piece.begin)), output.original_end(static_cast<std::int64_t>(piece.end)));
    } else {
      encode_piece(normal.substr(piece.begin, piece.end - piece.begin), workspace, output);
    }
  }
}

// Copies the text to workspace.canonical: word marks as spaces, the normalizer's prefix in front, readable bytes behind.
std::string_view BpeTokenizer::canonicalize(std::string_view text, std::size_t text_begin, Workspace& workspace, Output& output) const {
  const bool prefix = definition_.prefix == Prefix::normalizer;
  std::vector<char>& canonical = workspace.canonical;
  if (canonical.size() < text.size() + 1 + kPadding) canonical.resize(text.size() + 1 + kPadding);
  char* out = canonical.data();
  if (prefix) *out++ = ' ';
  output.text_begin = static_cast<std::int64_t>(text_begin);
  output.inserted = output.first = prefix ? 1 : 0;
  output.original_of = nullptr;
  const void* mark = definition_.replace_spaces ? memmem(text.data(), text.size(), kWordMark.data(), kWordMark.size()) : nullptr;
  if (!mark) {
    std::memcpy(out, text.data(), text.size());
    out += text.size();
  } else {
    auto& original_of = workspace.original_of;
    original_of.assign(prefix ? 1 : 0, output.text_begin);
    for (std::size_t at = 0; at < text.size();) {
      original_of.push_back(output.text_begin + static_cast<std::int64_t>(at));
      const bool is_mark = text.compare(at, kWordMark.size(), kWordMark) == 0;
      *out++ = is_mark ? ' ' : text[at];
      at += is_mark ? kWordMark.size() : 1;
    }
    output.original_of = original_of.data();
  }
  return {canonical.data(), static_cast<std::size_t>(out - canonical.data())};
}

// Canonical text without added tokens, a part of workspace.canonical.
void BpeTokenizer::encode_piece(std::string_view text, Workspace& workspace, Output& output) const {
  const std::int64_t begin = text.data() - workspace.canonical.data();
  const bool is_first = output.original(begin) == 0;
  const bool prefix = (definition_.prefix == Prefix::always || (definition_.prefix == Prefix::first && is_first)) && text[0] != ' ';
  const std::int64_t outer_first = output.first;
  if (prefix) {
    auto& prefixed = workspace.prefixed;
    if (prefixed.size() < text.size() + 1 + kPadding) prefixed.resize(text.size() + 1 + kPadding);
    prefixed[0] = ' ';
    std::memcpy(prefixed.data() + 1, text.data(), text.size());
    output.first = std::max(output.first, begin);
    text = {prefixed.data(), text.size() + 1};
  }
  const char *from = text.data(), *end = from + text.size();
  const std::int64_t position = begin - (prefix ? 1 : 0);
  switch (definition_.word_pattern) {
    case WordPattern::none:
      encode_words<WordPattern::none>(from, end, position, workspace, output);
      break;
    case WordPattern::gpt2:
      encode_words<WordPattern::gpt2>(from, end, position, workspace, output);
      break;
    case WordPattern::cl100k:
      encode_words<WordPattern::cl100k>(from, end, position, workspace, output);
      break;
    case WordPattern::o200k:
      encode_words<WordPattern::o200k>(from, end, position, workspace, output);
      break;
  }
  output.first = outer_first;
}

template <WordPattern pattern>
void BpeTokenizer::encode_words(const char* begin, const char* end, std::int64_t begin_position, Workspace& workspace, Output& output) const {
  const WordScanner scanner(end);
  const bool cut = pattern != WordPattern::none || model_.can_cut();
  for (const char* word = begin; word < end;) {
    const char* word_end = end;
    if constexpr (pattern != WordPattern::none) {
      word_end = scanner.word_end<pattern>(word);
    } else if (cut) {
      word_end = model_.word_end(word, end);
    }
    const std::size_t length = word_end - word;
    if (length > WordCache::kMaxLength) {
      encode_uncached({word, length}, begin_position + (word - begin), workspace, output);
      word = word_end;
      continue;
    }
    bool hit;
    WordCache::Slot& slot = workspace.cache.find(word, length, hit);
    if (!hit) {
      model_.encode_word({word, length}, workspace.merge);
      const auto& symbols = workspace.merge.symbols;
      const bool fits = symbols.size() <= WordCache::kMaxIds &&
                        std::all_of(symbols.begin(), symbols.end(), [this](const Symbol& symbol) { return model_.length_of(symbol.id) == symbol.length; });
      if (!fits) {
        WordCache::forget(slot);
        encode_uncached({word, length}, begin_position + (word - begin), workspace, output);
        word = word_end;
        continue;
      }
      slot.count = static_cast<std::uint8_t>(symbols.size());
      for (std::size_t i = 0; i < symbols.size(); ++i) slot.ids[i] = symbols[i].id;
    }
    std::memcpy(output.room(WordCache::kMaxIds), slot.ids, sizeof slot.ids);
    output.count += slot.count;
    if (output.offsets) {
      std::int64_t position = begin_position + (word - begin);
      for (int i = 0; i < slot.count; ++i) {
        const std::int64_t next = position + model_.length_of(slot.ids[i]);
        output.add_offset(position, next);
        position = next;
      }
    }
    word = word_end;
  }
}

void BpeTokenizer::encode_uncached(std::string_view word, std::int64_t position, Workspace& workspace, Output& output) const {
  model_.encode_word(word, workspace.merge);
  std::int32_t* ids = output.room(workspace.merge.symbols.size());
  for (const Symbol& symbol : workspace.merge.symbols) {
    *ids++ = symbol.id;
    if (output.offsets) output.add_offset(position, position + symbol.length);
    position += symbol.length;
  }
  output.count += workspace.merge.symbols.size();
}

// The ByteLevel post-processor with trim_offsets: white space at either end of a token is left out of its range.
void BpeTokenizer::trim_offsets(std::string_view text, Output& output) const {
  const auto is_space = [](const char* at) { return (CharacterClasses::get().of(decode_utf8(at)) & CharacterClasses::space) != 0; };
  for (std::size_t i = 0; i < output.count; ++i) {
    ByteRange& range = (*output.offsets)[i];
    const std::int32_t id = output.ids[i];
    std::string bytes;
    std::string_view token = text.substr(range.begin, range.end - range.begin);
    if (!added_.token(id)) token = ByteAlphabet::get().to_bytes(definition_.vocabulary.pieces[id], bytes) ? bytes : definition_.vocabulary.pieces[id];
    // Of the bytes of a piece only the space counts: the reference looks at their stand-ins, none of which is white space.
    const auto counts = [&](const char* at) { return added_.token(id) ? is_space(at) : *at == ' '; };
    std::int64_t leading = 0, trailing = 0;
    std::size_t at = 0, back = token.size();
    for (; at < token.size() && counts(token.data() + at); at += added_.token(id) ? utf8_length(token[at]) : 1) ++leading;
    while (back > 0) {
      std::size_t before = back - 1;
      while (added_.token(id) && is_continuation(token[before])) --before;
      if (!counts(token.data() + before)) break;
      ++trailing;
      back = before;
    }
    if (leading == 1 && definition_.trim_keeps_prefix && (i == 0 || range.begin == 0)) leading = 0;
    for (; leading > 0 && range.begin < range.end; --leading) range.begin += utf8_length(text[range.begin]);
    for (; trailing > 0 && range.end > range.begin; --trailing) {
      do --range.end;
      while (is_continuation(text[range.end]));
    }
  }
}

std::string BpeTokenizer::decode(std::span<const std::int32_t> ids, bool skip_special) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const std::int32_t id : ids) {
    std::string token = id_to_token(id);
    if (token.empty() || (skip_special && added_.is_special(token))) continue;
    tokens.push_back(std::move(token));
  }
  std::string text = decode_tokens(definition_.decoder, std::move(tokens));
  return definition_.clean_up_spaces ? clean_up_spaces(std::move(text)) : text;
}

std::int64_t BpeTokenizer::vocab_size() const {
  return std::max<std::int64_t>(static_cast<std::int64_t>(definition_.vocabulary.pieces.size()), added_.max_id() + 1);
}

std::optional<std::int32_t> BpeTokenizer::token_to_id(std::string_view token) const {
  const std::string content(token);
  if (const auto id = added_.find_id(content)) return id;
  return definition_.vocabulary.find(content);
}

std::string BpeTokenizer::id_to_token(std::int32_t id) const {
  if (const AddedToken* token = added_.token(id)) return token->content;
  if (id < 0 || static_cast<std::size_t>(id) >= definition_.vocabulary.pieces.size()) return "";
  return definition_.vocabulary.pieces[id];
}

bool BpeTokenizer::is_special(std::int32_t id) const { return added_.is_special(id_to_token(id)); }

std::optional<std::int32_t> BpeTokenizer::id_of(const std::optional<std::string>& token) const { return token ? token_to_id(*token) : std::nullopt; }

}  // namespace phidias::data
