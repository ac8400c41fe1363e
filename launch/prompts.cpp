#include "launch/prompts.h"

#include "base/error.h"

namespace phidias::launch {

PromptReader::PromptReader(const InferenceSetup& model, std::string chat_template) : model_(model), name_(std::move(chat_template)) {}

const data::ChatTemplate& PromptReader::chat_template() {
  if (!template_) template_ = data::ChatTemplate::choose(name_, model_.directory, model_.require_tokenizer());
  return *template_;
}

std::vector<std::int32_t> PromptReader::chat_ids(const std::vector<data::Message>& messages) {
  const data::RenderedChat rendered = chat_template().render(messages, {.add_generation_prompt = true});
  std::vector<std::int32_t> ids;
  model_.require_tokenizer().encode(
      rendered.text, {.special = data::SpecialTokens::parse, .content = rendered.content, .inside = data::SpecialTokens::text, .add_special_tokens = false},
      ids);
  return ids;
}

std::vector<std::int32_t> PromptReader::ids(const InputLine& line, bool drop_answer) {
  const OrderedJson& value = line.value;
  if (value.contains("input_ids")) return read_ids(value, "input_ids");
  if (value.contains("messages")) {
    std::vector<data::Message> messages = read_messages(value);
    if (drop_answer && messages.size() > 1 && messages.back().role == "assistant") messages.pop_back();
    return chat_ids(messages);
  }
  if (!value.contains("prompt") || !value["prompt"].is_string()) throw DataError("the line has none of prompt, messages and input_ids");
  return model_.require_tokenizer().encode(value["prompt"].get<std::string>());
}

}  // namespace phidias::launch
