// The pages of tests/golden/text/pages.cases, written for the project:
//
//   === name
//   the page
//   --- kept      what has to be in the text, one line each: decided before there was a text
//   --- gone      what must not be
//   --- text      the whole text, read through by hand
#pragma once

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace phidias::data::pipeline {

struct PageCase {
  std::string name, html, text;
  std::vector<std::string> kept, gone;
};

inline std::vector<PageCase> page_cases() {
  std::ifstream file(std::string(PHIDIAS_SOURCE_DIR) + "/tests/golden/text/pages.cases");
  if (!file) throw std::runtime_error("tests/golden/text/pages.cases is missing");
  std::vector<PageCase> cases;
  std::string line, part;
  while (std::getline(file, line)) {
    if (line.starts_with("=== ")) {
      cases.push_back({.name = line.substr(4)});
      part = "html";
    } else if (line == "--- kept" || line == "--- gone" || line == "--- text") {
      part = line.substr(4);
    } else if (part == "html") {
      cases.back().html += line + "\n";
    } else if (part == "text") {
      cases.back().text += (cases.back().text.empty() ? "" : "\n") + line;
    } else if (!line.empty()) {
      (part == "kept" ? cases.back().kept : cases.back().gone).push_back(line);
    }
  }
  return cases;
}

}  // namespace phidias::data::pipeline
