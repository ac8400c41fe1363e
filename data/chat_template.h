// Phi-3's chat templates as typed code: exactly the text of transformers' apply_chat_template, with the byte ranges that matter.
//
// The forms are those the released directories carry (microsoft/Phi-3-*, Phi-3.5-*; tokenizer_config.json, "chat_template"):
//   phi-3-mini        <|role|>\n content <|end|>\n for each message; then <|assistant|>\n to generate, else the eos token
//   phi-3.5           the same, but a system message without content is left out
//   phi-3-medium      <|user|>\n content <|end|>\n<|assistant|>\n, answers as content <|end|>\n; system messages are left out; no eos
//   phi-3-mini-2024-04  bos token, then as phi-3-medium (mini's directories of April to June 2024)
//   phi-3-small       bos token, then as phi-3-mini
//   phi-3-vision      as phi-3-mini without eos; the generation prompt only when the last message is not the assistant's
// A role other than system, user and assistant is an error here, where the templates drop it or write it unchecked.
//
//   ChatTemplate chat = ChatTemplate::choose("auto", model_directory, *tokenizer);
//   RenderedChat rendered = chat.render(messages, {.add_generation_prompt = true});
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "configs/run_config.h"
#include "data/tokenizers/tokenizer.h"

namespace phidias::data {

struct Message {
  std::string role;  // system, user or assistant
  std::string content;
  std::optional<bool> train;  // overrides what train_on says about this message
};

struct RenderOptions {
  bool add_generation_prompt = false;
  configs::TrainOn train_on = configs::TrainOn::assistant;
};

struct RenderedChat {
  std::string text;
  std::vector<ByteRange> content;  // the messages' contents: where special tokens would be forged
  std::vector<ByteRange> trained;  // targets: content and <|end|> of answers, and the closing eos after a final answer
  int left_out = 0;                // system messages that the template does not write
};

class ChatTemplate {
 public:
  // The names above. Throws ConfigError listing them.
  static ChatTemplate named(std::string_view name, std::string bos_token, std::string eos_token);
  // `name` "auto": by the template of the directory (tokenizer_config.json, chat_template.jinja or chat_template.json). Throws DataError when there is none
  // or an unknown one, ConfigError for an unknown name; both list the names.
  static ChatTemplate choose(std::string_view name, const std::filesystem::path& directory, const Tokenizer& tokenizer);

  // Throws DataError: no messages, or an unknown role (with the message's number).
  RenderedChat render(std::span<const Message> messages, const RenderOptions& options = {}) const;
  const std::string& name() const { return name_; }
  // Throws DataError when a token of the template (<|user|>, <|end|> ...) is not one token of the tokenizer.
  void check_tokens(const Tokenizer& tokenizer) const;

  struct Form;  // one row of the table of forms

 private:
  ChatTemplate(const Form& form, std::string bos_token, std::string eos_token);
  const Form* form_;
  std::string name_, bos_token_, eos_token_;
};

std::vector<std::string> chat_template_names();
// The name of a Jinja text, if it is one of the known templates up to spelling (spaces inside tags, 'a' + 'b' for 'ab', \n for a line end).
std::optional<std::string> identify_chat_template(std::string_view jinja);

}  // namespace phidias::data
