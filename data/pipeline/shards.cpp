#include "data/pipeline/shards.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>

#include "base/atomic_file.h"
#include "base/hash.h"
#include "base/json.h"
#include "data/pipeline/document_codec.h"
#include "data/pipeline/read/document_output.h"

namespace phidias::data::pipeline {
namespace {

namespace fs = std::filesystem;

// Consecutive units of one source that make a shard.
struct ShardPlan {
  std::string folder, source;  // "kept" or "dropped"
  int number = 0;
  std::vector<const UnitEntry*> units;
};

// A source's name as a folder's.
std::string folder_name(const std::string& source) {
  std::string name = source;
  for (char& c : name)
    if (c == '/' || static_cast<unsigned char>(c) < 0x20) c = '_';
  return name.empty() || name == "." || name == ".." ? "_" : name;
}

void plan_folder(const std::string& folder, std::int64_t UnitEntry::* bytes, const std::vector<UnitEntry>& units, std::int64_t shard_bytes,
                 std::vector<ShardPlan>& plans) {
  std::map<std::string, std::pair<ShardPlan, std::int64_t>> open;
  for (const UnitEntry& unit : units) {
    if (unit.*bytes == 0) continue;
    auto& [plan, filled] = open.try_emplace(folder_name(unit.source), ShardPlan{folder, folder_name(unit.source), 0, {}}, 0).first->second;
    if (filled > 0 && filled + unit.*bytes > shard_bytes) {
      plans.push_back(plan);
      plan = {folder, plan.source, plan.number + 1, {}};
      filled = 0;
    }
    plan.units.push_back(&unit);
    filled += unit.*bytes;
  }
  for (const auto& [source, shard] : open) plans.push_back(shard.first);
}

std::string extension(OutputFormat format) { return "." + std::string(configs::enum_name(format)); }

ShardFile write_shard(std::size_t segment, const ShardPlan& plan, const PipelineConfig& config, const WorkDirectory& work) {
  char number[16];
  std::snprintf(number, sizeof number, "%05d", plan.number);
  const std::string name = plan.folder + "/" + plan.source + "/" + number + extension(config.write.format);
  const fs::path path = work.output() / name;
  fs::create_directories(path.parent_path());
  const auto frames_of = [&](const UnitEntry& unit, const std::function<void(std::string_view)>& visit) {
    visit(UnitFile::require(work.unit(segment, unit.file, unit.unit)).section(plan.folder));
  };
  if (config.write.format == OutputFormat::parquet) {
    const bool whole = plan.folder == "kept" || config.write.dropped == DroppedOutput::documents;
    const auto shard = ParquetShard::create(path, {.text = whole, .annotations = config.write.annotations}, static_cast<int>(config.write.level));
    Document document;
    for (const UnitEntry* unit : plan.units)
      frames_of(*unit, [&](std::string_view frames) {
        const std::string encoded = decompress(frames);
        for (DocumentDecoder decoder(encoded); decoder.next(document);) shard->add(document);
      });
    shard->finish();
  } else {
    AtomicFile file(path);
    for (const UnitEntry* unit : plan.units)
      frames_of(*unit, [&](std::string_view frames) { config.write.format == OutputFormat::jsonl ? file.write(decompress(frames)) : file.write(frames); });
    file.commit();
  }
  return {name, static_cast<std::int64_t>(fs::file_size(path)), hash_file(path).hex()};
}

}  // namespace

std::vector<ShardFile> write_shards(std::size_t segment, const std::vector<UnitEntry>& units, const PipelineConfig& config, const RunContext& context) {
  std::vector<ShardPlan> plans;
  plan_folder("kept", &UnitEntry::kept_bytes, units, config.write.shard_bytes, plans);
  plan_folder("dropped", &UnitEntry::dropped_bytes, units, config.write.shard_bytes, plans);
  if (context.group->rank() == 0)  // of an earlier start, which may have cut them otherwise
    for (const char* folder : {"kept", "dropped"}) fs::remove_all(context.work->output() / folder);
  context.group->barrier();
  const auto ranks = static_cast<std::size_t>(context.group->size()), rank = static_cast<std::size_t>(context.group->rank());
  OrderedJson mine = OrderedJson::array();
  for (std::size_t i = rank; i < plans.size(); i += ranks) {
    const ShardFile shard = write_shard(segment, plans[i], config, *context.work);
    mine.push_back({shard.path, shard.bytes, shard.hash});
  }
  std::vector<ShardFile> shards;
  for (const std::string& part : parallel::all_gather_strings(*context.group, mine.dump()))
    for (const OrderedJson& shard : OrderedJson::parse(part)) shards.push_back({shard.at(0), shard.at(1), shard.at(2)});
  std::sort(shards.begin(), shards.end(), [](const ShardFile& a, const ShardFile& b) { return a.path < b.path; });
  return shards;
}

}  // namespace phidias::data::pipeline
