// Input files in units: runs of consecutive documents that one thread takes whole. Units are a function of the file and unit_bytes alone, so ranks that share
// a file take some each, and a restart passes over those that are finished.
//
//   for (const InputFile& file : list_inputs(config.read, unit_bytes)) {
//     auto reader = open_units(file, unit_bytes);
//     while (reader->advance()) if (mine(reader->index())) pool.run([unit = reader->take()] { while (unit->next(document, problems)) ...; });
//   }
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/pipeline/document.h"
#include "data/pipeline/pipeline_config.h"

namespace phidias::data::pipeline {

// A document that could not be read.
struct ReadProblem {
  std::string file;
  std::int64_t line = 0;  // line or record from 1; 0: the file as a whole
  std::string what;       // "not valid JSON (unclosed string)"
};

// What could not be read, counted; the first ones are kept.
class ReadProblems {
 public:
  static constexpr std::size_t kKept = 1000;
  void push_back(ReadProblem problem) {
    ++count_;
    if (kept_.size() < kKept) kept_.push_back(std::move(problem));
  }
  std::size_t size() const { return count_; }  // of all
  bool empty() const { return count_ == 0; }
  const ReadProblem& front() const { return kept_.front(); }
  const ReadProblem& operator[](std::size_t index) const { return kept_[index]; }
  const std::vector<ReadProblem>& kept() const { return kept_; }
  auto begin() const { return kept_.begin(); }
  auto end() const { return kept_.end(); }

 private:
  std::size_t count_ = 0;
  std::vector<ReadProblem> kept_;
};

// A file of the input, or a group of small files of a folder of texts (each of which is a document).
struct InputFile {
  std::filesystem::path path;                   // as shown
  std::vector<std::filesystem::path> members;   // format text and html: the files
  InputFormat format = InputFormat::automatic;  // never automatic after list_inputs
  InputSource source;                           // its name filled in
  std::int64_t bytes = 0;                       // on disk
};

// Patterns resolved, folders walked; sorted by path within each source, so that the order of documents is the order of names. Throws DataError for a
// path that does not exist or matches nothing, and for a file whose format cannot be told.
std::vector<InputFile> list_inputs(const std::vector<InputSource>& sources, std::int64_t unit_bytes);

// Files with an ending that is not known (.csv ...) that are read as texts, a document each, because nothing told a format: a sentence with the first of them
// and how many there are; empty when there is none.
std::string doubtful_inputs(const std::vector<InputFile>& files);

// The raw content of a unit; owns what it needs, so it may go to another thread and outlive its reader.
class Unit {
 public:
  virtual ~Unit() = default;
  // Fills a cleared document (id, url, source, fields, file, line, text; annotations that an earlier pipeline wrote). False at the end. What cannot be read
  // (broken JSON, invalid UTF-8, missing or mistyped text, a line above 64 MiB) is added to `problems` and passed over. An empty text is a document.
  virtual bool next(Document& document, ReadProblems& problems) = 0;
  // Records so far that hold no document of the format, though they might have: WARC responses that are no pages or no success.
  virtual std::int64_t passed_over() const { return 0; }
};

class UnitReader {
 public:
  virtual ~UnitReader() = default;
  // To the next unit; false at the end. Cheap: parses nothing. Throws DataError when the file is damaged from here on (truncated gzip ...).
  virtual bool advance() = 0;
  virtual std::int64_t index() const = 0;    // of the present unit, from 0
  virtual std::unique_ptr<Unit> take() = 0;  // the present unit; once
  // Line or record behind the units that have been passed: where a file turned out to be damaged. 0: not known.
  virtual std::int64_t next_line() const { return 0; }
  virtual double fraction() const { return 0; }  // of the file's bytes that have been passed, for a progress line
};

// Throws DataError: no such file, Parquet without the text column ...
std::unique_ptr<UnitReader> open_units(const InputFile& file, std::int64_t unit_bytes);

}  // namespace phidias::data::pipeline
