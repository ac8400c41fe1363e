#include "data/pipeline/decontaminate/matching_blocks.h"

#include <algorithm>
#include <unordered_map>

#include "base/hash.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::size_t kShortest = 6;  // characters of a block that counts

class Matcher {
 public:
  Matcher(std::u32string_view a, std::u32string_view b) : a_(a), run_(b.size() + 1, 0) {
    for (std::size_t j = 0; j < b.size(); ++j) places_[b[j]].push_back(j);
    for (const char32_t c : a_) {
      const auto found = places_.find(c);
      in_b_.push_back(found == places_.end() ? nullptr : &found->second);
    }
  }

  std::vector<MatchingBlock> blocks(std::size_t b_size) {
    struct Range {
      std::size_t a_begin, a_end, b_begin, b_end;
    };
    std::vector<Range> open = {{0, a_.size(), 0, b_size}};
    std::vector<MatchingBlock> found;
    while (!open.empty()) {
      const Range range = open.back();
      open.pop_back();
      const MatchingBlock block = longest(range.a_begin, range.a_end, range.b_begin, range.b_end);
      if (block.size == 0) continue;
      found.push_back(block);
      if (range.a_begin < block.a && range.b_begin < block.b) open.push_back({range.a_begin, block.a, range.b_begin, block.b});
      if (block.a + block.size < range.a_end && block.b + block.size < range.b_end)
        open.push_back({block.a + block.size, range.a_end, block.b + block.size, range.b_end});
    }
    std::sort(found.begin(), found.end(), [](const MatchingBlock& x, const MatchingBlock& y) { return x.a < y.a; });
    std::vector<MatchingBlock> joined;
    for (const MatchingBlock& block : found) {
      if (!joined.empty() && joined.back().a + joined.back().size == block.a && joined.back().b + joined.back().size == block.b)
        joined.back().size += block.size;
      else
        joined.push_back(block);
    }
    return joined;
  }

 private:
  // run_[j + 1]: length of the common run that ends at a[i], b[j]. Places are walked from the right, so one row is enough.
  MatchingBlock longest(std::size_t a_begin, std::size_t a_end, std::size_t b_begin, std::size_t b_end) {
    MatchingBlock best{a_begin, b_begin, 0};
    std::vector<std::size_t> used, next_used;
    for (std::size_t i = a_begin; i < a_end; ++i) {
      next_used.clear();
      if (in_b_[i] != nullptr) {
        const std::vector<std::size_t>& places = *in_b_[i];
        const auto first = std::lower_bound(places.begin(), places.end(), b_begin), last = std::lower_bound(first, places.end(), b_end);
        for (auto at = last; at != first;) {
          const std::size_t j = *--at;
          run_[j + 1] = run_[j] + 1;
          next_used.push_back(j + 1);
          // From the right: of equally long runs that end here the leftmost in b is seen last.
          if (run_[j + 1] > best.size || (run_[j + 1] == best.size && i + 1 - best.size == best.a))
            best = {i + 1 - run_[j + 1], j + 1 - run_[j + 1], run_[j + 1]};
        }
      }
      // What the last row left and this row did not write is no run any more; both lists fall.
      std::size_t kept = 0;
      for (const std::size_t index : used) {
        while (kept < next_used.size() && next_used[kept] > index) ++kept;
        if (kept == next_used.size() || next_used[kept] != index) run_[index] = 0;
      }
      used.swap(next_used);
    }
    for (const std::size_t index : used) run_[index] = 0;
    return best;
  }

  std::u32string_view a_;
  std::unordered_map<char32_t, std::vector<std::size_t>> places_;
  std::vector<const std::vector<std::size_t>*> in_b_;
  std::vector<std::size_t> run_;
};

}  // namespace

std::vector<MatchingBlock> matching_blocks(std::u32string_view a, std::u32string_view b) { return Matcher(a, b).blocks(b.size()); }

double matched_part(std::u32string_view document, std::u32string_view item) {
  if (item.empty()) return 0;
  std::size_t length = 0;
  bool gap = false;
  for (const MatchingBlock& block : matching_blocks(document, item)) {
    if (block.size < kShortest) continue;
    for (const char32_t c : document.substr(block.a, block.size)) {
      if (c == U' ') {
        gap = true;
      } else {
        length += gap && length > 0 ? 2 : 1;
        gap = false;
      }
    }
  }
  return static_cast<double>(length) / static_cast<double>(item.size());
}

std::vector<std::uint64_t> character_runs(std::u32string_view text) {
  std::vector<std::uint64_t> runs;
  for (std::size_t i = 0; i + kShortest <= text.size(); ++i) runs.push_back(hash_bytes(text.data() + i, kShortest * sizeof(char32_t)).low);
  std::sort(runs.begin(), runs.end());
  runs.erase(std::unique(runs.begin(), runs.end()), runs.end());
  return runs;
}

double matched_part_bound(const std::vector<std::uint64_t>& document_runs, std::u32string_view item) {
  if (item.empty()) return 0;
  std::size_t covered = 0, end = 0;
  for (std::size_t i = 0; i + kShortest <= item.size(); ++i) {
    if (!std::binary_search(document_runs.begin(), document_runs.end(), hash_bytes(item.data() + i, kShortest * sizeof(char32_t)).low)) continue;
    covered += i + kShortest - std::max(i, end);
    end = i + kShortest;
  }
  return static_cast<double>(covered) / static_cast<double>(item.size());
}

double common_words(const std::vector<std::string_view>& question, const std::vector<std::string_view>& passage) {
  if (question.empty()) return 0;
  std::vector<std::size_t> row(passage.size() + 1, 0);
  for (const std::string_view word : question) {
    std::size_t diagonal = 0;
    for (std::size_t j = 0; j < passage.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = word == passage[j] ? diagonal + 1 : std::max(above, row[j]);
      diagonal = above;
    }
  }
  return static_cast<double>(row.back()) / static_cast<double>(question.size());
}

std::u32string code_points(std::string_view text) {
  std::u32string points;
  points.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); i += static_cast<std::size_t>(utf8_length(text[i]))) points.push_back(decode_utf8(text.data() + i));
  return points;
}

}  // namespace phidias::data::pipeline
