// The visitor that writes a struct as YAML which reads back to an equal struct.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "configs/field_codec.h"

namespace phidias::configs {

class Writer {
 public:
  explicit Writer(int indent = 0) : indent_(indent) {}

  template <class T>
  void field(T& member, const Field& field) {
    add(field, " " + print_value(member, field));
  }

  template <class Struct>
    requires requires(Struct& s, Writer& writer) { visit(s, writer); }
  void field(std::vector<Struct>& member, const Field& field) {
    if (member.empty()) return add(field, " []");
    std::string list;
    for (Struct& element : member) {
      Writer writer;
      visit(element, writer);
      list += "\n" + std::string(static_cast<std::size_t>(indent_) + 2, ' ') + "- " + writer.flow();
    }
    add(field, list);
  }

  template <class Struct>
  void section(Struct& member, const Field& field) {
    Writer writer(indent_ + 2);
    visit(member, writer);
    std::string text = "\n" + writer.text();
    text.pop_back();
    add(field, text);
  }

  // That key is written before the others: its place has a meaning.
  void first_key(const std::string& key) { first_ = key; }

  std::string text() const {  // block style, one key a line
    std::string text;
    for (const auto& [key, value] : ordered()) text += std::string(static_cast<std::size_t>(indent_), ' ') + key + ":" + value + "\n";
    return text;
  }
  std::string flow() const {  // "{path: a.jsonl, weight: 1}"
    std::string text;
    for (const auto& [key, value] : ordered()) text += (text.empty() ? "{" : ", ") + key + ":" + value;
    return text + "}";
  }

 private:
  using Line = std::pair<std::string, std::string>;

  void add(const Field& field, std::string value) { lines_.emplace_back(field.key, std::move(value)); }

  std::vector<Line> ordered() const {
    std::vector<Line> lines = lines_;
    std::stable_partition(lines.begin(), lines.end(), [&](const Line& line) { return line.first == first_; });
    return lines;
  }

  int indent_;
  std::string first_;
  std::vector<Line> lines_;
};

// The same on one line, sections inside braces: "{name: a, when: {language: [en], source: []}}".
class FlowWriter {
 public:
  template <class T>
  void field(T& member, const Field& field) {
    add(field, print_value(member, field));
  }

  template <class Struct>
    requires requires(Struct& s, FlowWriter& writer) { visit(s, writer); }
  void field(std::vector<Struct>& member, const Field& field) {
    std::string list;
    for (Struct& element : member) {
      FlowWriter writer;
      visit(element, writer);
      list += (list.empty() ? "" : ", ") + writer.flow();
    }
    add(field, "[" + list + "]");
  }

  template <class Struct>
  void section(Struct& member, const Field& field) {
    FlowWriter writer;
    visit(member, writer);
    add(field, writer.flow());
  }

  void first_key(const std::string&) {}
  std::string flow() const { return "{" + text_ + "}"; }

 private:
  void add(const Field& field, const std::string& value) { text_ += (text_.empty() ? "" : ", ") + std::string(field.key) + ": " + value; }
  std::string text_;
};

}  // namespace phidias::configs
