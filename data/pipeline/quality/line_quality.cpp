#include "data/pipeline/quality/line_quality.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>

#include "data/pipeline/characters.h"
#include "data/pipeline/quality/lines.h"
#include "data/pipeline/quality/lower_case.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"lines", "kept_lines", "words", "removed_words"};

const RE2& counter_pattern() {
  static const RE2 pattern(
      R"(^[^\pL\pN]*\d[\d.,]*[kmb]?\s+(?:likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes|downloads|views|followers)[^\pL\pN]*$)");
  return pattern;
}

std::int64_t count_words(std::string_view line) {
  const Characters& characters = Characters::get();
  std::int64_t words = 0;
  bool in_word = false;
  for (std::size_t at = 0; at < line.size(); at += static_cast<std::size_t>(utf8_length(line[at]))) {
    const bool space = characters.is(decode_utf8(line.data() + at), Characters::space);
    words += !space && !in_word;
    in_word = !space;
  }
  return words;
}

class Worker final : public DocumentWorker {
 public:
  Worker(const LineQuality& stage, const LineQuality::Config& config) : config_(config) {
    for (auto* phrases : {&config_.anywhere, &config_.at_start, &config_.at_end})
      for (std::string& phrase : *phrases) phrase = lower_case(phrase);
    for (std::size_t i = 0; i < kNames.size(); ++i) names_[i] = stage.qualified(kNames[i]);
  }

  void process(Document& document) override {
    const std::string& text = document.text();
    kept_.clear();
    std::int64_t lines = 0, kept_lines = 0, words = 0, kept_words = 0;
    bool first = true;
    for_each_newline_part(text, [&](std::string_view line) {
      const bool is_blank = strip_left(line).empty();
      const std::int64_t line_words = is_blank ? 0 : count_words(line);
      if (!is_blank) {
        ++lines;
        words += line_words;
        line = without_phrases(line, line_words);
        if (line.empty() || is_removed(line)) return;
        ++kept_lines;
        kept_words += count_words(line);
      }
      if (!first) kept_ += '\n';
      kept_ += line;
      first = false;
    });
    const std::array<double, 4> values = {static_cast<double>(lines), static_cast<double>(kept_lines), static_cast<double>(words),
                                          static_cast<double>(words - kept_words)};
    for (std::size_t i = 0; i < values.size(); ++i) document.annotations().set(names_[i], values[i]);
    if (lines == 0) return document.drop("empty");
    if (values[3] > config_.max_removed_words * values[2]) return document.drop("max_removed_words");
    if (config_.edit && kept_ != text) document.set_text(kept_);
  }

 private:
  // Empty when nothing but phrases is left, or a phrase stands in it that may stand nowhere.
  std::string_view without_phrases(std::string_view line, std::int64_t words) {
    if (words > config_.phrase_words) return line;
    lower_case(line, lower_);
    for (const std::string& phrase : config_.anywhere)
      if (lower_.find(phrase) != std::string::npos) return {};
    if (lower_.size() != line.size()) return line;  // letters that change their size do not stand in menus; places would not fit
    const std::string_view whole = strip(lower_);
    std::size_t begin = static_cast<std::size_t>(whole.data() - lower_.data()), end = begin + whole.size();
    bool is_cut = false;
    for (const std::string& phrase : config_.at_start) {
      if (!std::string_view(lower_).substr(begin, end - begin).starts_with(phrase)) continue;
      begin += phrase.size();
      is_cut = true;
    }
    for (const std::string& phrase : config_.at_end) {
      if (!std::string_view(lower_).substr(begin, end - begin).ends_with(phrase)) continue;
      end -= phrase.size();
      is_cut = true;
    }
    if (!is_cut) return line;
    // Two letters may have changed their sizes against each other: a place inside a character is no place.
    const bool fits = begin >= end || (!is_continuation(line[begin]) && (end == line.size() || !is_continuation(line[end])));
    return begin >= end ? std::string_view() : fits ? strip(line.substr(begin, end - begin)) : line;
  }

  bool is_removed(std::string_view line) {
    const Characters& characters = Characters::get();
    const std::string_view inner = strip(line);
    std::size_t length = 0, upper = 0, digits = 0;
    for (std::size_t at = 0; at < inner.size(); at += static_cast<std::size_t>(utf8_length(inner[at])), ++length) {
      const std::uint8_t kinds = characters.of(decode_utf8(inner.data() + at));
      upper += (kinds & Characters::upper) != 0;
      digits += (kinds & Characters::word) && !(kinds & Characters::alpha) && inner[at] != '_';
    }
    const auto share = [&](std::size_t part) { return static_cast<double>(part) / static_cast<double>(length); };
    if (share(upper) > config_.max_uppercase || share(digits) > config_.max_digits) return true;
    if (count_words(inner) < config_.min_words) return true;
    if (!config_.counters || inner.size() > 100) return false;
    lower_case(inner, lower_);
    return RE2::PartialMatch(lower_, counter_pattern());
  }

  LineQuality::Config config_;
  std::array<std::string, 4> names_;
  std::string kept_, lower_;
};

}  // namespace

std::unique_ptr<StageWorker> LineQuality::worker() const { return std::make_unique<Worker>(*this, config_); }

}  // namespace phidias::data::pipeline
