// Documents as lines and as Parquet shards.
//
// A line: {"id", "text", "url"?, "source", <the input's other fields>, "kept": true, "annotations": {...}}. Of a dropped document: "kept": false and
// "reason"; "text" and other fields only where whole documents are asked for. Reading such a line gives the same document back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "data/pipeline/document.h"

namespace phidias::data::pipeline {

struct LineContent {
  bool text = true;  // text, url and the input's other fields
  bool annotations = true;
};

// Appends the line with its line end. An annotation that is not a finite number is written as null and reads back as "not a number".
void append_document_line(const Document& document, const LineContent& content, std::string& out);

// The object of the member "annotations".
void append_annotations(const Annotations& annotations, std::string& out);

// Columns id, text, url, source, kept, reason, annotations (JSON), fields (JSON object). The same documents give the same bytes.
class ParquetShard {
 public:
  // Throws DataError when the Parquet plug-in cannot be loaded or the file not written. Written atomically: appears at finish().
  static std::unique_ptr<ParquetShard> create(const std::filesystem::path& path, const LineContent& content, int level);
  virtual ~ParquetShard() = default;
  virtual void add(const Document& document) = 0;
  virtual void finish() = 0;
};

}  // namespace phidias::data::pipeline
