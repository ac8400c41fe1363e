#include "data/synthetic/prompts_template.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace phidias::data {
namespace {

constexpr std::array<std::string_view, 4> kPlaces = {"topic", "audience", "style", "seed"};

}  // namespace

PromptTemplate::PromptTemplate(std::string_view text) {
  std::string literal;
  const auto close = [&] {
    if (!literal.empty()) parts_.push_back({literal, {}});
    literal.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c == '{' || c == '}') && i + 1 < text.size() && text[i + 1] == c) {
      literal += c;
      ++i;
    } else if (c == '}') {
      throw ConfigError("'}' without '{' in the template '" + std::string(text) + "'; a brace itself is written twice");
    } else if (c == '{') {
      const std::size_t end = text.find('}', i);
      if (end == std::string_view::npos) throw ConfigError("'{' without '}' in the template '" + std::string(text) + "'; a brace itself is written twice");
      const std::string_view name = text.substr(i + 1, end - i - 1);
      const auto place = std::find(kPlaces.begin(), kPlaces.end(), name);
      if (place == kPlaces.end()) throw ConfigError("a template has no place {" + std::string(name) + "}; there are {topic}, {audience}, {style} and {seed}");
      close();
      parts_.push_back({{}, *place});
      i = end;
    } else {
      literal += c;
    }
  }
  close();
}

std::string PromptTemplate::fill(const PromptValues& values) const {
  std::string filled;
  for (const Part& part : parts_) {
    if (part.place.empty()) filled += part.text;
    if (part.place == "topic") filled += values.topic;
    if (part.place == "audience") filled += values.audience;
    if (part.place == "style") filled += values.style;
    if (part.place == "seed") filled += values.seed;
  }
  return filled;
}

bool PromptTemplate::uses(std::string_view place) const {
  return std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) { return part.place == place; });
}

}  // namespace phidias::data
