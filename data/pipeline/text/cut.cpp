#include "data/pipeline/text/cut.h"

#include <algorithm>

#include "data/pipeline/text/utf8_cut.h"

namespace phidias::data::pipeline {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool ends_sentence(std::uint32_t c) { return c == '.' || c == '!' || c == '?' || c == 0x2026 || c == 0x61F || c == 0x6D4 || c == 0x964; }
bool ends_sentence_without_space(std::uint32_t c) { return c == 0x3002 || c == 0xFF01 || c == 0xFF1F || c == 0xFF0E; }
bool is_closing(std::uint32_t c) {
  return c == '"' || c == '\'' || c == ')' || c == ']' || c == 0x2019 || c == 0x201D || c == 0xBB || c == 0x300D || c == 0x300F;
}

// The last position behind a boundary, in (least, limit]; npos: none. `limit` is a character boundary of the text.
std::size_t last_paragraph(std::string_view text, std::size_t least, std::size_t limit) {
  std::size_t at = text.rfind("\n\n", limit);
  if (at != std::string_view::npos && at > limit) at = std::string_view::npos;
  return at == std::string_view::npos || at <= least ? std::string_view::npos : at;
}

std::size_t last_word(std::string_view text, std::size_t least, std::size_t limit) {
  for (std::size_t at = limit; at > least; --at)
    if (is_blank(text[at])) return at;
  return std::string_view::npos;
}

std::size_t last_sentence(std::string_view text, std::size_t least, std::size_t limit) {
  for (std::size_t at = limit; at > least; at = utf8_boundary_before(text, at - 1)) {
    std::size_t end = at;
    std::uint32_t c = decode_utf8_before(text.data() + end);
    while (is_closing(c) && end > least + 1) {
      end = utf8_boundary_before(text, end - 1);
      if (end <= least) break;
      c = decode_utf8_before(text.data() + end);
    }
    if (ends_sentence_without_space(c) || (ends_sentence(c) && (at == text.size() || is_blank(text[at])))) return at;
  }
  return std::string_view::npos;
}

class Worker final : public DocumentWorker {
 public:
  Worker(const Cut::Config& config, const Stage& stage) : config_(config), characters_(stage.qualified("characters")) {}
  void process(Document& document) override {
    const std::string& text = document.text();
    // A text has no more characters than bytes.
    if (text.size() <= static_cast<std::size_t>(config_.max_characters)) return;
    const auto characters = std::ranges::count_if(text, [](char c) { return !is_continuation(c); });
    if (characters <= config_.max_characters) return;
    document.annotations().set(characters_, static_cast<double>(characters));
    if (config_.too_long == TooLong::drop) return document.drop("too_long");
    document.set_text(std::string(cut_text(text, config_.max_characters, config_.at)));
  }

 private:
  Cut::Config config_;
  std::string characters_;
};

}  // namespace

std::string_view cut_text(std::string_view text, std::int64_t characters, CutBoundary boundary) {
  const std::size_t limit = utf8_position(text, static_cast<std::size_t>(characters));
  if (limit == text.size()) return text;
  const std::size_t least = utf8_boundary_before(text, limit / 2);
  std::size_t at = std::string_view::npos;
  if (boundary == CutBoundary::paragraph) at = last_paragraph(text, least, limit);
  if (at == std::string_view::npos && boundary <= CutBoundary::sentence) at = last_sentence(text, least, limit);
  if (at == std::string_view::npos && boundary <= CutBoundary::word) at = last_word(text, least, limit);
  if (at == std::string_view::npos) return text.substr(0, limit);
  while (at > 0 && is_blank(text[at - 1])) --at;
  return text.substr(0, at);
}

std::unique_ptr<StageWorker> Cut::worker() const { return std::make_unique<Worker>(config_, *this); }

}  // namespace phidias::data::pipeline
