#include "data/pipeline/unit_worker.h"

#include <ctime>

#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "data/pipeline/document_codec.h"
#include "data/pipeline/read/document_output.h"
#include "data/pipeline/record_list.h"
#include "data/pipeline/text/utf8_cut.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::size_t kBatchDocuments = 64, kBatchBytes = 1 << 20, kSampleBytes = 1200;

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

bool has(const std::vector<std::string>& list, std::string_view word) { return std::find(list.begin(), list.end(), word) != list.end(); }

}  // namespace

bool PlacedStage::sees(const Document& document) const {
  const StageCondition& when = settings->common.when;
  if (!when.source.empty() && !has(when.source, document.source)) return false;
  return when.language.empty() || has(when.language, document.annotations().text("language").value_or(""));
}

std::vector<Segment> segments_of(const std::vector<PlacedStage>& stages) {
  std::vector<Segment> segments(1);
  for (std::size_t i = 0; i < stages.size(); ++i) {
    segments.back().end = i + 1;
    CollectiveStage* collective = stages[i].stage->collective();
    if (collective == nullptr) continue;
    segments.back().collecting = collective;
    segments.push_back({.begin = i + 1, .end = i + 1, .decided = collective});
  }
  segments.back().is_last = true;
  return segments;
}

struct UnitWorker::Output {
  PipelineCounts counts;
  std::string source, documents, collected, kept, dropped;
  std::string dropped_before;  // frames of earlier segments
  std::int64_t passed = 0, records_collected = 0, collected_bytes = 0, kept_bytes = 0, dropped_bytes = 0;
  RecordList records;
};

UnitWorker::UnitWorker(const WorkSetup& setup) : setup_(setup) {
  std::size_t batch = kBatchDocuments;
  for (std::size_t i = setup.segment.begin; i < setup.segment.end; ++i) {
    const Stage& stage = *(*setup.stages)[i].stage;
    workers_.push_back(stage.worker());
    batch = std::max(batch, stage.batch_documents());
  }
  batch_.resize(batch);
  dropped_by_.resize(batch);
}

UnitWorker::~UnitWorker() = default;

UnitFileWriter UnitWorker::read(Unit& unit, const std::string& source) {
  Output out;
  out.source = source;
  out.counts.stages.resize(setup_.stages->size() + 1);
  ReadProblems problems;
  StageCounts& reading = out.counts.stages[0];
  run_all(
      [&](Document& document) {
        const double start = thread_seconds();
        const bool found = unit.next(document, problems);
        reading.seconds += thread_seconds() - start;
        if (!problems.empty() && setup_.config->on_error == configs::OnError::stop)
          throw DataError(problems.front().file + ":" + std::to_string(problems.front().line) + ": " + problems.front().what +
                          " (on_error: skip passes over it)");
        if (!found) return false;
        const Volume volume{1, static_cast<std::int64_t>(document.text().size()), 0};
        out.counts.sources[source].read += volume;
        reading.in += volume;
        if (document.text().empty())
          document.set_reason("read.empty_text");
        else
          reading.out += volume;
        return true;
      },
      out);
  out.counts.sources[source].failed += static_cast<std::int64_t>(problems.size());
  out.counts.passed_over = unit.passed_over();
  out.counts.problems = problems.kept();
  out.counts.problems_left_out = static_cast<std::int64_t>(problems.size() - problems.kept().size());
  return finish(out);
}

UnitFileWriter UnitWorker::go_on(const UnitFile& before, const UnitFile& decisions) {
  Output out;
  const OrderedJson meta = OrderedJson::parse(before.section("meta"));
  out.counts = PipelineCounts::from_json(meta.at("counts"));
  out.source = meta.at("source");
  out.dropped_before = before.section("dropped");
  out.dropped_bytes = meta.at("dropped_bytes");
  const std::string encoded = decompress(before.section("documents"));
  const std::string_view collected = before.section("collected");
  const RecordListView decided(decisions.section("decisions"));
  const std::size_t index = setup_.segment.begin - 1;
  StageCounts& counts = out.counts.stages[index + 1];
  DocumentDecoder decoder(encoded);
  std::size_t number = 0, record = 0;
  run_all(
      [&](Document& document) {
        if (!decoder.next(document)) return false;
        if (collected.at(number++) == 0) return true;
        const std::string_view decision = decided[record++];
        const double start = thread_seconds();
        const bool annotates = (*setup_.stages)[index].settings->common.mode == StageMode::annotate;
        const std::string before = annotates ? document.text() : std::string();
        if (!decision.empty()) setup_.segment.decided->apply(document, decision);
        settle(document, index, annotates ? &before : nullptr);
        counts.seconds += thread_seconds() - start;
        if (!document.dropped()) counts.out += {1, static_cast<std::int64_t>(document.text().size()), 0};
        return true;
      },
      out);
  return finish(out);
}

void UnitWorker::run_all(const std::function<bool(Document&)>& next, Output& out) {
  for (bool more = true; more;) {
    std::size_t count = 0, bytes = 0;
    while (count < batch_.size() && (bytes < kBatchBytes || batch_.size() > kBatchDocuments)) {
      batch_[count].clear();
      more = next(batch_[count]);
      if (!more) break;
      dropped_by_[count] = setup_.segment.begin;  // the stage before the segment in counts: reading, or the one that decided
      bytes += batch_[count].text().size();
      ++count;
    }
    run_batch(count, out);
  }
}

void UnitWorker::run_batch(std::size_t documents, Output& out) {
  for (std::size_t i = setup_.segment.begin; i < setup_.segment.end; ++i) run_stage(i, documents, out);
  for (std::size_t i = 0; i < documents; ++i) batch_[i].dropped() ? leave(batch_[i], out) : pass(batch_[i], out);
}

void UnitWorker::run_stage(std::size_t index, std::size_t documents, Output& out) {
  const PlacedStage& placed = (*setup_.stages)[index];
  StageCounts& counts = out.counts.stages[index + 1];
  const bool annotates = placed.settings->common.mode == StageMode::annotate;
  const std::string reason = placed.stage->qualified("reason"), would_change = placed.stage->qualified("would_change");
  seen_.clear();
  for (std::size_t i = 0; i < documents; ++i) {
    if (batch_[i].dropped() || !placed.sees(batch_[i])) continue;
    seen_.push_back(&batch_[i]);
    if (annotates) {  // what an earlier pipeline said
      batch_[i].annotations().remove(reason);
      batch_[i].annotations().remove(would_change);
    }
    counts.in += {1, static_cast<std::int64_t>(batch_[i].text().size()), 0};
  }
  if (seen_.empty()) return;
  texts_before_.clear();
  for (std::size_t i = 0; annotates && i < seen_.size(); ++i) texts_before_.push_back(seen_[i]->text());
  const double start = thread_seconds();
  workers_[index - setup_.segment.begin]->process(seen_);
  counts.seconds += thread_seconds() - start;
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    Document* const document = seen_[i];
    settle(*document, index, annotates ? &texts_before_[i] : nullptr);
    if (document->dropped())
      dropped_by_[static_cast<std::size_t>(document - batch_.data())] = index + 1;
    else if (placed.stage->collective() == nullptr)  // else it is out once it has been decided about
      counts.out += {1, static_cast<std::int64_t>(document->text().size()), 0};
  }
}

// What the stage said becomes the reason. With `text_before` (mode: annotate) it becomes an annotation, and the text is what it was.
void UnitWorker::settle(Document& document, std::size_t index, const std::string* text_before) {
  const PlacedStage& placed = (*setup_.stages)[index];
  if (!document.dropped() && document.text().empty()) document.drop("empty_text");
  if (text_before == nullptr) {
    if (document.dropped()) document.set_reason(placed.stage->qualified(document.reason()));
    return;
  }
  if (document.dropped()) document.annotations().set(placed.stage->qualified("reason"), std::string_view(document.reason()));
  document.set_reason("");
  if (document.text() == *text_before) return;
  document.annotations().set(placed.stage->qualified("would_change"), true);
  document.set_text(*text_before);
}

void UnitWorker::count_exit(Document& document, bool kept, Output& out) {
  Volume volume{1, static_cast<std::int64_t>(document.text().size()), 0};
  if (setup_.tokenizer != nullptr) {
    setup_.tokenizer->encode(document.text(), {.special = SpecialTokens::text, .add_special_tokens = false}, ids_);
    volume.tokens = static_cast<std::int64_t>(ids_.size());
    document.annotations().set("tokens", static_cast<double>(volume.tokens));
  }
  SourceCounts& source = out.counts.sources[out.source];
  (kept ? source.kept : source.dropped) += volume;
  for (const Annotation& annotation : document.annotations())
    if (const double* number = std::get_if<double>(&annotation.value); number != nullptr && !annotation.name.ends_with(".cluster"))  // that one is an id
      out.counts.distributions[annotation.name].add(*number, kept);
  if (kept) return;
  const std::size_t by = dropped_by_[static_cast<std::size_t>(&document - batch_.data())];
  const std::string_view stage = by == 0 ? std::string_view("read") : (*setup_.stages)[by - 1].stage->name();
  RuleCounts& rule = out.counts.stages[by].rules[document.reason().substr(stage.size() + 1)];
  rule.dropped += volume;
  const auto samples = static_cast<std::size_t>(setup_.config->samples);
  if (samples == 0) return;
  const std::uint64_t order = hash_string(document.id).low;
  if (rule.samples.size() >= samples && order > rule.samples.back().order) return;
  rule.keep_sample({order, document.id, document.source, std::string(utf8_cut(document.text(), kSampleBytes))}, samples);
}

void UnitWorker::leave(Document& document, Output& out) {
  count_exit(document, false, out);
  const WriteSection& write = setup_.config->write;
  if (write.dropped == DroppedOutput::none) return;
  const std::size_t before = out.dropped.size();
  const bool whole = write.dropped == DroppedOutput::documents;
  if (write.format == OutputFormat::parquet)
    append_encoded(document, out.dropped);
  else
    append_document_line(document, {.text = whole, .annotations = write.annotations}, out.dropped);
  out.dropped_bytes += static_cast<std::int64_t>(out.dropped.size() - before);
}

void UnitWorker::pass(Document& document, Output& out) {
  ++out.passed;
  if (setup_.segment.is_last) {
    count_exit(document, true, out);
    if (setup_.config->write.format == OutputFormat::parquet)
      append_encoded(document, out.kept);
    else
      append_document_line(document, {.text = true, .annotations = setup_.config->write.annotations}, out.kept);
    return;
  }
  append_encoded(document, out.documents);
  const bool collects = (*setup_.stages)[setup_.segment.end - 1].sees(document);
  out.collected += collects ? '\1' : '\0';
  if (!collects) return;
  record_.clear();
  setup_.segment.collecting->collect(document, record_);
  out.records.add(record_);
  ++out.records_collected;
  out.collected_bytes += static_cast<std::int64_t>(document.text().size());
}

UnitFileWriter UnitWorker::finish(Output& out) {
  const int level = static_cast<int>(setup_.config->write.level);
  out.kept_bytes = static_cast<std::int64_t>(out.kept.size());
  UnitFileWriter writer;
  writer.add("meta", OrderedJson{{"source", out.source},
                                 {"documents", out.passed},
                                 {"collected", out.records_collected},
                                 {"collected_bytes", out.collected_bytes},
                                 {"kept_bytes", out.kept_bytes},
                                 {"dropped_bytes", out.dropped_bytes},
                                 {"counts", out.counts.json()}}
                         .dump(-1, ' ', false, OrderedJson::error_handler_t::replace));
  writer.add("dropped", out.dropped_before + (out.dropped.empty() ? "" : compress(out.dropped, level)));
  if (setup_.segment.is_last) {
    writer.add("kept", out.kept.empty() ? "" : compress(out.kept, level));
  } else {
    writer.add("documents", out.documents.empty() ? "" : compress(out.documents, 1));
    writer.add("collected", std::move(out.collected));
    writer.add("records", out.records.bytes());
  }
  return writer;
}

}  // namespace phidias::data::pipeline
