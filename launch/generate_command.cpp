#include <chrono>
#include <cstdio>

#include "base/error.h"
#include "base/progress.h"
#include "launch/commands.h"
#include "launch/generation_flags.h"
#include "launch/inference.h"
#include "launch/json_lines.h"
#include "launch/prompts.h"

namespace phidias::launch {
namespace {

// The words of an answer: without the end token, as the tokenizer writes them.
std::string answer_text(const models::Generation& result, const data::Tokenizer& tokenizer) {
  std::span<const std::int32_t> ids = result.output_ids;
  if (result.finish == "stop" && !ids.empty()) ids = ids.first(ids.size() - 1);
  return tokenizer.decode(ids, true);
}

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// So that one bad prompt is its line's error and not the end of the batch.
void check_prompt(const std::vector<std::int32_t>& ids, const configs::ModelConfig& config) {
  if (ids.empty()) throw DataError("the prompt has no token");
  if (static_cast<std::int64_t>(ids.size()) >= config.max_positions) {
    throw DataError("the prompt has " + std::to_string(ids.size()) + " tokens; the model has " + std::to_string(config.max_positions) + " positions");
  }
  for (const std::int32_t id : ids) {
    if (id < 0 || id >= config.vocab_size)
      throw DataError("token id " + std::to_string(id) + " is outside the vocabulary of " + std::to_string(config.vocab_size));
  }
}

struct Totals {
  std::int64_t prompts = 0, new_tokens = 0, compared = 0, exact = 0;
  double seconds = 0;
};

void generate_lines(const GenerateCommand& command, const InferenceModel& model, const models::GenerationOptions& options, const std::vector<InputLine>& lines,
                    PromptReader& prompts, JsonLinesWriter& writer, Totals& totals) {
  const auto group = read_requests<models::GenerateRequest>(lines, [&](const InputLine& line) {
    models::GenerateRequest request{prompts.ids(line, !command.answers_field.empty()), static_cast<std::uint64_t>(line.number)};
    check_prompt(request.prompt, model.loaded.config);
    return request;
  });
  const auto start = std::chrono::steady_clock::now();
  const std::vector<models::Generation> results = models::generate(model.model(), group.requests, options);
  totals.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::size_t next = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!group.errors[i].empty()) {
      writer.write_error(lines[i], group.errors[i]);
      continue;
    }
    const models::Generation& result = results[next++];
    ++totals.prompts;
    totals.new_tokens += static_cast<std::int64_t>(result.output_ids.size());
    OrderedJson object = answer_object(lines[i]);
    if (model.tokenizer != nullptr) object["text"] = answer_text(result, *model.tokenizer);
    object["output_ids"] = result.output_ids;
    object["token_logprobs"] = result.token_logprobs;
    object["finish"] = result.finish;
    if (!command.answers_field.empty() && lines[i].value.contains(command.answers_field) && lines[i].value[command.answers_field].is_string()) {
      const bool exact = trimmed(object.value("text", "")) == trimmed(lines[i].value[command.answers_field].get<std::string>());
      object["exact"] = exact;
      ++totals.compared;
      totals.exact += exact ? 1 : 0;
    }
    writer.write(object);
  }
}

void print_totals(const GenerateCommand& command, const Totals& totals, bool json) {
  const double rate = totals.seconds > 0 ? static_cast<double>(totals.new_tokens) / totals.seconds : 0;
  if (json) {
    OrderedJson summary = {{"prompts", totals.prompts}, {"new_tokens", totals.new_tokens}, {"seconds", totals.seconds}, {"tokens_per_second", rate}};
    if (totals.compared > 0) summary["exact_match"] = static_cast<double>(totals.exact) / static_cast<double>(totals.compared);
    std::printf("%s\n", summary.dump().c_str());
    return;
  }
  if (command.output == "-") return;  // standard output holds the answers
  std::printf("%ld answers, %ld tokens in %.1f s: %.0f tokens/s\n", static_cast<long>(totals.prompts), static_cast<long>(totals.new_tokens), totals.seconds,
              rate);
  if (totals.compared > 0) {
    std::printf("exact match: %ld of %ld (%.1f %%)\n", static_cast<long>(totals.exact), static_cast<long>(totals.compared),
                100.0 * static_cast<double>(totals.exact) / static_cast<double>(totals.compared));
  }
}

int generate_one(const GenerateCommand& command, const InferenceModel& model, const models::GenerationOptions& options, bool json) {
  const data::Tokenizer& tokenizer = model.require_tokenizer();
  const models::Generation result = models::generate(model.model(), {{tokenizer.encode(command.prompt), 0}}, options).front();
  if (json) {
    std::printf(
        "%s\n",
        OrderedJson(
            {{"text", answer_text(result, tokenizer)}, {"output_ids", result.output_ids}, {"token_logprobs", result.token_logprobs}, {"finish", result.finish}})
            .dump(-1, ' ', false, OrderedJson::error_handler_t::replace)
            .c_str());
  } else {
    std::printf("%s\n", answer_text(result, tokenizer).c_str());
  }
  return 0;
}

}  // namespace

int run_generate(const GenerateCommand& command, bool json) {
  if (command.prompt.empty() == command.input.empty()) throw ConfigError("generate takes either --prompt TEXT or --input FILE");
  const InferenceModel model = load_for_inference(command.model, command.sampling.dtype);
  models::GenerationOptions options = generation_options(command.sampling, model);
  options.max_batch = command.batch_size;
  if (!command.prompt.empty()) return generate_one(command, model, options, json);

  // Many batches at a time, so that a finished sequence leaves its place to the next prompt; in order, so that the output can be followed.
  const std::size_t group = static_cast<std::size_t>(command.batch_size) * 16;
  JsonLinesReader reader(command.input);
  JsonLinesWriter writer(command.output);
  PromptReader prompts(model, command.chat_template);
  Totals totals;
  Progress progress("generate", 0, "answers", 1.0, command.output != "-");
  for_each_group(reader, group, [&](const std::vector<InputLine>& lines) {
    generate_lines(command, model, options, lines, prompts, writer, totals);
    progress.update(totals.prompts);
  });
  progress.finish();
  const int code = writer.finish();
  print_totals(command, totals, json);
  return code;
}

}  // namespace phidias::launch
