// What a pipeline knows of one finished unit after a segment, in one file that appears whole or not at all.
//
// File: magic "PHIDUNI1", XXH3-128 of the rest, number of sections, per section (length of name, name, length u64), contents back to back.
//
//   UnitFileWriter writer; writer.add("counts", json); writer.commit(path);
//   if (auto unit = UnitFile::open(path)) use(unit->section("counts"));      // nothing: not there, or damaged: the unit is done again
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/atomic_file.h"

namespace phidias::data::pipeline {

class UnitFileWriter {
 public:
  void add(std::string name, std::string content) { sections_.emplace_back(std::move(name), std::move(content)); }
  void commit(const std::filesystem::path& path) const;  // throws DataError

 private:
  std::vector<std::pair<std::string, std::string>> sections_;
};

class UnitFile {
 public:
  static std::optional<UnitFile> open(const std::filesystem::path& path);
  // The same; throws DataError when it is not there or damaged.
  static UnitFile require(const std::filesystem::path& path);
  // Empty when there is no such section. Views into the mapped file.
  std::string_view section(std::string_view name) const;

 private:
  explicit UnitFile(MappedFile file) : file_(std::move(file)) {}
  MappedFile file_;
  std::map<std::string, std::string_view, std::less<>> sections_;
};

// zstd frames. `decompress` takes several back to back. Throws DataError when they are damaged.
std::string compress(std::string_view content, int level);
std::string decompress(std::string_view frames);

}  // namespace phidias::data::pipeline
