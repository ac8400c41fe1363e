#include "data/pipeline/manifest.h"

#include <algorithm>

#include "base/json.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::size_t kProblemsShown = 100;

OrderedJson to_json(const Volume& volume, bool has_tokens) {
  return {{"documents", volume.documents}, {"bytes", volume.bytes}, {"tokens", has_tokens ? OrderedJson(volume.tokens) : OrderedJson()}};
}

OrderedJson to_json(const SourceCounts& counts, bool has_tokens) {
  OrderedJson read = to_json(counts.read, has_tokens);
  if (has_tokens) read["tokens"] = counts.kept.tokens + counts.dropped.tokens;
  return {{"read", read}, {"failed", counts.failed}, {"kept", to_json(counts.kept, has_tokens)}, {"dropped", to_json(counts.dropped, has_tokens)}};
}

OrderedJson rules_json(const StageCounts& stage, bool has_tokens) {
  std::vector<std::pair<std::string, const RuleCounts*>> rules;
  for (const auto& [name, rule] : stage.rules) rules.emplace_back(name, &rule);
  std::stable_sort(rules.begin(), rules.end(), [](const auto& a, const auto& b) { return a.second->dropped.documents > b.second->dropped.documents; });
  OrderedJson list = OrderedJson::array();
  for (const auto& [name, rule] : rules) {
    OrderedJson samples = OrderedJson::array();
    for (const DroppedSample& sample : rule->samples) samples.push_back({{"id", sample.id}, {"source", sample.source}, {"text", sample.text}});
    OrderedJson entry = {{"rule", name}};
    entry.update(to_json(rule->dropped, has_tokens));
    entry["samples"] = samples;
    list.push_back(entry);
  }
  return list;
}

OrderedJson stages_json(const ManifestParts& parts, bool has_tokens) {
  OrderedJson list = OrderedJson::array();
  for (std::size_t i = 0; i < parts.counts.stages.size(); ++i) {
    const StageCounts& counts = parts.counts.stages[i];
    OrderedJson entry = {{"name", "read"}, {"stage", "read"}, {"mode", "drop"}};
    OrderedJson notes = OrderedJson::object();
    if (i > 0) {
      const StageEntry& stage = parts.config->stages[i - 1];
      entry = {{"name", stage.name()}, {"stage", stage.type->key}, {"mode", configs::enum_name(stage.settings->common.mode)}};
      for (const auto& [name, value] : parts.notes[i - 1]) notes[name] = value;
    }
    entry.update({{"documents_in", counts.in.documents},
                  {"documents_out", counts.out.documents},
                  {"bytes_in", counts.in.bytes},
                  {"bytes_out", counts.out.bytes},
                  {"rules", rules_json(counts, has_tokens)},
                  {"notes", notes}});
    list.push_back(entry);
  }
  return list;
}

OrderedJson timing_json(const ManifestParts& parts) {
  OrderedJson stages = OrderedJson::array();
  for (std::size_t i = 0; i < parts.counts.stages.size(); ++i) {
    const StageCounts& counts = parts.counts.stages[i];
    const double comparing = i == 0 ? -1 : parts.comparing_seconds[i - 1];
    const double seconds = counts.seconds + std::max(comparing, 0.0);
    const double rate = seconds > 0 ? static_cast<double>(counts.in.bytes) / seconds : 0;
    stages.push_back({{"name", i == 0 ? "read" : parts.config->stages[i - 1].name()}, {"seconds", counts.seconds}});
    if (comparing >= 0) stages.back()["comparing_seconds"] = comparing;
    stages.back()["bytes_per_second"] = rate;
  }
  return {{"seconds", parts.seconds}, {"ranks", parts.ranks}, {"threads", parts.threads}, {"memory", parts.memory_bytes}, {"stages", stages}};
}

}  // namespace

OrderedJson manifest_json(const ManifestParts& parts) {
  const bool has_tokens = !parts.config->tokenizer.empty();
  OrderedJson sources = OrderedJson::object(), distributions = OrderedJson::object();
  const SourceCounts total = parts.counts.total();
  OrderedJson documents = {{"in", total.read.documents + total.failed}};
  documents.update(to_json(total, has_tokens));
  documents["passed_over"] = parts.counts.passed_over;
  OrderedJson outputs = OrderedJson::array(), problems = OrderedJson::array();
  for (const auto& [name, source] : parts.counts.sources) sources[name] = to_json(source, has_tokens);
  for (const auto& [name, distribution] : parts.counts.distributions) distributions[name] = distribution.json();
  for (const ShardFile& shard : parts.outputs) outputs.push_back({{"path", shard.path}, {"bytes", shard.bytes}, {"hash", shard.hash}});
  for (std::size_t i = 0; i < std::min(kProblemsShown, parts.counts.problems.size()); ++i)
    problems.push_back({{"file", parts.counts.problems[i].file}, {"line", parts.counts.problems[i].line}, {"error", parts.counts.problems[i].what}});
  return {{"format", "phidias-pipeline-1"},
          {"version", parts.version},
          {"name", parts.config->name},
          {"configuration", parts.configuration},
          {"pipeline", dump_pipeline_config(result_settings(*parts.config))},
          {"inputs", to_json(parts.inputs)},
          {"resources", to_json(parts.resources)},
          {"documents", documents},
          {"sources", sources},
          {"stages", stages_json(parts, has_tokens)},
          {"distributions", distributions},
          {"outputs", outputs},
          {"problems", problems},
          {"timing", timing_json(parts)}};
}

}  // namespace phidias::data::pipeline
