// Runs one stage on one text, as the pipeline would.
#pragma once

#include <memory>
#include <string>

#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

template <class S>
class StageRunner {
 public:
  explicit StageRunner(const typename S::Config& config = {}, std::uint64_t seed = 0) : stage_(config, setup(seed)), worker_(stage_.worker()) {}

  // Valid until the next call; statistics are named "q.<what>".
  Document& run(const std::string& text, const std::string& id = "", const std::string& fields = "") {
    document_.clear();
    document_.set_text(text);
    document_.id = id;
    document_.fields = fields;
    Document* const one = &document_;
    worker_->process({&one, 1});
    return document_;
  }
  double statistic(const std::string& what) const { return document_.annotations().number("q." + what).value(); }

 private:
  static StageSetup setup(std::uint64_t seed) {
    StageSetup result;
    result.name = "q";
    result.seed = seed;
    return result;
  }
  S stage_;
  std::unique_ptr<StageWorker> worker_;
  Document document_;
};

}  // namespace phidias::data::pipeline
