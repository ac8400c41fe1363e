// The files of tests/golden/readers and the documents that are in them.
#pragma once

#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/json.h"

namespace phidias::data::pipeline {

inline std::string golden_path(const std::string& name) { return std::string(PHIDIAS_SOURCE_DIR) + "/tests/golden/readers/" + name; }

inline std::vector<Json> golden_documents(const std::string& name) {
  std::vector<Json> documents;
  const std::string text = read_file(golden_path(name));
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) documents.push_back(parse_json(text.substr(at, text.find('\n', at) - at), name));
  return documents;
}

}  // namespace phidias::data::pipeline
