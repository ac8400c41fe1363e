#include "data/pipeline/knowledge/language_detector.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <array>

#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::uint32_t kLetterMask = 0xFFFFFF;
constexpr std::array<int, 3> kGroupScripts = {USCRIPT_LATIN, USCRIPT_CYRILLIC, USCRIPT_ARABIC};

// The ranges of the three scripts that the model was trained with.
int group_script(std::uint32_t c) {
  if ((c >= 0x41 && c <= 0x24F) || (c >= 0x1E00 && c <= 0x1EFF)) return USCRIPT_LATIN;
  if (c >= 0x400 && c <= 0x52F) return USCRIPT_CYRILLIC;
  if ((c >= 0x600 && c <= 0x6FF) || (c >= 0x750 && c <= 0x77F) || (c >= 0xFB50 && c <= 0xFDFF) || (c >= 0xFE70 && c <= 0xFEFC)) return USCRIPT_ARABIC;
  return USCRIPT_INVALID_CODE;
}

// Script in the upper byte, folded letter below; 0 for what is no letter.
std::uint32_t letter_entry(std::uint32_t c) {
  if (!u_isalpha(static_cast<UChar32>(c))) return 0;
  // Dotted capital I folds to two characters in full case mapping; the model knows it unfolded.
  const std::uint32_t folded = c == 0x130 ? c : static_cast<std::uint32_t>(u_tolower(static_cast<UChar32>(c)));
  const int group = group_script(c);
  UErrorCode status = U_ZERO_ERROR;
  const int script = group != USCRIPT_INVALID_CODE ? group : static_cast<int>(uscript_getScript(static_cast<UChar32>(c), &status));
  return U_FAILURE(status) || script > 255 || script < 0 ? 0 : static_cast<std::uint32_t>(script) << 24 | (folded & kLetterMask);
}

const std::vector<std::uint32_t>& letter_table() {
  static const std::vector<std::uint32_t> table = [] {
    std::vector<std::uint32_t> entries(0x10000);
    for (std::uint32_t c = 0; c < entries.size(); ++c) entries[c] = letter_entry(c);
    return entries;
  }();
  return table;
}

constexpr std::int64_t kIdeographWeight = 3;

// Letters of one answer by script alone, or of a group of the model.
struct Candidate {
  int script;
  std::string_view language;  // empty: the group's model knows
  std::int64_t weight;
};

}  // namespace

const std::vector<std::string>& built_in_languages() {
  static const std::vector<std::string> languages = [] {
    std::vector<std::string> all = {"he", "ja", "ko", "th", "zh"};
    for (const auto& group : NgramLanguageModel::built_in().groups())
      for (const LanguageOfScript& language : group.languages)
        if (language.is_answer) all.push_back(language.code);
    std::sort(all.begin(), all.end());
    return all;
  }();
  return languages;
}

LanguageDetector::LanguageDetector(const NgramLanguageModel& model) : model_(model), letters_(256) {
  for (const auto& group : model.groups()) evidence_.emplace_back(group);
}

void LanguageDetector::scan(std::string_view text) {
  std::fill(letters_.begin(), letters_.end(), 0);
  for (NgramEvidence& evidence : evidence_) evidence.clear();
  const std::uint32_t* table = letter_table().data();
  NgramEvidence* open = &evidence_[0];  // the one within a word
  int open_script = USCRIPT_LATIN;
  for (std::size_t i = 0; i < text.size();) {
    const char lead = text[i];
    std::uint32_t entry = 0;
    if (static_cast<unsigned char>(lead) < 0x80) {
      entry = table[static_cast<unsigned char>(lead)];
      ++i;
    } else {
      const std::uint32_t c = decode_utf8(text.data() + i);
      entry = c < 0x10000 ? table[c] : letter_entry(c);
      i += static_cast<std::size_t>(utf8_length(lead));
    }
    const auto script = static_cast<int>(entry >> 24);
    ++letters_[static_cast<std::size_t>(script)];
    if (script != open_script) {
      open->add(0);
      const auto* group = std::find(kGroupScripts.begin(), kGroupScripts.end(), script);
      if (group == kGroupScripts.end()) continue;
      open = &evidence_[static_cast<std::size_t>(group - kGroupScripts.begin())];
      open_script = script;
    }
    open->add(entry & kLetterMask);
  }
  letters_[0] = 0;  // what is no letter (script Common is 0)
  for (NgramEvidence& evidence : evidence_) evidence.add(0);
}

DetectedLanguage LanguageDetector::detect(std::string_view text) {
  scan(text);
  const auto count = [&](int script) { return letters_[static_cast<std::size_t>(script)]; };
  const std::int64_t kana = count(USCRIPT_HIRAGANA) + count(USCRIPT_KATAKANA), han = count(USCRIPT_HAN), hangul = count(USCRIPT_HANGUL);
  const bool is_japanese = kana * 10 >= kana + han && kana > 0, han_is_korean = !is_japanese && hangul > han;

  std::vector<Candidate> candidates;
  std::int64_t total = 0;
  DetectedLanguage detected;
  for (int script = 1; script < 256; ++script) {
    const std::int64_t letters = count(script);
    detected.letters += letters;
    if (letters == 0 || script == USCRIPT_INHERITED || script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA || script == USCRIPT_HAN ||
        script == USCRIPT_HANGUL)
      continue;
    const std::string_view language = script == USCRIPT_HEBREW ? "he" : script == USCRIPT_THAI ? "th" : "und";
    const bool has_model = std::find(kGroupScripts.begin(), kGroupScripts.end(), script) != kGroupScripts.end();
    candidates.push_back({script, has_model ? std::string_view() : language, letters});
    total += letters;
  }
  const std::int64_t east_asian = kIdeographWeight * (kana + han + hangul);
  total += east_asian;
  candidates.push_back({USCRIPT_HANGUL, "ko", kIdeographWeight * (hangul + (han_is_korean ? han : 0))});
  candidates.push_back({is_japanese ? USCRIPT_JAPANESE : USCRIPT_HAN, is_japanese ? "ja" : "zh", kIdeographWeight * (kana + (han_is_korean ? 0 : han))});
  if (total == 0) return detected;

  const Candidate& best = *std::max_element(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) { return a.weight < b.weight; });
  detected.script = best.script == USCRIPT_JAPANESE ? "Japanese" : uscript_getName(static_cast<UScriptCode>(best.script));
  detected.language = best.language;
  detected.score = static_cast<double>(best.weight) / static_cast<double>(total);
  if (!best.language.empty()) return detected;

  const auto group = static_cast<std::size_t>(std::find(kGroupScripts.begin(), kGroupScripts.end(), best.script) - kGroupScripts.begin());
  evidence_[group].probabilities(probabilities_);
  const auto winner = static_cast<std::size_t>(std::max_element(probabilities_.begin(), probabilities_.end()) - probabilities_.begin());
  const LanguageOfScript& language = model_.groups()[group].languages[winner];
  detected.language = language.is_answer ? std::string_view(language.code) : std::string_view("und");
  detected.score *= probabilities_[winner];
  return detected;
}

}  // namespace phidias::data::pipeline
