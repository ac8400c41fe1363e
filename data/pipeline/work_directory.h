// <output>/work: what a pipeline that is not finished has done so far. Nothing in it is used unless it was made by the same configuration from the same input.
//
//   work/state.json                     the configuration with its hash and the resources' hashes, the input files with size, time and content hash
//   work/s<segment>/<file>-<unit>.unit  finished units (unit_worker.h); .decisions: what a collective stage decided about them
//   work/s0/<file>.units                number of units of a file that has been read to its end
//   work/s<segment>.units, .notes       the table of all units, written when the segment is through; what its collective stage noted and how
//                                       many seconds it compared
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/json_fwd.h"
#include "data/pipeline/pipeline_config.h"
#include "data/pipeline/read/unit_reader.h"
#include "parallel/communicator.h"

namespace phidias::data::pipeline {

// What an input file was when the pipeline read it.
struct InputIdentity {
  std::string path, source, format;
  std::int64_t bytes = 0;
  std::string hash;  // XXH3-128 of the content, of a group of files: of their names and contents
};

// Collective: ranks share the hashing.
std::vector<InputIdentity> identify_inputs(const std::vector<InputFile>& files, parallel::Communicator& group);

// Everything that decides about the result: the configuration but for `output`, `name` and how work is dealt, the stages' resources,
// and the program's version.
Hash128 configuration_hash(const PipelineConfig& config, const std::map<std::string, std::string>& resource_hashes, const std::string& version);

// What a result is made of.
struct WorkIdentity {
  Hash128 configuration;  // configuration_hash of the next two
  std::string settings;   // dump_pipeline_config(result_settings(...)): told where they differ
  std::map<std::string, std::string> resources;
  std::vector<InputIdentity> inputs;
};

class WorkDirectory {
 public:
  explicit WorkDirectory(std::filesystem::path output) : output_(std::move(output)) {}
  const std::filesystem::path& output() const { return output_; }
  std::filesystem::path folder(std::size_t segment) const { return output_ / "work" / ("s" + std::to_string(segment)); }
  std::filesystem::path unit(std::size_t segment, std::int64_t file, std::int64_t unit) const;
  std::filesystem::path decisions(std::size_t segment, std::int64_t file, std::int64_t unit) const;
  std::filesystem::path unit_table(std::size_t segment) const;  // all units of the segment are finished
  std::filesystem::path notes(std::size_t segment) const;       // of the collective stage behind it; written when it has decided
  std::filesystem::path units_of_file(std::int64_t file) const;
  std::filesystem::path manifest() const { return output_ / "manifest.json"; }

  // Rank 0. True when the output holds the finished result of this very configuration and input. Throws ConfigError when it holds something of another
  // configuration, with the first difference, DataError when the input has changed; `begin_again` removes what is there instead.
  bool prepare(const WorkIdentity& mine, bool begin_again);
  void remove_all() const;  // work/

 private:
  std::filesystem::path output_;
};

OrderedJson to_json(const std::vector<InputIdentity>& inputs);
OrderedJson to_json(const std::map<std::string, std::string>& resources);

}  // namespace phidias::data::pipeline
