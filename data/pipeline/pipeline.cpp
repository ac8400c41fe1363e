#include "data/pipeline/pipeline.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/run_lock.h"
#include "data/pipeline/manifest.h"
#include "data/pipeline/segment_runner.h"
#include "data/pipeline/shards.h"

namespace phidias::data::pipeline {
namespace {

std::int64_t physical_memory() { return static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE); }

constexpr std::int64_t kProgramBytes = 64 << 20;
// A unit under way and one that waits: raw content, documents, what is written of them plain and compressed, and what a stage makes of a page (its tree takes
// about ten times the page).
constexpr std::int64_t kUnitsOfMemory = 24;

// Models and lists are held at most twice: as read, and as used.
std::int64_t streaming_bytes(const PipelineConfig& config, std::size_t threads, std::int64_t resource_bytes) {
  return kProgramBytes + 2 * resource_bytes + static_cast<std::int64_t>(threads) * kUnitsOfMemory * config.work.unit_bytes;
}

class Run {
 public:
  Run(const PipelineConfig& config, const PipelineOptions& options) : config_(config), options_(options), work_(config.output) {
    const auto cores = std::max<unsigned>(std::thread::hardware_concurrency() / static_cast<unsigned>(std::max(options.local_ranks, 1)), 1);
    threads_ = config.work.threads > 0 ? static_cast<std::size_t>(config.work.threads) : cores;
    memory_ = config.work.memory_bytes > 0 ? config.work.memory_bytes : physical_memory() / 2 / std::max(options.local_ranks, 1);
  }

  PipelineOutcome run() {
    const auto start = std::chrono::steady_clock::now();
    if (config_.read.empty()) throw ConfigError("read: name at least one source");
    std::optional<RunLock> lock;
    if (rank() == 0) {
      std::filesystem::create_directories(config_.output);
      lock.emplace(std::filesystem::path(config_.output));
    }
    group().barrier();
    make_stages();
    files_ = list_inputs(config_.read, config_.work.unit_bytes);
    check_inputs();
    if (const std::string doubt = doubtful_inputs(files_); rank() == 0 && !doubt.empty()) log_warning(doubt);
    inputs_ = identify_inputs(files_, group());
    if (prepare()) return {.was_finished = true, .manifest = work_.manifest().string()};
    state_memory();
    try {
      run_segments();
    } catch (const Stopped& stopped) {
      return {.signal = stopped.signal};
    }
    finish(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    return {.manifest = work_.manifest().string()};
  }

 private:
  parallel::Communicator& group() const { return *options_.group; }
  int rank() const { return options_.group->rank(); }

  // "web.yaml:12:5: stages[2] (quality): "
  std::string place_of(std::size_t stage) const {
    const StageEntry& entry = config_.stages[stage];
    return (entry.position.empty() ? "" : entry.position + ": ") + "stages[" + std::to_string(stage) + "] (" + entry.name() + "): ";
  }

  std::unique_ptr<Stage> make_stage(std::size_t stage, const StageSetup& setup) const {
    try {
      return config_.stages[stage].settings->make(setup);
    } catch (const ConfigError& error) {
      throw ConfigError(place_of(stage) + error.what());
    } catch (const DataError& error) {
      throw DataError(place_of(stage) + error.what());
    }
  }

  void make_stages() {
    for (std::size_t i = 0; i < config_.stages.size(); ++i) {
      const StageEntry& entry = config_.stages[i];
      const StageSetup setup{.name = entry.name(),
                             .seed = static_cast<std::uint64_t>(config_.seed),
                             .memory_bytes = memory_,
                             .threads = static_cast<int>(threads_),
                             .models = options_.models};
      stages_.push_back({make_stage(i, setup), entry.settings});
      for (const std::filesystem::path& path : stages_.back().stage->resources()) resources_[path.string()];
    }
    for (auto& [path, hash] : resources_) {
      hash = hash_file(path).hex();
      resource_bytes_ += static_cast<std::int64_t>(std::filesystem::file_size(path));
    }
    if (!config_.tokenizer.empty()) {
      tokenizer_ = Tokenizer::load(config_.tokenizer);
      resources_[config_.tokenizer] = tokenizer_->content_hash().hex();
    }
    configuration_ = configuration_hash(config_, resources_, options_.version);
  }

  // What a start removes must not be what it reads, and what it writes not what the next start reads.
  void check_inputs() const {
    const auto canonical = [](const std::filesystem::path& path) { return std::filesystem::weakly_canonical(path).string() + "/"; };
    for (const InputSource& source : config_.read)
      if (std::filesystem::is_directory(source.path) && canonical(work_.output()).starts_with(canonical(source.path)))
        throw ConfigError("the output " + work_.output().string() + " lies in the input folder " + source.path +
                          ": the next start would read it; give another output");
    std::set<std::filesystem::path> folders;
    for (const InputFile& file : files_) {
      folders.insert(file.path.parent_path());
      for (const std::filesystem::path& member : file.members) folders.insert(member.parent_path());
    }
    for (const char* made : {"kept", "dropped", "work"}) {
      const std::string written = std::filesystem::weakly_canonical(work_.output() / made).string() + "/";
      for (const std::filesystem::path& folder : folders)
        if ((std::filesystem::weakly_canonical(folder.empty() ? "." : folder).string() + "/").starts_with(written))
          throw ConfigError("the input lies in " + written + ", which this pipeline writes anew: give another output");
    }
  }

  bool prepare() {
    std::int64_t finished = 0;
    if (rank() == 0)
      finished = work_.prepare({configuration_, dump_pipeline_config(result_settings(config_)), resources_, inputs_}, !config_.work.resume) ? 1 : 0;
    group().broadcast(&finished, 1, parallel::DataType::int64, 0);
    return finished != 0;
  }

  void state_memory() const {
    std::int64_t bytes = 0;
    for (const InputFile& file : files_) bytes += file.bytes;
    log_info(config_.name + ": " + std::to_string(files_.size()) + " files, " + format_bytes(static_cast<double>(bytes)) + "; " +
             std::to_string(group().size()) + (group().size() == 1 ? " rank, " : " ranks, ") + std::to_string(threads_) +
             " threads each; the program and documents under way take at most " +
             format_bytes(static_cast<double>(streaming_bytes(config_, threads_, resource_bytes_))) + " on a rank, comparing them at most " +
             format_bytes(static_cast<double>(memory_)));
  }

  // Continues with the segment after the last one of which all units are finished.
  void run_segments() {
    const std::vector<Segment> segments = segments_of(stages_);
    last_ = segments.size() - 1;
    auto done = static_cast<std::int64_t>(segments.size());  // rank 0 looks: file systems do not show a new file to all machines at once
    while (rank() == 0 && done > 0 && !std::filesystem::exists(work_.unit_table(static_cast<std::size_t>(done) - 1))) --done;
    group().broadcast(&done, 1, parallel::DataType::int64, 0);
    const auto finished = static_cast<std::size_t>(done);
    if (finished > 0) units_ = read_unit_table(work_.unit_table(finished - 1));
    for (std::size_t s = finished > 0 ? finished - 1 : 0; s < segments.size(); ++s) {
      const RunContext context = context_of(segments, s);
      if (s >= finished) {
        const WorkSetup setup{.config = &config_, .stages = &stages_, .tokenizer = tokenizer_.get(), .segment = segments[s]};
        units_ = s == 0 ? run_first_segment(files_, setup, context) : run_later_segment(s, units_, setup, context);
        if (rank() == 0) write_unit_table(work_.unit_table(s), units_);
      }
      group().barrier();
      if (rank() == 0 && s > 0 && !config_.work.keep) std::filesystem::remove_all(work_.folder(s - 1));
      if (segments[s].collecting != nullptr) decide(s, units_, *segments[s].collecting, memory_, context);
    }
  }

  RunContext context_of(const std::vector<Segment>& segments, std::size_t s) const {
    const bool one = segments.size() == 1;
    return {.work = &work_,
            .group = options_.group,
            .threads = threads_,
            .stop_signal = options_.stop_signal,
            .progress = options_.progress,
            .title = one ? config_.name : config_.name + " " + std::to_string(s + 1) + "/" + std::to_string(segments.size())};
  }

  // Collective. Units are merged in groups of consecutive ones, the groups in order: the same sums to the last bit for any number of ranks.
  PipelineCounts gather_counts() const {
    constexpr std::size_t kGroup = 64;
    const auto samples = static_cast<std::size_t>(config_.samples), ranks = static_cast<std::size_t>(group().size());
    OrderedJson mine = OrderedJson::object();
    for (std::size_t g = static_cast<std::size_t>(rank()); g * kGroup < units_.size(); g += ranks) {
      PipelineCounts merged;
      for (std::size_t i = g * kGroup; i < std::min((g + 1) * kGroup, units_.size()); ++i) {
        const UnitFile unit = UnitFile::require(work_.unit(last_, units_[i].file, units_[i].unit));
        merged.merge(PipelineCounts::from_json(OrderedJson::parse(unit.section("meta")).at("counts")), samples);
      }
      mine[std::to_string(g)] = merged.json();
    }
    std::map<std::size_t, PipelineCounts> groups;
    for (const std::string& part : parallel::all_gather_strings(group(), mine.dump(-1, ' ', false, OrderedJson::error_handler_t::replace))) {
      const OrderedJson theirs = OrderedJson::parse(part);
      for (const auto& [g, json] : theirs.items()) groups[std::stoull(g)] = PipelineCounts::from_json(json);
    }
    PipelineCounts counts;
    counts.stages.resize(stages_.size() + 1);
    for (const auto& [g, merged] : groups) counts.merge(merged, samples);
    return counts;
  }

  // Nothing may be lost: what came in was kept, dropped or could not be read.
  void check(const PipelineCounts& counts) const {
    const SourceCounts total = counts.total();
    std::int64_t passed = 0, dropped = 0;
    for (const UnitEntry& unit : units_) passed += unit.documents;
    for (const StageCounts& stage : counts.stages)
      for (const auto& [name, rule] : stage.rules) dropped += rule.dropped.documents;
    if (total.kept.documents != passed || total.dropped.documents != dropped || total.read.documents != passed + dropped)
      throw Error(ExitCode::data, "the counts do not add up: " + std::to_string(total.read.documents) + " documents read, " + std::to_string(passed) +
                                      " kept, " + std::to_string(dropped) + " dropped; this is a mistake of the program");
  }

  std::vector<std::pair<std::string, std::string>> notes_of(std::size_t stage, std::size_t segment) const {
    if (stages_[stage].stage->collective() == nullptr) return stages_[stage].stage->notes();
    std::vector<std::pair<std::string, std::string>> notes;
    const OrderedJson noted = OrderedJson::parse(read_file(work_.notes(segment)));
    for (const OrderedJson& note : noted.at("notes")) notes.emplace_back(note.at(0), note.at(1));
    return notes;
  }

  void finish(double seconds);

  const PipelineConfig& config_;
  const PipelineOptions& options_;
  WorkDirectory work_;
  std::size_t threads_ = 1, last_ = 0;
  std::int64_t memory_ = 0, resource_bytes_ = 0;
  std::vector<PlacedStage> stages_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::map<std::string, std::string> resources_;
  Hash128 configuration_;
  std::vector<InputFile> files_;
  std::vector<InputIdentity> inputs_;
  std::vector<UnitEntry> units_;
};

std::string error_lines(const PipelineCounts& counts) {
  std::string lines;
  for (const ReadProblem& problem : counts.problems)
    lines +=
        OrderedJson{{"file", problem.file}, {"line", problem.line}, {"error", problem.what}}.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
  if (counts.problems_left_out > 0) lines += OrderedJson{{"left_out", counts.problems_left_out}}.dump() + "\n";
  return lines;
}

void Run::finish(double seconds) {
  ManifestParts parts{.config = &config_, .configuration = configuration_.hex(), .version = options_.version, .inputs = inputs_, .resources = resources_};
  parts.outputs = write_shards(last_, units_, config_, {.work = &work_, .group = options_.group, .threads = threads_, .stop_signal = {}, .title = {}});
  parts.counts = gather_counts();
  check(parts.counts);
  if (rank() == 0 && parts.counts.total().read.documents == 0) log_warning(config_.name + ": there is no document in the input");
  if (rank() == 0) {
    std::size_t segment = 0;
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      parts.notes.push_back(notes_of(i, segment));
      const bool compares = stages_[i].stage->collective() != nullptr;
      parts.comparing_seconds.push_back(compares ? read_json(work_.notes(segment)).at("seconds").get<double>() : -1.0);
      if (compares) ++segment;
    }
    parts.memory_bytes = streaming_bytes(config_, threads_, resource_bytes_);
    parts.seconds = seconds;
    parts.ranks = group().size();
    parts.threads = static_cast<int>(threads_);
    if (!parts.counts.problems.empty()) write_file_atomic(work_.output() / "errors.jsonl", error_lines(parts.counts));
    write_file_atomic(work_.output() / "pipeline.yaml", dump_pipeline_config(config_));
    write_file_atomic(work_.manifest(), manifest_json(parts).dump(1, ' ', false, OrderedJson::error_handler_t::replace) + "\n");
    if (!config_.work.keep) work_.remove_all();
  }
  group().barrier();
}

}  // namespace

PipelineOutcome run_pipeline(const PipelineConfig& config, const PipelineOptions& options) { return Run(config, options).run(); }

}  // namespace phidias::data::pipeline
