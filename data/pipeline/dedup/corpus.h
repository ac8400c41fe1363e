// All documents that a duplicate may be looked for among: those of earlier dumps (signature stores), then those of this pipeline, in one numbering.
//
// Number d < earlier(): record d of the stores, in the order of the stores. Otherwise document d - earlier() of the pipeline. Each document lies on one
// rank: the pipeline's where its unit is, the stores' in equal slices. Every rank knows where each unit lies (24 bytes a unit).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "data/pipeline/dedup/signature_store.h"
#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

class Corpus {
 public:
  // Collective. Both outlive the corpus.
  Corpus(const Collected& collected, std::span<const SignatureStore> stores);

  std::int64_t earlier() const { return earlier_; }
  std::int64_t size() const { return size_; }
  parallel::Communicator& group() const { return *collected_->group; }
  const Collected& collected() const { return *collected_; }
  int rank_of(std::int64_t document) const;
  // Of a document on this rank.
  std::string_view record(std::int64_t document) const;
  // Calls visit(document, record) for this rank's documents in rising order.
  template <class Visit>
  void for_each_local(Visit&& visit) const {
    for (const Run& run : local_)
      for (std::size_t i = 0; i < run.count; ++i) visit(run.first + static_cast<std::int64_t>(i), run.records[run.begin + i]);
  }

 private:
  struct Run {
    std::int64_t first = 0;
    RecordListView records;
    std::size_t begin = 0, count = 0;  // of the records
  };
  struct Place {
    std::int64_t first, documents, rank;
  };
  void add(std::int64_t first, const RecordListView& records, std::size_t begin, std::size_t end);

  const Collected* collected_;
  std::int64_t earlier_ = 0, size_ = 0;
  std::vector<Run> local_;     // rising
  std::vector<Place> places_;  // of all ranks, rising, without gaps
};

}  // namespace phidias::data::pipeline
