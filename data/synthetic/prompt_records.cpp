#include "data/synthetic/prompt_records.h"

#include <unordered_map>

#include "base/error.h"

namespace phidias::data {
namespace {

void read_messages(const OrderedJson& messages, const std::string& where, PromptRecord& record) {
  if (!messages.is_array() || messages.empty()) throw DataError(where + ": 'messages' is no list of messages");
  record.messages = OrderedJson::array();
  for (const OrderedJson& message : messages) {
    const std::string place = where + ": message " + std::to_string(record.messages.size() + 1);
    const std::optional<std::string> role = text_at(message, "role");
    if (!role || (*role != "system" && *role != "user" && *role != "assistant")) throw DataError(place + ": the role must be system, user or assistant");
    const OrderedJson* content = member_at(message, "content");
    if (content == nullptr || !content->is_string()) throw DataError(place + ": 'content' is no text");
    record.messages.push_back({{"role", *role}, {"content", *content}});
    record.text += (record.text.empty() ? "" : "\n\n") + content->get<std::string>();
    if (*role == "user") record.question = content->get<std::string>();
  }
  if (record.messages.back()["role"] != "user") throw DataError(where + ": the last message is not the user's");
}

}  // namespace

PromptRecord read_prompt_record(const JsonObject& object, const std::string& id_field) {
  PromptRecord record;
  record.id = text_at(object.value, id_field).value_or(std::to_string(object.line));
  record.line = object.value;
  const OrderedJson* messages = member_at(object.value, "messages");
  const OrderedJson* prompt = member_at(object.value, "prompt");
  if (messages == nullptr && prompt != nullptr && prompt->is_array()) messages = prompt;
  if (messages != nullptr) {
    record.is_chat = true;
    read_messages(*messages, object.where, record);
  } else if (prompt != nullptr && prompt->is_string()) {
    record.text = record.question = prompt->get<std::string>();
    record.messages = OrderedJson::array({{{"role", "user"}, {"content", record.text}}});
  } else {
    throw DataError(object.where + ": neither 'messages' nor a text 'prompt'");
  }
  return record;
}

std::vector<PromptRecord> read_prompt_records(const std::vector<std::string>& paths, const std::string& id_field) {
  std::vector<PromptRecord> records;
  std::unordered_map<std::string, std::string> places;
  for (const std::string& path : paths) {
    for (const std::string& file : json_files(path)) {
      for_each_json_object(file, [&](const JsonObject& object) {
        PromptRecord record = read_prompt_record(object, id_field);
        const auto [known, is_new] = places.emplace(record.id, object.where);
        if (!is_new) throw DataError(object.where + ": the id '" + record.id + "' stands already at " + known->second + "; answers could not be told apart");
        records.push_back(std::move(record));
      });
    }
  }
  return records;
}

}  // namespace phidias::data
