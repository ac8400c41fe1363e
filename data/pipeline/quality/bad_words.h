// Stage bad_words: drops documents with a word or phrase of the user's list (C4's rule; datatrove's C4BadWordsFilter).
//
// The list is a UTF-8 file with one entry a line; empty lines are passed over. Text and entries are compared in lower case; an entry counts between characters
// that are not \w, or anywhere (`boundaries: none`), as in languages without spaces: `auto` takes those by the annotation `language` (ja, th, zh).
// A share of the documents that would go may be kept: drawn from the pipeline's seed and the text alone.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

enum class WordBoundaries { automatic, words, none };

class PhraseList;

class BadWords final : public Stage {
 public:
  struct Config {
    std::string list;
    WordBoundaries boundaries = WordBoundaries::automatic;
    double keep = 0;
  };
  // Throws DataError when the list cannot be read or is empty.
  BadWords(const Config& config, const StageSetup& setup);
  ~BadWords() override;
  std::unique_ptr<StageWorker> worker() const override;
  std::vector<std::filesystem::path> resources() const override { return {config_.list}; }

 private:
  Config config_;
  std::uint64_t seed_;
  std::unique_ptr<const PhraseList> phrases_;
};

template <class Visitor>
void visit(BadWords::Config& c, Visitor& v) {
  v.field(c.list, {.key = "list", .doc = "file of words and phrases, one a line", .required = true});
  v.field(c.boundaries, {.key = "boundaries", .doc = "where an entry counts: between characters that are no letters or digits, or anywhere"});
  v.field(c.keep, {.key = "keep", .doc = "share of documents with a bad word that stay", .minimum = 0, .maximum = 1});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 3> enum_names<data::pipeline::WordBoundaries>{"auto", "words", "none"};
}
