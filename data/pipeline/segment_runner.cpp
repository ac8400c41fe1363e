#include "data/pipeline/segment_runner.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/task_threads.h"

namespace phidias::data::pipeline {
namespace {

namespace fs = std::filesystem;

UnitEntry entry_of(std::int64_t file, std::int64_t unit, const UnitFile& finished) {
  const OrderedJson meta = OrderedJson::parse(finished.section("meta"));
  return {
      file, unit, meta.at("documents"), meta.at("collected"), meta.at("collected_bytes"), meta.at("kept_bytes"), meta.at("dropped_bytes"), meta.at("source")};
}

std::string print_entries(const std::vector<UnitEntry>& entries) {
  OrderedJson list = OrderedJson::array();
  for (const UnitEntry& entry : entries)
    list.push_back({entry.file, entry.unit, entry.documents, entry.collected, entry.collected_bytes, entry.kept_bytes, entry.dropped_bytes, entry.source});
  return list.dump();
}

void parse_entries(const std::string& text, std::vector<UnitEntry>& entries) {
  for (const OrderedJson& entry : OrderedJson::parse(text))
    entries.push_back({entry.at(0), entry.at(1), entry.at(2), entry.at(3), entry.at(4), entry.at(5), entry.at(6), entry.at(7)});
}

// Every rank's entries, in the order of the input.
std::vector<UnitEntry> gather(const std::vector<UnitEntry>& mine, parallel::Communicator& group) {
  std::vector<UnitEntry> all;
  for (const std::string& part : parallel::all_gather_strings(group, print_entries(mine))) parse_entries(part, all);
  std::sort(all.begin(), all.end(), [](const UnitEntry& a, const UnitEntry& b) { return std::pair(a.file, a.unit) < std::pair(b.file, b.unit); });
  return all;
}

// The same on every rank: throws when one of them was asked to stop.
void agree_on_stop(int signal, parallel::Communicator& group) {
  std::int64_t agreed = signal;
  group.all_reduce(&agreed, 1, parallel::DataType::int64, parallel::ReduceOp::max);
  if (agreed != 0) throw Stopped{static_cast<int>(agreed)};
}

// One rank's units on its threads, with what has been finished so far.
class Finished {
 public:
  Finished(const WorkSetup& setup, const RunContext& context) : context_(context), threads_(context.threads, context.threads) {
    for (std::size_t i = 0; i < context.threads; ++i) workers_.push_back(std::make_unique<UnitWorker>(setup));
  }
  // Gives the unit to a thread, unless it is finished already.
  void add(std::size_t segment, std::int64_t file, std::int64_t unit, const std::function<std::function<UnitFileWriter(UnitWorker&)>()>& make_task) {
    const fs::path path = context_.work->unit(segment, file, unit);
    if (const auto done = UnitFile::open(path)) return note(entry_of(file, unit, *done));
    threads_.run([this, path, file, unit, task = make_task()](std::size_t thread) {
      task(*workers_[thread]).commit(path);
      note(entry_of(file, unit, UnitFile::require(path)));
    });
  }
  int signal() const { return context_.stop_signal ? context_.stop_signal() : 0; }
  std::vector<UnitEntry> finish(int signal) {
    threads_.finish();
    agree_on_stop(signal, *context_.group);
    return gather(entries_, *context_.group);
  }

 private:
  void note(UnitEntry entry) {
    const std::lock_guard lock(mutex_);
    entries_.push_back(std::move(entry));
  }
  const RunContext& context_;
  std::mutex mutex_;
  std::vector<UnitEntry> entries_;
  std::vector<std::unique_ptr<UnitWorker>> workers_;
  TaskThreads threads_;  // last: its threads end before what they use
};

// Which rank takes a unit: whole files where there are enough of them, else the units of each file in turn.
class Deal {
 public:
  Deal(const std::vector<InputFile>& files, const parallel::Communicator& group) : rank_(group.rank()), ranks_(group.size()), owner_(files.size(), -1) {
    if (files.size() < 4 * static_cast<std::size_t>(ranks_)) return;
    std::vector<std::size_t> by_size(files.size());
    for (std::size_t i = 0; i < files.size(); ++i) by_size[i] = i;
    std::stable_sort(by_size.begin(), by_size.end(), [&](std::size_t a, std::size_t b) { return files[a].bytes > files[b].bytes; });
    std::vector<std::int64_t> load(static_cast<std::size_t>(ranks_), 0);
    for (const std::size_t file : by_size) {
      const auto least = std::min_element(load.begin(), load.end());
      owner_[file] = static_cast<int>(least - load.begin());
      *least += files[file].bytes + 1;
    }
  }
  bool reads(std::size_t file) const { return owner_[file] < 0 || owner_[file] == rank_; }
  bool takes(std::size_t file, std::int64_t unit) const {
    return owner_[file] >= 0 ? owner_[file] == rank_ : (static_cast<std::int64_t>(file) + unit) % ranks_ == rank_;
  }

 private:
  int rank_, ranks_;
  std::vector<int> owner_;
};

// Notes the number of units of a file that was read to its end.
void note_units(const fs::path& path, std::int64_t units) { write_file_atomic(path, std::to_string(units) + "\n"); }

// Takes the finished units of a file that has been read to its end before; false when one of them is missing.
bool take_finished(const WorkDirectory& work, std::size_t file, const Deal& deal, Finished& finished) {
  const fs::path noted = work.units_of_file(static_cast<std::int64_t>(file));
  if (!fs::exists(noted)) return false;
  const std::int64_t units = std::stoll(read_file(noted));
  for (std::int64_t unit = 0; unit < units; ++unit)
    if (deal.takes(file, unit) && !UnitFile::open(work.unit(0, static_cast<std::int64_t>(file), unit))) return false;
  for (std::int64_t unit = 0; unit < units; ++unit)
    if (deal.takes(file, unit))
      finished.add(0, static_cast<std::int64_t>(file), unit,
                   [&]() -> std::function<UnitFileWriter(UnitWorker&)> { throw DataError("a finished unit has vanished"); });
  return true;
}

// A file that is damaged from some place on counts as one document that failed.
class DamagedUnit final : public Unit {
 public:
  explicit DamagedUnit(ReadProblem problem) : problem_(std::move(problem)) {}
  bool next(Document&, ReadProblems& problems) override {
    if (!told_) problems.push_back(problem_);
    told_ = true;
    return false;
  }

 private:
  ReadProblem problem_;
  bool told_ = false;
};

// The units of a file up to where it is damaged; where `may_skip`, the damage is a unit too: the last one, or one of many that cannot be decoded. Only what the
// reader throws is damage of the file, not what a thread has met with another unit.
class SoundPart {
 public:
  SoundPart(const InputFile& file, std::int64_t unit_bytes, bool may_skip) : path_(file.path.string()), may_skip_(may_skip) {
    guard([&] { reader_ = open_units(file, unit_bytes); });
    is_at_damage_ = damage_ != nullptr;
  }
  bool advance() {
    if (std::exchange(is_at_damage_, false)) return true;
    if (damage_) return false;
    bool more = false;
    guard([&] { more = reader_->advance(); });
    return more || damage_;
  }
  std::shared_ptr<Unit> take() {
    if (damage_) return damage_;
    std::shared_ptr<Unit> unit;
    guard([&] { unit = reader_->take(); });
    return unit ? unit : std::exchange(damage_, nullptr);
  }
  double fraction() const { return reader_ ? reader_->fraction() : 1; }

 private:
  void guard(const std::function<void()>& read) {
    try {
      read();
    } catch (const DataError& error) {
      if (!may_skip_) throw;
      damage_ = std::make_shared<DamagedUnit>(ReadProblem{path_, reader_ ? reader_->next_line() : 0, error.what()});
    }
  }
  std::string path_;
  bool may_skip_, is_at_damage_ = false;
  std::unique_ptr<UnitReader> reader_;
  std::shared_ptr<Unit> damage_;
};

}  // namespace

void write_unit_table(const fs::path& path, const std::vector<UnitEntry>& units) { write_file_atomic(path, print_entries(units) + "\n"); }

std::vector<UnitEntry> read_unit_table(const fs::path& path) {
  std::vector<UnitEntry> units;
  parse_entries(read_file(path), units);
  return units;
}

std::vector<UnitEntry> run_first_segment(const std::vector<InputFile>& files, const WorkSetup& setup, const RunContext& context) {
  fs::create_directories(context.work->folder(0));
  const Deal deal(files, *context.group);
  Finished finished(setup, context);
  std::int64_t total = 0, passed = 0;
  for (std::size_t i = 0; i < files.size(); ++i) total += deal.reads(i) ? files[i].bytes : 0;
  Progress progress(context.title, total, "MB", 1e6, context.progress && context.group->rank() == 0);
  int signal = 0;
  for (std::size_t i = 0; i < files.size() && signal == 0; ++i) {
    if (!deal.reads(i)) continue;
    const auto number = static_cast<std::int64_t>(i);
    const auto add = [&](std::int64_t unit, const std::function<std::shared_ptr<Unit>()>& take) {
      finished.add(0, number, unit,
                   [&] { return [content = take(), source = files[i].source.source](UnitWorker& worker) { return worker.read(*content, source); }; });
    };
    if (!take_finished(*context.work, i, deal, finished)) {
      const bool may_skip = setup.config->on_error == configs::OnError::skip;
      SoundPart reader(files[i], setup.config->work.unit_bytes, may_skip);
      std::int64_t units = 0;
      for (; signal == 0 && reader.advance(); ++units) {
        if (deal.takes(i, units)) add(units, [&] { return reader.take(); });
        progress.update(passed + static_cast<std::int64_t>(reader.fraction() * static_cast<double>(files[i].bytes)));
        signal = finished.signal();
      }
      if (signal == 0 && deal.takes(i, 0)) note_units(context.work->units_of_file(number), units);
    }
    passed += files[i].bytes;
    progress.update(passed);
    if (signal == 0) signal = finished.signal();
  }
  std::vector<UnitEntry> entries = finished.finish(signal);
  progress.finish();
  return entries;
}

std::vector<UnitEntry> run_later_segment(std::size_t segment, const std::vector<UnitEntry>& units, const WorkSetup& setup, const RunContext& context) {
  fs::create_directories(context.work->folder(segment));
  Finished finished(setup, context);
  const auto rank = static_cast<std::size_t>(context.group->rank()), ranks = static_cast<std::size_t>(context.group->size());
  const auto total = static_cast<std::int64_t>((units.size() + ranks - 1 - rank) / ranks);  // of this rank
  Progress progress(context.title, total, total == 1 ? "unit" : "units", 1, context.progress && rank == 0);
  std::int64_t given = 0;
  int signal = 0;
  for (std::size_t i = 0; i < units.size() && signal == 0; ++i) {
    if (i % ranks != rank) continue;
    const UnitEntry& unit = units[i];
    finished.add(segment, unit.file, unit.unit, [&]() -> std::function<UnitFileWriter(UnitWorker&)> {
      return [&context, &unit, segment](UnitWorker& worker) {
        return worker.go_on(UnitFile::require(context.work->unit(segment - 1, unit.file, unit.unit)),
                            UnitFile::require(context.work->decisions(segment - 1, unit.file, unit.unit)));
      };
    });
    progress.update(++given);
    signal = finished.signal();
  }
  std::vector<UnitEntry> entries = finished.finish(signal);
  progress.finish();
  return entries;
}

void decide(std::size_t segment, const std::vector<UnitEntry>& units, CollectiveStage& stage, std::int64_t memory_bytes, const RunContext& context) {
  parallel::Communicator& group = *context.group;
  const fs::path notes = context.work->notes(segment), scratch = context.work->folder(segment) / "scratch";
  std::int64_t missing = group.rank() == 0 && !fs::exists(notes) ? 1 : 0, documents = 0, bytes = 0;
  std::vector<UnitFile> files;
  std::vector<CollectedUnit> mine;
  std::vector<const UnitEntry*> mine_entries;
  for (std::size_t i = 0; i < units.size(); documents += units[i].collected, bytes += units[i].collected_bytes, ++i) {
    if (static_cast<int>(i % static_cast<std::size_t>(group.size())) != group.rank()) continue;
    if (!UnitFile::open(context.work->decisions(segment, units[i].file, units[i].unit))) missing = 1;
    files.push_back(UnitFile::require(context.work->unit(segment, units[i].file, units[i].unit)));
    mine.push_back({documents, units[i].source, RecordListView(files.back().section("records"))});
    mine_entries.push_back(&units[i]);
  }
  group.all_reduce(&missing, 1, parallel::DataType::int64, parallel::ReduceOp::max);
  if (missing == 0) return;
  const std::int64_t needed = stage.resolve_bytes(documents, bytes, group.size());
  if (needed > memory_bytes)
    throw ConfigError("stage " + stage.name() + ": comparing " + std::to_string(documents) + " documents takes " + format_bytes(static_cast<double>(needed)) +
                      " on a rank, more than work.memory_bytes (" + format_bytes(static_cast<double>(memory_bytes)) + "): use more ranks or allow more");
  log_info(stage.name() + ": " + std::to_string(documents) + " documents, at most " + format_bytes(static_cast<double>(needed)) + " on a rank");
  if (group.rank() == 0) {
    fs::remove_all(scratch);
    fs::create_directories(scratch);
  }
  group.barrier();
  std::vector<RecordList> decisions(mine.size());
  const auto start = std::chrono::steady_clock::now();
  stage.resolve({.units = mine, .documents = documents, .group = &group, .scratch = scratch}, decisions);
  for (std::size_t u = 0; u < mine.size(); ++u) {
    if (decisions[u].size() != mine[u].records.size()) throw Error(ExitCode::data, "stage " + stage.name() + " has not decided about every document");
    UnitFileWriter writer;
    writer.add("decisions", decisions[u].bytes());
    writer.commit(context.work->decisions(segment, mine_entries[u]->file, mine_entries[u]->unit));
  }
  group.barrier();
  if (group.rank() != 0) return;
  OrderedJson noted = OrderedJson::array();
  for (const auto& [name, value] : stage.notes()) noted.push_back({name, value});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  write_file_atomic(notes, OrderedJson{{"notes", noted}, {"seconds", seconds}}.dump(1) + "\n");
  fs::remove_all(scratch);
}

}  // namespace phidias::data::pipeline
