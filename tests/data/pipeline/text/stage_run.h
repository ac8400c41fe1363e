// One stage on one document.
#pragma once

#include <string>

#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

inline StageSetup setup_named(const std::string& name, std::uint64_t seed = 0) {
  StageSetup setup;
  setup.name = name;
  setup.seed = seed;
  return setup;
}

inline Document document_of(const std::string& text, const std::string& id = "1", const std::string& url = "") {
  Document document;
  document.id = id;
  document.url = url;
  document.set_text(text);
  return document;
}

inline void run(const Stage& stage, Document& document) {
  Document* documents[] = {&document};
  stage.worker()->process(documents);
}

inline Document run_on(const Stage& stage, const std::string& text) {
  Document document = document_of(text);
  run(stage, document);
  return document;
}

}  // namespace phidias::data::pipeline
