// A mixture file: sources of tokens, and the phases that draw from them one after the other.
//
//   MixtureConfig config = read_mixture_config("two-phase.yaml");
//   MixturePlan plan = plan_mixture(config, open_sources(config, ...), ...);       // data/mixture/mixture_plan.h
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "configs/enum_names.h"
#include "configs/named.h"

namespace phidias::data::mixture {

// What makes two documents the same one.
enum class Identity { id, text };

struct SourceFiles {
  static constexpr const char* kShortForm = "path";
  std::vector<std::string> path;  // token directories, or JSON lines files and folders
};

struct Threshold {
  static constexpr const char* kShortForm = "values";
  std::optional<double> minimum, maximum;  // of a number, both included, compared as float32
  std::vector<std::string> values;         // of a text: one of these
};

struct PhaseSource {
  static constexpr const char* kShortForm = "weight";
  double weight = 0;  // required
  double max_epochs = 1;
  std::optional<double> reuse_epochs;
  configs::Named<Threshold> where;  // all of them hold
};

struct Phase {
  std::string name;
  std::int64_t tokens = 0;
  std::int64_t context = 0;  // 0: data.max_length of the run
  std::vector<std::string> disjoint_from;
  configs::Named<PhaseSource> sources;
};

struct MixtureConfig {
  std::string file;  // for messages
  Identity identity = Identity::id;
  std::optional<std::int64_t> seed;
  configs::Named<SourceFiles> sources;
  std::vector<Phase> phases;

  std::int64_t tokens() const;  // of all phases
};

// Throw ConfigError with every mistake of the file. Relative paths in it are relative to the working directory.
MixtureConfig read_mixture_config(const std::string& path);
MixtureConfig parse_mixture_config(const std::string& text, const std::string& path);
// docs/data/mixture-reference.md
std::string mixture_reference();

}  // namespace phidias::data::mixture

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::mixture::Identity>{"id", "text"};
}
