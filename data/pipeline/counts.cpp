#include "data/pipeline/counts.h"

#include <algorithm>
#include <utility>

#include "base/json.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::size_t kMostProblems = 100'000;

OrderedJson to_json(const Volume& volume) { return {volume.documents, volume.bytes, volume.tokens}; }

Volume volume_from(const OrderedJson& json) { return {json.at(0), json.at(1), json.at(2)}; }

OrderedJson to_json(const RuleCounts& rule) {
  OrderedJson samples = OrderedJson::array();
  for (const DroppedSample& sample : rule.samples) samples.push_back({sample.order, sample.id, sample.source, sample.text});
  return {to_json(rule.dropped), samples};
}

RuleCounts rule_from(const OrderedJson& json) {
  RuleCounts rule{.dropped = volume_from(json.at(0)), .samples = {}};
  for (const OrderedJson& sample : json.at(1)) rule.samples.push_back({sample.at(0), sample.at(1), sample.at(2), sample.at(3)});
  return rule;
}

}  // namespace

Volume& Volume::operator+=(const Volume& other) {
  documents += other.documents;
  bytes += other.bytes;
  tokens += other.tokens;
  return *this;
}

void RuleCounts::keep_sample(DroppedSample sample, std::size_t most) {
  const auto place = std::upper_bound(samples.begin(), samples.end(), sample, [](const DroppedSample& a, const DroppedSample& b) {
    return std::pair<std::uint64_t, const std::string&>(a.order, a.id) < std::pair<std::uint64_t, const std::string&>(b.order, b.id);
  });
  if (samples.size() >= most && place == samples.end()) return;
  samples.insert(place, std::move(sample));
  if (samples.size() > most) samples.pop_back();
}

void PipelineCounts::merge(const PipelineCounts& later, std::size_t most_samples) {
  for (const auto& [name, source] : later.sources) {
    SourceCounts& mine = sources[name];
    mine.read += source.read;
    mine.kept += source.kept;
    mine.dropped += source.dropped;
    mine.failed += source.failed;
  }
  stages.resize(std::max(stages.size(), later.stages.size()));
  for (std::size_t i = 0; i < later.stages.size(); ++i) {
    stages[i].in += later.stages[i].in;
    stages[i].out += later.stages[i].out;
    stages[i].seconds += later.stages[i].seconds;
    for (const auto& [name, rule] : later.stages[i].rules) {
      RuleCounts& mine = stages[i].rules[name];
      mine.dropped += rule.dropped;
      for (const DroppedSample& sample : rule.samples) mine.keep_sample(sample, most_samples);
    }
  }
  for (const auto& [name, distribution] : later.distributions) distributions[name].merge(distribution);
  passed_over += later.passed_over;
  const std::size_t room = kMostProblems - std::min(kMostProblems, problems.size()), taken = std::min(room, later.problems.size());
  problems.insert(problems.end(), later.problems.begin(), later.problems.begin() + static_cast<std::ptrdiff_t>(taken));
  problems_left_out += later.problems_left_out + static_cast<std::int64_t>(later.problems.size() - taken);
}

SourceCounts PipelineCounts::total() const {
  SourceCounts total;
  for (const auto& [name, source] : sources) {
    total.read += source.read;
    total.kept += source.kept;
    total.dropped += source.dropped;
    total.failed += source.failed;
  }
  return total;
}

OrderedJson PipelineCounts::json() const {
  OrderedJson json;
  for (const auto& [name, source] : sources) json["sources"][name] = {to_json(source.read), to_json(source.kept), to_json(source.dropped), source.failed};
  json["stages"] = OrderedJson::array();
  for (const StageCounts& stage : stages) {
    OrderedJson rules = OrderedJson::object();
    for (const auto& [name, rule] : stage.rules) rules[name] = to_json(rule);
    json["stages"].push_back({to_json(stage.in), to_json(stage.out), stage.seconds, rules});
  }
  for (const auto& [name, distribution] : distributions) json["distributions"][name] = distribution.state();
  json["problems"] = OrderedJson::array();
  for (const ReadProblem& problem : problems) json["problems"].push_back({problem.file, problem.line, problem.what});
  json["problems_left_out"] = problems_left_out;
  json["passed_over"] = passed_over;
  return json;
}

PipelineCounts PipelineCounts::from_json(const OrderedJson& json) {
  PipelineCounts counts;
  if (json.contains("sources"))
    for (const auto& [name, source] : json.at("sources").items())
      counts.sources[name] = {volume_from(source.at(0)), volume_from(source.at(1)), volume_from(source.at(2)), source.at(3)};
  for (const OrderedJson& stage : json.at("stages")) {
    StageCounts& read = counts.stages.emplace_back();
    read.in = volume_from(stage.at(0));
    read.out = volume_from(stage.at(1));
    read.seconds = stage.at(2);
    for (const auto& [name, rule] : stage.at(3).items()) read.rules[name] = rule_from(rule);
  }
  if (json.contains("distributions"))
    for (const auto& [name, state] : json.at("distributions").items()) counts.distributions[name] = Distribution::from_state(state);
  for (const OrderedJson& problem : json.at("problems")) counts.problems.push_back({problem.at(0), problem.at(1), problem.at(2)});
  counts.problems_left_out = json.at("problems_left_out");
  counts.passed_over = json.at("passed_over");
  return counts;
}

}  // namespace phidias::data::pipeline
