#include <cmath>
#include <cstdio>

#include "base/error.h"
#include "base/progress.h"
#include "data/chat_template.h"
#include "launch/commands.h"
#include "launch/inference.h"
#include "launch/json_lines.h"
#include "launch/prompts.h"
#include "trainer/scoring/scorer.h"

namespace phidias::launch {
namespace {

// `input_ids` (+ `labels`), `text` or `messages` of a line; special tokens are parsed, as transformers does.
trainer::ScoreRequest read_request(const OrderedJson& value, const InferenceSetup& setup, PromptReader& prompts) {
  trainer::ScoreRequest request;
  if (value.contains("input_ids")) {
    request.input_ids = read_ids(value, "input_ids");
    if (value.contains("labels")) request.labels = read_ids(value, "labels");
  } else if (value.contains("text") && value["text"].is_string()) {
    request.input_ids = setup.require_tokenizer().encode(value["text"].get<std::string>());
  } else if (value.contains("messages")) {
    setup.require_tokenizer().encode(prompts.chat_template().render(read_messages(value)).text, {.add_special_tokens = false}, request.input_ids);
  } else {
    throw DataError("the line has none of input_ids, text and messages");
  }
  return request;
}

OrderedJson score_object(const InputLine& line, const trainer::Score& score) {
  OrderedJson logs = OrderedJson::array();
  for (const double value : score.token_logprobs) logs.push_back(std::isnan(value) ? OrderedJson() : OrderedJson(value));
  OrderedJson object = answer_object(line);
  object["token_logprobs"] = std::move(logs);
  object["loss"] = score.loss;
  object["target_tokens"] = score.target_tokens;
  object["perplexity"] = score.perplexity;
  for (const trainer::LayerChoices& layer : score.routing) object["routing"].push_back({{"experts", layer.experts}, {"weights", layer.weights}});
  return object;
}

struct Totals {
  std::int64_t lines = 0, target_tokens = 0;
  double loss = 0;
};

void score_lines(const std::vector<InputLine>& lines, const InferenceSetup& setup, PromptReader& prompts, trainer::Scorer& scorer, JsonLinesWriter& writer,
                 Totals& totals) {
  const auto group = read_requests<trainer::ScoreRequest>(lines, [&](const InputLine& line) {
    trainer::ScoreRequest request = read_request(line.value, setup, prompts);
    scorer.check(request);
    return request;
  });
  const std::vector<trainer::Score> scores = scorer.score(group.requests);
  std::size_t next = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!group.errors[i].empty()) {
      writer.write_error(lines[i], group.errors[i]);
      continue;
    }
    const trainer::Score& score = scores[next++];
    ++totals.lines;
    totals.target_tokens += score.target_tokens;
    totals.loss += score.loss * static_cast<double>(score.target_tokens);
    writer.write(score_object(lines[i], score));
  }
}

}  // namespace

int run_score(const ScoreCommand& command, bool json) {
  const InferenceSetup setup = prepare_inference(command.model, command.dtype);
  trainer::Scorer scorer(setup.directory, {.dtype = setup.dtype, .device = setup.device, .batch_tokens = command.batch_tokens, .routing = command.routing});
  PromptReader prompts(setup, command.chat_template);
  JsonLinesReader reader(command.input);
  JsonLinesWriter writer(command.output);
  Totals totals;
  Progress progress("score", 0, "lines", 1.0, command.output != "-");
  constexpr std::size_t kLinesTogether = 256;
  for_each_group(reader, kLinesTogether, [&](const std::vector<InputLine>& lines) {
    score_lines(lines, setup, prompts, scorer, writer, totals);
    progress.update(totals.lines);
  });
  progress.finish();
  const int code = writer.finish();
  const double loss = totals.target_tokens > 0 ? totals.loss / static_cast<double>(totals.target_tokens) : 0;
  if (json) {
    std::printf("%s\n",
                OrderedJson({{"lines", totals.lines}, {"target_tokens", totals.target_tokens}, {"loss", loss}, {"perplexity", std::exp(loss)}}).dump().c_str());
  } else if (command.output != "-") {
    std::printf("%ld lines, %ld target tokens: loss %.4f, perplexity %.2f\n", static_cast<long>(totals.lines), static_cast<long>(totals.target_tokens), loss,
                std::exp(loss));
  }
  return code;
}

}  // namespace phidias::launch
