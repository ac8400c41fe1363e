#include "data/pipeline/quality/fineweb_quality.h"

#include <algorithm>
#include <array>

#include "data/pipeline/byte_masks.h"
#include "data/pipeline/characters.h"
#include "data/pipeline/quality/lines.h"
#include "data/pipeline/quality/string_table.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

class Worker final : public DocumentWorker {
 public:
  Worker(const FinewebQuality& stage, const FinewebQuality::Config& config) : config_(config), splitter_(WordSplitter::of(config.splitter)) {
    constexpr std::array<std::string_view, 4> kNames = {"punctuated_lines", "short_lines", "duplicate_line_characters", "newlines"};
    for (std::size_t i = 0; i < kNames.size(); ++i) names_[i] = stage.qualified(kNames[i]);
  }

  void process(Document& document) override {
    const std::string& text = document.text();
    look_at_lines(text);
    const auto words = static_cast<double>(document.words(splitter_).size());
    const auto share = [](std::size_t part, double whole) { return whole == 0 ? 0.0 : static_cast<double>(part) / whole; };
    const auto lines = static_cast<double>(lines_);
    const std::array<double, 4> values = {share(punctuated_, lines), share(short_, lines), share(duplicate_characters_, static_cast<double>(characters_)),
                                          share(newlines_, words)};
    for (std::size_t i = 0; i < values.size(); ++i) document.annotations().set(names_[i], values[i]);
    if (lines_ == 0) return document.drop("empty");
    if (values[0] < config_.min_punctuated_lines && !(punctuated_ == 0 && config_.accept_unpunctuated)) document.drop("min_punctuated_lines");
    if (values[1] > config_.max_short_lines) document.drop("max_short_lines");
    if (values[2] > config_.max_duplicate_line_characters) document.drop("max_duplicate_line_characters");
    if (values[3] > config_.max_newlines) document.drop("max_newlines");
  }

 private:
  void look_at_lines(std::string_view text) {
    const bool ascii = is_ascii(text);
    const auto length = [&](std::string_view line) { return ascii ? line.size() : count_characters(line); };
    newlines_ = count_byte(text, '\n');
    lines_ = punctuated_ = short_ = duplicate_characters_ = characters_ = 0;
    table_.reset(text, newlines_ + 1);
    for_each_newline_part(text, [&](std::string_view line) {
      const std::size_t size = length(line);
      characters_ += size;
      if (strip_left(line).empty()) return;
      ++lines_;
      punctuated_ += is_punctuated(line);
      short_ += size <= static_cast<std::size_t>(config_.short_line);
      const std::uint32_t count = table_.count(table_.add(line));
      if (count > 1) duplicate_characters_ += config_.count_first && count == 2 ? 2 * size : size;
    });
  }

  bool is_punctuated(std::string_view line) const {
    if (config_.line_ends.empty()) return Characters::get().is(decode_utf8_before(line.data() + line.size()), Characters::terminal);
    return std::any_of(config_.line_ends.begin(), config_.line_ends.end(), [&](const std::string& end) { return line.ends_with(end); });
  }

  FinewebQuality::Config config_;
  const WordSplitter& splitter_;
  std::array<std::string, 4> names_;
  StringTable table_;
  std::size_t newlines_ = 0, lines_ = 0, punctuated_ = 0, short_ = 0, duplicate_characters_ = 0, characters_ = 0;
};

}  // namespace

std::unique_ptr<StageWorker> FinewebQuality::worker() const { return std::make_unique<Worker>(*this, config_); }

}  // namespace phidias::data::pipeline
