#include "data/pipeline/classify/train_classifier.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "data/pipeline/classify/classifier_stage.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

const std::filesystem::path kGolden = std::filesystem::path(PHIDIAS_SOURCE_DIR) / "tests/golden/classifier";

// tests/golden/classifier/train.txt as JSON lines.
std::string golden_lines() {
  std::istringstream lines(read_file(kGolden / "train.txt"));
  std::string result;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.find(' ');
    const std::size_t prefix = std::string("__label__").size();
    result += Json{{"label", line.substr(prefix, space - prefix)}, {"text", line.substr(space + 1)}}.dump() + "\n";
  }
  return result;
}

TrainClassifierConfig config_of(const TemporaryDirectory& directory, const std::string& lines, const std::string& more) {
  const std::string path = directory.write("labelled.jsonl", lines);
  return parse_train_classifier_config("output: " + (directory.path() / "out").string() + "\ninput: " + path + "\n" + more, "train.yaml", {});
}

const std::string kGoldenSettings = "epochs: 12\nlearning_rate: 0.4\ndimension: 6\nword_ngrams: 2\nbucket: 200\nvalidation: 0\n";

TEST(TrainClassifier, MakesTheModelOfTheToolByteForByte) {
  const TemporaryDirectory directory;
  const TrainedClassifier trained = train_classifier(config_of(directory, golden_lines(), kGoldenSettings));
  EXPECT_EQ(trained.training_texts, 160);
  EXPECT_TRUE(read_file(trained.model) == read_file(kGolden / "softmax.bin"));
  for (const auto& file : std::filesystem::directory_iterator(directory.path() / "out")) EXPECT_NE(file.path().extension(), ".tmp") << file.path();
}

TEST(TrainClassifier, MakesEqualBytesEachTime) {
  const TemporaryDirectory one, other;
  const auto train = [&](const TemporaryDirectory& directory) {
    const std::string more = "epochs: 3\ndimension: 4\nbucket: 500\nvalidation: 0.3\npreparation: {lower_case: true}\nquantise: {enabled: true}\n";
    return train_classifier(config_of(directory, golden_lines(), more));
  };
  const TrainedClassifier first = train(one), second = train(other);
  EXPECT_EQ(first.model.filename(), "model.ftz");
  EXPECT_TRUE(read_file(first.model) == read_file(second.model));
  EXPECT_EQ(first.model_hash, second.model_hash);
  EXPECT_EQ(read_file(one.path() / "out/metrics.json"), read_file(other.path() / "out/metrics.json"));
}

TEST(TrainClassifier, HoldsOutCalibratesAndDescribes) {
  const TemporaryDirectory directory;
  const TrainedClassifier trained =
      train_classifier(config_of(directory, golden_lines(), "epochs: 25\nlearning_rate: 0.5\ndimension: 6\nbucket: 200\nvalidation: 0.4\nlabel: science\n"));
  EXPECT_EQ(trained.training_texts + trained.held_out_texts, 160);
  EXPECT_GT(trained.held_out_texts, 40);  // 64 expected, standard deviation 6
  EXPECT_LT(trained.held_out_texts, 88);
  EXPECT_TRUE(trained.calibrated);
  EXPECT_GT(trained.metrics.accuracy, 0.8);  // words of one topic alone make up more than half of each text
  EXPECT_GT(trained.metrics.auc.value(), 0.9);
  const Json description = read_json(directory.path() / "out/classifier.json");
  EXPECT_EQ(description["label"], "science");
  EXPECT_EQ(description["labels"].size(), 5u);
  EXPECT_EQ(description["model_hash"], trained.model_hash);
  EXPECT_EQ(description["inputs"][0]["hash"].get<std::string>().size(), 32u);
  // A pipeline's stage takes score and curve from there.
  const ClassifierStage stage({.model = trained.model.string()}, {.name = "educational"});
  EXPECT_EQ(stage.notes()[0].second, "probability of science");
  EXPECT_EQ(stage.notes()[1].second, "yes");
}

TEST(TrainClassifier, CutsNumbersIntoClasses) {
  const TemporaryDirectory directory;
  std::string lines;
  for (int i = 0; i < 60; ++i)
    lines += Json{{"score", i % 6}, {"passage", i % 6 >= 3 ? "theorem proof atom " + std::to_string(i) : "sale buy now " + std::to_string(i)}}.dump() + "\n";
  const std::string path = directory.write("scores.jsonl", lines);
  const TrainClassifierConfig config = parse_train_classifier_config(
      "output: " + (directory.path() / "out").string() + "\ninput: [{path: " + path +
          ", text_field: passage, label_field: score}]\nbins: [3]\nbin_names: [low, high]\nlabel: high\nword_ngrams: 1\ndimension: 4\nepochs: 40\n"
          "learning_rate: 0.5\nvalidation: 0.3\n",
      "train.yaml", {});
  const TrainedClassifier trained = train_classifier(config);
  EXPECT_EQ(trained.labels.size(), 2u);
  EXPECT_EQ(trained.metrics.accuracy, 1.0);
}

TEST(TrainClassifier, KeepsTextsFromLabellingThemselves) {
  const TemporaryDirectory directory;
  std::string lines;
  for (int i = 0; i < 20; ++i) lines += Json{{"label", i % 2 == 0 ? "a" : "b"}, {"text", "word __label__c </s> __label__d\nnext"}}.dump() + "\n";
  const TrainedClassifier trained = train_classifier(config_of(directory, lines, "dimension: 2\nword_ngrams: 1\nvalidation: 0\nscore: best\n"));
  EXPECT_EQ(trained.labels, (std::vector<std::string>{"a", "b"}));
}

TEST(TrainClassifier, SaysWhichLineIsWrong) {
  const std::string good = R"({"text": "x y", "label": "a"})"
                           "\n"
                           R"({"text": "z", "label": "b"})"
                           "\n";
  const std::string bad[] = {
      "not json", "[]", R"({"text": "x"})", R"({"text": 3, "label": "a"})", R"({"text": "x", "label": "two words"})", R"({"text": "x", "label": null})"};
  for (const std::string& line : bad) {
    const TemporaryDirectory directory;
    const std::string message = message_of<DataError>([&] { train_classifier(config_of(directory, good + line + "\n", "validation: 0\n")); });
    EXPECT_NE(message.find("labelled.jsonl:3: "), std::string::npos) << message;
    const TrainedClassifier trained =
        train_classifier(config_of(directory, good + line + "\n", "validation: 0\non_error: skip\nscore: best\ndimension: 2\nbucket: 10\n"));
    EXPECT_EQ(trained.skipped_lines, 1);
    EXPECT_NE(trained.first_skipped.find("labelled.jsonl:3: "), std::string::npos);
  }
  const TemporaryDirectory directory;
  EXPECT_NE(message_of<DataError>([&] { train_classifier(config_of(directory, R"({"text": "x", "label": "a"})", "validation: 0\n")); }).find("at least two"),
            std::string::npos);
  EXPECT_THROW(train_classifier(config_of(directory, R"({"text": "x", "label": "a"})", "bins: [2]\n")), DataError);
}

TEST(TrainClassifier, FindsEveryMistakeInItsSettings) {
  const std::string message =
      message_of<ConfigError>([] { parse_train_classifier_config("learning_rat: 1\nepochs: 0\nloss: hinge\nbins: [2, 1]\n", "train.yaml", {"dimension=0"}); });
  for (const char* part : {"did you mean learning_rate", "epochs", "loss", "output", "input", "override 1"})
    EXPECT_NE(message.find(part), std::string::npos) << part << "\n" << message;
  EXPECT_THROW(parse_train_classifier_config("output: o\ninput: i\nbins: [2, 1]\n", "train.yaml", {}), ConfigError);
  EXPECT_THROW(parse_train_classifier_config("output: o\ninput: i\nbins: [2]\nbin_names: [a]\n", "train.yaml", {}), ConfigError);
  const TrainClassifierConfig config =
      parse_train_classifier_config("output: o\ninput: i\nloss: one_versus_all\nquantise: {enabled: true}\n", "train.yaml", {});
  const std::string dumped = dump_train_classifier_config(config);
  EXPECT_EQ(dump_train_classifier_config(parse_train_classifier_config(dumped, "train.yaml", {})), dumped);
}

}  // namespace
}  // namespace phidias::data::pipeline
