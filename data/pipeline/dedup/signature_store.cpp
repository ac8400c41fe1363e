#include "data/pipeline/dedup/signature_store.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.h"
#include "base/hash.h"
#include "data/pipeline/dedup/exchange.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::array<char, 8> kMagic{'P', 'H', 'D', 'S', 'T', 'O', 'R', 'E'};
constexpr std::uint64_t kVersion = 1;

struct Header {
  std::array<char, 8> magic = kMagic;
  std::uint64_t version = kVersion;
  Hash128 parameters;
  std::uint64_t records = 0, content_bytes = 0;
  Hash128 content;
};
static_assert(sizeof(Header) == 64);

// One unit's surviving records in a rank's file: lengths, then bytes.
struct Piece {
  std::int64_t first, rank, offset, records, bytes;
};

std::string_view bytes_of(const std::uint64_t& value) { return {reinterpret_cast<const char*>(&value), sizeof value}; }

std::vector<Piece> write_pieces(const std::filesystem::path& path, const Collected& collected, const std::function<bool(std::int64_t)>& survives) {
  AtomicFile file(path);
  std::vector<Piece> pieces;
  std::int64_t offset = 0;
  for (const CollectedUnit& unit : collected.units) {
    std::string lengths, content;
    for (std::size_t i = 0; i < unit.records.size(); ++i) {
      if (unit.records[i].empty() || !survives(unit.first_document + static_cast<std::int64_t>(i))) continue;
      const std::uint64_t length = unit.records[i].size();
      lengths += bytes_of(length);
      content += unit.records[i];
    }
    file.write(lengths);
    file.write(content);
    pieces.push_back({unit.first_document, collected.group->rank(), offset, static_cast<std::int64_t>(lengths.size() / sizeof(std::uint64_t)),
                      static_cast<std::int64_t>(content.size())});
    offset += static_cast<std::int64_t>(lengths.size() + content.size());
  }
  file.commit();
  return pieces;
}

// Hands the bytes of the record list to `write`, piece after piece.
template <class Write>
void stream_records(std::span<const Piece> pieces, std::span<const MappedFile> files, std::uint64_t records, Write&& write) {
  write(bytes_of(records));
  std::uint64_t end = 0;
  std::string ends;
  for (const Piece& piece : pieces) {
    const std::string_view lengths = files[static_cast<std::size_t>(piece.rank)].text().substr(static_cast<std::size_t>(piece.offset));
    ends.clear();
    for (std::int64_t i = 0; i < piece.records; ++i) {
      std::uint64_t length = 0;
      std::memcpy(&length, lengths.data() + static_cast<std::size_t>(i) * sizeof length, sizeof length);
      end += length;
      ends += bytes_of(end);
    }
    write(std::string_view(ends));
  }
  for (const Piece& piece : pieces)
    write(files[static_cast<std::size_t>(piece.rank)].text().substr(
        static_cast<std::size_t>(piece.offset) + static_cast<std::size_t>(piece.records) * sizeof(std::uint64_t), static_cast<std::size_t>(piece.bytes)));
}

void assemble(const std::filesystem::path& path, const std::string& parameters, std::span<const Piece> pieces, std::span<const MappedFile> files) {
  Header header;
  header.parameters = hash_string(parameters);
  for (const Piece& piece : pieces) header.records += static_cast<std::uint64_t>(piece.records);
  Hasher hasher;
  stream_records(pieces, files, header.records, [&](std::string_view bytes) {
    hasher.update(bytes);
    header.content_bytes += bytes.size();
  });
  header.content = hasher.digest();
  std::filesystem::create_directories(path.parent_path());
  AtomicFile file(path);
  file.write(&header, sizeof header);
  stream_records(pieces, files, header.records, [&](std::string_view bytes) { file.write(bytes); });
  file.commit();
}

}  // namespace

RecordListView read_store(std::string_view bytes, const std::string& where, const std::string& parameters) {
  Header header;
  if (bytes.size() < sizeof header) throw DataError(where + " is truncated: it has no header; write it again");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kMagic) throw DataError(where + " is no signature store");
  if (header.version != kVersion)
    throw DataError(where + " has version " + std::to_string(header.version) + ", this program reads version " + std::to_string(kVersion) + "; write it again");
  if (header.parameters != hash_string(parameters))
    throw DataError(where + " was made with other settings than this stage's (" + parameters + "); write it again with the same settings");
  const std::string_view content = bytes.substr(sizeof header);
  if (content.size() != header.content_bytes)
    throw DataError(where + " is truncated: " + std::to_string(content.size()) + " bytes of " + std::to_string(header.content_bytes) + "; write it again");
  if (hash_string(content) != header.content) throw DataError(where + " is damaged: its content does not fit its checksum; write it again");
  const RecordListView records(content);
  if (records.size() != header.records) throw DataError(where + " is damaged: the number of its records is not the header's; write it again");
  return records;
}

SignatureStore::SignatureStore(const std::filesystem::path& path, const std::string& parameters)
    : file_(path), records_(read_store(file_.text(), "signature store " + path.string(), parameters)) {}

std::filesystem::path store_path(const std::string& directory, const std::string& stage) { return std::filesystem::path(directory) / (stage + ".signatures"); }

std::vector<SignatureStore> open_stores(const std::vector<std::string>& directories, const std::string& stage, const std::string& parameters) {
  std::vector<SignatureStore> stores;
  for (const std::string& directory : directories) stores.emplace_back(store_path(directory, stage), parameters);
  return stores;
}

void write_store(const std::string& directory, const std::string& stage, const std::string& parameters, const Collected& collected,
                 const std::function<bool(std::int64_t)>& survives) {
  parallel::Communicator& group = *collected.group;
  const auto piece_path = [&](int rank) { return collected.scratch / ("survivors." + std::to_string(rank)); };
  std::vector<Piece> pieces = gather_all<Piece>(group, write_pieces(piece_path(group.rank()), collected, survives));
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return std::pair(a.first, a.records) < std::pair(b.first, b.records); });
  group.barrier();
  std::string failure;
  if (group.rank() == 0) {
    try {
      std::vector<MappedFile> files;
      for (int rank = 0; rank < group.size(); ++rank) files.emplace_back(piece_path(rank));
      assemble(store_path(directory, stage), parameters, pieces, files);
    } catch (const std::exception& error) {
      failure = error.what();
    }
  }
  failure = parallel::broadcast_string(group, failure);
  if (!failure.empty()) throw DataError("signatures cannot be written: " + failure);
}

}  // namespace phidias::data::pipeline
