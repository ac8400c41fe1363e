// A trained fastText classifier (.bin or .ftz): a text to a probability per label.
//
//   const FastTextClassifier model = FastTextClassifier::load("educational.bin");
//   FastTextClassifier::Scratch scratch;                                  // one per thread
//   std::span<const float> p = model.probabilities(text, scratch);        // p[i] belongs to model.labels()[i]
//
// Immutable, so that threads share one. Numbers are those of `fasttext predict-prob FILE - -1` for the text on one line: softmax, hierarchical softmax,
// negative sampling, one-versus-all (whose sigmoid is fastText's table of 512 entries), dense, quantised and pruned models. The tool adds 1e-5 before each
// logarithm that it takes, so its probabilities are 1e-5 too high (hierarchical softmax: per node of the path); so are these, but never above 1.
//
// Inference is our own, over tables laid out for it: the library's runs at less than a third of the speed (bench/data_classifier_bench.cpp compares speed and
// numbers), and it trusts the sizes that a file states.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace phidias::data::pipeline {

class FastTextClassifier {
 public:
  struct Scratch {
    std::vector<std::int32_t> rows;
    std::vector<std::uint32_t> hashes;
    std::vector<float> hidden, output;
  };

  // Throws DataError naming the file: missing, damaged, or not a classifier.
  static FastTextClassifier load(const std::filesystem::path& path);
  // From the bytes of a file; `name` stands in errors.
  static FastTextClassifier parse(std::string_view bytes, const std::string& name);
  FastTextClassifier(FastTextClassifier&&) noexcept;
  FastTextClassifier& operator=(FastTextClassifier&&) noexcept;
  ~FastTextClassifier();

  // In the model's order, without "__label__".
  const std::vector<std::string>& labels() const;
  // Index of a label; throws ConfigError naming those there are.
  std::size_t label_index(std::string_view label) const;
  // All 0 where the model knows no feature of the text (the tool then prints nothing). Valid until the next call with this scratch.
  std::span<const float> probabilities(std::string_view text, Scratch& scratch) const;
  // Bytes that the model takes in memory.
  std::int64_t memory_bytes() const;

 private:
  struct Model;
  explicit FastTextClassifier(std::unique_ptr<const Model> model);
  std::unique_ptr<const Model> model_;
};

}  // namespace phidias::data::pipeline
