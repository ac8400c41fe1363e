// Settings of `phidias data train-head`. Training itself: trainer/scoring/embedding_head.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace phidias::data::pipeline {

struct HeadSettings {
  std::string model, output;       // encoder directory; directory to write
  std::vector<std::string> input;  // JSONL files with text and label
  std::string text_field = "text", label_field = "label";
  std::int64_t hidden_units = 0, max_tokens = 512, epochs = 20, batch = 256, seed = 0;
  double learning_rate = 3e-3, weight_decay = 0.0, validation = 0.1, threshold = 3;
};

template <class Visitor>
void visit(HeadSettings& s, Visitor& v) {
  v.field(s.model, {.key = "model", .doc = "Hugging Face or run directory whose last hidden states are the embedding", .required = true});
  v.field(s.output, {.key = "output", .doc = "directory to write", .required = true});
  v.field(s.input, {.key = "input", .doc = "JSON lines with text and label", .required = true});
  v.field(s.text_field, {.key = "text_field", .doc = "member with the text"});
  v.field(s.label_field, {.key = "label_field", .doc = "member with the number to predict"});
  v.field(s.hidden_units, {.key = "hidden_units", .doc = "of the MLP; 0: linear", .minimum = 0});
  v.field(s.max_tokens, {.key = "max_tokens", .doc = "tokens of a text that are read", .minimum = 1});
  v.field(s.epochs, {.key = "epochs", .doc = "passes over the training texts; the best one on the held-out texts is kept", .minimum = 1});
  v.field(s.batch, {.key = "batch", .doc = "texts of an update", .minimum = 1});
  v.field(s.seed, {.key = "seed", .doc = "of order and first weights", .minimum = 0});
  v.field(s.learning_rate, {.key = "learning_rate", .doc = "of AdamW", .minimum = 0, .is_above = true});
  v.field(s.weight_decay, {.key = "weight_decay", .doc = "of AdamW", .minimum = 0});
  v.field(s.validation, {.key = "validation", .doc = "share of texts, by their hash, that is held out", .minimum = 0, .maximum = 0.9});
  v.field(s.threshold, {.key = "threshold", .doc = "label from which a text counts as good, for the F1 score"});
}

}  // namespace phidias::data::pipeline
