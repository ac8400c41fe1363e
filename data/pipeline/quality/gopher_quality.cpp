#include "data/pipeline/quality/gopher_quality.h"

#include <algorithm>
#include <array>

#include "data/pipeline/byte_masks.h"
#include "data/pipeline/characters.h"
#include "data/pipeline/quality/lines.h"
#include "data/pipeline/quality/lower_case.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::string_view kEllipsis = "…";

// Which words of a short list a word is; most words are turned away by first byte and length.
class StopWords {
 public:
  StopWords(const std::vector<std::string>& words, bool keep_case) : keep_case_(keep_case) {
    for (const std::string& word : words) words_.push_back(keep_case ? word : lower_case(word));
    std::sort(words_.begin(), words_.end());
    words_.erase(std::unique(words_.begin(), words_.end()), words_.end());
    for (const std::string& word : words_)
      if (!word.empty()) lengths_[static_cast<unsigned char>(word[0])] |= std::uint64_t{1} << std::min<std::size_t>(word.size(), 63);
    seen_.resize(words_.size());
  }
  void start() {
    std::fill(seen_.begin(), seen_.end(), 0);
    distinct_ = total_ = 0;
  }
  void look_at(std::string_view word) {
    if (!keep_case_) {
      lower_case(word, lower_);
      word = lower_;
    }
    if (word.empty() || !(lengths_[static_cast<unsigned char>(word[0])] >> std::min<std::size_t>(word.size(), 63) & 1)) return;
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if (words_[i] != word) continue;
      ++total_;
      distinct_ += !seen_[i];
      seen_[i] = 1;
    }
  }
  std::int64_t distinct() const { return distinct_; }
  std::int64_t total() const { return total_; }

 private:
  bool keep_case_;
  std::vector<std::string> words_;
  std::array<std::uint64_t, 256> lengths_{};  // of the words that begin with a byte, as bits
  std::vector<std::uint8_t> seen_;
  std::int64_t distinct_ = 0, total_ = 0;
  std::string lower_;
};

// What Python's text.count() gives for "#" and for both ellipses.
struct SymbolCounts {
  std::int64_t hashes = 0, ellipses = 0;
};

SymbolCounts count_symbols(std::string_view text) {
  SymbolCounts counts;
  counts.hashes = static_cast<std::int64_t>(count_byte(text, '#'));
  for (std::size_t at = text.find('.'); at != std::string_view::npos;) {
    std::size_t end = at;
    while (end < text.size() && text[end] == '.') ++end;
    counts.ellipses += static_cast<std::int64_t>((end - at) / 3);
    at = text.find('.', end);
  }
  for (std::size_t at = text.find(kEllipsis); at != std::string_view::npos; at = text.find(kEllipsis, at + kEllipsis.size())) ++counts.ellipses;
  return counts;
}

double ratio(std::int64_t part, std::int64_t whole) { return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole); }

class Worker final : public DocumentWorker {
 public:
  Worker(const GopherQuality& stage, const GopherQuality::Config& config)
      : config_(config), splitter_(WordSplitter::of(config.splitter)), stop_words_(config.stop_words, config.stop_word_case) {
    constexpr std::array<std::string_view, 9> kNames = {"words",        "all_words",      "word_length", "hashes",    "ellipses",
                                                        "bullet_lines", "ellipsis_lines", "alpha_words", "stop_words"};
    for (std::size_t i = 0; i < kNames.size(); ++i) names_[i] = stage.qualified(kNames[i]);
  }

  void process(Document& document) override {
    const std::string& text = document.text();
    const Words& words = document.words(splitter_);
    ascii_ = is_ascii(text);
    look_at_words(words);
    look_at_lines(text);
    const auto all = static_cast<std::int64_t>(words.size());
    if (config_.symbols == SymbolCount::occurrences) symbols_ = count_symbols(text);
    const std::int64_t stop_words = config_.stop_word_count == StopWordCount::distinct ? stop_words_.distinct() : stop_words_.total();
    const std::array<double, 9> values = {static_cast<double>(proper_words_), static_cast<double>(all),      word_length(),
                                          ratio(symbols_.hashes, all),        ratio(symbols_.ellipses, all), ratio(bullet_lines_, lines_),
                                          ratio(ellipsis_lines_, lines_),     ratio(alpha_words_, all),      static_cast<double>(stop_words)};
    for (std::size_t i = 0; i < values.size(); ++i) document.annotations().set(names_[i], values[i]);

    const auto at_least = [&](double value, double minimum, std::string_view rule) {
      if (minimum > 0 && value < minimum) document.drop(rule);
    };
    const auto at_most = [&](double value, double maximum, std::string_view rule) {
      if (maximum > 0 && value > maximum) document.drop(rule);
    };
    at_least(values[0], static_cast<double>(config_.min_words), "min_words");
    at_most(values[0], static_cast<double>(config_.max_words), "max_words");
    at_least(values[2], config_.min_word_length, "min_word_length");
    at_most(values[2], config_.max_word_length, "max_word_length");
    at_most(values[3], config_.max_hashes, "max_hashes");
    at_most(values[4], config_.max_ellipses, "max_ellipses");
    at_most(values[5], config_.max_bullet_lines, "max_bullet_lines");
    at_most(values[6], config_.max_ellipsis_lines, "max_ellipsis_lines");
    at_least(values[7], config_.min_alpha_words, "min_alpha_words");
    at_least(values[8], static_cast<double>(config_.min_stop_words), "min_stop_words");
  }

 private:
  void look_at_words(const Words& words) {
    const Characters& characters = Characters::get();
    const std::uint8_t* ascii = characters.ascii();
    proper_words_ = alpha_words_ = total_length_ = 0;
    symbols_ = {};
    lengths_.clear();
    stop_words_.start();
    for (const std::string_view word : words) {
      const auto first = static_cast<unsigned char>(word[0]);
      bool is_proper = true, is_alpha = true;
      if (first >= 0x80 || !(ascii[first] & Characters::alpha)) {
        is_proper = is_alpha = false;
        for (std::size_t at = 0; at < word.size() && !(is_proper && is_alpha); at += static_cast<std::size_t>(utf8_length(word[at]))) {
          const std::uint8_t kinds = characters.of(decode_utf8(word.data() + at));
          is_proper = is_proper || !(kinds & Characters::symbol);
          is_alpha = is_alpha || (kinds & Characters::alpha);
        }
      }
      alpha_words_ += is_alpha;
      if (is_proper) {
        ++proper_words_;
        const std::size_t length = ascii_ ? word.size() : count_characters(word);
        total_length_ += static_cast<std::int64_t>(length);
        if (config_.word_length == WordLength::median) lengths_.push_back(length);
      }
      stop_words_.look_at(word);
      if (config_.symbols == SymbolCount::words) {
        symbols_.hashes += word.find('#') != std::string_view::npos;
        symbols_.ellipses += word.find("...") != std::string_view::npos || word.find(kEllipsis) != std::string_view::npos;
      }
    }
  }

  void look_at_lines(std::string_view text) {
    lines_ = bullet_lines_ = ellipsis_lines_ = 0;
    for_each_splitline(text, [&](std::string_view line) {
      ++lines_;
      const std::string_view begun = strip_left(line), ended = strip_right(begun);
      bullet_lines_ += std::any_of(config_.bullets.begin(), config_.bullets.end(), [&](const std::string& bullet) { return begun.starts_with(bullet); });
      ellipsis_lines_ += ended.ends_with("...") || ended.ends_with(kEllipsis);
    });
  }

  double word_length() {
    if (config_.word_length == WordLength::mean || lengths_.empty()) return ratio(total_length_, proper_words_);
    const std::size_t middle = lengths_.size() / 2;
    std::nth_element(lengths_.begin(), lengths_.begin() + static_cast<std::ptrdiff_t>(middle), lengths_.end());
    const auto upper = static_cast<double>(lengths_[middle]);
    if (lengths_.size() % 2 == 1) return upper;
    return 0.5 * (upper + static_cast<double>(*std::max_element(lengths_.begin(), lengths_.begin() + static_cast<std::ptrdiff_t>(middle))));
  }

  GopherQuality::Config config_;
  const WordSplitter& splitter_;
  StopWords stop_words_;
  std::array<std::string, 9> names_;
  bool ascii_ = false;
  std::int64_t proper_words_ = 0, alpha_words_ = 0, total_length_ = 0, lines_ = 0, bullet_lines_ = 0, ellipsis_lines_ = 0;
  SymbolCounts symbols_;
  std::vector<std::size_t> lengths_;
};

}  // namespace

std::unique_ptr<StageWorker> GopherQuality::worker() const { return std::make_unique<Worker>(*this, config_); }

}  // namespace phidias::data::pipeline
