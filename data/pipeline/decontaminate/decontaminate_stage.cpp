#include "data/pipeline/decontaminate/decontaminate_stage.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "base/error.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::size_t kNamedItems = 20;

using Notes = std::vector<std::pair<std::string, std::string>>;

// What is looked for.
Notes notes_of(const ContaminationFinder& finder) {
  Notes notes;
  for (const EvaluationCounts& counts : finder.counts()) {
    std::string text = std::to_string(counts.items) + " items";
    if (counts.whole > 0) text += ", " + std::to_string(counts.whole) + " looked for as a whole";
    if (counts.lines > 0) text += ", " + std::to_string(counts.lines) + " as a line";
    if (counts.not_looked_for > 0) text += ", " + std::to_string(counts.not_looked_for) + " too short to look for";
    notes.emplace_back(counts.set, text);
  }
  notes.emplace_back("n-grams", std::to_string(finder.grams()));
  notes.emplace_back("memory", std::to_string(finder.bytes()) + " bytes of index");
  return notes;
}

// What is done about a document with matches.
class Action {
 public:
  Action(std::string name, std::shared_ptr<const ContaminationFinder> finder) : name_(std::move(name)), finder_(std::move(finder)) {}

  void apply(Document& document, const std::vector<Match>& matches, const ContaminationFinder::Scratch& scratch) const {
    if (matches.empty()) return;
    double ratio = 0;
    const std::vector<std::uint32_t> items = finder_->items(matches, scratch, &ratio);
    annotate(document, matches, items, ratio);
    if (items.empty()) return;
    const ContaminationAction action = finder_->settings().action;
    if (action == ContaminationAction::drop) document.drop(finder_->item(items.front()).set);
    if (action == ContaminationAction::remove_spans) cut(document, finder_->places(matches, items));
  }

 private:
  std::string qualified(const std::string& what) const { return name_ + "." + what; }

  void annotate(Document& document, const std::vector<Match>& matches, const std::vector<std::uint32_t>& items, double ratio) const {
    Annotations& annotations = document.annotations();
    annotations.set(qualified("hits"), static_cast<double>(matches.size()));
    if (finder_->settings().likeness != Likeness::none) annotations.set(qualified("ratio"), ratio);
    if (items.empty()) return;
    std::string names;
    std::map<std::string, std::int64_t> by_set;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const EvaluationItem& item = finder_->item(items[i]);
      if (i < kNamedItems) names += (i == 0 ? "" : " ") + item.name;
      ++by_set[item.set];
    }
    if (items.size() > kNamedItems) names += " and " + std::to_string(items.size() - kNamedItems) + " more";
    annotations.set(qualified("items"), names);
    for (const auto& [set, count] : by_set) annotations.set(qualified(set), static_cast<double>(count));
  }

  void cut(Document& document, const std::vector<TextRange>& places) const {
    const RuleSettings& settings = finder_->settings();
    const auto pieces = cut_out(document.text(), places, settings.cut, settings.limits);
    if (!pieces) return document.drop("too_many_pieces");
    document.annotations().set(qualified("pieces"), static_cast<double>(pieces->size()));
    if (pieces->empty()) return document.drop("nothing_left");
    document.set_text(joined_pieces(document.text(), *pieces));
  }

  std::string name_;
  std::shared_ptr<const ContaminationFinder> finder_;
};

class Worker final : public DocumentWorker {
 public:
  Worker(const std::string& name, std::shared_ptr<const ContaminationFinder> finder) : action_(name, finder), finder_(std::move(finder)) {}
  void process(Document& document) override {
    const std::vector<Match> matches = finder_->find(document.text(), scratch_);
    action_.apply(document, matches, scratch_);
  }

 private:
  Action action_;
  std::shared_ptr<const ContaminationFinder> finder_;
  ContaminationFinder::Scratch scratch_;
};

// A record and a decision are the matches that count: n-gram, first byte, end.
void append_match(const Match& match, std::string& record) {
  const std::uint32_t numbers[3] = {match.gram, match.bytes.begin, match.bytes.end};
  record.append(reinterpret_cast<const char*>(numbers), sizeof numbers);
}

std::vector<Match> matches_of(std::string_view record) {
  std::vector<Match> matches(record.size() / (3 * sizeof(std::uint32_t)));
  for (std::size_t i = 0; i < matches.size(); ++i) {
    std::uint32_t numbers[3];
    std::memcpy(numbers, record.data() + i * sizeof numbers, sizeof numbers);
    matches[i] = {numbers[0], {numbers[1], numbers[2]}, 0};
  }
  return matches;
}

// Counts in how many documents (or how often) each n-gram stands, then leaves the common ones alone.
class CountingStage final : public CollectiveStage {
 public:
  CountingStage(const StageSetup& setup, std::shared_ptr<const ContaminationFinder> finder)
      : CollectiveStage(setup), action_(setup.name, finder), finder_(std::move(finder)) {}

  std::unique_ptr<StageWorker> worker() const override { return std::make_unique<NoWork>(); }

  void collect(const Document& document, std::string& record) const override {
    thread_local ContaminationFinder::Scratch scratch;
    for (const Match& match : finder_->find(document.text(), scratch)) append_match(match, record);
  }

  // A count per n-gram, and the empty decisions of documents without a match.
  std::int64_t resolve_bytes(std::int64_t documents, std::int64_t, int ranks) const override {
    constexpr std::int64_t kPerDocument = 32;
    return static_cast<std::int64_t>(finder_->grams() * sizeof(std::int64_t)) + (documents / ranks + 1) * kPerDocument;
  }

  void resolve(const Collected& collected, std::span<RecordList> decisions) override {
    const RuleSettings& settings = finder_->settings();
    std::vector<std::int64_t> counts(finder_->grams(), 0);
    for (const CollectedUnit& unit : collected.units)
      for (std::size_t i = 0; i < unit.records.size(); ++i) count(matches_of(unit.records[i]), settings.common_count, counts);
    if (collected.group != nullptr)
      collected.group->all_reduce(counts.data(), static_cast<std::int64_t>(counts.size()), parallel::DataType::int64, parallel::ReduceOp::sum);
    std::vector<std::int64_t> documents_hit(finder_->counts().size(), 0);
    std::string decision;
    for (std::size_t u = 0; u < collected.units.size(); ++u) {
      const RecordListView& records = collected.units[u].records;
      for (std::size_t i = 0; i < records.size(); ++i) {
        decision.clear();
        for (const Match& match : matches_of(records[i]))
          if (counts[match.gram] > 0 && counts[match.gram] <= settings.common_limit) append_match(match, decision);
        count_sets(matches_of(decision), documents_hit);
        decisions[u].add(decision);
      }
    }
    if (collected.group != nullptr)
      collected.group->all_reduce(documents_hit.data(), static_cast<std::int64_t>(documents_hit.size()), parallel::DataType::int64, parallel::ReduceOp::sum);
    documents_hit_ = std::move(documents_hit);
    found_ = common_ = 0;
    for (const std::int64_t count : counts) {
      found_ += count > 0;
      common_ += count > settings.common_limit;
    }
  }

  void apply(Document& document, std::string_view decision) const override { action_.apply(document, matches_of(decision), {}); }

  Notes notes() const override {
    Notes notes = notes_of(*finder_);
    for (std::size_t i = 0; i < documents_hit_.size(); ++i)
      notes.emplace_back(finder_->counts()[i].set + " hit", "in " + std::to_string(documents_hit_[i]) + " documents");
    notes.emplace_back("n-grams found", std::to_string(found_));
    notes.emplace_back("n-grams ignored as common", std::to_string(common_));
    return notes;
  }

 private:
  // As NeMo Curator counts, an occurrence begins where the one before it has ended.
  static void count(const std::vector<Match>& matches, CommonCount what, std::vector<std::int64_t>& counts) {
    std::vector<std::uint32_t> grams;
    std::uint32_t end = 0;
    for (const Match& match : matches) {
      if (what == CommonCount::occurrences && match.bytes.begin < end) continue;
      end = match.bytes.end;
      grams.push_back(match.gram);
    }
    if (what == CommonCount::documents) {
      std::sort(grams.begin(), grams.end());
      grams.erase(std::unique(grams.begin(), grams.end()), grams.end());
    }
    for (const std::uint32_t gram : grams) ++counts[gram];
  }

  // One more document for every set that its matches stand for.
  void count_sets(const std::vector<Match>& matches, std::vector<std::int64_t>& documents_hit) const {
    double ratio = 0;
    std::vector<bool> hit(documents_hit.size(), false);
    for (const std::uint32_t item : finder_->items(matches, {}, &ratio)) hit[finder_->set_of(item)] = true;
    for (std::size_t i = 0; i < hit.size(); ++i) documents_hit[i] += hit[i];
  }

  Action action_;
  std::shared_ptr<const ContaminationFinder> finder_;
  std::vector<std::int64_t> documents_hit_;  // by set
  std::int64_t found_ = 0, common_ = 0;
};

}  // namespace

DecontaminateStage::DecontaminateStage(const Config& config, const StageSetup& setup)
    : Stage(setup), finder_(std::make_shared<const ContaminationFinder>(config)) {
  for (const EvaluationSet& set : config.evaluation) resources_.emplace_back(set.path);
  if (finder_->settings().common_limit > 0) counting_ = std::make_unique<CountingStage>(setup, finder_);
}

DecontaminateStage::~DecontaminateStage() = default;

std::unique_ptr<StageWorker> DecontaminateStage::worker() const {
  if (counting_) return std::make_unique<NoWork>();
  return std::make_unique<Worker>(name(), finder_);
}

std::vector<std::filesystem::path> DecontaminateStage::resources() const { return resources_; }

CollectiveStage* DecontaminateStage::collective() { return counting_.get(); }

std::vector<std::pair<std::string, std::string>> DecontaminateStage::notes() const { return counting_ ? counting_->notes() : notes_of(*finder_); }

}  // namespace phidias::data::pipeline
