// The visitor that makes a reference page: a table of keys per section, from the same lists of fields that the reader follows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "configs/field_codec.h"
#include "configs/named.h"

namespace phidias::configs {

// "|" would end a table cell.
inline std::string table_cell(const std::string& text) {
  std::string escaped;
  for (const char c : text) escaped += c == '|' ? "\\|" : std::string(1, c);
  return escaped;
}

class Documenter {
 public:
  // What a list of structs is called where a row names its type.
  explicit Documenter(std::string list_type = "a list of sources") : list_type_(std::move(list_type)) {}

  template <class T>
  void field(T& member, const Field& field) {
    row(field, describe_type(member, field), print_value(member, field));
  }

  template <class Struct>
    requires requires(Struct& s, Documenter& documenter) { visit(s, documenter); }
  void field(std::vector<Struct>&, const Field& field) {
    row(field, list_type_, "[]");
    if (has_element_) return;  // the same struct for every list of a section: told once
    has_element_ = true;
    Documenter element(list_type_);
    element.prefix_ = prefix_ + std::string(field.key) + "[].";
    Struct example;
    visit(example, element);
    rows_ += element.rows_;
  }

  template <class Struct>
  void field(Named<Struct>&, const Field& field) {
    row(field, "a section, `name: {...}`", "{}");
    Documenter element(list_type_);
    element.prefix_ = prefix_ + std::string(field.key) + ".NAME.";
    Struct example;
    visit(example, element);
    rows_ += element.rows_;
  }

  template <class Struct>
  void section(Struct& member, const Field& field) {
    const std::string name(field.key);
    Documenter inner(list_type_);
    inner.is_section_ = true;
    if (is_section_) inner.prefix_ = name + ".";
    visit(member, inner);
    if (is_section_)
      rows_ += inner.rows_;  // a section inside a section: its keys stand in the outer one's table
    else
      sections += "\n## " + name + ": " + std::string(field.doc) + "\n\n" + std::string(kTableHead) + inner.table();
  }

  void first_key(const std::string&) {}

  // All keys of what is visited stand in one table, also those of its sections.
  Documenter& as_one_table() {
    is_section_ = true;
    return *this;
  }

  const std::string& table() const { return rows_; }

  static constexpr std::string_view kTableHead = "| key | value | default | meaning |\n|---|---|---|---|\n";
  std::string sections;

 private:
  void row(const Field& field, const std::string& type, const std::string& default_value) {
    std::string shown = default_value == "null" ? "-" : "`" + default_value + "`";
    if (!field.default_text.empty()) shown = field.default_text;
    if (field.required) shown = "**required**";
    rows_ +=
        "| `" + prefix_ + std::string(field.key) + "` | " + table_cell(type) + " | " + table_cell(shown) + " | " + table_cell(std::string(field.doc)) + " |\n";
  }

  std::string list_type_, prefix_, rows_;
  bool has_element_ = false, is_section_ = false;
};

}  // namespace phidias::configs
