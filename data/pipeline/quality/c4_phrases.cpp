#include "data/pipeline/quality/c4_phrases.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace phidias::data::pipeline {
namespace {

constexpr std::string_view kKelvin = "\u212a";

// Looked for by a pair of neighbouring letters that is rare in English; `offset`: where the pair stands in the phrase.
struct Phrase {
  std::string_view text;
  std::size_t offset;
  std::uint8_t bit;
};
constexpr std::array<Phrase, 8> kPhrases = {{{"lorem ipsum", 7, kLoremIpsum},  // ps
                                             {"javascript", 0, kJavascript},   // ja
                                             {"terms of use", 3, kPolicy},     // ms
                                             {"privacy policy", 5, kPolicy},   // cy
                                             {"cookie policy", 2, kPolicy},    // ok
                                             {"uses cookies", 7, kPolicy},     // ok
                                             {"use of cookies", 9, kPolicy},   // ok
                                             {"use cookies", 6, kPolicy}}};    // ok

char lower(char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c); }

bool stands_at(std::string_view text, std::size_t at, std::string_view phrase) {
  if (text.size() - at < phrase.size()) return false;
  return std::equal(phrase.begin(), phrase.end(), text.begin() + static_cast<std::ptrdiff_t>(at), [](char a, char b) { return a == lower(b); });
}

// Phrases whose pair is `text`[at], [at + 1].
std::uint8_t phrases_around(std::string_view text, std::size_t at) {
  std::uint8_t found = 0;
  for (const Phrase& phrase : kPhrases)
    if (at >= phrase.offset && stands_at(text, at - phrase.offset, phrase.text)) found |= phrase.bit;
  return found;
}

constexpr std::uint16_t pair_of(char first, char second) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(first) | static_cast<unsigned char>(second) << 8);
}

using Block [[gnu::vector_size(16)]] = unsigned char;

Block load(const char* at) {
  Block block;
  std::memcpy(&block, at, sizeof block);
  return block;
}

// 16 positions at once: whether any of them begins one of the pairs. Bit 32 makes letters small (and confuses a few marks with each other, which is seen
// later).
bool has_pair(const char* at) {
  const Block first = load(at) | 32, second = load(at + 1) | 32;
  const auto pair = [&](unsigned char a, unsigned char b) { return (first == a) & (second == b); };
  const auto found = pair('p', 's') | pair('j', 'a') | pair('m', 's') | pair('c', 'y') | pair('o', 'k');
  std::uint64_t halves[2];
  std::memcpy(halves, &found, sizeof halves);
  return (halves[0] | halves[1]) != 0;
}

std::uint8_t find_in_plain(std::string_view text) {
  std::uint8_t found = 0;
  const auto look_at = [&](std::size_t at) {
    switch (pair_of(lower(text[at]), lower(text[at + 1]))) {
      case pair_of('p', 's'):
      case pair_of('j', 'a'):
      case pair_of('m', 's'):
      case pair_of('c', 'y'):
      case pair_of('o', 'k'):
        found |= phrases_around(text, at);
        break;
      default:
        break;
    }
  };
  std::size_t at = 0;
  for (; at + 17 <= text.size(); at += 16) {
    if (!has_pair(text.data() + at)) continue;
    for (std::size_t i = at; i < at + 16; ++i) look_at(i);
  }
  for (; at + 2 <= text.size(); ++at) look_at(at);
  return found;
}

}  // namespace

std::uint8_t find_c4_phrases(std::string_view text) {
  std::size_t kelvin = text.find(kKelvin);
  if (kelvin == std::string_view::npos) return find_in_plain(text);
  std::string plain;
  for (; kelvin != std::string_view::npos; kelvin = text.find(kKelvin)) {
    plain.append(text.substr(0, kelvin)) += 'k';
    text.remove_prefix(kelvin + kKelvin.size());
  }
  plain += text;
  return find_in_plain(plain);
}

}  // namespace phidias::data::pipeline
