#include "launch/message_fields.h"

#include <limits>
#include <string>

#include "base/error.h"

namespace phidias::launch {

std::vector<std::int32_t> read_ids(const OrderedJson& value, const char* field) {
  const OrderedJson& list = value.at(field);
  if (!list.is_array()) throw DataError(std::string(field) + " is not a list of integers");
  std::vector<std::int32_t> ids;
  ids.reserve(list.size());
  for (const OrderedJson& item : list) {
    if (!item.is_number_integer()) throw DataError(std::string(field) + "[" + std::to_string(ids.size()) + "] is not an integer");
    const auto id = item.get<std::int64_t>();
    if (id < std::numeric_limits<std::int32_t>::min() || id > std::numeric_limits<std::int32_t>::max()) {
      throw DataError(std::string(field) + "[" + std::to_string(ids.size()) + "] = " + std::to_string(id) + " does not fit 32 bits");
    }
    ids.push_back(static_cast<std::int32_t>(id));
  }
  return ids;
}

std::vector<data::Message> read_messages(const OrderedJson& value) {
  std::vector<data::Message> messages;
  const OrderedJson& list = value.at("messages");
  if (!list.is_array() || list.empty()) throw DataError("messages is not a list with at least one message");
  for (const OrderedJson& item : list) {
    const std::string where = "messages[" + std::to_string(messages.size()) + "]";
    if (!item.is_object() || !item.contains("role") || !item["role"].is_string()) throw DataError(where + " has no role");
    data::Message message;
    message.role = item["role"].get<std::string>();
    const OrderedJson content = item.value("content", OrderedJson());
    if (content.is_string()) {
      message.content = content.get<std::string>();
    } else if (content.is_array()) {
      for (const OrderedJson& part : content) {
        const bool is_text = part.is_object() && part.contains("type") && part["type"] == "text" && part.contains("text") && part["text"].is_string();
        if (!is_text) throw DataError(where + ": only parts {\"type\": \"text\", \"text\": ...} are read");
        message.content += part["text"].get<std::string>();
      }
    } else {
      throw DataError(where + " has no content");
    }
    messages.push_back(std::move(message));
  }
  return messages;
}

}  // namespace phidias::launch
