#include "data/pipeline/classify/fasttext_matrix.h"

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#include "base/error.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::size_t kHugePage = 2 << 20;
// Rows lie anywhere in a gigabyte: their memory is asked for this many rows ahead.
constexpr std::size_t kRowsAhead = 8;

// Rows are reached at random; huge pages spare most of the address translation.
float* allocate(std::size_t bytes) {
  const std::size_t whole = (std::max<std::size_t>(bytes, 1) + kHugePage - 1) / kHugePage * kHugePage;
  void* memory = bytes < kHugePage ? std::malloc(std::max<std::size_t>(bytes, 1)) : std::aligned_alloc(kHugePage, whole);
  if (memory == nullptr) throw std::bad_alloc();
  if (bytes >= kHugePage) madvise(memory, whole, MADV_HUGEPAGE);  // a wish: without huge pages it is only slower
  return static_cast<float*>(memory);
}

void prefetch_row(const float* row, std::size_t columns) {
  const char* line = reinterpret_cast<const char*>(row);
  for (const char* end = reinterpret_cast<const char*>(row + columns); line < end; line += 64) __builtin_prefetch(line);
}

// Four rows a pass: the sum is read and written once for the four. Wider registers do the same additions in the same order.
__attribute__((target_clones("avx512f", "avx2", "default"))) void add_four(const float* a, const float* b, const float* c, const float* d, std::size_t columns,
                                                                           float* __restrict sum) {
  for (std::size_t i = 0; i < columns; ++i) sum[i] = (((sum[i] + a[i]) + b[i]) + c[i]) + d[i];
}

}  // namespace

FastTextMatrixTable::FastTextMatrixTable(const FastTextMatrix& matrix, const std::string& name)
    : rows_(static_cast<std::size_t>(matrix.rows)), columns_(static_cast<std::size_t>(matrix.columns)), quantised_(matrix.codes) {
  if (matrix.quantised) {
    const QuantisedMatrix& from = matrix.codes;
    codes_.assign(from.codes, from.codes + rows_ * static_cast<std::size_t>(from.parts));
    if (from.norm_codes != nullptr) norm_codes_.assign(from.norm_codes, from.norm_codes + rows_);
    return;
  }
  const std::size_t count = rows_ * columns_;
  dense_.reset(allocate(count * sizeof(float)));
  std::memcpy(dense_.get(), matrix.dense, count * sizeof(float));
  // x * 0 is 0 for a number and NaN for what is none.
  float zero = 0;
  for (std::size_t i = 0; i < count; ++i) zero += dense_[i] * 0.0f;
  if (zero != 0.0f) throw DataError(name + ": damaged fastText model: a matrix holds a value that is no number");
}

std::int64_t FastTextMatrixTable::memory_bytes() const {
  const std::size_t floats = (dense_ ? rows_ * columns_ : 0) + quantised_.centroids.size() + quantised_.norm_centroids.size();
  return static_cast<std::int64_t>(floats * sizeof(float) + codes_.size() + norm_codes_.size());
}

void FastTextMatrixTable::add_dense(std::span<const std::int32_t> rows, float* sum) const {
  const std::size_t count = rows.size();
  for (std::size_t i = 0; i < std::min(kRowsAhead, count); ++i) prefetch_row(row(rows[i]), columns_);
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (std::size_t ahead = i + kRowsAhead; ahead < std::min(i + kRowsAhead + 4, count); ++ahead) prefetch_row(row(rows[ahead]), columns_);
    add_four(row(rows[i]), row(rows[i + 1]), row(rows[i + 2]), row(rows[i + 3]), columns_, sum);
  }
  for (; i < count; ++i) {
    const float* values = row(rows[i]);
    for (std::size_t j = 0; j < columns_; ++j) sum[j] += values[j];
  }
}

void FastTextMatrixTable::add_codes(std::size_t row, float* sum) const {
  const float norm = norm_codes_.empty() ? 1.0f : quantised_.norm_centroids[norm_codes_[row]];
  const std::uint8_t* code = codes_.data() + row * static_cast<std::size_t>(quantised_.parts);
  for (std::int32_t m = 0; m < quantised_.parts; ++m) {
    const float* centroid = quantised_.centroid(m, code[m]);
    float* part = sum + static_cast<std::ptrdiff_t>(m) * quantised_.part;
    const std::int32_t size = m + 1 == quantised_.parts ? quantised_.last_part : quantised_.part;
    for (std::int32_t i = 0; i < size; ++i) part[i] += norm * centroid[i];
  }
}

void FastTextMatrixTable::average(std::span<const std::int32_t> rows, float* sum) const {
  std::fill(sum, sum + columns_, 0.0f);
  if (dense_)
    add_dense(rows, sum);
  else
    for (const std::int32_t row : rows) add_codes(static_cast<std::size_t>(row), sum);
  const auto factor = static_cast<float>(1.0 / static_cast<double>(rows.size()));
  for (std::size_t i = 0; i < columns_; ++i) sum[i] *= factor;
}

float FastTextMatrixTable::dot(std::size_t index, const float* vector) const {
  float sum = 0;
  if (dense_) {
    const float* values = row(static_cast<std::int32_t>(index));
    for (std::size_t i = 0; i < columns_; ++i) sum += values[i] * vector[i];
    return sum;
  }
  const float norm = norm_codes_.empty() ? 1.0f : quantised_.norm_centroids[norm_codes_[index]];
  const std::uint8_t* code = codes_.data() + index * static_cast<std::size_t>(quantised_.parts);
  for (std::int32_t m = 0; m < quantised_.parts; ++m) {
    const float* centroid = quantised_.centroid(m, code[m]);
    const float* part = vector + static_cast<std::ptrdiff_t>(m) * quantised_.part;
    const std::int32_t size = m + 1 == quantised_.parts ? quantised_.last_part : quantised_.part;
    for (std::int32_t i = 0; i < size; ++i) sum += part[i] * centroid[i];
  }
  return sum * norm;
}

}  // namespace phidias::data::pipeline
