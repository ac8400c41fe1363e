#include "models/generation/generator.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "data/batch.h"
#include "models/generation/sampling.h"

namespace phidias::models {

namespace {

constexpr std::int64_t kPrefillTokens = 8192;  // prompts that are computed together, unless one alone is longer

struct Sequence {
  std::size_t request = 0;
  std::int64_t slot = 0;
  std::vector<std::int32_t> tokens;  // prompt and answer
  std::vector<std::int32_t> seen;    // distinct, kept only where a repetition penalty needs it
  std::vector<bool> is_seen;
  bool use_long = false;  // of the factors its cached keys were rotated with
  bool finished = false;

  std::int64_t length() const { return static_cast<std::int64_t>(tokens.size()); }
};

at::Tensor to_tensor(const std::vector<std::int64_t>& values, at::Device device) {
  const at::Tensor host = at::empty({static_cast<std::int64_t>(values.size())}, at::kLong);
  std::copy(values.begin(), values.end(), host.mutable_data_ptr<std::int64_t>());
  return host.to(device);
}

class Generator {
 public:
  Generator(CausalLM& model, const std::vector<GenerateRequest>& requests, const GenerationOptions& options, const OnToken& on_token)
      : model_(model), config_(model.config()), requests_(requests), options_(options), on_token_(on_token), results_(requests.size()) {
    std::int64_t capacity = 0;
    for (const GenerateRequest& request : requests) capacity = std::max(capacity, limit(request));
    const std::int64_t slots = std::min<std::int64_t>(options.max_batch, static_cast<std::int64_t>(requests.size()));
    for (std::int64_t slot = slots - 1; slot >= 0; --slot) free_slots_.push_back(slot);
    const at::Tensor& weight = model.declarations().front().parameter->value;
    for (std::int64_t layer = 0; layer < config_.num_layers; ++layer) {
      const auto cache = [&] { return at::empty({slots, config_.num_kv_heads, capacity, config_.head_dim}, weight.options().requires_grad(false)); };
      caches_.push_back({cache(), cache()});
    }
    device_ = weight.device();
  }

  std::vector<Generation> run() {
    while (next_ < requests_.size() || !active_.empty()) {
      admit();
      step();
      leave();
    }
    return std::move(results_);
  }

 private:
  // Tokens a sequence may reach.
  std::int64_t limit(const GenerateRequest& request) const {
    return std::min(static_cast<std::int64_t>(request.prompt.size()) + options_.max_new_tokens, config_.max_positions);
  }
  bool needs_long(std::int64_t length) const { return config_.has_longrope && length > config_.original_max_positions; }

  // Waiting prompts take free slots.
  void admit() {
    while (next_ < requests_.size() && !free_slots_.empty()) {
      std::vector<Sequence*> group;
      std::int64_t tokens = 0;
      while (next_ < requests_.size() && !free_slots_.empty()) {
        const GenerateRequest& request = requests_[next_];
        tokens += static_cast<std::int64_t>(request.prompt.size());
        if (!group.empty() && tokens > kPrefillTokens) break;
        active_.push_back(std::make_unique<Sequence>());
        Sequence& sequence = *active_.back();
        sequence.request = next_++;
        sequence.slot = free_slots_.back();
        free_slots_.pop_back();
        for (const std::int32_t token : request.prompt) append(sequence, token);
        group.push_back(&sequence);
      }
      prefill(group);
    }
    leave();  // one-token answers
  }

  // Computes whole sequences, filling their slots, and chooses a token for each.
  void prefill(const std::vector<Sequence*>& group) {
    data::MicroBatch batch;
    std::vector<std::int64_t> slots, last_rows;
    for (Sequence* sequence : group) {
      sequence->use_long = needs_long(sequence->length());
      const auto begin = static_cast<std::int32_t>(batch.tokens.size());
      for (std::int32_t position = 0; position < sequence->length(); ++position) batch.positions.push_back(position);
      batch.tokens.insert(batch.tokens.end(), sequence->tokens.begin(), sequence->tokens.end());
      batch.segments.push_back({begin, static_cast<std::int32_t>(batch.tokens.size()), -1, sequence->use_long, requests_[sequence->request].id});
      slots.push_back(sequence->slot);
      last_rows.push_back(static_cast<std::int64_t>(batch.tokens.size()) - 1);
    }
    batch.targets.assign(batch.tokens.size(), data::kIgnoredTarget);
    const at::Tensor hidden = model_.prefill(kernels::to_device(batch, device_), slots, caches_);
    choose(group, at::index_select(hidden, 0, to_tensor(last_rows, device_)));
  }

  // One more token for every running sequence. The last token of each is not cached yet.
  void step() {
    std::vector<Sequence*> recompute, decode;
    std::vector<std::int64_t> tokens, slots, lengths;
    std::vector<bool> use_long;
    for (const auto& sequence : active_) {
      if (needs_long(sequence->length()) && !sequence->use_long) {
        // Its cached keys carry the short factors, which cannot be mixed with long ones.
        recompute.push_back(sequence.get());
        continue;
      }
      decode.push_back(sequence.get());
      tokens.push_back(sequence->tokens.back());
      slots.push_back(sequence->slot);
      lengths.push_back(sequence->length() - 1);
      use_long.push_back(sequence->use_long);
    }
    if (!decode.empty()) choose(decode, model_.decode(to_tensor(tokens, device_), slots, lengths, use_long, caches_));
    for (Sequence* sequence : recompute) prefill({sequence});
  }

  void choose(const std::vector<Sequence*>& group, const at::Tensor& hidden) {
    std::vector<SamplingRow> rows;
    for (const Sequence* sequence : group) {
      rows.push_back({&sequence->seen, requests_[sequence->request].id, static_cast<std::uint64_t>(sequence->length())});
    }
    const std::vector<SampledToken> sampled = choose_tokens(kernels::last_logits(hidden, model_.head()), rows, options_);
    for (std::size_t i = 0; i < group.size(); ++i) accept(*group[i], sampled[i]);
  }

  void accept(Sequence& sequence, const SampledToken& sampled) {
    Generation& result = results_[sequence.request];
    append(sequence, sampled.token);
    result.output_ids.push_back(sampled.token);
    result.token_logprobs.push_back(sampled.logprob);
    const bool ends = !options_.ignore_eos && std::find(options_.end_tokens.begin(), options_.end_tokens.end(), sampled.token) != options_.end_tokens.end();
    if (ends)
      result.finish = "stop";
    else if (sequence.length() >= limit(requests_[sequence.request]))
      result.finish = "length";
    sequence.finished = !result.finish.empty();
    if (on_token_) on_token_(sequence.request, sampled.token);
  }

  void append(Sequence& sequence, std::int32_t token) {
    sequence.tokens.push_back(token);
    if (options_.repetition_penalty == 1.0) return;
    sequence.is_seen.resize(static_cast<std::size_t>(config_.vocab_size));
    const auto index = static_cast<std::size_t>(token);
    if (sequence.is_seen.at(index)) return;
    sequence.is_seen[index] = true;
    sequence.seen.push_back(token);
  }

  void leave() {
    for (const auto& sequence : active_) {
      if (sequence->finished) free_slots_.push_back(sequence->slot);
    }
    std::erase_if(active_, [](const auto& sequence) { return sequence->finished; });
  }

  CausalLM& model_;
  const configs::ModelConfig& config_;
  const std::vector<GenerateRequest>& requests_;
  const GenerationOptions& options_;
  const OnToken& on_token_;
  std::vector<Generation> results_;
  std::vector<kernels::KeyValueCache> caches_;  // one per layer
  std::vector<std::int64_t> free_slots_;
  std::vector<std::unique_ptr<Sequence>> active_;
  std::size_t next_ = 0;  // first request that has not been admitted
  at::Device device_ = at::kCPU;
};

void check_request(const GenerateRequest& request, const configs::ModelConfig& config) {
  const std::string name = "request " + std::to_string(request.id);
  if (request.prompt.empty()) throw DataError(name + ": the prompt has no tokens");
  if (static_cast<std::int64_t>(request.prompt.size()) >= config.max_positions) {
    throw DataError(name + ": the prompt has " + std::to_string(request.prompt.size()) + " tokens; the model has " + std::to_string(config.max_positions) +
                    " positions for prompt and answer");
  }
  for (const std::int32_t token : request.prompt) {
    if (token < 0 || token >= config.vocab_size) {
      throw DataError(name + ": token id " + std::to_string(token) + " is outside the vocabulary of " + std::to_string(config.vocab_size));
    }
  }
}

}  // namespace

std::vector<Generation> generate(CausalLM& model, const std::vector<GenerateRequest>& requests, const GenerationOptions& options, const OnToken& on_token) {
  check_options(options);
  for (const GenerateRequest& request : requests) check_request(request, model.config());
  if (requests.empty()) return {};
  const c10::InferenceMode inference;
  return Generator(model, requests, options, on_token).run();
}

}  // namespace phidias::models
