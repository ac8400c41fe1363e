// Scores a file on one core, in documents of about 4 KB, by our inference and by the fastText library, and compares the probabilities.
//   data_classifier_bench MODEL TEXT_FILE [OTHERS]       OTHERS: probabilities of the first label by another program, one float32 per document
// bench/data_classifier_peer.py trains a model to measure with and writes OTHERS.
#include <fasttext/fasttext.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <sstream>
#include <streambuf>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"
#include "bench/measure.h"
#include "data/pipeline/classify/fasttext_classifier.h"

namespace {

// Line ends become spaces, and the library wants one at the end.
std::vector<std::string> documents(std::string_view text) {
  std::vector<std::string> parts;
  for (const std::string_view part : phidias::bench::documents_of(text)) {
    parts.emplace_back(part);
    std::replace(parts.back().begin(), parts.back().end(), '\n', ' ');
    parts.back() += '\n';
  }
  return parts;
}

// A text as a stream, without a copy.
struct View : std::streambuf {
  explicit View(std::string& text) { setg(text.data(), text.data(), text.data() + text.size()); }
};

using Scores = std::vector<float>;

double largest_difference(const Scores& a, const Scores& b) {
  double largest = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(std::min(a[i], 1.0f)) - static_cast<double>(std::min(b[i], 1.0f))));
  return largest;
}

}  // namespace

int main(int argc, char** argv) {
  using phidias::data::pipeline::FastTextClassifier;
  if (argc < 3) {
    std::fprintf(stderr, "data_classifier_bench MODEL TEXT_FILE [OTHERS]\n");
    return 2;
  }
  try {
    const std::string text = phidias::read_file(argv[2]);
    std::vector<std::string> parts = documents(text);
    double start = phidias::bench::cpu_seconds();
    const FastTextClassifier model = FastTextClassifier::load(argv[1]);
    const double load = phidias::bench::cpu_seconds() - start;
    start = phidias::bench::cpu_seconds();
    fasttext::FastText library;
    library.loadModel(argv[1]);
    const double library_load = phidias::bench::cpu_seconds() - start;

    // The library's quickest way: its tokenizer on a stream over the text, one prediction of one label's probability.
    const auto by_library = [&](Scores& scores) {
      std::vector<std::int32_t> words, labels;
      for (std::string& part : parts) {
        View view(part);
        std::istream stream(&view);
        library.getDictionary()->getLine(stream, words, labels);
        fasttext::Predictions predictions;
        library.predict(-1, words, predictions, 0.0f);
        float first = 0;
        for (const auto& [logarithm, label] : predictions)
          if (label == 0) first = std::exp(logarithm);
        scores.push_back(first);
      }
    };
    FastTextClassifier::Scratch scratch;
    const auto by_us = [&](Scores& scores) {
      for (const std::string& part : parts) scores.push_back(model.probabilities(part, scratch)[0]);
    };
    Scores ours, theirs;
    double our_best = 1e9, their_best = 1e9;
    for (int round = 0; round < 5; ++round) {  // interleaved: the machine's other work meets both
      ours.clear(), theirs.clear();
      start = phidias::bench::cpu_seconds();
      by_us(ours);
      our_best = std::min(our_best, phidias::bench::cpu_seconds() - start);
      start = phidias::bench::cpu_seconds();
      by_library(theirs);
      their_best = std::min(their_best, phidias::bench::cpu_seconds() - start);
    }
    const double megabytes = static_cast<double>(text.size()) / 1e6;
    std::printf("phidias: %.1f MB/s (load %.2f s), library: %.1f MB/s (load %.2f s), ratio %.2f, %zu documents, largest difference %.1e\n",
                megabytes / our_best, load, megabytes / their_best, library_load, their_best / our_best, ours.size(), largest_difference(ours, theirs));
    if (argc > 3) {
      const std::string bytes = phidias::read_file(argv[3]);
      Scores others(bytes.size() / sizeof(float));
      std::memcpy(others.data(), bytes.data(), others.size() * sizeof(float));
      std::printf("largest difference to the peer: %.1e\n", largest_difference(ours, others));
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
