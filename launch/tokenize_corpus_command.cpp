// `phidias data tokenize INPUTS --model DIR --output DIR`. Next: data/mixture/tokenise_corpus.h.
#include <chrono>
#include <iostream>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "data/mixture/tokenise_corpus.h"
#include "launch/commands.h"
#include "launch/model_directory_name.h"

namespace phidias::launch {

int run_tokenize_corpus(const TokenizeCorpusCommand& command, bool json) {
  const std::unique_ptr<data::Tokenizer> tokenizer = data::Tokenizer::load(resolve_tokenizer_directory(command.model));
  const auto start = std::chrono::steady_clock::now();
  const data::mixture::TokeniseReport report = data::mixture::tokenise_corpus({.inputs = command.inputs,
                                                                               .output = command.output,
                                                                               .tokenizer = tokenizer.get(),
                                                                               .columns = command.columns,
                                                                               .max_length = command.max_length,
                                                                               .progress = true});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (json) {
    const OrderedJson result = {{"output", command.output},
                                {"shards", report.shards},
                                {"shards_found", report.shards_found},
                                {"documents", report.documents},
                                {"tokens", report.tokens},
                                {"not_kept", report.not_kept},
                                {"seconds", seconds}};
    std::cout << result.dump() << "\n";
    return 0;
  }
  std::string text = command.output + ": " + std::to_string(report.tokens) + " tokens of " + std::to_string(report.documents) + " documents in " +
                     std::to_string(report.shards) + " shards, " + format_duration(seconds);
  if (report.shards_found > 0) text += "; " + std::to_string(report.shards_found) + " shards were finished already";
  if (report.not_kept > 0) text += "; " + std::to_string(report.not_kept) + " lines left out that a pipeline dropped";
  log_info(text);
  return 0;
}

}  // namespace phidias::launch
