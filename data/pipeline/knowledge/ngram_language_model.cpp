#include "data/pipeline/knowledge/ngram_language_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "data/pipeline/knowledge/embedded_models.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::string_view kMagic = "phidlid1";
constexpr std::size_t kScripts = 3;

// Takes values off the front of the file's bytes.
class Bytes {
 public:
  Bytes(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}
  std::string_view take(std::size_t size) {
    if (size > bytes_.size()) throw DataError(name_ + ": the language model ends too early");
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  bool empty() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  const std::string& name_;
};

// Eight 16-bit sums in one register.
using Sums = std::int16_t __attribute__((vector_size(16)));
using Weights = std::int8_t __attribute__((vector_size(8)));

// Adds rows of `stride` weights to the totals.
template <std::size_t stride>
void add_rows(const std::int8_t* table, std::span<const std::uint32_t> rows, std::int64_t* totals) {
  constexpr std::size_t kVectors = stride / 8;
  Sums sums[kVectors] = {};
  for (const std::uint32_t row : rows) {
    for (std::size_t i = 0; i < kVectors; ++i) {
      Weights weights;
      std::memcpy(&weights, table + row * stride + i * 8, sizeof weights);
      sums[i] += __builtin_convertvector(weights, Sums);
    }
  }
  for (std::size_t i = 0; i < stride; ++i) totals[i] += sums[i / 8][i % 8];
}

}  // namespace

const NgramLanguageModel& NgramLanguageModel::built_in() {
  static const NgramLanguageModel model(embedded_language_model(), "the program's language model");
  return model;
}

NgramLanguageModel::NgramLanguageModel(std::string_view content, const std::string& name) {
  Bytes bytes(content, name);
  if (bytes.take(kMagic.size()) != kMagic) throw DataError(name + ": not a language model of Phidias");
  if (bytes.number<std::uint32_t>() != kScripts) throw DataError(name + ": a language model has three scripts");
  for (std::size_t script = 0; script < kScripts; ++script) {
    Group& group = groups_.emplace_back();
    const auto count = bytes.number<std::uint32_t>(), bits = bytes.number<std::uint32_t>(), stride = bytes.number<std::uint32_t>();
    group.scale = bytes.number<float>();
    if (count == 0 || count > stride || (stride != 8 && stride != kMaximumLanguages) || bits < 1 || bits > 24 || !std::isfinite(group.scale))
      throw DataError(name + ": the language model's header is damaged");
    group.bits = static_cast<int>(bits);
    group.stride = stride;
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::string_view entry = bytes.take(4);
      group.languages.push_back({std::string(entry.substr(0, entry[2] == '\0' ? 2 : 3)), entry[3] != 0});
    }
    const std::string_view rows = bytes.take(std::size_t{stride} << bits);
    group.rows.assign(rows.begin(), rows.end());
  }
  if (!bytes.empty()) throw DataError(name + ": bytes after the language model's end");
}

void NgramEvidence::clear() {
  last_ = {};
  ngrams_ = 0;
  pending_ = 0;
  totals_.fill(0);
}

void NgramEvidence::add_ngrams(std::uint32_t letter) {
  constexpr std::uint32_t kStep = 0x9E3779B1u;
  const auto [one, two, three] = last_;  // latest first
  add_row(one * kStep + letter);
  if (one != 0) {
    add_row((two * kStep + one) * kStep + letter);
    if (two != 0) add_row(((three * kStep + two) * kStep + one) * kStep + letter);
  }
  last_ = {letter, one, two};
}

void NgramEvidence::flush() {
  if (pending_ == 0) return;
  if (group_->stride == NgramLanguageModel::kMaximumLanguages) {
    add_rows<NgramLanguageModel::kMaximumLanguages>(group_->rows.data(), std::span(rows_).first(pending_), totals_.data());
  } else {
    add_rows<8>(group_->rows.data(), std::span(rows_).first(pending_), totals_.data());
  }
  ngrams_ += pending_;
  pending_ = 0;
}

void NgramEvidence::probabilities(std::vector<double>& probabilities) {
  flush();
  const std::size_t count = group_->languages.size();
  probabilities.assign(count, 1.0 / static_cast<double>(count));
  if (ngrams_ == 0) return;
  const auto n = static_cast<double>(ngrams_);
  const double factor = static_cast<double>(group_->scale) / n * std::sqrt(std::min(n, static_cast<double>(NgramLanguageModel::kLongest)));
  const double best = static_cast<double>(*std::max_element(totals_.begin(), totals_.begin() + static_cast<std::ptrdiff_t>(count)));
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += probabilities[i] = std::exp(factor * (static_cast<double>(totals_[i]) - best));
  for (double& probability : probabilities) probability /= sum;
}

}  // namespace phidias::data::pipeline
