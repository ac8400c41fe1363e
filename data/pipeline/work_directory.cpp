#include "data/pipeline/work_directory.h"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"

namespace phidias::data::pipeline {
namespace {

std::string number(std::int64_t value, const char* format) {
  char text[32];
  std::snprintf(text, sizeof text, format, static_cast<long long>(value));
  return text;
}

std::string unit_name(std::int64_t file, std::int64_t unit) { return number(file, "%06lld") + "-" + number(unit, "%06lld"); }

// Names of files need not be UTF-8.
std::string print(const OrderedJson& json) { return json.dump(1, ' ', false, OrderedJson::error_handler_t::replace); }

std::string hash_of(const InputFile& file) {
  if (file.members.empty()) return hash_file(file.path).hex();
  Hasher hasher;
  for (const std::filesystem::path& member : file.members) hasher.update(member.string()).update("\n").update(hash_file(member).hex());
  return hasher.digest().hex();
}

// But for the pipeline's name, which plays no part in the result.
std::vector<std::string> lines_of(const std::string& settings) {
  std::vector<std::string> lines;
  std::istringstream text(settings);
  for (std::string line; std::getline(text, line);)
    if (!line.starts_with("name:")) lines.push_back(line);
  return lines;
}

// A line of a stage holds all its settings: what stands around the difference, and the stage.
std::string excerpt(const std::string& line, std::size_t difference) {
  constexpr std::size_t kBefore = 30, kShown = 100;
  const std::size_t head = line.starts_with("  - ") ? line.find(':') + 1 : 0;
  if (difference <= head + kBefore) return line.substr(0, kShown) + (line.size() > kShown ? " ..." : "");
  std::size_t begin = difference - kBefore;
  const std::size_t space = line.rfind(' ', begin);
  if (space != std::string::npos && space >= head) begin = space;
  return line.substr(0, head) + " ..." + line.substr(begin, kShown) + (line.size() > begin + kShown ? " ..." : "");
}

// The first difference between what an output was made of and what is asked for now, on lines of its own; empty when the earlier one does not tell.
std::string difference(const Json& earlier, const WorkIdentity& mine) {
  const std::vector<std::string> old_lines = lines_of(earlier.value("pipeline", "")), new_lines = lines_of(mine.settings);
  for (std::size_t i = 0; !old_lines.empty() && i < std::max(old_lines.size(), new_lines.size()); ++i) {
    const std::string old_line = i < old_lines.size() ? old_lines[i] : "", new_line = i < new_lines.size() ? new_lines[i] : "";
    if (old_line == new_line) continue;
    const auto at = static_cast<std::size_t>(std::mismatch(old_line.begin(), old_line.end(), new_line.begin(), new_line.end()).first - old_line.begin());
    return "\n  then: " + excerpt(old_line, at) + "\n  now:  " + excerpt(new_line, at);
  }
  for (const Json& resource : earlier.value("resources", Json::array())) {
    const auto now = mine.resources.find(resource.value("path", ""));
    if (now != mine.resources.end() && now->second != resource.value("hash", "")) return "\n  the content of " + now->first + " has changed";
  }
  return "";
}

}  // namespace

std::vector<InputIdentity> identify_inputs(const std::vector<InputFile>& files, parallel::Communicator& group) {
  std::string names;
  for (const InputFile& file : files) names += file.path.string() + "\n" + std::to_string(file.bytes) + "\n";
  for (const std::string& theirs : parallel::all_gather_strings(group, hash_string(names).hex()))
    if (theirs != hash_string(names).hex()) throw DataError("the ranks do not see the same input files: they must not change, and be there on every machine");
  OrderedJson mine = OrderedJson::object();
  for (std::size_t i = static_cast<std::size_t>(group.rank()); i < files.size(); i += static_cast<std::size_t>(group.size()))
    mine[std::to_string(i)] = hash_of(files[i]);
  std::vector<std::string> hashes(files.size());
  for (const std::string& part : parallel::all_gather_strings(group, mine.dump())) {
    const OrderedJson theirs = OrderedJson::parse(part);
    for (const auto& [index, hash] : theirs.items()) hashes[std::stoull(index)] = hash;
  }
  std::vector<InputIdentity> inputs;
  for (std::size_t i = 0; i < files.size(); ++i)
    inputs.push_back({files[i].path.string(), files[i].source.source, std::string(configs::enum_name(files[i].format)), files[i].bytes, hashes[i]});
  return inputs;
}

Hash128 configuration_hash(const PipelineConfig& config, const std::map<std::string, std::string>& resource_hashes, const std::string& version) {
  PipelineConfig same = result_settings(config);
  same.name = "";
  std::string text = "phidias " + version + "\n" + dump_pipeline_config(same);
  for (const auto& [path, hash] : resource_hashes) text += path + " " + hash + "\n";
  return hash_string(text);
}

std::filesystem::path WorkDirectory::unit(std::size_t segment, std::int64_t file, std::int64_t unit) const {
  return folder(segment) / (unit_name(file, unit) + ".unit");
}

std::filesystem::path WorkDirectory::decisions(std::size_t segment, std::int64_t file, std::int64_t unit) const {
  return folder(segment) / (unit_name(file, unit) + ".decisions");
}

std::filesystem::path WorkDirectory::unit_table(std::size_t segment) const { return folder(segment).string() + ".units"; }

std::filesystem::path WorkDirectory::notes(std::size_t segment) const { return folder(segment).string() + ".notes"; }

std::filesystem::path WorkDirectory::units_of_file(std::int64_t file) const { return folder(0) / (number(file, "%06lld") + ".units"); }

bool WorkDirectory::prepare(const WorkIdentity& mine, bool begin_again) {
  namespace fs = std::filesystem;
  const fs::path state = output_ / "work" / "state.json";
  if (begin_again)  // the manifest first: a start that is killed here must leave none that tells of files which are gone
    for (const char* made : {"manifest.json", "work", "kept", "dropped", "pipeline.yaml", "report.html", "errors.jsonl"}) fs::remove_all(output_ / made);
  const OrderedJson present = {
      {"configuration", mine.configuration.hex()}, {"pipeline", mine.settings}, {"resources", to_json(mine.resources)}, {"inputs", to_json(mine.inputs)}};
  for (const fs::path& earlier : {manifest(), state}) {
    if (!fs::exists(earlier)) continue;
    const Json told = read_json(earlier);
    if (told.value("configuration", "") != mine.configuration.hex())
      throw ConfigError(output_.string() + " holds the result of another configuration: give another output, or work.resume=false to begin again" +
                        difference(told, mine));
    if (told.value("inputs", Json()) != Json::parse(print(present.at("inputs"))))
      throw DataError(output_.string() +
                      " was made from other input files, or they have changed since: give another output, or work.resume=false to begin again");
    if (earlier != manifest()) continue;
    for (const Json& shard : told.at("outputs")) {
      const fs::path path = output_ / shard.at("path").get<std::string>();
      if (!fs::exists(path) || fs::file_size(path) != shard.at("bytes").get<std::uintmax_t>())
        throw DataError(path.string() + ": missing or changed since the pipeline wrote it; work.resume=false makes the output anew");
    }
    return true;
  }
  if (!fs::exists(state)) {
    remove_all();  // what a removal that was killed has left belongs to no configuration
    fs::create_directories(output_ / "work");
    write_file_atomic(state, print(present) + "\n");
  }
  return false;
}

void WorkDirectory::remove_all() const { std::filesystem::remove_all(output_ / "work"); }

OrderedJson to_json(const std::map<std::string, std::string>& resources) {
  OrderedJson list = OrderedJson::array();
  for (const auto& [path, hash] : resources) list.push_back({{"path", path}, {"hash", hash}});
  return list;
}

OrderedJson to_json(const std::vector<InputIdentity>& inputs) {
  OrderedJson list = OrderedJson::array();
  for (const InputIdentity& input : inputs)
    list.push_back({{"path", input.path}, {"source", input.source}, {"format", input.format}, {"bytes", input.bytes}, {"hash", input.hash}});
  return list;
}

}  // namespace phidias::data::pipeline
