#include "data/pipeline/work_directory.h"

#include <cstdio>

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

bool WorkDirectory::prepare(const Hash128& configuration, const std::vector<InputIdentity>& inputs, bool begin_again) {
  namespace fs = std::filesystem;
  const fs::path state = output_ / "work" / "state.json";
  if (begin_again)  // the manifest first: a start that is killed here must leave none that tells of files which are gone
    for (const char* made : {"manifest.json", "work", "kept", "dropped", "pipeline.yaml", "report.html", "errors.jsonl"}) fs::remove_all(output_ / made);
  const OrderedJson present = {{"configuration", configuration.hex()}, {"inputs", to_json(inputs)}};
  for (const fs::path& earlier : {manifest(), state}) {
    if (!fs::exists(earlier)) continue;
    const Json told = read_json(earlier);
    if (told.value("configuration", "") != configuration.hex())
      throw ConfigError(output_.string() +
                        " holds the result of another configuration (its hash, or that of a model or list, differs): give another output, or "
                        "work.resume=false to begin again");
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

OrderedJson to_json(const std::vector<InputIdentity>& inputs) {
  OrderedJson list = OrderedJson::array();
  for (const InputIdentity& input : inputs)
    list.push_back({{"path", input.path}, {"source", input.source}, {"format", input.format}, {"bytes", input.bytes}, {"hash", input.hash}});
  return list;
}

}  // namespace phidias::data::pipeline
