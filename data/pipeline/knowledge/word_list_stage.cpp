#include "data/pipeline/knowledge/word_list_stage.h"

#include "base/error.h"
#include "data/line_blocks.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {

class WordListWorker final : public DocumentWorker {
 public:
  explicit WordListWorker(const WordListStage& stage) : stage_(stage) {}

  void process(Document& document) override {
    const WordMatches found = stage_.matcher_->match(document.text(), scratch_);
    const double share = found.words == 0 ? 0 : static_cast<double>(found.matched_words) / static_cast<double>(found.words);
    document.annotations().set(stage_.count_name_, static_cast<double>(found.matches));
    document.annotations().set(stage_.share_name_, share);
    const WordListStage::Config& config = stage_.config_;
    if (config.maximum_count && found.matches > *config.maximum_count) document.drop("maximum_count");
    if (config.maximum_share && share > *config.maximum_share) document.drop("maximum_share");
  }

 private:
  const WordListStage& stage_;
  WordMatcher::Scratch scratch_;
};

WordListStage::WordListStage(const Config& config, const StageSetup& setup)
    : Stage(setup), config_(config), count_name_(qualified("count")), share_name_(qualified("share")) {
  std::vector<std::string> entries;
  LineBlocks blocks(config.path, 1 << 20);
  while (const auto block = blocks.next()) {
    if (block->oversized_bytes > 0) throw DataError(config.path + ":" + std::to_string(block->first_line) + ": the line is too long for a word list");
    for_each_line(*block, [&](std::int64_t line, std::string_view text) {
      if (find_invalid_utf8(text) != std::string_view::npos) throw DataError(config.path + ":" + std::to_string(line) + ": invalid UTF-8");
      if (!text.starts_with("# ")) entries.emplace_back(text);
    });
  }
  matcher_ = std::make_unique<WordMatcher>(entries, config.fold_case, config.word_boundaries);
  if (matcher_->entries() == 0) throw DataError(config.path + ": the word list is empty");
}

std::unique_ptr<StageWorker> WordListStage::worker() const { return std::make_unique<WordListWorker>(*this); }

}  // namespace phidias::data::pipeline
