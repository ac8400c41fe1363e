#include "data/record.h"

#include <simdjson.h>

#include <array>
#include <limits>

#include "base/error.h"

namespace phidias::data {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

constexpr std::array<std::string_view, 7> kNames = {"auto", "text", "chat", "completion", "preference", "prompt", "tokens"};

bool has(const object& record, std::string_view key) { return record.at_key(key).error() == simdjson::SUCCESS; }

RecordKind detect(const object& record) {
  if (has(record, "messages")) return RecordKind::chat;
  if (has(record, "input_ids")) return RecordKind::tokens;
  if (has(record, "chosen") || has(record, "chosen_ids")) return RecordKind::preference;
  if (has(record, "prompt") && has(record, "completion")) return RecordKind::completion;
  if (has(record, "text")) return RecordKind::text;
  if (has(record, "prompt")) return RecordKind::prompt;
  std::string fields;
  for (const auto field : record) fields += (fields.empty() ? "" : ", ") + std::string(field.key);
  throw DataError("no known field (" + (fields.empty() ? "the object is empty" : "found " + fields) +
                  "); a record has text, messages, prompt + completion, prompt + chosen + rejected, prompt, or input_ids");
}

std::string string_field(const object& record, std::string_view key) {
  const auto value = record.at_key(key);
  if (value.error() != simdjson::SUCCESS) throw DataError("missing field '" + std::string(key) + "'");
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS) throw DataError("field '" + std::string(key) + "' is not a string");
  return std::string(text);
}

// A string, or the texts of [{"type": "text", "text": ...}] joined.
std::string content_of(const element& value, const std::string& where) {
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) return std::string(text);
  array parts;
  if (value.get_array().get(parts) != simdjson::SUCCESS) throw DataError(where + "'content' is neither a string nor a list of text parts");
  std::string joined;
  for (const element part : parts) {
    std::string_view type;
    if (part["type"].get_string().get(type) != simdjson::SUCCESS || type != "text" || part["text"].get_string().get(text) != simdjson::SUCCESS) {
      throw DataError(where + "only parts {\"type\": \"text\", \"text\": ...} are supported in 'content'");
    }
    joined += text;
  }
  return joined;
}

std::vector<Message> messages_of(const object& record) {
  const auto field = record.at_key("messages");
  if (field.error() != simdjson::SUCCESS) throw DataError("missing field 'messages'");
  array list;
  if (field.get_array().get(list) != simdjson::SUCCESS) throw DataError("'messages' is not a list");
  std::vector<Message> messages;
  for (const element entry : list) {
    const std::string where = "message " + std::to_string(messages.size() + 1) + ": ";
    object fields;
    if (entry.get_object().get(fields) != simdjson::SUCCESS) throw DataError(where + "not an object with role and content");
    Message message;
    std::string_view role;
    if (fields.at_key("role").get_string().get(role) != simdjson::SUCCESS) throw DataError(where + "missing field 'role'");
    if (role != "system" && role != "user" && role != "assistant") {
      throw DataError(where + "unknown role '" + std::string(role) + "'; the roles are system, user and assistant");
    }
    message.role = role;
    element content;
    if (fields.at_key("content").get(content) != simdjson::SUCCESS) throw DataError(where + "missing field 'content'");
    message.content = content_of(content, where);
    if (element train; fields.at_key("train").get(train) == simdjson::SUCCESS && !train.is_null()) {
      bool value = false;
      if (train.get_bool().get(value) != simdjson::SUCCESS) throw DataError(where + "'train' is neither true nor false");
      message.train = value;
    }
    messages.push_back(std::move(message));
  }
  if (messages.empty()) throw DataError("'messages' is empty");
  return messages;
}

std::vector<std::int32_t> ids_of(const object& record, std::string_view key) {
  array list;
  if (record.at_key(key).get_array().get(list) != simdjson::SUCCESS) throw DataError("'" + std::string(key) + "' is not a list of token ids");
  std::vector<std::int32_t> ids;
  ids.reserve(list.size());
  for (const element entry : list) {
    std::int64_t id = 0;
    if (entry.get_int64().get(id) != simdjson::SUCCESS || id < std::numeric_limits<std::int32_t>::min() || id > std::numeric_limits<std::int32_t>::max()) {
      throw DataError("'" + std::string(key) + "' holds something that is not a token id at index " + std::to_string(ids.size()));
    }
    ids.push_back(static_cast<std::int32_t>(id));
  }
  return ids;
}

}  // namespace

std::string_view to_string(RecordKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

RecordKind record_kind_from(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<RecordKind>(i);
  }
  throw ConfigError("unknown kind of records '" + std::string(name) + "'; the kinds are auto, text, chat, completion, preference, prompt and tokens");
}

struct RecordParser::State {
  simdjson::dom::parser parser;
};

RecordParser::RecordParser() : state_(std::make_unique<State>()) {}
RecordParser::~RecordParser() = default;
RecordParser::RecordParser(RecordParser&&) noexcept = default;

Record RecordParser::parse(std::string_view line, RecordKind kind) {
  element root;
  if (const auto error = state_->parser.parse(line.data(), line.size()).get(root); error != simdjson::SUCCESS) {
    if (error == simdjson::UTF8_ERROR) throw DataError("invalid UTF-8");
    throw DataError("not valid JSON: " + std::string(simdjson::error_message(error)));
  }
  object fields;
  if (root.get_object().get(fields) != simdjson::SUCCESS) throw DataError("not a JSON object");
  Record record;
  record.kind = kind == RecordKind::automatic ? detect(fields) : kind;
  switch (record.kind) {
    case RecordKind::text:
      record.text = string_field(fields, "text");
      break;
    case RecordKind::chat:
      record.messages = messages_of(fields);
      break;
    case RecordKind::completion:
      record.prompt = string_field(fields, "prompt");
      record.completion = string_field(fields, "completion");
      break;
    case RecordKind::tokens:
      record.input_ids = ids_of(fields, "input_ids");
      if (element labels; fields.at_key("labels").get(labels) == simdjson::SUCCESS && !labels.is_null()) {
        record.labels = ids_of(fields, "labels");
        if (record.labels.size() != record.input_ids.size()) {
          throw DataError("'labels' has " + std::to_string(record.labels.size()) + " entries for " + std::to_string(record.input_ids.size()) +
                          " of 'input_ids'");
        }
      }
      break;
    case RecordKind::preference:
    case RecordKind::prompt:
    case RecordKind::automatic:
      break;
  }
  return record;
}

}  // namespace phidias::data
