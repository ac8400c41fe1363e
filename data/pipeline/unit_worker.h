// One thread's work: the documents of a unit through the stages of a segment.
//
// A segment is a run of stages up to and with the next collective one. Its outcome per unit is a UnitFile (unit_file.h) with the sections
//   meta       {"source", "documents", "collected", "collected_bytes", "kept_bytes", "dropped_bytes", "counts"}; counts from the first segment on
//   documents  encoded documents that go on to the next segment (compressed)
//   collected  one byte per document: 1 when the collective stage collected a record of it
//   records    the record list that the collective stage collected
//   kept       the last segment: lines (or encoded documents, for Parquet) that are kept (compressed)
//   dropped    the same for what this and earlier segments dropped
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/pipeline/counts.h"
#include "data/pipeline/pipeline_config.h"
#include "data/pipeline/unit_file.h"
#include "data/tokenizers/tokenizer.h"

namespace phidias::data::pipeline {

// A stage at its place in the pipeline.
struct PlacedStage {
  std::unique_ptr<Stage> stage;
  std::shared_ptr<const StageSettings> settings;
  bool sees(const Document& document) const;  // `when`
};

struct Segment {
  std::size_t begin = 0, end = 0;  // stages; a collective one stands at end - 1, or nowhere
  bool is_last = false;
  CollectiveStage* decided = nullptr;     // whose decisions are applied first: the stage before `begin`
  CollectiveStage* collecting = nullptr;  // the stage at end - 1
};

std::vector<Segment> segments_of(const std::vector<PlacedStage>& stages);

// What every thread of a rank needs to know.
struct WorkSetup {
  const PipelineConfig* config = nullptr;
  const std::vector<PlacedStage>* stages = nullptr;
  const Tokenizer* tokenizer = nullptr;  // null: tokens are not counted
  Segment segment;
};

class UnitWorker {
 public:
  explicit UnitWorker(const WorkSetup& setup);
  ~UnitWorker();
  // First segment: the documents of a unit as they are read. Under on_error: stop, throws DataError for the first one that cannot be.
  UnitFileWriter read(Unit& unit, const std::string& source);
  // Later segments: what the segment before left of the unit, and what was decided about it.
  UnitFileWriter go_on(const UnitFile& before, const UnitFile& decisions);

 private:
  struct Output;
  void run_batch(std::size_t documents, Output& out);
  void run_stage(std::size_t index, std::size_t documents, Output& out);
  void settle(Document& document, std::size_t index, const std::string* text_before);
  void leave(Document& document, Output& out);
  void pass(Document& document, Output& out);
  void count_exit(Document& document, bool kept, Output& out);
  // Fills batches from `next` (false at the end) and runs them.
  void run_all(const std::function<bool(Document&)>& next, Output& out);
  UnitFileWriter finish(Output& out);

  const WorkSetup& setup_;
  std::vector<std::unique_ptr<StageWorker>> workers_;  // of the segment's stages
  std::vector<Document> batch_;
  std::vector<Document*> seen_;
  std::vector<std::size_t> dropped_by_;    // per document of the batch: index of the stage in counts; 0 with a reason: reading
  std::vector<std::string> texts_before_;  // of seen_, in mode: annotate
  std::string record_;
  std::vector<std::int32_t> ids_;
};

}  // namespace phidias::data::pipeline
