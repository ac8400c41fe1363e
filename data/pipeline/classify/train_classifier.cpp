#include "data/pipeline/classify/train_classifier.h"

#include <fasttext/fasttext.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "data/pipeline/classify/labelled_texts.h"

namespace phidias::data::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLabelPrefix = "__label__";
// With fewer held-out texts a rising curve says more about chance than about the score.
constexpr std::size_t kFewestToCalibrate = 30;

struct HeldOut {
  std::string text, label;
};

// The same text is held out or not whatever its label and place.
bool is_held_out(std::string_view text, double share) { return static_cast<double>(hash_string(text).high >> 11) * 0x1p-53 < share; }

// One line of fastText's training format. Words that would be labels to it are left out: a text must not label itself.
void append_line(std::string_view text, const std::string& label, std::string& line) {
  line = std::string(kLabelPrefix) + label;
  constexpr std::string_view kSeparators(" \t\r\n\v\f\0", 7);
  for (std::size_t begin = text.find_first_not_of(kSeparators); begin != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kSeparators, begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (!word.starts_with(kLabelPrefix)) (line += ' ') += word;
    begin = text.find_first_not_of(kSeparators, end);
  }
  line += '\n';
}

struct Split {
  std::vector<HeldOut> held_out;
  std::set<std::string> labels;  // of the training texts
  std::int64_t training_texts = 0;
  LabelledCounts counts;
};

Split write_training_file(const TrainClassifierConfig& config, const fs::path& path) {
  Split split;
  std::ofstream file(path, std::ios::binary);
  std::string scratch, line;
  split.counts = read_labelled_texts(config, [&](std::string_view text, const std::string& label) {
    if (is_held_out(text, config.validation)) return split.held_out.push_back({std::string(text), label});
    append_line(prepare_text(text, config.preparation, scratch), label, line);
    file << line;
    split.labels.insert(label);
    ++split.training_texts;
  });
  file.close();
  if (!file) throw DataError(path.string() + ": cannot be written (is the disk full?)");
  if (split.labels.size() < 2)
    throw DataError("the texts to train on have " + std::to_string(split.labels.size()) + " label(s); a classifier needs at least two" +
                    (split.held_out.empty() ? "" : " (" + std::to_string(split.held_out.size()) + " texts are held out: see `validation`)"));
  return split;
}

fasttext::Args training_args(const TrainClassifierConfig& config, const fs::path& train) {
  fasttext::Args args;
  args.model = fasttext::model_name::sup;
  args.input = train.string();
  args.lr = static_cast<double>(static_cast<float>(config.learning_rate));  // the tool reads it as a float
  args.dim = static_cast<int>(config.dimension);
  args.epoch = static_cast<int>(config.epochs);
  args.minCount = static_cast<int>(config.minimum_count);
  args.neg = static_cast<int>(config.negatives);
  args.wordNgrams = static_cast<int>(config.word_ngrams);
  args.minn = static_cast<int>(config.shortest_ngram);
  args.maxn = static_cast<int>(config.longest_ngram);
  const bool has_ngrams = args.wordNgrams > 1 || args.maxn > 0;
  args.bucket = has_ngrams ? static_cast<int>(config.bucket) : 0;  // as the tool does
  args.thread = static_cast<int>(config.threads);
  args.seed = static_cast<int>(config.seed);
  args.verbose = 0;
  switch (config.loss) {
    case TrainingLoss::softmax:
      args.loss = fasttext::loss_name::softmax;
      break;
    case TrainingLoss::one_versus_all:
      args.loss = fasttext::loss_name::ova;
      break;
    case TrainingLoss::hierarchical_softmax:
      args.loss = fasttext::loss_name::hs;
      break;
    case TrainingLoss::negative_sampling:
      args.loss = fasttext::loss_name::ns;
      break;
  }
  return args;
}

// The library's exceptions name neither cause nor cure.
void run_training(const TrainClassifierConfig& config, const fs::path& train, const fs::path& model) {
  fasttext::Args args = training_args(config, train);
  try {
    fasttext::FastText trainer;
    trainer.train(args);
    if (config.quantise.enabled) {
      args.qnorm = config.quantise.norms;
      args.dsub = static_cast<std::size_t>(config.quantise.part);
      args.cutoff = static_cast<std::size_t>(config.quantise.keep_rows);
      args.retrain = config.quantise.retrain;
      trainer.quantize(args);
    }
    trainer.saveModel(model.string());
  } catch (const fasttext::DenseMatrix::EncounteredNaNError&) {
    throw DataError("training went out of range (not a number): lower learning_rate");
  } catch (const std::invalid_argument& error) {
    throw ConfigError(std::string("fastText: ") + error.what() + " (minimum_count, or too few words to quantise)");
  }
}

std::vector<Judged> judge_held_out(const std::vector<HeldOut>& texts, const FastTextClassifier& model, const ScoreRule& rule,
                                   const TrainClassifierConfig& config) {
  std::vector<double> numbers(model.labels().size());
  if (rule.kind() == ScoreKind::expected)
    for (std::size_t i = 0; i < numbers.size(); ++i) label_number(model.labels()[i], numbers[i]);
  const auto [lowest, highest] = std::minmax_element(numbers.begin(), numbers.end());
  const double positive_from = config.positive_from.value_or((*lowest + *highest) / 2);
  std::vector<Judged> judged;
  FastTextClassifier::Scratch scratch;
  std::string prepared;
  for (const HeldOut& text : texts) {
    const auto known = std::find(model.labels().begin(), model.labels().end(), text.label);
    if (known == model.labels().end()) continue;  // a label of held-out texts alone
    const auto p = model.probabilities(prepare_text(text.text, config.preparation, prepared), scratch);
    Judged one;
    one.label = static_cast<std::size_t>(known - model.labels().begin());
    one.predicted = static_cast<std::size_t>(std::max_element(p.begin(), p.end()) - p.begin());
    one.score = rule(p.data());
    one.positive = rule.kind() == ScoreKind::expected ? numbers[one.label] >= positive_from
                   : rule.kind() == ScoreKind::label  ? text.label == rule.label()
                                                      : one.label == one.predicted;
    one.target = rule.kind() == ScoreKind::expected ? numbers[one.label] : one.positive;
    judged.push_back(one);
  }
  return judged;
}

OrderedJson describe(const TrainClassifierConfig& config, const TrainedClassifier& trained, const ClassifierDescription& description) {
  OrderedJson json{{"model", trained.model.filename().string()}, {"model_hash", trained.model_hash}, {"labels", trained.labels}};
  describe_classifier(description, json);
  json["training_texts"] = trained.training_texts;
  json["held_out_texts"] = trained.held_out_texts;
  json["skipped_lines"] = trained.skipped_lines;
  json["inputs"] = OrderedJson::array();
  for (const LabelledSource& source : config.input) json["inputs"].push_back({{"path", source.path}, {"hash", hash_file(source.path).hex()}});
  TrainClassifierConfig settings = config;
  settings.output.clear();  // where it lies says nothing about it
  json["settings"] = dump_train_classifier_config(settings);
  return json;
}

// Removed when training ends, well or not.
struct TemporaryFile {
  fs::path path;
  ~TemporaryFile() {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
};

}  // namespace

TrainedClassifier train_classifier(const TrainClassifierConfig& config) {
  const fs::path folder = config.output;
  fs::create_directories(folder);
  const TemporaryFile train{folder / "train.txt.tmp"}, made{folder / "model.tmp"};
  Split split = write_training_file(config, train.path);
  log_info("training on " + std::to_string(split.training_texts) + " texts with " + std::to_string(split.labels.size()) + " labels, " +
           std::to_string(split.held_out.size()) + " held out");
  run_training(config, train.path, made.path);
  const FastTextClassifier model = FastTextClassifier::load(made.path);  // also finds out that a full disk cut it
  const ScoreRule rule(config.score, config.label, model);
  const std::vector<Judged> judged = judge_held_out(split.held_out, model, rule, config);

  ClassifierDescription description{.score = rule.kind(), .label = rule.label(), .preparation = config.preparation};
  if (config.calibrate && judged.size() >= kFewestToCalibrate) {
    std::vector<ScoredTarget> points;
    for (const Judged& text : judged) points.push_back({text.score, text.target});
    description.calibration = fit_isotonic(std::move(points));
  } else if (config.calibrate) {
    log_warning("not calibrated: " + std::to_string(judged.size()) + " held-out texts are too few (" + std::to_string(kFewestToCalibrate) + ")");
  }

  TrainedClassifier trained{.model = folder / (config.quantise.enabled ? "model.ftz" : "model.bin"),
                            .model_hash = hash_file(made.path).hex(),
                            .labels = model.labels(),
                            .training_texts = split.training_texts,
                            .held_out_texts = static_cast<std::int64_t>(split.held_out.size()),
                            .skipped_lines = split.counts.skipped,
                            .first_skipped = split.counts.first_skipped,
                            .metrics = judge(judged, model.labels(), rule.kind() != ScoreKind::best),
                            .calibrated = !description.calibration.empty()};
  fs::rename(made.path, trained.model);
  write_file_atomic(folder / "classifier.json", describe(config, trained, description).dump(2) + "\n");
  write_file_atomic(folder / "metrics.json", to_json(trained.metrics).dump(2) + "\n");
  sync_directory(folder);
  return trained;
}

OrderedJson to_json(const TrainedClassifier& trained) {
  OrderedJson json{{"model", trained.model.string()},          {"model_hash", trained.model_hash},         {"labels", trained.labels},
                   {"training_texts", trained.training_texts}, {"held_out_texts", trained.held_out_texts}, {"skipped_lines", trained.skipped_lines},
                   {"calibrated", trained.calibrated}};
  json["metrics"] = to_json(trained.metrics);
  return json;
}

}  // namespace phidias::data::pipeline
