// Texts with places to fill: "Explain {topic} to {audience}."
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace phidias::data {

struct PromptValues {
  std::string_view topic, audience, style, seed;
};

class PromptTemplate {
 public:
  // Throws ConfigError: an unknown place, a brace without its partner.
  explicit PromptTemplate(std::string_view text);
  std::string fill(const PromptValues& values) const;
  bool uses(std::string_view place) const;  // "topic", "audience", "style", "seed"

 private:
  struct Part {
    std::string text;
    std::string_view place;  // empty: literal text
  };
  std::vector<Part> parts_;
};

}  // namespace phidias::data
