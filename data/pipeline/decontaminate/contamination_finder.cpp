#include "data/pipeline/decontaminate/contamination_finder.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "data/pipeline/decontaminate/matching_blocks.h"

namespace phidias::data::pipeline {
namespace {

// Words on either side of a question's place in the document that are compared as well: what a rewording adds.
std::size_t slack(std::size_t words) { return words / 4 + 2; }

constexpr int kPlaces = 16;  // of one item in a document that are compared; a phrase that comes again and again says nothing new

std::vector<std::string_view> word_list(const NormalWords& words, std::size_t begin, std::size_t end) {
  std::vector<std::string_view> list;
  for (std::size_t i = begin; i < end; ++i) list.push_back(words.span(i, 1));
  return list;
}

TextRange bytes_of(const NormalWords& words, std::size_t first, std::size_t count) {
  if (words.origin.empty()) return {};
  return {words.origin[first].begin, words.origin[first + count - 1].end};
}

}  // namespace

ContaminationFinder::ContaminationFinder(const DecontaminateConfig& config)
    : settings_(rule_settings(config)),
      short_items_(config.short_items),
      query_ngrams_(config.query_ngrams),
      minimum_words_(config.minimum_words),
      minimum_line_words_(config.minimum_line_words),
      splitter_(WordSplitter::of(config.splitter)),
      items_(read_evaluation(config.evaluation)) {
  for (std::uint32_t i = 0; i < items_.size(); ++i) {
    const EvaluationItem& item = items_[i];
    if (counts_.empty() || counts_.back().set != item.set) counts_.push_back({.set = item.set});
    sets_.push_back(static_cast<std::uint32_t>(counts_.size() - 1));
    ++counts_.back().items;
    if (settings_.form == WordForm::simplified && !item.answers.empty())
      add_answers(item, i, counts_.back());
    else
      add_text(settings_.likeness == Likeness::common_words ? item.question : item.whole(), i, counts_.back());
  }
  grams_.finish();
  lines_.finish();
}

void ContaminationFinder::add_text(const std::string& text, std::uint32_t item, EvaluationCounts& counts) {
  NormalWords words;
  normalise(text, settings_.form, splitter_, words);
  add_words(std::move(words), 0, item, counts);
}

// datatrove: n-grams of each answer, and those that begin in the question and reach into it.
void ContaminationFinder::add_answers(const EvaluationItem& evaluation, std::uint32_t item, EvaluationCounts& counts) {
  NormalWords question, answer;
  normalise(evaluation.question, settings_.form, splitter_, question);
  for (const std::string& text : evaluation.answers) {
    normalise(text, settings_.form, splitter_, answer);
    NormalWords both;
    for (std::size_t i = 0; i < question.size(); ++i) both.add(question.span(i, 1), {});
    for (std::size_t i = 0; i < answer.size(); ++i) both.add(answer.span(i, 1), {});
    both.finish();
    const std::size_t inside = static_cast<std::size_t>(settings_.words) - 1;
    add_words(std::move(both), query_ngrams_ || question.size() < inside ? 0 : question.size() - inside, item, counts);
  }
}

void ContaminationFinder::add_words(NormalWords words, std::size_t first, std::uint32_t item, EvaluationCounts& counts) {
  const std::size_t count = words.size(), n = static_cast<std::size_t>(settings_.words);
  if (count >= n) {
    const std::uint32_t entry = grams_.add_item(std::move(words));
    gram_owners_.push_back(item);
    for (std::size_t i = first; i + n <= count; ++i) grams_.add(entry, i, n);
    return;
  }
  const bool line = count < static_cast<std::size_t>(minimum_words_);
  if (!short_items_ || count < static_cast<std::size_t>(line ? minimum_line_words_ : 1)) {
    ++counts.not_looked_for;
    return;
  }
  ++(line ? counts.lines : counts.whole);
  NgramIndex& index = line ? lines_ : grams_;
  const std::uint32_t entry = index.add_item(std::move(words));
  (line ? line_owners_ : gram_owners_).push_back(item);
  index.add(entry, 0, count);
}

std::vector<Match> ContaminationFinder::find(std::string_view text, Scratch& scratch) const {
  std::vector<Match> matches;
  normalise(text, settings_.form, splitter_, scratch.words);
  scratch.keys.assign(scratch.words);
  const std::size_t count = scratch.words.size();
  for (std::size_t i = 0; i < count; ++i) {
    for (const std::uint32_t length : grams_.lengths()) {
      if (i + length > count) break;
      const std::int64_t gram = grams_.find(scratch.words, scratch.keys, i, length);
      if (gram >= 0) matches.push_back({static_cast<std::uint32_t>(gram), bytes_of(scratch.words, i, length), static_cast<std::uint32_t>(i)});
    }
  }
  if (lines_.grams() > 0) {
    find_lines(text, scratch, matches);
    std::stable_sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) { return a.bytes.begin < b.bytes.begin; });
  }
  return matches;
}

void ContaminationFinder::find_lines(std::string_view text, Scratch& scratch, std::vector<Match>& matches) const {
  const bool knows_places = settings_.form != WordForm::simplified;
  std::size_t word = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (knows_places) {
      const std::size_t first = word;
      while (word < scratch.words.size() && scratch.words.origin[word].begin < end) ++word;
      find_line(scratch.words, scratch.keys, first, word - first, matches);
    } else {
      normalise(text.substr(begin, end - begin), settings_.form, splitter_, scratch.line);
      scratch.line_keys.assign(scratch.line);
      find_line(scratch.line, scratch.line_keys, 0, scratch.line.size(), matches);
    }
    begin = end + 1;
  }
}

void ContaminationFinder::find_line(const NormalWords& words, const WordKeys& keys, std::size_t first, std::size_t count, std::vector<Match>& matches) const {
  if (!std::binary_search(lines_.lengths().begin(), lines_.lengths().end(), static_cast<std::uint32_t>(count))) return;
  const std::int64_t line = lines_.find(words, keys, first, count);
  if (line < 0) return;
  matches.push_back(
      {static_cast<std::uint32_t>(grams_.grams()) + static_cast<std::uint32_t>(line), bytes_of(words, first, count), static_cast<std::uint32_t>(first)});
}

template <class Visit>
void ContaminationFinder::for_each_item(const Match& match, Visit&& visit) const {
  const bool is_line = match.gram >= grams_.grams();
  const NgramIndex& index = is_line ? lines_ : grams_;
  const std::vector<std::uint32_t>& owners = is_line ? line_owners_ : gram_owners_;
  const std::int64_t gram = is_line ? match.gram - static_cast<std::int64_t>(grams_.grams()) : match.gram;
  for (const std::uint32_t entry : index.items(gram)) visit(owners[entry], index, entry, gram);
}

std::vector<std::uint32_t> ContaminationFinder::items(const std::vector<Match>& matches, const Scratch& scratch, double* best) const {
  std::map<std::uint32_t, double> measured;  // item -> likeness
  std::map<std::uint32_t, int> places;       // item -> places looked at
  *best = 0;
  std::u32string document;
  std::vector<std::uint64_t> runs;
  if (settings_.likeness == Likeness::matched_part && !matches.empty()) {
    document = code_points(scratch.words.text);
    runs = character_runs(document);
  }
  for (const Match& match : matches) {
    for_each_item(match, [&](std::uint32_t item, const NgramIndex& index, std::uint32_t entry, std::int64_t gram) {
      const NormalWords& words = index.item_words(entry);
      if (settings_.likeness == Likeness::none || &index == &lines_) {
        measured[item] = 1;
      } else if (settings_.likeness == Likeness::matched_part) {
        // Of the whole document: once is enough. A phrase that many items share makes many candidates; most end at the bound.
        if (measured.contains(item)) return;
        const std::u32string text = code_points(words.text);
        const double bound = matched_part_bound(runs, text);
        const double ratio = bound > settings_.ratio || bound > *best ? matched_part(document, text) : 0;
        measured[item] = ratio;
        *best = std::max(*best, ratio);
      } else if (places[item]++ < kPlaces) {
        // The n-gram's place in the document, less what stands before it in the question. Of an item that shares the n-gram, the first place is taken.
        const std::size_t before = index.position(gram, entry), extra = slack(words.size());
        const std::size_t begin = match.word < before + extra ? 0 : match.word - before - extra;
        const std::size_t end = std::min(scratch.words.size(), match.word + (words.size() - before) + extra);
        const double ratio = common_words(word_list(words, 0, words.size()), word_list(scratch.words, begin, end));
        double& known = measured[item];
        known = std::max(known, ratio);
      }
    });
  }
  std::vector<std::uint32_t> found;
  for (const auto& [item, ratio] : measured) {
    *best = std::max(*best, ratio);
    const bool alike =
        settings_.likeness == Likeness::none || (settings_.likeness == Likeness::matched_part ? ratio > settings_.ratio : ratio >= settings_.ratio);
    if (alike) found.push_back(item);
  }
  return found;
}

std::vector<TextRange> ContaminationFinder::places(const std::vector<Match>& matches, const std::vector<std::uint32_t>& items) const {
  std::vector<TextRange> spans;
  for (const Match& match : matches) {
    bool counts = false;
    for_each_item(match, [&](std::uint32_t item, const NgramIndex&, std::uint32_t, std::int64_t) {
      counts = counts || std::binary_search(items.begin(), items.end(), item);
    });
    if (counts) spans.push_back(match.bytes);
  }
  return spans;
}

}  // namespace phidias::data::pipeline
