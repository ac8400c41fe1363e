// One step of a pipeline: looks at documents, annotates, may change the text, may drop.
//
// A Stage is made once per rank from its typed settings and holds what is shared (models, lists); it makes one StageWorker per thread, which holds scratch
// memory. A CollectiveStage decides about a document from all documents: it collects a record per document, all ranks resolve the records together, and a
// decision per document comes back. What a stage does depends on the documents and its settings alone, never on ranks, threads or order of arrival.
//
//   struct LengthStage : Stage {
//     struct Config { std::int64_t minimum = 50; };               // + visit(Config&, Visitor&): keys, defaults, checks, documentation
//     LengthStage(const Config&, const StageSetup&);
//     std::unique_ptr<StageWorker> worker() const override;
//   };
//   StageType type = stage_type<LengthStage>("length", "drops short documents");     // data/pipeline/stage_type.h
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/pipeline/document.h"
#include "data/pipeline/model_services.h"
#include "data/pipeline/record_list.h"
#include "parallel/communicator.h"

namespace phidias::data::pipeline {

// What a stage may know of the pipeline it stands in.
struct StageSetup {
  std::string name;               // of this stage, unique in the pipeline; the first part of its annotations and reasons
  std::uint64_t seed = 0;         // pipeline's
  std::int64_t memory_bytes = 0;  // that resolve() may take on one rank
  int threads = 1;
  const ModelServices* models = nullptr;  // null: no model in this program
};

class StageWorker {
 public:
  virtual ~StageWorker() = default;
  // A batch of documents that have not been dropped, in the order of the input. May keep nothing from batch to batch that changes a result.
  // Throws DataError only for what makes the whole pipeline impossible.
  virtual void process(std::span<Document* const> documents) = 0;
};

// For stages that take one document at a time.
class DocumentWorker : public StageWorker {
 public:
  void process(std::span<Document* const> documents) final {
    for (Document* document : documents) process(*document);
  }
  virtual void process(Document& document) = 0;
};

class CollectiveStage;

class Stage {
 public:
  explicit Stage(const StageSetup& setup) : name_(setup.name) {}
  virtual ~Stage() = default;
  const std::string& name() const { return name_; }
  // "gopher_quality" + "words" -> "gopher_quality.words"
  std::string qualified(std::string_view what) const { return name_ + "." + std::string(what); }

  virtual std::unique_ptr<StageWorker> worker() const = 0;
  // Files that it read at construction (models, word lists); their hashes are part of the manifest and of the configuration's hash.
  virtual std::vector<std::filesystem::path> resources() const { return {}; }
  // Facts for the manifest, known before the first document ("memory", "threshold"...) or, for a collective stage, after resolve().
  virtual std::vector<std::pair<std::string, std::string>> notes() const { return {}; }
  // Documents that it wants in one batch; 0: as many as the pipeline likes.
  virtual std::size_t batch_documents() const { return 0; }
  virtual CollectiveStage* collective() { return nullptr; }

 private:
  std::string name_;
};

// What was collected from one unit of the input (a few megabytes of documents); records in the order of the documents.
struct CollectedUnit {
  std::int64_t first_document = 0;  // number of its first document among all documents that reached this stage, in the order of the input, from 0
  std::string source;               // all documents of a unit come from one source
  RecordListView records;           // one per document; mapped from disk
};

// Every rank calls everything collectively and in the same order. `units` are this rank's, in rising order of first_document; every document is on one rank.
struct Collected {
  std::span<const CollectedUnit> units;
  std::int64_t documents = 0;  // on all ranks
  parallel::Communicator* group = nullptr;
  std::filesystem::path scratch;  // a directory seen by all ranks, empty at the start, removed afterwards; file names carry the rank
};

class CollectiveStage : public Stage {
 public:
  using Stage::Stage;
  CollectiveStage* collective() final { return this; }

  // worker() sees documents first (annotates, drops as any stage), per thread; then collect() sees what it left over. Many threads at once.
  // Appends what resolve() needs to know of the document to `record`.
  virtual void collect(const Document& document, std::string& record) const = 0;
  // Refuses before the first document when the stage cannot be kept within setup.memory_bytes (ConfigError says how much it needs).
  // Bytes of memory on one rank for `documents` documents of `bytes` bytes of text on all ranks.
  virtual std::int64_t resolve_bytes(std::int64_t documents, std::int64_t bytes, int ranks) const = 0;
  // Collective. decisions[u].add(...) once per document of units[u], in order; an empty decision leaves the document as it is.
  virtual void resolve(const Collected& collected, std::span<RecordList> decisions) = 0;
  // Many threads at once; for documents with a decision that is not empty.
  virtual void apply(Document& document, std::string_view decision) const = 0;
};

// A collective stage without work of its own before collecting.
class NoWork final : public StageWorker {
 public:
  void process(std::span<Document* const>) override {}
};

}  // namespace phidias::data::pipeline
