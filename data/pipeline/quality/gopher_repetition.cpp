#include "data/pipeline/quality/gopher_repetition.h"

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "data/pipeline/byte_masks.h"
#include "data/pipeline/characters.h"

namespace phidias::data::pipeline {
namespace {

// Parts of a text and how much of it stood before.
class Duplicates {
 public:
  void reset(std::string_view text, std::size_t expected, bool count_first, bool ascii) {
    table_.reset(text, expected);
    parts_ = duplicates_ = characters_ = 0;
    count_first_ = count_first;
    ascii_ = ascii;
  }
  void add(std::string_view part) {
    ++parts_;
    const std::uint32_t count = table_.count(table_.add(part));
    if (count == 1) return;
    const std::size_t times = count_first_ && count == 2 ? 2 : 1;
    duplicates_ += times;
    characters_ += times * (ascii_ ? part.size() : count_characters(part));
  }
  double share() const { return static_cast<double>(duplicates_) / static_cast<double>(parts_); }
  double characters() const { return static_cast<double>(characters_); }

 private:
  StringTable table_;
  std::size_t parts_ = 0, duplicates_ = 0, characters_ = 0;
  bool count_first_ = false, ascii_ = false;
};

// re.split(r"\n+", text) to `lines`, re.split(r"\n{2,}", text.strip()) to `paragraphs`.
void add_parts(std::string_view text, Duplicates& lines, Duplicates& paragraphs) {
  const std::string_view inner = strip(text);
  const char *const begin = text.data(), *const end = begin + text.size(), *const inner_begin = inner.data(), *const inner_end = inner_begin + inner.size();
  const char *line = begin, *paragraph = inner_begin;
  while (line <= end) {
    const auto left = static_cast<std::size_t>(end - line);
    const char* newline = left == 0 ? nullptr : static_cast<const char*>(std::memchr(line, '\n', left));
    if (newline == nullptr) break;
    lines.add({line, static_cast<std::size_t>(newline - line)});
    const char* after = newline;
    while (after < end && *after == '\n') ++after;
    if (after - newline >= 2 && newline >= inner_begin && after < inner_end) {
      paragraphs.add({paragraph, static_cast<std::size_t>(newline - paragraph)});
      paragraph = after;
    }
    line = after;
  }
  lines.add({line, static_cast<std::size_t>(end - line)});
  paragraphs.add({paragraph, static_cast<std::size_t>(inner_end - paragraph)});
}

// A rule with a limit; annotation and reason carry its name.
struct Rule {
  std::string annotation, reason;
  double maximum = 0;
  std::size_t n = 0;
};

class Worker final : public DocumentWorker {
 public:
  Worker(const GopherRepetition& stage, const GopherRepetition::Config& config) : config_(config), splitter_(WordSplitter::of(config.splitter)) {
    const auto rule = [&](const std::string& name, double maximum, std::size_t n) { return Rule{stage.qualified(name), name, maximum, n}; };
    parts_ = {rule("duplicate_paragraphs", config.max_duplicate_paragraphs, 0),
              rule("duplicate_paragraph_characters", config.max_duplicate_paragraph_characters, 0), rule("duplicate_lines", config.max_duplicate_lines, 0),
              rule("duplicate_line_characters", config.max_duplicate_line_characters, 0)};
    for (std::size_t i = 0; i < config.top_n.size(); ++i)
      top_.push_back(rule("top_" + std::to_string(config.top_n[i]) + "_gram", config.max_top[i], static_cast<std::size_t>(config.top_n[i])));
    for (std::size_t i = 0; i < config.duplicated_n.size(); ++i) {
      const auto n = static_cast<std::size_t>(config.duplicated_n[i]);
      duplicated_.push_back(rule("duplicated_" + std::to_string(n) + "_grams", config.max_duplicated[i], n));
    }
  }

  void process(Document& document) override {
    const std::string& text = document.text();
    if (text.empty()) return document.drop("empty");
    const bool ascii = is_ascii(text);
    const auto characters = static_cast<double>(ascii ? text.size() : count_characters(text));
    const auto newlines = count_byte(text, '\n');
    lines_.reset(text, newlines + 1, config_.count_first, ascii);
    paragraphs_.reset(text, newlines / 2 + 1, config_.count_first, ascii);
    add_parts(text, lines_, paragraphs_);
    judge(document, parts_[0], paragraphs_.share(), parts_[0].maximum > 0);
    judge(document, parts_[1], paragraphs_.characters() / characters, parts_[1].maximum > 0);
    judge(document, parts_[2], lines_.share(), parts_[2].maximum > 0);
    judge(document, parts_[3], lines_.characters() / characters, parts_[3].maximum > 0);

    const Words& words = document.words(splitter_);
    ngrams_.reset(text, words);
    const bool of_text = config_.ngram_characters == CharacterBase::text;
    const double base = of_text ? characters : std::max(1.0, static_cast<double>(ngrams_.word_characters()));
    for (const Rule& rule : top_) judge(document, rule, static_cast<double>(ngrams_.top(rule.n, of_text)) / base, words.size() >= rule.n);
    for (const Rule& rule : duplicated_) judge(document, rule, static_cast<double>(ngrams_.duplicated(rule.n, config_.ngram_cover)) / base, true);
  }

 private:
  void judge(Document& document, const Rule& rule, double value, bool applies) {
    document.annotations().set(rule.annotation, value);
    if (applies && value > rule.maximum) document.drop(rule.reason);
  }

  GopherRepetition::Config config_;
  const WordSplitter& splitter_;
  std::vector<Rule> parts_, top_, duplicated_;
  Duplicates lines_, paragraphs_;
  RepeatedNgrams ngrams_;
};

}  // namespace

GopherRepetition::GopherRepetition(const Config& config, const StageSetup& setup) : Stage(setup), config_(config) {
  if (config.top_n.size() != config.max_top.size()) throw ConfigError(setup.name + ": top_n and max_top need equally many entries, one limit for each size");
  if (config.duplicated_n.size() != config.max_duplicated.size())
    throw ConfigError(setup.name + ": duplicated_n and max_duplicated need equally many entries, one limit for each size");
  for (const auto& sizes : {config.top_n, config.duplicated_n})
    if (std::adjacent_find(sizes.begin(), sizes.end(), std::greater_equal<>()) != sizes.end())
      throw ConfigError(setup.name + ": the sizes in top_n and in duplicated_n must rise");
}

std::unique_ptr<StageWorker> GopherRepetition::worker() const { return std::make_unique<Worker>(*this, config_); }

}  // namespace phidias::data::pipeline
