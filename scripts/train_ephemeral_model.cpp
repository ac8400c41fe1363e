// Trains the built-in weights of the `ephemeral` stage:
//
//   ninja -C build train_ephemeral_model && build/bin/train_ephemeral_model recipes/data/labels/ephemeral.jsonl data/pipeline/knowledge/models/ephemeral.model
//
// The first argument is a file of labelled passages, the second the file to write. Prints how many passages there were and the error on them;
// tests/data/pipeline/knowledge/ephemeral_model_test.cpp measures on templates that were held out.
#include <cmath>
#include <cstdio>

#include "base/atomic_file.h"
#include "base/error.h"
#include "data/pipeline/knowledge/ephemeral_model.h"

int main(int count, char** arguments) {
  using namespace phidias::data::pipeline;
  if (count != 3) {
    std::fprintf(stderr, "usage: train_ephemeral_model LABELS.jsonl MODEL\n");
    return 2;
  }
  try {
    const auto passages = read_labelled_passages(arguments[1]);
    const EphemeralModel model = train_ephemeral_model(passages);
    phidias::write_file_atomic(arguments[2], model.text());
    double durability = 0, teaching = 0;
    EphemeralFeatures features;
    for (const LabelledPassage& passage : passages) {
      read_ephemeral_features(passage.text, features);
      const EphemeralScores scores = model.score(features);
      durability += std::abs(scores.durability - passage.durability);
      teaching += std::abs(scores.teaching - passage.teaching);
    }
    const auto n = static_cast<double>(passages.size());
    std::printf("%zu passages; mean absolute error %.3f in durability, %.3f in teaching\n", passages.size(), durability / n, teaching / n);
  } catch (const phidias::Error& error) {
    std::fprintf(stderr, "train_ephemeral_model: %s\n", error.what());
    return static_cast<int>(error.code());
  }
  return 0;
}
