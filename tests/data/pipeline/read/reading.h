// Whole inputs read in one go, for tests: documents as comparable values, and what could not be read.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/pipeline/read/document_output.h"
#include "data/pipeline/read/unit_reader.h"

namespace phidias::data::pipeline {

struct Reading {
  std::vector<Document> documents;
  ReadProblems problems;
  std::int64_t units = 0, passed_over = 0;

  // What is read, as lines of output: equal lines are equal documents but for file and line.
  std::string lines() const {
    std::string text;
    for (const Document& document : documents) append_document_line(document, {}, text);
    return text;
  }
};

// Adds one unit's documents to `reading`.
inline void read_unit(Unit& unit, Reading& reading) {
  for (;;) {
    Document document;
    if (!unit.next(document, reading.problems)) return;
    reading.documents.push_back(std::move(document));
  }
}

// `mine`: which units are taken.
inline Reading read_inputs(
    const std::vector<InputSource>& sources, std::int64_t unit_bytes = 8 << 20,
    const std::function<bool(std::int64_t)>& mine = [](std::int64_t) { return true; }) {
  Reading reading;
  for (const InputFile& file : list_inputs(sources, unit_bytes)) {
    const auto reader = open_units(file, unit_bytes);
    while (reader->advance()) {
      ++reading.units;
      if (!mine(reader->index())) continue;
      const auto unit = reader->take();
      read_unit(*unit, reading);
      reading.passed_over += unit->passed_over();
    }
  }
  return reading;
}

inline Reading read_input(const std::string& path, std::int64_t unit_bytes = 8 << 20) { return read_inputs({{.path = path}}, unit_bytes); }

}  // namespace phidias::data::pipeline
