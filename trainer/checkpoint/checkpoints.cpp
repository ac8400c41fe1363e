#include "trainer/checkpoint/checkpoints.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/log.h"
#include "trainer/checkpoint/manifest.h"
#include "trainer/root_work.h"

namespace phidias::trainer {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPrefix = "step-";
constexpr const char* kUnfinished = ".writing-";
constexpr const char* kReplaced = ".replaced-";

std::vector<fs::path> newest_first(const fs::path& folder) {
  std::vector<fs::path> found;
  if (fs::is_directory(folder))
    for (const auto& entry : fs::directory_iterator(folder))
      if (entry.is_directory() && checkpoint_step(entry.path().filename().string()) >= 0) found.push_back(entry.path());
  std::sort(found.begin(), found.end(), [](const fs::path& a, const fs::path& b) { return checkpoint_step(a.filename()) > checkpoint_step(b.filename()); });
  return found;
}

// What a killed process left: unfinished folders, and a replaced one whose successor did not make it.
void clear_leftovers(const fs::path& folder) {
  if (!fs::is_directory(folder)) return;
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(folder)) entries.push_back(entry.path());
  for (const fs::path& path : entries) {
    const std::string name = path.filename().string();
    if (name.starts_with(kUnfinished)) fs::remove_all(path);
    if (!name.starts_with(kReplaced)) continue;
    const fs::path original = folder / name.substr(std::string(kReplaced).size());
    if (fs::exists(original))
      fs::remove_all(path);
    else
      fs::rename(path, original);
  }
}

}  // namespace

std::string checkpoint_name(std::int64_t step) {
  char name[40];
  std::snprintf(name, sizeof name, "%s%06lld", kPrefix, static_cast<long long>(step));
  return name;
}

std::int64_t checkpoint_step(const std::string& name) {
  std::int64_t step = -1;
  const std::string prefix = kPrefix;
  if (!name.starts_with(prefix)) return -1;
  const auto [end, error] = std::from_chars(name.data() + prefix.size(), name.data() + name.size(), step);
  return error == std::errc() && end == name.data() + name.size() ? step : -1;
}

Checkpoints::Checkpoints(fs::path folder, const configs::CheckpointSection& options, parallel::Communicator& ranks)
    : folder_(std::move(folder)), options_(options), ranks_(ranks) {}

std::optional<fs::path> Checkpoints::verified_newest() {
  clear_leftovers(folder_);
  const std::vector<fs::path> candidates = newest_first(folder_);
  std::string reason;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    try {
      verify_manifest(candidates[i]);
      return candidates[i];
    } catch (const Error& error) {
      reason = error.what();
      const std::string next = i + 1 < candidates.size() ? "; trying " + candidates[i + 1].filename().string() : "";
      log_warning("checkpoint " + candidates[i].filename().string() + " is damaged (" + reason + ")" + next);
    }
  }
  if (candidates.empty()) return std::nullopt;
  throw CheckpointError("no checkpoint in " + folder_.string() + " is good; the oldest: " + reason +
                        "\nset checkpoint.resume to never to start anew (the old run is kept aside)");
}

std::optional<FoundCheckpoint> Checkpoints::newest_good() {
  std::string name;
  on_root(ranks_, [&] {
    if (const auto found = verified_newest()) name = found->filename().string();
  });
  name = parallel::broadcast_string(ranks_, name);
  if (name.empty()) return std::nullopt;
  std::string text;
  on_root(ranks_, [&] { text = read_file(folder_ / name / "state.json"); });
  text = parallel::broadcast_string(ranks_, text);
  return FoundCheckpoint{folder_ / name, parse_state(text, (folder_ / name / "state.json").string())};
}

bool Checkpoints::due(const TrainState& state, bool at_end) const { return at_end || (options_.every_steps > 0 && state.step % options_.every_steps == 0); }

void Checkpoints::save(Engine& engine, const TrainState& state) {
  const std::string name = checkpoint_name(state.step);
  std::string failure;
  try {
    write(engine, state);
  } catch (const std::exception& error) {
    failure = error.what();  // on every rank: everything in write is collective
  }
  on_root(ranks_, [&] {
    if (failure.empty()) return;
    std::error_code ignored;
    fs::remove_all(folder_ / (kUnfinished + name), ignored);
    const auto kept = newest_first(folder_);
    throw CheckpointError("checkpoint " + name + " could not be written: " + failure + (kept.empty() ? "" : "\nthe last good one is " + kept.front().string()) +
                          "\nfree some space and run the same command again to resume");
  });
}

void Checkpoints::write(Engine& engine, const TrainState& state) {
  const std::string name = checkpoint_name(state.step);
  const fs::path unfinished = folder_ / (kUnfinished + name);
  on_root(ranks_, [&] {
    fs::remove_all(unfinished);
    fs::create_directories(unfinished);
  });
  const std::map<std::string, std::string> tensors = engine.save(unfinished, source_.target);
  on_root(ranks_, [&] { finish(name, state, tensors); });
}

void Checkpoints::finish(const std::string& name, const TrainState& state, const std::map<std::string, std::string>& tensors) {
  const fs::path unfinished = folder_ / (kUnfinished + name), finished = folder_ / name, replaced = folder_ / (kReplaced + name);
  write_state_file(unfinished / "state.json", {state, source_.recipe, ranks_.size()});
  write_manifest(unfinished, tensors);
  sync_tree(unfinished);
  if (fs::exists(finished)) fs::rename(finished, replaced);  // the same step again, after resuming from an older one
  fs::rename(unfinished, finished);
  sync_directory(folder_);
  fs::remove_all(replaced);
  write_file_atomic(folder_ / "latest", name + "\n");
  remove_old();
}

void Checkpoints::remove_old() {
  const std::vector<fs::path> all = newest_first(folder_);
  fs::path best;
  double best_value = 0;
  for (const fs::path& path : all) {
    if (options_.keep_best.empty()) break;
    try {
      const TrainState state = read_state_file(path / "state.json").state;
      if (state.validation_step != state.step) continue;  // evaluated before these weights were there
      const auto found = state.validation.find(options_.keep_best);
      if (found == state.validation.end() || !(best.empty() || found->second < best_value)) continue;
      best = path;
      best_value = found->second;
    } catch (const CheckpointError&) {
      continue;  // a damaged one cannot be the best
    }
  }
  for (std::size_t i = static_cast<std::size_t>(std::max<std::int64_t>(options_.keep, 1)); i < all.size(); ++i)
    if (all[i] != best) fs::remove_all(all[i]);
}

}  // namespace phidias::trainer
