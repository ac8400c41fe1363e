// Takes texts of evaluation sets out of the training data, by the rules that published systems used.
//
// Annotations, on documents with a match: `<name>.hits` (n-grams found, as often as they stand there), `<name>.items` (names of the items, 20 at most),
// `<name>.<set>` (items of that set), `<name>.ratio` (cosmopedia, questions: the highest), `<name>.pieces` (after cutting). Reasons: the set of the first item
// (so that the counts by reason say what was hit), `too_many_pieces`, `nothing_left`.
//
// Rules that ignore common n-grams (common_limit above 0) need to see all documents before they decide about one: the stage is a collective one then.
#pragma once

#include <memory>

#include "data/pipeline/decontaminate/contamination_finder.h"
#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

class DecontaminateStage final : public Stage {
 public:
  using Config = DecontaminateConfig;
  DecontaminateStage(const Config& config, const StageSetup& setup);
  ~DecontaminateStage() override;
  std::unique_ptr<StageWorker> worker() const override;
  std::vector<std::filesystem::path> resources() const override;
  std::vector<std::pair<std::string, std::string>> notes() const override;
  CollectiveStage* collective() override;

 private:
  std::vector<std::filesystem::path> resources_;
  std::shared_ptr<const ContaminationFinder> finder_;
  std::unique_ptr<CollectiveStage> counting_;  // null: every n-gram counts
};

}  // namespace phidias::data::pipeline
