#include "models/hub/config_json.h"

#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "models/hub/config_architectures.h"

namespace phidias::models {

using configs::Architecture;

configs::ModelConfig model_config_from_json(const Json& json, std::string_view where) {
  if (!json.is_object()) throw ConfigError(std::string(where) + ": not an object");
  std::vector<std::string> problems;
  Fields fields(json, "", problems);
  configs::ModelConfig config;
  const std::string type = fields.text("model_type");
  if (type == "phi3") {
    read_phi3_config(fields, config);
  } else if (type == "phimoe") {
    config.architecture = Architecture::phimoe;
    read_phimoe_config(fields, config);
  } else if (type == "phi3small") {
    config.architecture = Architecture::phi3small;
    read_phi3small_config(fields, config);
  } else {
    fields.problem("model_type", (fields.has("model_type") ? "is " + shown(fields["model_type"]) : std::string("is missing")) +
                                     "; this program computes phi3 (Phi-3 mini and medium, Phi-3.5-mini, Phi-4, Phi-4-mini), phimoe (Phi-3.5-MoE) and "
                                     "phi3small (Phi-3-small)");
  }
  if (problems.empty()) return config;
  std::string message = std::string(where) + " cannot be used:";
  for (const std::string& problem : problems) message += "\n  " + problem;
  throw ConfigError(message);
}

OrderedJson model_config_to_json(const configs::ModelConfig& config, std::string_view dtype) {
  OrderedJson json;
  switch (config.architecture) {
    case Architecture::phi3:
      write_phi3_config(config, json);
      break;
    case Architecture::phimoe:
      write_phimoe_config(config, json);
      break;
    case Architecture::phi3small:
      write_phi3small_config(config, json);
      break;
  }
  json["torch_dtype"] = dtype;
  json["transformers_version"] = "4.57.3";
  json["use_cache"] = true;
  json["vocab_size"] = config.vocab_size;
  return json;
}

}  // namespace phidias::models
