#include "data/pipeline/read/json_document.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "data/pipeline/read/input_names.h"
#include "data/pipeline/read/json_text.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

[[noreturn]] void refuse(simdjson::error_code error, std::string_view line) {
  if (error == simdjson::UTF8_ERROR) {
    const std::size_t at = find_invalid_utf8(line);
    throw DataError("invalid UTF-8" + (at == std::string_view::npos ? std::string() : " at byte " + std::to_string(at + 1) + " of the line"));
  }
  if (error == simdjson::STRING_ERROR) throw DataError("not valid JSON: a string holds a bad escape, or half of a surrogate pair");
  throw DataError("not valid JSON: " + std::string(simdjson::error_message(error)));
}

// The one member of this name; nothing when there is none.
std::optional<element> find_once(const object& members, std::string_view name) {
  std::optional<element> found;
  for (const auto member : members) {
    if (member.key != name) continue;
    if (found) throw DataError("the member '" + std::string(name) + "' stands twice");
    found = member.value;
  }
  return found;
}

// "a.b.c": the member c of the member b of the member a.
std::optional<element> find_path(object members, std::string_view path) {
  for (std::size_t dot = path.find('.'); dot != std::string_view::npos; path.remove_prefix(dot + 1), dot = path.find('.')) {
    const std::optional<element> inner = find_once(members, path.substr(0, dot));
    if (!inner || inner->get_object().get(members) != simdjson::SUCCESS) return std::nullopt;
  }
  return find_once(members, path);
}

std::string_view text_of(const element& value, const std::string& name) {
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS) throw DataError("the member '" + name + "' is " + (value.is_null() ? "null, " : "") + "not a string");
  return text;
}

bool is_number(const element& value) {
  const element_type type = value.type();
  return type == element_type::INT64 || type == element_type::UINT64 || type == element_type::DOUBLE;
}

// Restores what an earlier pipeline wrote; false when the member is something else.
bool read_annotations(const element& value, Annotations& annotations) {
  object entries;
  if (value.get_object().get(entries) != simdjson::SUCCESS) return false;
  for (const auto entry : entries)
    if (entry.value.is_object() || entry.value.is_array()) return false;
  for (const auto entry : entries) {
    double number = std::numeric_limits<double>::quiet_NaN();
    bool truth = false;
    std::string_view text;
    if (entry.value.get_bool().get(truth) == simdjson::SUCCESS)
      annotations.set(entry.key, truth);
    else if (entry.value.get_string().get(text) == simdjson::SUCCESS)
      annotations.set(entry.key, text);
    else if (entry.value.is_null() || entry.value.get_double().get(number) == simdjson::SUCCESS)
      annotations.set(entry.key, number);
  }
  return true;
}

}  // namespace

struct JsonDocuments::State {
  explicit State(const InputFile& f) : source(f.source), file(f.path.string()), name(input_name(f, f.path)) {}

  const InputSource& source;
  std::string file, name;
  simdjson::dom::parser parser;
  std::string copy;                    // of a line whose integers are too long for the parser
  std::vector<std::string_view> keys;  // of the present line

  element parse(std::string_view line, std::size_t readable) {
    if (line.size() > parser.capacity() && parser.allocate(std::bit_ceil(std::max<std::size_t>(line.size(), 4096))) != simdjson::SUCCESS)
      throw OutOfMemory(file + ": no memory for a line of " + std::to_string(line.size()) + " bytes");
    element root;
    simdjson::error_code error = parser.parse(line.data(), line.size(), readable < line.size() + simdjson::SIMDJSON_PADDING).get(root);
    if (error == simdjson::NUMBER_ERROR) {  // also said of integers of more than 64 bits
      copy = line;
      blank_long_integers(copy);
      error = parser.parse(copy).get(root);
    }
    if (error != simdjson::SUCCESS) refuse(error, line);
    return root;
  }

  // Whether a member that is neither text nor id nor url is the pipeline's own; takes what there is to take.
  bool is_own(std::string_view key, const element& value, const object& members, Document& document) const {
    if (key == "annotations") return read_annotations(value, document.annotations());
    if (key == "kept") return value.is_bool();
    if (key == "reason") return members.at_key("kept").is_bool();
    if (key != "source") return false;
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) return false;
    return text == document.source;  // another one is the input's own affair
  }

  void keep(std::string_view key, std::string_view value, Document& document) {
    static constexpr std::string_view kOutput[] = {"id", "text", "url", "source", "kept", "reason", "annotations"};
    if (!document.fields.empty()) document.fields += ',';
    document.fields += '"';
    if (std::find(std::begin(kOutput), std::end(kOutput), key) != std::end(kOutput)) document.fields += "input_";
    ((document.fields += key) += "\":") += value;
  }

  void check_keys() {
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice != keys.end()) throw DataError("the member '" + std::string(*twice) + "' stands twice");
  }

  std::string names() const {
    std::string list;
    for (const std::string_view key : keys) list += (list.empty() ? "" : ", ") + std::string(key);
    return list.empty() ? "the object is empty" : "there are: " + list;
  }
};

JsonDocuments::JsonDocuments(const InputFile& file) : state_(std::make_unique<State>(file)) {}

JsonDocuments::~JsonDocuments() = default;

void JsonDocuments::parse(std::string_view line, std::size_t readable, std::int64_t number, Document& document) {
  State& state = *state_;
  const InputSource& source = state.source;
  object members;
  if (state.parse(line, readable).get_object().get(members) != simdjson::SUCCESS) throw DataError("not a JSON object");
  document.file = state.file;
  document.line = number;
  document.source = source.source;
  std::optional<element> text, id, url;
  std::string_view raw_id, raw_key, raw_value;
  state.keys.clear();
  RawMembers raw(line);
  for (const auto member : members) {
    raw.next(raw_key, raw_value);
    state.keys.push_back(member.key);
    if (member.key == source.text_field) {
      text = member.value;
    } else if (member.key == source.id_field) {
      id = member.value;
      raw_id = raw_value;
    } else if (member.key == source.url_field) {
      url = member.value;
    } else if (!state.is_own(member.key, member.value, members, document)) {
      state.keep(raw_key, raw_value, document);
    }
  }
  state.check_keys();
  if (!text) text = find_path(members, source.text_field);
  if (!text) throw DataError("no member '" + source.text_field + "' (" + state.names() + "); the source's text_field names the member that holds the text");
  if (!id) id = find_path(members, source.id_field);
  if (!url) url = find_path(members, source.url_field);
  if (!url) url = find_path(members, "metadata.url");
  if (url && !url->is_null()) document.url = text_of(*url, source.url_field);
  if (id && is_number(*id)) {
    document.id = raw_id.empty() ? simdjson::to_string(*id) : std::string(raw_id);
  } else if (id && !id->is_null()) {
    document.id = text_of(*id, source.id_field);
  }
  if (document.id.empty()) document.id = document.source + "/" + state.name + "/" + std::to_string(number);
  document.set_text(std::string(text_of(*text, source.text_field)));
}

}  // namespace phidias::data::pipeline
