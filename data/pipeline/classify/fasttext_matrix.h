// A matrix of a fastText model in memory of its own, and the two things that inference does with it.
//
// Additions and multiplications happen one after the other in the library's order: its sigmoid is a table, so that one unit in the last place can move a
// probability by thousandths.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/pipeline/classify/fasttext_file.h"

namespace phidias::data::pipeline {

class FastTextMatrixTable {
 public:
  // Throws DataError naming `name` when a value is no number.
  FastTextMatrixTable(const FastTextMatrix& matrix, const std::string& name);
  std::size_t columns() const { return columns_; }
  std::int64_t memory_bytes() const;
  // sum = mean of rows; `rows` is not empty and holds numbers of rows.
  void average(std::span<const std::int32_t> rows, float* sum) const;
  float dot(std::size_t row, const float* vector) const;

 private:
  struct Free {
    void operator()(float* values) const { std::free(values); }
  };
  const float* row(std::int32_t index) const { return dense_.get() + static_cast<std::size_t>(index) * columns_; }
  void add_dense(std::span<const std::int32_t> rows, float* sum) const;
  void add_codes(std::size_t row, float* sum) const;

  std::size_t rows_ = 0, columns_ = 0;
  std::unique_ptr<float[], Free> dense_;
  std::vector<std::uint8_t> codes_, norm_codes_;
  QuantisedMatrix quantised_;
};

}  // namespace phidias::data::pipeline
