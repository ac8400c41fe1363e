#include "data/pipeline/classify/fasttext_file.h"

#include <cmath>
#include <cstring>

#include "base/error.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::int32_t kMagic = 793712314;
constexpr std::int32_t kSupervised = 3;
// No model in use is near these; beyond them a forged file would make every text cost its length squared.
constexpr std::int32_t kLongestWindow = 64;
// Counts of labels that add up to more would mix with the mark of tree nodes that are not built yet (fastText: 1e15).
constexpr std::int64_t kLargestCount = 1'000'000'000'000'000 - 1;

class ModelReader {
 public:
  ModelReader(std::string_view bytes, const std::string& name) : rest_(bytes), name_(name) {}

  FastTextFile read() {
    if (take<std::int32_t>("the magic number") != kMagic) fail("not a fastText model: it does not start with fastText's magic number");
    const auto version = take<std::int32_t>("the version");
    if (version != 11 && version != 12) fail("version " + std::to_string(version) + " of fastText's format; versions 11 and 12 can be read");
    FastTextFile file;
    read_settings(version, file);
    read_dictionary(file);
    read_matrices(file);
    if (!rest_.empty()) fail(std::to_string(rest_.size()) + " bytes follow the end of the model");
    return file;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw DataError(name_ + ": " + what); }

  std::string_view take_bytes(std::uint64_t size, const char* what) {
    if (size > rest_.size()) fail(std::string("damaged or cut fastText model: the file ends inside ") + what);
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  // `count` elements of `size` bytes; the product may exceed 64 bits.
  std::string_view take_array(std::int64_t count, std::uint64_t size, const char* what) {
    if (count < 0 || static_cast<std::uint64_t>(count) > rest_.size() / size) fail(std::string("damaged or cut fastText model: the file ends inside ") + what);
    return take_bytes(static_cast<std::uint64_t>(count) * size, what);
  }
  template <class T>
  T take(const char* what) {
    T value;
    std::memcpy(&value, take_bytes(sizeof value, what).data(), sizeof value);
    return value;
  }
  bool take_flag(const char* what) {
    const auto byte = take<std::uint8_t>(what);
    if (byte > 1) fail(std::string("damaged fastText model: ") + what + " is neither 0 nor 1");
    return byte == 1;
  }

  void read_settings(std::int32_t version, FastTextFile& file) {
    std::int32_t values[12];  // dim, ws, epoch, minCount, neg, wordNgrams, loss, model, bucket, minn, maxn, lrUpdateRate
    for (std::int32_t& value : values) value = take<std::int32_t>("the settings");
    take<double>("the settings");
    file.dimension = values[0];
    file.word_ngrams = values[5];
    file.loss = static_cast<FastTextLoss>(values[6]);
    file.bucket = values[8];
    file.shortest_ngram = values[9];
    file.longest_ngram = version == 11 ? 0 : std::max(values[10], 0);  // version 11 wrote n-gram lengths that its classifiers did not use
    if (values[7] != kSupervised) fail("word vectors, not a classifier: train it with `fasttext supervised` or `phidias data train-classifier`");
    if (file.dimension < 1) fail("damaged fastText model: dimension " + std::to_string(file.dimension));
    if (values[6] < 1 || values[6] > 4) fail("damaged fastText model: unknown loss " + std::to_string(values[6]));
    if (file.word_ngrams > kLongestWindow || file.longest_ngram > kLongestWindow)
      fail("n-grams of more than " + std::to_string(kLongestWindow) + " words or characters");
    if (file.bucket < 0 || (file.bucket == 0 && (file.word_ngrams > 1 || file.longest_ngram > 0))) fail("damaged fastText model: n-grams without buckets");
  }

  void read_dictionary(FastTextFile& file) {
    const auto size = take<std::int32_t>("the dictionary"), words = take<std::int32_t>("the dictionary"), labels = take<std::int32_t>("the dictionary");
    take<std::int64_t>("the dictionary");  // tokens seen in training
    const auto kept = take<std::int64_t>("the dictionary");
    if (words < 0 || labels < 1 || static_cast<std::int64_t>(words) + labels != size)
      fail("damaged fastText model: " + std::to_string(words) + " words and " + std::to_string(labels) + " labels in a dictionary of " + std::to_string(size));
    constexpr std::size_t kShortestEntry = 1 + 8 + 1;
    if (static_cast<std::uint64_t>(size) > rest_.size() / kShortestEntry) fail("damaged or cut fastText model: the file ends inside the dictionary");
    file.words.reserve(static_cast<std::size_t>(words));
    std::int64_t total = 0;
    for (std::int32_t i = 0; i < size; ++i) {
      const std::size_t end = rest_.find('\0');
      if (end == std::string_view::npos) fail("damaged or cut fastText model: the file ends inside the dictionary");
      const std::string_view word = take_bytes(end, "the dictionary");
      take_bytes(1, "the dictionary");
      const auto count = take<std::int64_t>("the dictionary");
      const bool is_label = take_flag("the type of a dictionary entry");
      if (is_label != (i >= words)) fail("damaged fastText model: words and labels are mixed up in the dictionary");
      if (is_label && (count < 0 || count > kLargestCount - total)) fail("damaged fastText model: a label counted " + std::to_string(count) + " times");
      if (is_label) total += count;
      (is_label ? file.labels : file.words).push_back(word);
      if (is_label) file.label_counts.push_back(count);
    }
    if (kept < -1) fail("damaged fastText model: " + std::to_string(kept) + " buckets kept");
    file.pruned = kept >= 0;
    if (file.pruned) read_kept_buckets(kept, file);
  }

  void read_kept_buckets(std::int64_t kept, FastTextFile& file) {
    const std::string_view pairs = take_array(kept, 8, "the list of kept buckets");
    file.kept_buckets.reserve(static_cast<std::size_t>(kept));
    for (std::int64_t i = 0; i < kept; ++i) {
      std::int32_t pair[2];
      std::memcpy(pair, pairs.data() + i * 8, sizeof pair);
      if (pair[1] < 0 || pair[1] >= kept) fail("damaged fastText model: a kept bucket without a row");
      file.kept_buckets[pair[0]] = pair[1];
    }
  }

  void read_matrices(FastTextFile& file) {
    const bool quantised = take_flag("the mark of a quantised matrix");
    file.input = read_matrix(quantised, "the input matrix");
    if (!quantised && file.pruned)
      fail("a pruned model whose matrix is not quantised; fastText itself refuses these: make it again with fastText 0.2 or later");
    const bool quantised_output = take_flag("the mark of a quantised output matrix") && quantised;
    file.output = read_matrix(quantised_output, "the output matrix");
    const auto buckets = file.pruned ? static_cast<std::int64_t>(file.kept_buckets.size()) : std::int64_t{file.bucket};
    const std::int64_t rows = static_cast<std::int64_t>(file.words.size()) + buckets;
    if (file.input.columns != file.dimension || file.output.columns != file.dimension || file.input.rows < rows ||
        file.output.rows < static_cast<std::int64_t>(file.labels.size()))
      fail("damaged fastText model: matrices that do not fit its dictionary");
    // A pruned model's rows are numbered by position in the list; a list with a bucket twice leaves numbers beyond its size.
    for (const auto& [bucket, row] : file.kept_buckets)
      if (static_cast<std::int64_t>(file.words.size()) + row >= file.input.rows) fail("damaged fastText model: a kept bucket without a row");
  }

  FastTextMatrix read_matrix(bool quantised, const char* what) {
    FastTextMatrix matrix;
    matrix.quantised = quantised;
    const bool has_norms = quantised && take_flag(what);
    matrix.rows = take<std::int64_t>(what);
    matrix.columns = take<std::int64_t>(what);
    if (matrix.rows < 0 || matrix.columns < 1 || matrix.columns > INT32_MAX) fail(std::string("damaged fastText model: impossible shape of ") + what);
    if (quantised)
      read_codes(has_norms, matrix, what);
    else
      matrix.dense = take_array(matrix.rows, static_cast<std::uint64_t>(matrix.columns) * sizeof(float), what).data();
    return matrix;
  }

  void read_codes(bool has_norms, FastTextMatrix& matrix, const char* what) {
    QuantisedMatrix& codes = matrix.codes;
    const auto size = take<std::int32_t>(what);
    codes.codes = reinterpret_cast<const std::uint8_t*>(take_array(size, 1, what).data());
    read_quantiser(static_cast<std::int32_t>(matrix.columns), codes.parts, codes.part, codes.last_part, codes.centroids, what);
    if (static_cast<__int128>(matrix.rows) * codes.parts != size) fail(std::string("damaged fastText model: codes that do not fit the shape of ") + what);
    if (!has_norms) return;
    codes.norm_codes = reinterpret_cast<const std::uint8_t*>(take_array(matrix.rows, 1, what).data());
    std::int32_t parts = 0, part = 0, last_part = 0;
    read_quantiser(1, parts, part, last_part, codes.norm_centroids, what);
  }

  void read_quantiser(std::int32_t columns, std::int32_t& parts, std::int32_t& part, std::int32_t& last_part, std::vector<float>& centroids, const char* what) {
    const auto dimension = take<std::int32_t>(what);
    parts = take<std::int32_t>(what);
    part = take<std::int32_t>(what);
    last_part = take<std::int32_t>(what);
    const bool fits = dimension == columns && part >= 1 && parts == (columns - 1) / part + 1 && last_part == columns - (parts - 1) * part;
    if (!fits) fail(std::string("damaged fastText model: an impossible quantiser of ") + what);
    const std::string_view bytes = take_array(std::int64_t{dimension} * 256, sizeof(float), what);
    centroids.resize(bytes.size() / sizeof(float));
    std::memcpy(centroids.data(), bytes.data(), bytes.size());
    for (const float value : centroids)
      if (!std::isfinite(value)) fail(std::string("damaged fastText model: a value that is no number in ") + what);
  }

  std::string_view rest_;
  const std::string& name_;
};

}  // namespace

FastTextFile read_fasttext_file(std::string_view bytes, const std::string& name) { return ModelReader(bytes, name).read(); }

}  // namespace phidias::data::pipeline
