// Any bytes as a document, an address, a model, a score file's fields: the stages of knowledge and safety end in annotations, a drop, or DataError.
//   clang: libFuzzer target knowledge_fuzz; elsewhere tests/data/pipeline/knowledge/mutated_texts_test.cpp calls the same function.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "data/pipeline/knowledge/ephemeral_stage.h"
#include "data/pipeline/knowledge/ip_address.h"
#include "data/pipeline/knowledge/language_stage.h"
#include "data/pipeline/knowledge/ngram_language_model.h"
#include "data/pipeline/knowledge/number_checks.h"
#include "data/pipeline/knowledge/privacy_stage.h"
#include "data/pipeline/knowledge/safety_score_stage.h"
#include "data/tokenizers/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace phidias::data::pipeline;
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const std::string text = phidias::data::to_utf8_lossy(input);
  static const LanguageStage language({}, {.name = "language"});
  static const EphemeralStage ephemeral({.unit = EphemeralUnit::passage, .passage_words = 20}, {.name = "ephemeral"});
  static const PrivacyStage standard({.phone = PrivateAction::replace}, {.name = "privacy"});
  static const PrivacyStage dolma(
      {.phone = PrivateAction::replace, .replacement = ReplacementStyle::tag, .rules = {EmailRule::dolma, IpRule::dolma, PhoneRule::dolma, false}},
      {.name = "dolma"});
  static const SafetyScoreStage safety({.field = "a.b"}, {.name = "safety"});
  for (const Stage* stage : {static_cast<const Stage*>(&language), static_cast<const Stage*>(&ephemeral), static_cast<const Stage*>(&standard),
                             static_cast<const Stage*>(&dolma), static_cast<const Stage*>(&safety)}) {
    Document document;
    document.set_text(text);
    document.fields = "\"date\":\"2024-03-12\"," + std::string(input);
    Document* const batch[] = {&document};
    stage->worker()->process(batch);
    if (phidias::data::find_invalid_utf8(document.text()) != std::string_view::npos) __builtin_trap();  // a cut within a character
  }
  if (const auto address = IpAddress::parse(input.substr(0, 60))) address->is_global();
  is_iban(input.substr(0, 40));
  url_is_of_the_moment(input);
  parse_iso_day(input);
  try {
    NgramLanguageModel(input, "model");
  } catch (const phidias::DataError&) {
  }
  try {
    EphemeralModel::parse(input, "weights");
  } catch (const phidias::DataError&) {
  }
  return 0;
}
