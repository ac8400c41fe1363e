#include "data/pipeline/quality/c4_quality.h"

#include <array>
#include <cstring>

#include "data/pipeline/characters.h"
#include "data/pipeline/quality/c4_phrases.h"
#include "data/pipeline/quality/citations.h"
#include "data/pipeline/quality/lines.h"

namespace phidias::data::pipeline {
namespace {

// What happened to lines; the order is that of the annotations.
enum Outcome : std::size_t { kSeen, kLongWord, kNoTerminal, kFewWords, kJavascriptLine, kPolicyLine, kKept, kSentences, kOutcomes };
constexpr std::array<std::string_view, kOutcomes> kNames = {"lines",        "long_word_lines", "unpunctuated_lines", "few_word_lines", "javascript_lines",
                                                            "policy_lines", "kept_lines",      "sentences"};

// len(line.split()), but no further than `enough`.
std::int64_t count_words(std::string_view line, std::int64_t enough) {
  const Characters& characters = Characters::get();
  std::int64_t words = 0;
  bool in_word = false;
  for (std::size_t at = 0; at < line.size() && words < enough; at += static_cast<std::size_t>(utf8_length(line[at]))) {
    const bool space = characters.is(decode_utf8(line.data() + at), Characters::space);
    words += !space && !in_word;
    in_word = !space;
  }
  return words;
}

bool has_longer_word(std::string_view line, std::size_t characters) {
  if (line.size() <= characters) return false;
  const Characters& kinds = Characters::get();
  std::size_t length = 0;
  for (std::size_t at = 0; at < line.size(); at += static_cast<std::size_t>(utf8_length(line[at]))) {
    length = kinds.is(decode_utf8(line.data() + at), Characters::space) ? 0 : length + 1;
    if (length > characters) return true;
  }
  return false;
}

bool ends_as_prose(std::string_view line) {
  if (line.empty() || line.ends_with("...")) return false;
  const char last = line.back();
  return last == '.' || last == '?' || last == '!' || last == '"' || last == '\'';
}

class Worker final : public DocumentWorker {
 public:
  Worker(const C4Quality& stage, const C4Quality::Config& config) : config_(config) {
    for (std::size_t i = 0; i < kOutcomes; ++i) names_[i] = stage.qualified(kNames[i]);
  }

  void process(Document& document) override {
    const std::string& text = document.text();
    counts_.fill(0);
    kept_.clear();
    verdict_ = {};
    text_has_bracket_ = !text.empty() && std::memchr(text.data(), '{', text.size()) != nullptr;
    text_has_square_ = !text.empty() && std::memchr(text.data(), '[', text.size()) != nullptr;
    text_phrases_ = find_c4_phrases(text);
    if (config_.unit == TextUnit::line)
      for_each_splitline(text, [&](std::string_view line) {
        if (verdict_.empty()) look_at(line);
      });
    else
      look_at_sentences(text);
    if (verdict_.empty() && static_cast<std::int64_t>(counts_[kSentences]) < config_.min_sentences) verdict_ = "min_sentences";
    for (std::size_t i = 0; i < kOutcomes; ++i) document.annotations().set(names_[i], static_cast<double>(counts_[i]));
    if (!verdict_.empty()) return document.drop(verdict_);
    if (!config_.edit) return;
    const std::string_view kept = strip(kept_);
    if (kept != text) document.set_text(std::string(kept));
  }

 private:
  void look_at_sentences(std::string_view text) {
    split_sentences(text, config_.sentences, text_sentences_);
    std::size_t begin = 0;
    for (const std::size_t end : text_sentences_) {
      if (!verdict_.empty()) return;
      look_at(text.substr(begin, end - begin));
      begin = end;
    }
  }

  void look_at(std::string_view line) {
    ++counts_[kSeen];
    line = strip(line);
    if (config_.max_word_length != -1 && has_longer_word(line, static_cast<std::size_t>(config_.max_word_length))) {
      ++counts_[kLongWord];
      return;
    }
    const std::string_view written = line;  // words are counted before citations go
    const bool is_cut = config_.citations && text_has_square_ && cut_citations(line, cut_);
    if (is_cut) line = cut_;
    if (config_.terminal_punctuation && !ends_as_prose(line)) {
      ++counts_[kNoTerminal];
      return;
    }
    if (config_.min_line_words > 0 && count_words(written, config_.min_line_words) < config_.min_line_words) {
      ++counts_[kFewWords];
      return;
    }
    const std::uint8_t phrases = is_cut || text_phrases_ != 0 ? find_c4_phrases(line) : 0;
    if (config_.lorem_ipsum && (phrases & kLoremIpsum)) {
      verdict_ = "lorem_ipsum";
      return;
    }
    if (config_.javascript && (phrases & kJavascript)) {
      ++counts_[kJavascriptLine];
      return;
    }
    if (config_.curly_bracket && text_has_bracket_ && line.find('{') != std::string_view::npos) {
      verdict_ = "curly_bracket";
      return;
    }
    if (config_.policy && (phrases & kPolicy)) {
      ++counts_[kPolicyLine];
      return;
    }
    keep(line);
  }

  void keep(std::string_view line) {
    if (config_.min_sentences != -1) {
      if (config_.unit == TextUnit::line)
        split_sentences(line, config_.sentences, line_sentences_);
      else
        line_sentences_.assign(1, line.size());
      counts_[kSentences] += line_sentences_.size();
    }
    if (counts_[kKept]++ > 0) kept_ += config_.unit == TextUnit::line ? '\n' : ' ';
    kept_ += line;
  }

  C4Quality::Config config_;
  std::array<std::string, kOutcomes> names_;
  std::array<std::size_t, kOutcomes> counts_{};
  std::string kept_, cut_;
  std::string_view verdict_;
  bool text_has_bracket_ = false, text_has_square_ = false;
  std::uint8_t text_phrases_ = 0;
  std::vector<std::size_t> text_sentences_, line_sentences_;
};

}  // namespace

std::unique_ptr<StageWorker> C4Quality::worker() const { return std::make_unique<Worker>(*this, config_); }

}  // namespace phidias::data::pipeline
