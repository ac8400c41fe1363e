#include "data/pipeline/classify/train_classifier_config.h"

#include "configs/documenter.h"
#include "configs/nearest.h"
#include "configs/overrides.h"
#include "configs/reader.h"
#include "configs/source_text.h"
#include "configs/writer.h"
#include "configs/yaml_document.h"

namespace phidias::data::pipeline {

template <class Visitor>
void visit(LabelledSource& s, Visitor& v) {
  v.field(s.path, {.key = "path", .doc = "JSON lines (`.gz` and `.zst` are read in place)", .required = true});
  v.field(s.text_field, {.key = "text_field", .doc = "member with the text"});
  v.field(s.label_field, {.key = "label_field", .doc = "member with the label: text, number or truth value"});
}

template <class Visitor>
void visit(TextPreparation& s, Visitor& v) {
  v.field(s.lower_case, {.key = "lower_case", .doc = "letters become small"});
  v.field(s.split_punctuation, {.key = "split_punctuation", .doc = "punctuation marks and symbols become words of their own"});
}

template <class Visitor>
void visit(QuantiseSection& s, Visitor& v) {
  v.field(s.enabled, {.key = "enabled", .doc = "write `model.ftz`, a tenth of the size, in place of `model.bin`"});
  v.field(s.keep_rows, {.key = "keep_rows", .doc = "words and n-grams to keep, those of the longest vectors; 0: all", .minimum = 0, .maximum = 2e9});
  v.field(s.retrain, {.key = "retrain", .doc = "train what was kept once more"});
  v.field(s.norms, {.key = "norms", .doc = "code the lengths of vectors on their own"});
  v.field(s.part, {.key = "part", .doc = "columns that share a code", .minimum = 1, .maximum = 64});
}

template <class Visitor>
void visit(TrainClassifierConfig& c, Visitor& v) {
  v.field(c.output, {.key = "output", .doc = "directory of model, classifier.json and metrics.json (created)", .required = true});
  v.field(c.input, {.key = "input", .doc = "labelled texts", .required = true});
  v.field(c.on_error, {.key = "on_error", .doc = "a broken line stops the training, or is passed over and counted"});
  v.field(
      c.bins,
      {.key = "bins", .doc = "rising limits that cut labels that are numbers into classes: `[3]` makes below 3 and from 3 on", .default_text = "no classes"});
  v.field(c.bin_names, {.key = "bin_names", .doc = "names of the classes, lowest first, one more than limits", .default_text = "`0`, `1`, ..."});
  v.section(c.preparation, {.key = "preparation", .doc = "what is done to a text first, in prediction too"});
  v.field(c.learning_rate, {.key = "learning_rate", .doc = "at the start; falls to 0 along a line", .minimum = 0, .is_above = true});
  v.field(c.epochs, {.key = "epochs", .doc = "passes over the texts", .minimum = 1, .maximum = 100000});
  v.field(c.dimension, {.key = "dimension", .doc = "of the vectors of words", .minimum = 1, .maximum = 4096});
  v.field(c.word_ngrams, {.key = "word_ngrams", .doc = "longest run of words that is a feature", .minimum = 1, .maximum = 64});
  v.field(c.shortest_ngram, {.key = "shortest_ngram", .doc = "of characters", .minimum = 0, .maximum = 64});
  v.field(c.longest_ngram, {.key = "longest_ngram", .doc = "of characters; 0: none", .minimum = 0, .maximum = 64});
  v.field(c.bucket, {.key = "bucket", .doc = "rows that n-grams share by their hash", .minimum = 1, .maximum = 1e9});
  v.field(c.minimum_count, {.key = "minimum_count", .doc = "rarer words are forgotten", .minimum = 1, .maximum = 1e9});
  v.field(c.negatives, {.key = "negatives", .doc = "wrong labels drawn per text with `negative_sampling`", .minimum = 1, .maximum = 1e6});
  v.field(c.loss, {.key = "loss", .doc = "what is trained"});
  v.field(c.threads, {.key = "threads", .doc = "more than one: faster, and another model each time", .minimum = 1, .maximum = 1024});
  v.field(c.seed, {.key = "seed", .doc = "of vectors and draws", .minimum = 0, .maximum = 2e9});
  v.section(c.quantise, {.key = "quantise", .doc = "smaller model"});
  v.field(c.validation,
          {.key = "validation", .doc = "share of the texts, chosen by their hash, that is held out for metrics and calibration", .minimum = 0, .maximum = 0.9});
  v.field(c.score, {.key = "score",
                    .doc = "what the model's score is: probability of `label`, mean of labels that are numbers, or probability of the best label; `auto`: the "
                           "first that can be"});
  v.field(c.label, {.key = "label", .doc = "label whose probability is the score", .default_text = "none"});
  v.field(c.calibrate, {.key = "calibrate", .doc = "fit a rising curve from scores to labels on the held-out texts"});
  v.field(c.positive_from, {.key = "positive_from",
                            .doc = "labels that are numbers: from which on a text counts as good in precision, recall and AUC",
                            .default_text = "the middle of the labels"});
}

namespace {

std::string explain_unknown(const std::string& path, const std::vector<std::string>& keys_here) {
  const std::string key = path.substr(path.rfind('.') + 1);
  return "unknown key" + configs::suggestion(key, keys_here);
}

void check(const TrainClassifierConfig& c, const configs::ReadState& state) {
  const auto add = [&](const std::string& key, const std::string& what) {
    const auto given = state.given.find(key);
    state.problems.add(given == state.given.end() ? configs::Position{state.source, 0, 0} : given->second, key, what);
  };
  for (std::size_t i = 1; i < c.bins.size(); ++i)
    if (!(c.bins[i - 1] < c.bins[i])) return add("bins", "limits have to rise");
  if (!c.bin_names.empty() && c.bin_names.size() != c.bins.size() + 1)
    add("bin_names",
        std::to_string(c.bins.size()) + " limits make " + std::to_string(c.bins.size() + 1) + " classes, not " + std::to_string(c.bin_names.size()));
  if (c.longest_ngram > 0 && c.shortest_ngram > c.longest_ngram) add("shortest_ngram", "longer than longest_ngram");
  if (c.score == ScoreKind::label && c.label.empty()) add("label", "required with score: label");
  if ((c.score == ScoreKind::expected || c.score == ScoreKind::best) && !c.label.empty())
    add("label", "plays no part with score: " + std::string(configs::enum_name(c.score)));
}

}  // namespace

TrainClassifierConfig read_train_classifier_config(const std::string& path, const std::vector<std::string>& overrides) {
  return parse_train_classifier_config(configs::read_source_text(path), path, overrides);
}

TrainClassifierConfig parse_train_classifier_config(const std::string& text, const std::string& path, const std::vector<std::string>& overrides) {
  configs::check_source_text(text, path);
  configs::Problems problems;
  std::optional<configs::Value> document = configs::parse_yaml(text, path, problems);
  if (!document) problems.throw_if_any();
  if (document->kind == configs::Value::Kind::scalar || document->kind == configs::Value::Kind::list)
    problems.add(document->position, "", "expected sections (key: value), found " + document->described());
  problems.throw_if_any();
  document->position = {path, 0, 0};
  configs::apply_overrides(*document, overrides, problems);
  TrainClassifierConfig config;
  configs::ReadState state{.source = path, .problems = problems, .explain_unknown = explain_unknown};
  configs::Reader reader(*document, "", state);
  visit(config, reader);
  reader.finish();
  if (problems.empty()) check(config, state);
  problems.throw_if_any();
  return config;
}

std::string dump_train_classifier_config(const TrainClassifierConfig& config) {
  TrainClassifierConfig copy = config;
  configs::Writer writer;
  visit(copy, writer);
  return writer.text();
}

std::string train_classifier_reference() {
  TrainClassifierConfig config;
  configs::Documenter documenter("a list");
  visit(config, documenter.as_one_table());
  return documenter.table();
}

}  // namespace phidias::data::pipeline
