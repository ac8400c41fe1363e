#include "data/chat_template.h"

#include <utility>

#include "base/error.h"

namespace phidias::data {

struct ChatTemplate::Form {
  std::string_view name;
  bool bos = false;                // the text starts with the bos token
  bool prompt_after_user = false;  // "<|assistant|>\n" belongs to the user's turn, and answers carry no role token
  bool writes_system = true;
  bool writes_empty_system = true;
  bool eos = true;                  // closes with the eos token unless a generation prompt is asked for
  bool prompt_after_answer = true;  // a generation prompt is written even when the last message is an answer
};

namespace {

constexpr ChatTemplate::Form kForms[] = {
    {.name = "phi-3-mini"},
    {.name = "phi-3-medium", .prompt_after_user = true, .writes_system = false, .eos = false},
    {.name = "phi-3.5", .writes_empty_system = false},
    {.name = "phi-3-small", .bos = true},
    {.name = "phi-3-vision", .eos = false, .prompt_after_answer = false},
    {.name = "phi-3-mini-2024-04", .bos = true, .prompt_after_user = true, .writes_system = false, .eos = false},
};

// Text under construction, with the ranges that are content or trained.
class Writer {
 public:
  void write(std::string_view text, bool trained, bool content = false) {
    const auto begin = static_cast<std::int64_t>(chat.text.size());
    chat.text += text;
    const auto end = static_cast<std::int64_t>(chat.text.size());
    if (content && end > begin) chat.content.push_back({begin, end});
    if (!trained || end == begin) return;
    if (!chat.trained.empty() && chat.trained.back().end == begin)
      chat.trained.back().end = end;
    else
      chat.trained.push_back({begin, end});
  }
  RenderedChat chat;
};

}  // namespace

ChatTemplate::ChatTemplate(const Form& form, std::string bos_token, std::string eos_token)
    : form_(&form), name_(form.name), bos_token_(std::move(bos_token)), eos_token_(std::move(eos_token)) {}

std::vector<std::string> chat_template_names() {
  std::vector<std::string> names;
  for (const auto& form : kForms) names.emplace_back(form.name);
  return names;
}

ChatTemplate ChatTemplate::named(std::string_view name, std::string bos_token, std::string eos_token) {
  std::string known;
  for (const Form& form : kForms) {
    if (form.name == name) return ChatTemplate(form, std::move(bos_token), std::move(eos_token));
    known += (known.empty() ? "" : ", ") + std::string(form.name);
  }
  throw ConfigError("data.template: unknown chat template '" + std::string(name) + "'; choose auto or one of " + known);
}

RenderedChat ChatTemplate::render(std::span<const Message> messages, const RenderOptions& options) const {
  if (messages.empty()) throw DataError("a chat without messages");
  const bool all = options.train_on == configs::TrainOn::all;
  std::size_t last_answer = messages.size();
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::string& role = messages[i].role;
    if (role != "system" && role != "user" && role != "assistant") {
      throw DataError("message " + std::to_string(i + 1) + ": unknown role '" + role + "'; the roles are system, user and assistant");
    }
    if (role == "assistant") last_answer = i;
  }

  Writer out;
  if (form_->bos) out.write(bos_token_, all);
  bool last_trained = false;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Message& message = messages[i];
    const bool answer = message.role == "assistant", system = message.role == "system";
    last_trained = false;
    if (system && (!form_->writes_system || (!form_->writes_empty_system && message.content.empty()))) {
      if (!message.content.empty()) ++out.chat.left_out;
      continue;
    }
    const bool by_rule = all || (answer && (options.train_on == configs::TrainOn::assistant || i == last_answer));
    const bool trained = message.train.value_or(by_rule);
    if (!(answer && form_->prompt_after_user)) out.write("<|" + message.role + "|>\n", all && trained);
    out.write(message.content, trained, true);
    out.write("<|end|>", trained);
    out.write("\n", all && trained);
    if (message.role == "user" && form_->prompt_after_user) out.write("<|assistant|>\n", all);
    last_trained = trained && (answer || all);
  }
  if (options.add_generation_prompt) {
    if (!form_->prompt_after_user && (form_->prompt_after_answer || messages.back().role != "assistant")) out.write("<|assistant|>\n", all);
  } else if (form_->eos) {
    out.write(eos_token_, last_trained);
  }
  return std::move(out.chat);
}

void ChatTemplate::check_tokens(const Tokenizer& tokenizer) const {
  for (const char* token : {"<|user|>", "<|assistant|>", "<|system|>", "<|end|>"}) {
    if (form_->writes_system || std::string_view(token) != "<|system|>") {
      if (!tokenizer.token_to_id(token)) {
        throw DataError("the chat template " + name_ + " writes " + token +
                        ", which the tokenizer does not have as one token; use the tokenizer that belongs to the model");
      }
    }
  }
}

}  // namespace phidias::data
