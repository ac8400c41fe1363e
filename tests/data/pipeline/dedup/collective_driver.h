// Leads documents through a collective stage as the pipeline does: workers, collection unit by unit, resolution over ranks, application.
//
//   Outcomes outcomes = run_stage<ExactDedup>(config, documents, {.group = &group, .scratch = path, .unit_documents = 3});
//
// Every rank passes the same documents; unit u is dealt to rank deal(u). All ranks get all outcomes, in the order of the documents.
#pragma once

#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "data/pipeline/stage.h"
#include "parallel/single_process.h"

namespace phidias::data::pipeline {

struct Sample {
  std::string text, url, source = "web";
  double score = 0;  // annotation "score"
};

struct Outcome {
  std::string text, reason, annotations;
  bool operator==(const Outcome&) const = default;
};

struct RunOptions {
  parallel::Communicator* group = nullptr;  // null: alone
  std::filesystem::path scratch;
  std::size_t unit_documents = 3;
  std::function<int(std::size_t unit)> deal = [](std::size_t) { return 0; };
  std::int64_t memory_bytes = 0;
  std::vector<std::pair<std::string, std::string>>* notes = nullptr;
};

inline Document document_of(const Sample& sample, std::size_t index) {
  Document document;
  document.id = "doc" + std::to_string(index);
  document.url = sample.url;
  document.source = sample.source;
  document.annotations().set("score", sample.score);
  document.set_text(sample.text);
  return document;
}

inline std::string printed(const Annotations& annotations) {
  std::string text;
  for (const Annotation& annotation : annotations) {
    if (annotation.name == "score") continue;
    text += annotation.name + "=" + std::to_string(std::get<double>(annotation.value)) + " ";
  }
  return text;
}

template <class S>
std::vector<Outcome> run_stage(const typename S::Config& config, const std::vector<Sample>& samples, const RunOptions& options) {
  parallel::SingleProcess alone;
  parallel::Communicator& group = options.group != nullptr ? *options.group : alone;
  S stage(config, {.name = "dedup", .memory_bytes = options.memory_bytes});

  struct Unit {
    std::size_t begin, end;
    std::string bytes;
  };
  std::vector<Unit> mine;
  std::size_t unit = 0;
  for (std::size_t begin = 0, end = 0; begin < samples.size(); begin = end, ++unit) {
    while (end < samples.size() && end - begin < options.unit_documents && samples[end].source == samples[begin].source) ++end;
    if (options.deal(unit) % group.size() != group.rank()) continue;
    RecordList records;
    for (std::size_t i = begin; i < end; ++i) {
      std::string record;
      stage.collect(document_of(samples[i], i), record);
      records.add(record);
    }
    mine.push_back({begin, end, records.bytes()});
  }
  std::vector<CollectedUnit> units;
  for (const Unit& u : mine) units.push_back({static_cast<std::int64_t>(u.begin), samples[u.begin].source, RecordListView(u.bytes)});
  if (group.rank() == 0) {
    std::filesystem::remove_all(options.scratch);
    std::filesystem::create_directories(options.scratch);
  }
  group.barrier();
  std::vector<RecordList> decisions(units.size());
  stage.resolve({.units = units, .documents = static_cast<std::int64_t>(samples.size()), .group = &group, .scratch = options.scratch}, decisions);
  if (options.notes != nullptr) *options.notes = stage.notes();

  RecordList outcomes;  // index, then three texts
  for (std::size_t u = 0; u < mine.size(); ++u) {
    const std::string bytes = decisions[u].bytes();
    const RecordListView decided(bytes);
    if (decided.size() != mine[u].end - mine[u].begin) throw std::logic_error("one decision per document is needed");
    for (std::size_t i = mine[u].begin; i < mine[u].end; ++i) {
      Document document = document_of(samples[i], i);
      const std::string_view decision = decided[i - mine[u].begin];
      if (!decision.empty()) stage.apply(document, decision);
      outcomes.add(std::to_string(i));
      outcomes.add(document.text());
      outcomes.add(document.reason());
      outcomes.add(printed(document.annotations()));
    }
  }
  std::vector<Outcome> all(samples.size());
  for (const std::string& bytes : parallel::all_gather_strings(group, outcomes.bytes())) {
    const RecordListView theirs(bytes);
    for (std::size_t i = 0; i < theirs.size(); i += 4)
      all[std::stoul(std::string(theirs[i]))] = {std::string(theirs[i + 1]), std::string(theirs[i + 2]), std::string(theirs[i + 3])};
  }
  return all;
}

// "duplicate" and the like, one per document; "-" for one that stays.
inline std::vector<std::string> reasons_of(const std::vector<Outcome>& outcomes) {
  std::vector<std::string> reasons;
  for (const Outcome& outcome : outcomes) reasons.push_back(outcome.reason.empty() ? "-" : outcome.reason);
  return reasons;
}

}  // namespace phidias::data::pipeline
