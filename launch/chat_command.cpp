#include <cstdio>
#include <iostream>

#include "base/error.h"
#include "launch/commands.h"
#include "launch/generation_flags.h"
#include "launch/inference.h"
#include "launch/prompts.h"

namespace phidias::launch {
namespace {

// Prints an answer while it grows: what the tokenizer makes of all tokens so far, minus what is on the screen, holding back an unfinished character.
class Typewriter {
 public:
  explicit Typewriter(const data::Tokenizer& tokenizer) : tokenizer_(tokenizer) {}
  void add(std::int32_t token) {
    ids_.push_back(token);
    const std::string text = tokenizer_.decode(ids_, true);
    if (text.ends_with("\xEF\xBF\xBD")) return;
    if (text.size() > printed_) std::fwrite(text.data() + printed_, 1, text.size() - printed_, stdout);
    printed_ = text.size();
    std::fflush(stdout);
  }
  std::string text() const { return tokenizer_.decode(ids_, true); }

 private:
  const data::Tokenizer& tokenizer_;
  std::vector<std::int32_t> ids_;
  std::size_t printed_ = 0;
};

}  // namespace

int run_chat(const ChatCommand& command) {
  const InferenceModel model = load_for_inference(command.model, command.sampling.dtype);
  const models::GenerationOptions options = generation_options(command.sampling, model);
  PromptReader prompts(model, command.chat_template);
  std::vector<data::Message> opening;
  if (!command.system.empty()) opening.push_back({"system", command.system, {}});
  std::vector<data::Message> messages = opening;
  std::fputs("An empty line or Ctrl-D ends the conversation, /new starts another.\n", stdout);
  std::string line;
  while (std::fputs("> ", stdout), std::fflush(stdout), std::getline(std::cin, line) && !line.empty()) {
    if (line == "/new") {
      messages = opening;
      continue;
    }
    messages.push_back({"user", line, {}});
    Typewriter typewriter(model.require_tokenizer());
    try {
      const std::vector<models::GenerateRequest> requests = {{prompts.chat_ids(messages), messages.size()}};
      models::generate(model.model(), requests, options, [&](std::size_t, std::int32_t token) { typewriter.add(token); });
    } catch (const DataError& error) {  // too long for the model: the conversation, not the program, is at its end
      std::printf("%s\nThe conversation starts again.\n", error.what());
      messages = opening;
      continue;
    }
    std::fputs("\n", stdout);
    messages.push_back({"assistant", typewriter.text(), {}});
  }
  return 0;
}

}  // namespace phidias::launch
