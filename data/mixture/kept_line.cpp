#include "data/mixture/kept_line.h"

#include <simdjson.h>

#include <utility>

#include "base/error.h"

namespace phidias::data::mixture {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

// Nothing for null and for what is not there.
ColumnValue value_of(const element& member, const std::string& name) {
  switch (member.type()) {
    case element_type::DOUBLE:
      return static_cast<float>(double(member));
    case element_type::INT64:
      return static_cast<float>(std::int64_t(member));
    case element_type::UINT64:
      return static_cast<float>(std::uint64_t(member));
    case element_type::BOOL:
      return bool(member) ? 1.0F : 0.0F;
    case element_type::STRING:
      return std::string(std::string_view(member));
    case element_type::NULL_VALUE:
      return {};
    default:
      throw DataError("annotation '" + name + "' is neither a number nor a text");
  }
}

}  // namespace

struct KeptLineParser::State {
  std::vector<std::string> columns;
  simdjson::dom::parser parser;
  KeptLine line;
};

KeptLineParser::KeptLineParser(std::vector<std::string> columns) : state_(std::make_unique<State>()) { state_->columns = std::move(columns); }
KeptLineParser::~KeptLineParser() = default;

const KeptLine& KeptLineParser::parse(std::string_view text) {
  KeptLine& line = state_->line;
  object document;
  if (const auto error = state_->parser.parse(text.data(), text.size()).get(document))
    throw DataError(error == simdjson::INCORRECT_TYPE ? "expected a JSON object" : std::string("not valid JSON (") + simdjson::error_message(error) + ")");
  bool kept = true;
  line.kept = document["kept"].get(kept) != simdjson::SUCCESS || kept;
  if (!line.kept) return line;
  std::string_view field;
  if (const auto error = document["text"].get(field)) throw DataError(error == simdjson::NO_SUCH_FIELD ? "the line has no text" : "'text' is not a text");
  line.text = field;
  line.text_hash = hash_string(field).low;
  line.id = line.text_hash;
  std::int64_t number = 0;
  if (document["id"].get(field) == simdjson::SUCCESS) line.id = hash_string(field).low;
  if (document["id"].get(number) == simdjson::SUCCESS) line.id = hash_string(std::to_string(number)).low;
  object annotations;
  const bool annotated = document["annotations"].get(annotations) == simdjson::SUCCESS;
  line.values.assign(state_->columns.size(), {});
  for (std::size_t c = 0; c < state_->columns.size(); ++c) {
    const std::string& name = state_->columns[c];
    element member;
    if ((annotated && annotations[name].get(member) == simdjson::SUCCESS) || document[name].get(member) == simdjson::SUCCESS)
      line.values[c] = value_of(member, name);
  }
  return line;
}

std::vector<std::string> KeptLineParser::names(std::string_view text) {
  object document, annotations;
  if (state_->parser.parse(text.data(), text.size()).get(document)) return {};
  if (document["annotations"].get(annotations) == simdjson::SUCCESS) document = annotations;
  std::vector<std::string> names;
  for (const auto& member : document)
    if (member.key != "text" && member.key != "id") names.emplace_back(member.key);
  return names;
}

}  // namespace phidias::data::mixture
