#include "data/pipeline/decontaminate/evaluation_set.h"

#include <filesystem>

#include "base/error.h"
#include "base/json.h"
#include "data/json_objects.h"

namespace phidias::data::pipeline {
namespace {

std::string word_of(std::string name) {
  for (char& c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!plain) c = '_';
  }
  return name.empty() ? "evaluation" : name;
}

std::string set_name(const EvaluationSet& set) {
  if (!set.name.empty()) return word_of(set.name);
  const std::string file = std::filesystem::path(set.path).filename().string();
  return word_of(file.substr(0, file.find('.', 1)));
}

void append(std::string& text, std::string_view part) {
  if (!text.empty() && !part.empty()) text += ' ';
  text += part;
}

}  // namespace

std::string EvaluationItem::whole() const {
  std::string text = question;
  for (const std::string& answer : answers) append(text, answer);
  return text;
}

std::vector<EvaluationItem> read_evaluation(const std::vector<EvaluationSet>& sets) {
  std::vector<EvaluationItem> items;
  for (const EvaluationSet& set : sets) {
    const std::string name = set_name(set);
    const std::size_t before = items.size();
    for_each_json_object(set.path, [&](const JsonObject& object) {
      EvaluationItem item;
      item.set = name;
      item.name = name + "/" + text_at(object.value, set.id_field).value_or(std::to_string(object.line));
      const auto texts = [&](const std::string& field, bool required) {
        const auto found = texts_at(object.value, field);
        if (!found) throw DataError(object.where + ": field '" + field + "' is neither a text nor a list of texts");
        if (required && found->empty()) throw DataError(object.where + ": no field '" + field + "'; name the question's members in `fields`");
        return *found;
      };
      for (const std::string& field : set.fields)
        for (const std::string& text : texts(field, true)) append(item.question, text);
      for (const std::string& field : set.answers)
        for (std::string& text : texts(field, false)) item.answers.push_back(std::move(text));
      items.push_back(std::move(item));
    });
    if (items.size() == before) throw DataError(set.path + ": an evaluation set without items");
  }
  return items;
}

}  // namespace phidias::data::pipeline
