#include "data/pipeline/decontaminate/contamination_rule.h"

#include "base/error.h"

namespace phidias::data::pipeline {
namespace {

RuleSettings published(ContaminationRule rule) {
  constexpr ContaminationAction kCut = ContaminationAction::remove_spans, kDrop = ContaminationAction::drop;
  switch (rule) {
    case ContaminationRule::gpt3:
      return {.form = WordForm::plain, .words = 13, .common_limit = 10, .action = kCut, .cut = CutRule::window, .limits = {}};
    case ContaminationRule::janitor:
      return {.form = WordForm::ascii, .words = 13, .action = kCut, .cut = CutRule::janitor, .limits = {}};
    case ContaminationRule::curator:
      return {.form = WordForm::plain,
              .words = 13,
              .common_limit = 10,
              .common_count = CommonCount::occurrences,
              .action = kCut,
              .cut = CutRule::sentence,
              .limits = {}};
    case ContaminationRule::datatrove:
      return {.form = WordForm::simplified, .words = 12, .action = kDrop, .limits = {}};
    case ContaminationRule::cosmopedia:
      return {.form = WordForm::token, .words = 10, .likeness = Likeness::matched_part, .ratio = 0.5, .action = kDrop, .limits = {}};
    case ContaminationRule::questions:
      break;
  }
  return {.form = WordForm::token, .words = 8, .likeness = Likeness::common_words, .ratio = 0.7, .action = kDrop, .limits = {}};
}

}  // namespace

RuleSettings rule_settings(const DecontaminateConfig& config) {
  RuleSettings settings = published(config.rule);
  settings.words = config.words.value_or(settings.words);
  settings.common_limit = config.common_limit.value_or(settings.common_limit);
  settings.ratio = config.ratio.value_or(settings.ratio);
  settings.limits.window = config.window.value_or(settings.limits.window);
  settings.limits.minimum_piece = config.minimum_piece.value_or(settings.limits.minimum_piece);
  settings.limits.maximum_pieces = config.maximum_pieces.value_or(settings.limits.maximum_pieces);
  if (config.action != ContaminationAction::automatic) settings.action = config.action;
  if (settings.form == WordForm::simplified && settings.action == ContaminationAction::remove_spans)
    throw ConfigError("decontaminate: the rule datatrove drops whole documents: its simplified text does not know where a match stands; take `action: drop`");
  if (settings.likeness != Likeness::none && settings.common_limit > 0)
    throw ConfigError("decontaminate: the rules cosmopedia and questions have no `common_limit`: they compare texts instead");
  return settings;
}

}  // namespace phidias::data::pipeline
