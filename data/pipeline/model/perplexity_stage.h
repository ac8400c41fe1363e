// Loss of documents under a language model, and bounds on it: what is almost certain (boilerplate, lists) and what is almost impossible (broken text) goes.
//
// Annotations: perplexity = exp(mean loss per target token), <name>.loss, <name>.tokens. Reasons: too_low, too_high, no_tokens.
// A document is scored on its first `max_tokens` tokens. Perplexity says how usual a text is, not how good: use it against outliers (bounds per language
// here, or the collective stage `outliers` for shares of the corpus).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

struct LanguageBounds {
  std::string path;  // the language
  std::optional<double> minimum, maximum;
};

class PerplexityStage : public Stage {
 public:
  struct Config {
    std::string model;
    std::int64_t max_tokens = 1024;
    std::optional<double> minimum, maximum;
    std::vector<LanguageBounds> languages;
  };
  // Throws ConfigError when the program has no models, what the model's loader throws.
  PerplexityStage(const Config& config, const StageSetup& setup);
  std::unique_ptr<StageWorker> worker() const override;
  std::vector<std::filesystem::path> resources() const override;
  std::size_t batch_documents() const override { return 256; }

 private:
  class Worker;
  void judge(Document& document, const TextScore& score) const;
  Config config_;
  std::shared_ptr<const Scorer> scorer_;
  std::string loss_, tokens_;
};

template <class Visitor>
void visit(LanguageBounds& b, Visitor& v) {
  v.field(b.path, {.key = "language", .doc = "value of the annotation `language`", .required = true});
  v.field(b.minimum, {.key = "minimum", .doc = "perplexity at least", .minimum = 1});
  v.field(b.maximum, {.key = "maximum", .doc = "perplexity at most", .minimum = 1});
}

template <class Visitor>
void visit(PerplexityStage::Config& c, Visitor& v) {
  v.field(c.model, {.key = "model", .doc = "Hugging Face or run directory of a causal model", .required = true});
  v.field(c.max_tokens, {.key = "max_tokens", .doc = "tokens of a document that are scored; 0: as many as the model has positions", .minimum = 0});
  v.field(c.minimum, {.key = "minimum", .doc = "perplexity at least", .minimum = 1, .default_text = "no bound"});
  v.field(c.maximum, {.key = "maximum", .doc = "perplexity at most", .minimum = 1, .default_text = "no bound"});
  v.field(c.languages, {.key = "languages", .doc = "bounds of single languages, instead of the general ones"});
}

}  // namespace phidias::data::pipeline
