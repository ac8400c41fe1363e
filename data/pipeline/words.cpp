#include "data/pipeline/words.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "data/pipeline/byte_masks.h"
#include "data/pipeline/characters.h"
#include "data/pipeline/icu_words.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

// White space of `masks`, 64 bytes at `at`. Characters that begin with one of the leads are looked up, also past the block.
std::uint64_t all_spaces(const SpaceMasks& masks, const char* at, std::uint64_t& carried) {
  std::uint64_t spaces = masks.spaces | carried;  // bytes of a character that began in the block before
  carried = 0;
  for (std::uint64_t leads = masks.leads; leads != 0; leads &= leads - 1) {
    const int i = std::countr_zero(leads);
    if (!Characters::get().is(decode_utf8(at + i), Characters::space)) continue;
    const std::uint64_t bytes = utf8_length(at[i]) == 2 ? 3 : 7;
    spaces |= bytes << i;
    if (i > 61) carried |= bytes >> (64 - i);
  }
  return spaces;
}

class WhitespaceSplitter final : public WordSplitter {
 public:
  SplitterKind kind() const override { return SplitterKind::whitespace; }
  void split(std::string_view text, Words& words) const override {
    words.clear();
    const char *const data = text.data(), *word = data;
    std::uint64_t carried = 0;
    bool in_space = true;
    // Bits where words begin and end, in turns.
    const auto take = [&](const char* at, std::uint64_t spaces) {
      std::uint64_t changes = spaces ^ (spaces << 1 | std::uint64_t{in_space});
      for (; changes != 0; changes &= changes - 1) {
        const char* place = at + std::countr_zero(changes);
        if (in_space)
          word = place;
        else
          words.emplace_back(word, static_cast<std::size_t>(place - word));
        in_space = !in_space;
      }
    };
    std::size_t i = 0;
    for (; i + 64 <= text.size(); i += 64) {
      const SpaceMasks masks = space_masks(data + i);
      take(data + i, (masks.leads | carried) == 0 ? masks.spaces : all_spaces(masks, data + i, carried));
    }
    char rest[64];  // its white space at the end closes the last word
    std::memset(rest, ' ', sizeof rest);
    std::copy(text.begin() + static_cast<std::ptrdiff_t>(i), text.end(), rest);
    const SpaceMasks masks = space_masks(rest);
    take(data + i, all_spaces(masks, rest, carried));
  }
};

class RegexSplitter final : public WordSplitter {
 public:
  SplitterKind kind() const override { return SplitterKind::regex; }
  void split(std::string_view text, Words& words) const override {
    words.clear();
    const Characters& characters = Characters::get();
    const std::uint8_t* ascii = characters.ascii();
    constexpr std::uint8_t kNone = 0xff;  // between words; else Characters::word in \w+, 0 in [^\w\s]+
    std::uint8_t open = kNone;
    const char *at = text.data(), *const end = at + text.size(), *word = at;
    while (at < end) {
      const auto byte = static_cast<unsigned char>(*at);
      const std::uint8_t kinds = byte < 0x80 ? ascii[byte] : characters.of(decode_utf8(at));
      const std::uint8_t kind = kinds & Characters::space ? kNone : kinds & Characters::word;
      if (kind != open) {
        if (open != kNone) words.emplace_back(word, static_cast<std::size_t>(at - word));
        open = kind;
        word = at;
      }
      at += utf8_length(*at);
    }
    if (open != kNone) words.emplace_back(word, static_cast<std::size_t>(at - word));
  }
};

class IcuSplitter final : public WordSplitter {
 public:
  SplitterKind kind() const override { return SplitterKind::icu; }
  void split(std::string_view text, Words& words) const override { split_icu_words(text, words); }
};

}  // namespace

const WordSplitter& WordSplitter::of(SplitterKind kind) {
  static const WhitespaceSplitter whitespace;
  static const RegexSplitter regex;
  static const IcuSplitter icu;
  switch (kind) {
    case SplitterKind::whitespace:
      return whitespace;
    case SplitterKind::regex:
      return regex;
    case SplitterKind::icu:
      break;
  }
  return icu;
}

}  // namespace phidias::data::pipeline
