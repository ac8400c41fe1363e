// Lines with `prompt` or `messages`, by their ids: what make-prompts writes and answers or candidates are joined with.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "data/json_objects.h"

namespace phidias::data {

struct PromptRecord {
  std::string id;
  OrderedJson line;      // as read
  OrderedJson messages;  // list of {role, content}; a bare prompt is one turn of the user
  std::string text;      // the prompt; of messages the contents with an empty line between them
  std::string question;  // last turn of the user
  bool is_chat = false;  // the line has messages
};

// Throws DataError with the place: neither prompt nor messages, a wrong role, a content that is no text, a last message that is not the user's.
PromptRecord read_prompt_record(const JsonObject& object, const std::string& id_field);
// Of files and folders. An id that stands twice is a DataError; where a line has none, its number is its id, as for `phidias generate`.
std::vector<PromptRecord> read_prompt_records(const std::vector<std::string>& paths, const std::string& id_field);

}  // namespace phidias::data
