// A parsed YAML document as plain values with positions, and the list of problems found in it.
//
// Everything that reads configuration works on these; the YAML library itself is seen by yaml_document.cpp alone.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace phidias::configs {

// Where a value was written: a file with line and column from 1, or a whole source ("override 3") with line 0.
struct Position {
  std::string source;
  int line = 0, column = 0;
  std::string text() const;  // "recipe.yaml:12:3", "override 3", "recipe.yaml"
};

struct Value {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  Position position;
  std::string text;               // scalar
  bool quoted = false;            // scalar: written in quotes, so never a number, a truth value or null
  std::vector<std::string> keys;  // map: keys[i] belongs to items[i], written at key_positions[i]
  std::vector<Position> key_positions;
  std::vector<Value> items;  // list and map

  bool is_null() const { return kind == Kind::null; }
  const Value* find(std::string_view key) const;  // map; nullptr when absent
  Value* find(std::string_view key);
  std::string described() const;  // "the text 'abc'", "the number 3", "a list of 2", "a section", "nothing"
};

// Collects every mistake, so that one run of the program shows all of them.
class Problems {
 public:
  // `key` is the full key path ("optimizer.learning_rate") or empty.
  void add(const Position& position, const std::string& key, const std::string& text);
  void add(const Problems& others);
  bool empty() const { return problems_.empty(); }
  std::size_t size() const { return problems_.size(); }
  // Throws ConfigError with one line per problem, those of the file first and in its order.
  void throw_if_any() const;

 private:
  struct Problem {
    Position position;
    std::string line;
  };
  std::vector<Problem> problems_;
};

}  // namespace phidias::configs
