#include "data/pipeline/words.h"

#include "data/pipeline/characters.h"
#include "data/pipeline/icu_words.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

class WhitespaceSplitter final : public WordSplitter {
 public:
  SplitterKind kind() const override { return SplitterKind::whitespace; }
  void split(std::string_view text, Words& words) const override {
    words.clear();
    const Characters& characters = Characters::get();
    const char *at = text.data(), *const end = at + text.size(), *word = at;
    while (at < end) {
      if (!characters.may_start(static_cast<unsigned char>(*at), Characters::space)) {
        ++at;  // also inside a character: no continuation byte starts one
        continue;
      }
      const int length = utf8_length(*at);
      if (length == 1 || characters.is(decode_utf8(at), Characters::space)) {
        if (at > word) words.emplace_back(word, static_cast<std::size_t>(at - word));
        word = at + length;
      }
      at += length;
    }
    if (at > word) words.emplace_back(word, static_cast<std::size_t>(at - word));
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
