#include "data/settings_reference.h"

#include <string_view>

#include "configs/documenter.h"
#include "data/pipeline/classify/train_classifier_config.h"
#include "data/pipeline/model/head_settings.h"
#include "data/synthetic/answers_settings.h"
#include "data/synthetic/pairs_settings.h"
#include "data/synthetic/prompts_settings.h"

namespace phidias::data {
namespace {

constexpr std::string_view kIntroduction = R"(# Keys of settings files

<!-- Generated; tests/data/settings_reference_test.cpp compares and rewrites it (PHIDIAS_UPDATE=1). -->

Each command is `phidias data COMMAND FILE.yaml [key=value ...]`; keys of a section are also written with dots (`vote.enabled=false`). Keys of pipelines:
[pipeline-reference.md](../pipeline-reference.md); of mixtures: [mixture-reference.md](mixture-reference.md); of training: [configuration.md](../configuration.md).
)";

template <class Settings>
std::string rows() {
  Settings defaults;
  configs::Documenter documenter("a list");
  visit(defaults, documenter.as_one_table());
  return documenter.table();
}

std::string section(std::string_view command, std::string_view about, std::string_view recipes, const std::string& rows) {
  return "\n## " + std::string(command) + "\n\n" + std::string(about) + " Example: " + std::string(recipes) + ".\n\n" +
         std::string(configs::Documenter::kTableHead) + rows;
}

}  // namespace

std::string settings_reference() {
  return std::string(kIntroduction) +
         section("train-classifier", "A fastText classifier from labelled texts: [classifiers.md](classifiers.md).",
                 "`recipes/data/educational-classifier.yaml`, `topic-classifier.yaml`", pipeline::train_classifier_reference()) +
         section("train-head", "A linear or MLP head on the embeddings of a model, for the stage `embedding_score`.", "`recipes/data/educational-head.yaml`",
                 rows<pipeline::HeadSettings>()) +
         section("make-prompts", "Prompts for a generator: [synthetic.md](synthetic.md).", "`recipes/data/textbook-prompts.yaml`", rows<PromptSettings>()) +
         section("import-answers", "Training records from a generator's answers: [synthetic.md](synthetic.md).", "`recipes/data/import-answers.yaml`",
                 rows<AnswerSettings>()) +
         section("make-pairs", "Preference pairs from scored candidates: [synthetic.md](synthetic.md).", "`recipes/data/preference-pairs.yaml`",
                 rows<PairSettings>());
}

}  // namespace phidias::data
