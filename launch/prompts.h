// Input lines of generate and score as token ids.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/chat_template.h"
#include "launch/inference.h"
#include "launch/json_lines.h"
#include "launch/message_fields.h"

namespace phidias::launch {

// Turns `prompt`, `messages` or `input_ids` into the tokens a model continues. Special tokens are parsed in prompts, and are text inside the contents of
// messages, so that a message cannot forge a turn. Throws DataError.
class PromptReader {
 public:
  PromptReader(const InferenceSetup& model, std::string chat_template);
  // `drop_answer`: a last message of the assistant is the expected answer, not part of the prompt.
  std::vector<std::int32_t> ids(const InputLine& line, bool drop_answer = false);
  std::vector<std::int32_t> chat_ids(const std::vector<data::Message>& messages);
  const data::ChatTemplate& chat_template();

 private:
  const InferenceSetup& model_;
  std::string name_;
  std::optional<data::ChatTemplate> template_;
};

}  // namespace phidias::launch
