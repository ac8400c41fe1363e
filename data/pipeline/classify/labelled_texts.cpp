#include "data/pipeline/classify/labelled_texts.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/json.h"
#include "data/line_blocks.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::int64_t kBlockBytes = 4 << 20;

// The shortest text that reads back to the number: 3 for 3.0.
std::string number_text(double number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

std::string class_of(double number, const TrainClassifierConfig& config) {
  const auto index = static_cast<std::size_t>(std::upper_bound(config.bins.begin(), config.bins.end(), number) - config.bins.begin());
  return config.bin_names.empty() ? std::to_string(index) : config.bin_names[index];
}

std::string label_of(const Json& value, const TrainClassifierConfig& config) {
  std::string label;
  if (value.is_string())
    label = value.get<std::string>();
  else if (value.is_number())
    label = number_text(value.get<double>());
  else if (value.is_boolean())
    label = value.get<bool>() ? "true" : "false";
  else
    throw DataError("a label is a text, a number or a truth value");
  if (!config.bins.empty()) {
    double number = 0;
    if (!label_number(label, number)) throw DataError("the label '" + label + "' is no number and cannot be cut into classes (bins)");
    return class_of(number, config);
  }
  // fastText reads labels as words.
  if (label.empty() || label.find_first_of(std::string_view(" \t\r\n\v\f\0", 7)) != std::string::npos)
    throw DataError("the label '" + label + "' is empty or holds white space");
  return label;
}

const Json& member(const Json& line, const std::string& name) {
  if (!line.is_object()) throw DataError("not a JSON object");
  const auto found = line.find(name);
  if (found == line.end()) throw DataError("no member \"" + name + "\"");
  return *found;
}

void read_line(std::string_view line, const LabelledSource& source, const TrainClassifierConfig& config,
               const std::function<void(std::string_view, const std::string&)>& visit) {
  const Json json = Json::parse(line, nullptr, false);
  if (json.is_discarded()) throw DataError("not valid JSON");
  const Json& text = member(json, source.text_field);
  if (!text.is_string()) throw DataError("\"" + source.text_field + "\" is not a text");
  const std::string label = label_of(member(json, source.label_field), config);
  visit(text.get_ref<const std::string&>(), label);
}

}  // namespace

LabelledCounts read_labelled_texts(const TrainClassifierConfig& config, const std::function<void(std::string_view text, const std::string& label)>& visit) {
  LabelledCounts counts;
  const auto refuse = [&](const std::string& what) {
    if (config.on_error == configs::OnError::stop) throw DataError(what + " (on_error: skip passes such lines over)");
    if (counts.skipped++ == 0) counts.first_skipped = what;
  };
  for (const LabelledSource& source : config.input) {
    LineBlocks blocks(source.path, kBlockBytes);
    while (const std::optional<LineBlock> block = blocks.next()) {
      if (block->oversized_bytes > 0) refuse(source.path + ":" + std::to_string(block->first_line) + ": a line longer than 64 MiB");
      for_each_line(*block, [&](std::int64_t number, std::string_view line) {
        std::string problem;
        try {
          read_line(line, source, config, visit);
          ++counts.texts;
          return;
        } catch (const DataError& error) {
          problem = error.what();
        }
        refuse(source.path + ":" + std::to_string(number) + ": " + problem);
      });
    }
  }
  return counts;
}

}  // namespace phidias::data::pipeline
