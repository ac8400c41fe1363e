#include <optional>

#include "base/error.h"
#include "data/chat_template.h"
#include "data/record_encoder.h"
#include "data/tokenizers/tokenizer.h"
#include "launch/code_points.h"
#include "launch/commands.h"
#include "launch/json_lines.h"
#include "launch/message_fields.h"
#include "launch/model_directory_name.h"

namespace phidias::launch {
namespace {

data::SpecialTokens special_tokens(const std::string& name) {
  if (name == "text") return data::SpecialTokens::text;
  return name == "error" ? data::SpecialTokens::error : data::SpecialTokens::parse;
}

class TokenizeLine {
 public:
  explicit TokenizeLine(const TokenizeCommand& command)
      : command_(command), directory_(resolve_tokenizer_directory(command.model)), tokenizer_(data::Tokenizer::load(directory_)) {}

  OrderedJson operator()(const InputLine& line) {
    const OrderedJson& value = line.value;
    if (command_.decode) return {{"text", tokenizer_->decode(read_ids(value, "ids"), command_.skip_special)}};
    if (value.contains("messages")) return chat(value);
    if (!value.contains("text") || !value["text"].is_string()) {
      throw DataError(value.contains("ids") ? "ids are decoded with --decode" : "the line has neither text nor messages");
    }
    return text(value["text"].get<std::string>());
  }

 private:
  OrderedJson text(const std::string& text) const {
    std::vector<std::int32_t> ids;
    std::vector<data::ByteRange> offsets;
    tokenizer_->encode(text, {.special = special_tokens(command_.special)}, ids, command_.offsets ? &offsets : nullptr);
    OrderedJson object = {{"ids", ids}};
    if (command_.offsets) object["offsets"] = in_code_points(text, offsets);
    return object;
  }

  OrderedJson chat(const OrderedJson& value) {
    if (!template_) template_ = data::ChatTemplate::choose(command_.chat_template, directory_, *tokenizer_);
    const data::RenderOptions options{.add_generation_prompt = value.value("add_generation_prompt", false)};
    const data::EncodedChat chat = data::encode_chat(*tokenizer_, *template_, read_messages(value), options, special_tokens(command_.special));
    OrderedJson object = {{"ids", chat.ids}, {"text", chat.rendered.text}, {"mask", chat.trained}};
    if (command_.offsets) object["offsets"] = in_code_points(chat.rendered.text, chat.offsets);
    return object;
  }

  static OrderedJson in_code_points(const std::string& text, const std::vector<data::ByteRange>& offsets) {
    const std::vector<std::int64_t> before = code_points_before(text);
    OrderedJson list = OrderedJson::array();
    for (const data::ByteRange& range : offsets) {
      list.push_back({before[static_cast<std::size_t>(range.begin)], before[static_cast<std::size_t>(range.end)]});
    }
    return list;
  }

  const TokenizeCommand& command_;
  std::filesystem::path directory_;
  std::unique_ptr<data::Tokenizer> tokenizer_;
  std::optional<data::ChatTemplate> template_;
};

}  // namespace

int run_tokenize(const TokenizeCommand& command) {
  TokenizeLine tokenize(command);
  return transform_json_lines(command.input, command.output, [&](const InputLine& line) { return tokenize(line); });
}

}  // namespace phidias::launch
