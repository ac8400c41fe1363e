#include "trainer/plan/plan_text.h"

#include <cstdio>
#include <utility>

#include "base/json.h"
#include "configs/enum_names.h"

namespace phidias::trainer {
namespace {

template <class... Values>
std::string format(const char* pattern, Values... values) {
  char text[256];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

std::string gigabytes(double bytes) { return format("%.2f", bytes / 1e9); }

// 12345678 -> "12,345,678"
std::string grouped(std::int64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string model_name(const Plan& plan) { return plan.config.model.preset.empty() ? plan.config.model.path : plan.config.model.preset; }

std::vector<std::pair<const char*, std::int64_t>> classes(const RankMemory& memory) {
  return {{"weights", memory.weights},
          {"gradients", memory.gradients},
          {"masters", memory.masters},
          {"moments", memory.moments},
          {"activations", memory.activations},
          {"logits", memory.logits},
          {"communication", memory.communication},
          {"reserve", memory.reserve}};
}

std::vector<std::pair<const char*, double>> kinds(const CommunicationBytes& sent) {
  return {{"all_reduce", sent.all_reduce}, {"reduce_scatter", sent.reduce_scatter}, {"all_gather", sent.all_gather}, {"all_to_all", sent.all_to_all}};
}

std::string precision(const Plan& plan) { return plan.config.model.dtype == configs::DType::bfloat16 ? "bfloat16" : "float32"; }

}  // namespace

std::string verdict(const Plan& plan) {
  const double room = static_cast<double>(plan.kind.memory_bytes - plan.memory.total()) / 1e9;
  if (plan.fits()) return format("fits: %.1f of %.1f GB are left on each rank", room, static_cast<double>(plan.kind.memory_bytes) / 1e9);
  return format("does not fit by %.1f GB a rank: set batch.micro_tokens to %lld or less", -room, static_cast<long long>(plan.largest_micro_tokens));
}

std::string why_impossible(const Plan& plan, const std::vector<std::string>& remedies) {
  std::string parts, ways;
  for (const auto& [name, bytes] : classes(plan.memory))
    if (bytes > 0) parts += (parts.empty() ? "" : ", ") + std::string(name) + " " + gigabytes(static_cast<double>(bytes));
  for (const std::string& way : remedies) ways += (ways.empty() ? "" : "; or ") + way;
  return model_name(plan) + " cannot train on " + std::to_string(plan.ranks) + " x " + plan.kind.name + ": even one document of data.max_length " +
         std::to_string(plan.config.data.max_length) + " does not fit. With this recipe a rank needs " + gigabytes(static_cast<double>(plan.memory.total())) +
         " GB of " + gigabytes(static_cast<double>(plan.kind.memory_bytes)) + " (" + parts + "). " +
         (ways.empty() ? "No number of ranks up to 4096 helps; shorten data.max_length or take model.lora" : "It would fit with " + ways);
}

std::string plan_page(const Plan& plan) {
  const configs::RunConfig& config = plan.config;
  const auto total = plan.model.parameter_count(), active = plan.model.active_parameter_count();
  std::string page = "model       " + model_name(plan) + ": " + grouped(total) + " parameters" + (active != total ? ", " + grouped(active) + " active" : "") +
                     ", " + precision(plan) + (config.model.lora.rank > 0 ? ", LoRA rank " + std::to_string(config.model.lora.rank) : "") + "\n";
  page += format("layout      %d x %s: data %d x expert %d x context %d, shard %s, recompute %s\n", plan.ranks, plan.kind.name.c_str(), plan.mesh.data,
                 plan.mesh.expert, plan.mesh.context, std::string(configs::enum_name(config.parallel.shard)).c_str(),
                 std::string(configs::enum_name(config.model.recompute)).c_str());
  page += "step        " + grouped(plan.micro_batches) + (plan.micro_batches == 1 ? " micro-batch" : " micro-batches") + " a rank, the fullest of " +
          grouped(plan.micro_tokens) + " tokens\n\n";
  page += "memory of a rank, GB\n";
  for (const auto& [name, bytes] : classes(plan.memory)) page += format("  %-16s %9s\n", name, gigabytes(static_cast<double>(bytes)).c_str());
  page += format("  %-16s %9s   of %s; fullest in: %s\n\n", "total", gigabytes(static_cast<double>(plan.memory.total())).c_str(),
                 gigabytes(static_cast<double>(plan.kind.memory_bytes)).c_str(), plan.peak_phase.c_str());
  page += format("%-18s %9s %12s\n", "sent per step, GB", "per rank", "all ranks");
  for (const auto& [name, bytes] : kinds(plan.sent))
    page += format("  %-16s %9s %12s\n", name, gigabytes(bytes).c_str(), gigabytes(bytes * plan.ranks).c_str());
  if (plan.tokens_per_second > 0)
    page +=
        "\nspeed       " + grouped(static_cast<std::int64_t>(plan.tokens_per_second)) +
        format(" tokens/s, if %.0f %% of the peak are reached while computing (MFU %.0f %%), communication hidden\n", 100 * plan.efficiency, 100 * plan.mfu);
  else
    page += "\nspeed       not known: no peak for " + plan.kind.name + "\n";
  page += "largest     batch.micro_tokens: " + grouped(plan.largest_micro_tokens) + "\nverdict     " + verdict(plan) + "\n";
  return page;
}

OrderedJson plan_json(const Plan& plan) {
  OrderedJson memory, per_rank, all;
  for (const auto& [name, bytes] : classes(plan.memory)) memory[name] = bytes;
  memory["total"] = plan.memory.total();
  memory["available"] = plan.kind.memory_bytes;
  for (const auto& [name, bytes] : kinds(plan.sent)) {
    per_rank[name] = static_cast<std::int64_t>(bytes);
    all[name] = static_cast<std::int64_t>(bytes * plan.ranks);
  }
  return {{"model", model_name(plan)},
          {"parameters", plan.model.parameter_count()},
          {"active_parameters", plan.model.active_parameter_count()},
          {"dtype", precision(plan)},
          {"gpu", plan.kind.name},
          {"ranks", plan.ranks},
          {"layout",
           {{"data", plan.mesh.data},
            {"expert", plan.mesh.expert},
            {"context", plan.mesh.context},
            {"shard", std::string(configs::enum_name(plan.config.parallel.shard))},
            {"recompute", std::string(configs::enum_name(plan.config.model.recompute))}}},
          {"micro_batches", plan.micro_batches},
          {"micro_tokens", plan.micro_tokens},
          {"memory_bytes_per_rank", memory},
          {"peak_phase", plan.peak_phase},
          {"sent_bytes_per_step", {{"per_rank", per_rank}, {"all_ranks", all}}},
          {"efficiency", plan.efficiency},
          {"mfu", plan.mfu},
          {"tokens_per_second", plan.tokens_per_second},
          {"largest_micro_tokens", plan.largest_micro_tokens},
          {"fits", plan.fits()},
          {"verdict", verdict(plan)}};
}

}  // namespace phidias::trainer
