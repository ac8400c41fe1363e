// Counts the words and phrases of the user's list, and drops documents with too many.
//
//   stages:
//     - word_list: {name: slurs, path: lists/slurs.txt, maximum_count: 2}
//
// The file has one entry per line, UTF-8; empty lines and lines that begin with "# " are left out. What a match is: word_matcher.h.
// Annotations: <name>.count (matches), <name>.share (matched words / words). Reasons: maximum_count, maximum_share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "data/pipeline/knowledge/word_matcher.h"
#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

class WordListStage final : public Stage {
 public:
  struct Config {
    std::string path;
    bool fold_case = true, word_boundaries = true;
    std::optional<std::int64_t> maximum_count;
    std::optional<double> maximum_share;
  };
  // Throws DataError when the list cannot be read or is empty.
  WordListStage(const Config& config, const StageSetup& setup);
  std::unique_ptr<StageWorker> worker() const override;
  std::vector<std::filesystem::path> resources() const override { return {config_.path}; }
  std::vector<std::pair<std::string, std::string>> notes() const override { return {{"entries", std::to_string(matcher_->entries())}}; }

 private:
  friend class WordListWorker;
  Config config_;
  std::unique_ptr<const WordMatcher> matcher_;
  std::string count_name_, share_name_;
};

template <class Visitor>
void visit(WordListStage::Config& c, Visitor& v) {
  v.field(c.path, {.key = "path", .doc = "the list: one word or phrase per line", .required = true});
  v.field(c.fold_case, {.key = "fold_case", .doc = "upper and lower case are the same"});
  v.field(c.word_boundaries, {.key = "word_boundaries", .doc = "only whole words; `false` for scripts that do not separate words"});
  v.field(c.maximum_count, {.key = "maximum_count", .doc = "documents with more matches are dropped", .minimum = 0, .default_text = "count only"});
  v.field(
      c.maximum_share,
      {.key = "maximum_share", .doc = "documents with a larger share of matched words are dropped", .minimum = 0, .maximum = 1, .default_text = "count only"});
}

}  // namespace phidias::data::pipeline
