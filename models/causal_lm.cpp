// make_model of models/causal_lm.h.
#include "models/causal_lm.h"

#include "base/error.h"
#include "models/decoder.h"
#include "models/phi3.h"
#include "models/phi3small.h"
#include "models/phimoe.h"

namespace phidias::models {

std::unique_ptr<CausalLM> make_model(const configs::ModelConfig& config, const kernels::ExpertRanks& ranks) {
  if (ranks.size > 1 && config.num_experts == 0) throw ConfigError("parallel.expert: the model has no experts to share");
  switch (config.architecture) {
    case configs::Architecture::phi3:
      return std::make_unique<DecoderForCausalLM>(config, phi3_parts(config));
    case configs::Architecture::phi3small:
      return std::make_unique<DecoderForCausalLM>(config, phi3small_parts(config));
    case configs::Architecture::phimoe:
      return std::make_unique<DecoderForCausalLM>(config, phimoe_parts(config, ranks));
  }
  throw ConfigError("this architecture is not built in");
}

}  // namespace phidias::models
