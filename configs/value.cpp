#include "configs/value.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "configs/scalars.h"

namespace phidias::configs {

namespace {

// Error texts stay on one line and short whatever the file holds.
std::string excerpt(const std::string& text) {
  constexpr std::size_t kLongest = 60;
  std::string line;
  for (const char c : text.substr(0, kLongest)) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  if (text.size() > kLongest) {
    while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xc0) == 0x80) line.pop_back();  // not inside a UTF-8 character
    if (!line.empty() && static_cast<unsigned char>(line.back()) >= 0xc0) line.pop_back();
    line += "...";
  }
  return line;
}

}  // namespace

std::string Position::text() const { return line > 0 ? source + ":" + std::to_string(line) + ":" + std::to_string(column) : source; }

const Value* Value::find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (keys[i] == key) return &items[i];
  return nullptr;
}

Value* Value::find(std::string_view key) { return const_cast<Value*>(std::as_const(*this).find(key)); }

std::string Value::described() const {
  switch (kind) {
    case Kind::null:
      return "nothing";
    case Kind::list:
      return "a list of " + std::to_string(items.size());
    case Kind::map:
      return "a section";
    case Kind::scalar:
      break;
  }
  if (!quoted && parse_number(text)) return "the number " + excerpt(text);
  return "the text '" + excerpt(text) + "'";
}

void Problems::add(const Position& position, const std::string& key, const std::string& text) {
  problems_.push_back({position, position.text() + ": " + (key.empty() ? "" : excerpt(key) + ": ") + text});
}

void Problems::add(const Problems& others) { problems_.insert(problems_.end(), others.problems_.begin(), others.problems_.end()); }

void Problems::throw_if_any() const {
  if (problems_.empty()) return;
  std::vector<Problem> sorted = problems_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Problem& a, const Problem& b) {
    const bool a_is_placed = a.position.line > 0, b_is_placed = b.position.line > 0;
    if (a_is_placed != b_is_placed) return a_is_placed;
    return std::tie(a.position.line, a.position.column) < std::tie(b.position.line, b.position.column);
  });
  std::string text;
  for (const Problem& problem : sorted) text += (text.empty() ? "" : "\n") + problem.line;
  throw ConfigError(text);
}

}  // namespace phidias::configs
