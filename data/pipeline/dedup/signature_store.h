// What one pipeline leaves for the next: the records of the documents that a duplicate stage let stand, so that a later dump can be compared with them.
//
//   std::vector<SignatureStore> earlier = open_stores(config.against, name(), parameters);
//   write_store(config.write_signatures, name(), parameters, collected, survives);
//
// <directory>/<stage name>.signatures: a header of 64 bytes (magic "PHDSTORE", version, hash of the stage's parameters, number of records, bytes of content,
// XXH3-128 of content; little endian), then a record list (data/pipeline/record_list.h) in the order of the documents. The file appears whole or not at
// all, and its bytes do not depend on ranks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"
#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

class SignatureStore {
 public:
  // Throws DataError for a file that is missing, truncated, damaged, of another version, or made with other parameters.
  SignatureStore(const std::filesystem::path& path, const std::string& parameters);
  const RecordListView& records() const { return records_; }

 private:
  MappedFile file_;
  RecordListView records_;
};

// The records in the bytes of a store; `where` names it in errors, which are those of SignatureStore.
RecordListView read_store(std::string_view bytes, const std::string& where, const std::string& parameters);

std::filesystem::path store_path(const std::string& directory, const std::string& stage);
std::vector<SignatureStore> open_stores(const std::vector<std::string>& directories, const std::string& stage, const std::string& parameters);

// Collective: gathers through files in collected.scratch; rank 0 writes. `survives(number)` is asked on the rank that holds the document.
void write_store(const std::string& directory, const std::string& stage, const std::string& parameters, const Collected& collected,
                 const std::function<bool(std::int64_t document)>& survives);

}  // namespace phidias::data::pipeline
