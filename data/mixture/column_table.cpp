#include "data/mixture/column_table.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"

namespace phidias::data::mixture {
namespace {

constexpr char kMagic[8] = {'P', 'H', 'I', 'D', 'C', 'O', 'L', '1'};
constexpr std::size_t kMostTexts = 4096;
constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

struct Header {
  char magic[8] = {};
  std::uint64_t meta_bytes = 0, documents = 0, file_bytes = 0;
  Hash128 check;  // of the fields above
};
static_assert(sizeof(Header) == 48);

std::uint64_t padded(std::uint64_t bytes) { return (bytes + 7) / 8 * 8; }
Hash128 check_of(const Header& header) { return hash_bytes(&header, sizeof(Header) - sizeof(Hash128)); }

template <typename T>
void put(std::string& out, const std::vector<T>& values) {
  out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  out.append(padded(out.size()) - out.size(), '\0');
}

const char* type_name(Column::Type type) { return type == Column::Type::number ? "number" : type == Column::Type::text ? "text" : "none"; }

// Fixes the type of a column that had no value yet; earlier rows lack it.
void become(Column& column, Column::Type type, std::size_t rows) {
  if (column.type == type) return;
  if (column.type != Column::Type::unknown)
    throw DataError("annotation '" + column.name + "' is a " + type_name(type) + " here and a " + type_name(column.type) + " elsewhere");
  column.type = type;
  if (type == Column::Type::number) column.numbers.assign(rows, kMissing);
  if (type == Column::Type::text) column.codes.assign(rows, -1);
}

std::int32_t code_of(Column& column, const std::string& text) {
  const auto found = std::find(column.dictionary.begin(), column.dictionary.end(), text);
  if (found == column.dictionary.end()) {
    if (column.dictionary.size() == kMostTexts)
      throw DataError("annotation '" + column.name + "' has more than " + std::to_string(kMostTexts) + " different texts: nothing to choose documents by");
    column.dictionary.push_back(text);
    return static_cast<std::int32_t>(column.dictionary.size()) - 1;
  }
  return static_cast<std::int32_t>(found - column.dictionary.begin());
}

}  // namespace

ColumnTable::ColumnTable(const std::vector<std::string>& names) {
  for (const std::string& name : names) columns_.push_back({.name = name, .numbers = {}, .codes = {}, .dictionary = {}});
}

void ColumnTable::add(std::uint64_t id, std::uint64_t text, const std::vector<ColumnValue>& values, std::int64_t rows) {
  const std::size_t before = ids_.size(), count = static_cast<std::size_t>(rows);
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    Column& column = columns_[c];
    const auto* number = std::get_if<float>(&values[c]);
    const auto* word = std::get_if<std::string>(&values[c]);
    if (number != nullptr) become(column, Column::Type::number, before);
    if (word != nullptr) become(column, Column::Type::text, before);
  }
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    Column& column = columns_[c];
    const auto* number = std::get_if<float>(&values[c]);
    const auto* word = std::get_if<std::string>(&values[c]);
    if (column.type == Column::Type::number) column.numbers.insert(column.numbers.end(), count, number != nullptr ? *number : kMissing);
    if (column.type == Column::Type::text) column.codes.insert(column.codes.end(), count, word != nullptr ? code_of(column, *word) : -1);
  }
  ids_.insert(ids_.end(), count, id);
  texts_.insert(texts_.end(), count, text);
}

void ColumnTable::append(const ColumnTable& other) {
  const std::size_t before = ids_.size(), rows = other.ids_.size();
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    Column& column = columns_[c];
    const Column& more = other.columns_[c];
    if (more.type != Column::Type::unknown) become(column, more.type, before);
    if (column.type == Column::Type::number) {
      column.numbers.insert(column.numbers.end(), more.numbers.begin(), more.numbers.end());
      column.numbers.resize(before + rows, kMissing);
    } else if (column.type == Column::Type::text) {
      std::vector<std::int32_t> codes;
      for (const std::string& word : more.dictionary) codes.push_back(code_of(column, word));
      for (const std::int32_t code : more.codes) column.codes.push_back(code < 0 ? -1 : codes[static_cast<std::size_t>(code)]);
      column.codes.resize(before + rows, -1);
    }
  }
  ids_.insert(ids_.end(), other.ids_.begin(), other.ids_.end());
  texts_.insert(texts_.end(), other.texts_.begin(), other.texts_.end());
}

const Column* ColumnTable::find(std::string_view name) const {
  const auto found = std::find_if(columns_.begin(), columns_.end(), [&](const Column& column) { return column.name == name; });
  return found == columns_.end() ? nullptr : &*found;
}

Hash128 ColumnTable::write(const std::filesystem::path& path, const std::string& key) const {
  OrderedJson meta = {{"key", key}, {"columns", OrderedJson::array()}};
  for (const Column& column : columns_) {
    OrderedJson entry = {{"name", column.name}, {"type", type_name(column.type)}};
    if (column.type == Column::Type::text) entry["values"] = column.dictionary;
    meta["columns"].push_back(std::move(entry));
  }
  const std::string text = meta.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  std::string body = text;
  body.append(padded(body.size()) - body.size(), '\0');
  put(body, ids_);
  put(body, texts_);
  for (const Column& column : columns_) {
    if (column.type == Column::Type::number) put(body, column.numbers);
    if (column.type == Column::Type::text) put(body, column.codes);
  }
  Header header;
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.meta_bytes = text.size();
  header.documents = ids_.size();
  header.file_bytes = sizeof(Header) + body.size() + sizeof(Hash128);
  header.check = check_of(header);
  const Hash128 hash = hash_string(body);
  AtomicFile file(path);
  file.write(&header, sizeof(header));
  file.write(body);
  file.write(&hash, sizeof(hash));
  file.commit();
  return hash;
}

// Walks the bytes of a file; every length is checked before it is used.
struct ColumnFileReader {
  std::string_view bytes;
  const std::string& where;
  std::size_t at = sizeof(Header);

  [[noreturn]] void damaged(const std::string& what) const { throw DataError(where + ": damaged table of annotations (" + what + "); tokenise it anew"); }

  template <typename T>
  std::vector<T> array(std::uint64_t count) {
    const std::uint64_t size = count * sizeof(T);  // count is at most the file's size
    if (padded(size) > bytes.size() - at) damaged("it ends early");
    std::vector<T> values(count);
    if (size > 0) std::memcpy(values.data(), bytes.data() + at, size);
    at += padded(size);
    return values;
  }

  Column column(const Json& described, std::uint64_t documents) {
    Column column{.name = described.at("name").get<std::string>(), .numbers = {}, .codes = {}, .dictionary = {}};
    const auto type = described.at("type").get<std::string>();
    if (type == "number") {
      column.type = Column::Type::number;
      column.numbers = array<float>(documents);
    } else if (type == "text") {
      column.type = Column::Type::text;
      column.dictionary = described.at("values").get<std::vector<std::string>>();
      column.codes = array<std::int32_t>(documents);
      for (const std::int32_t code : column.codes)
        if (code < -1 || code >= static_cast<std::int32_t>(column.dictionary.size())) damaged("a code without a text");
    } else if (type != "none") {
      damaged("a column of type '" + type + "'");
    }
    return column;
  }

  StoredColumns read() {
    Header header;
    if (bytes.size() < sizeof(Header) + sizeof(Hash128) || std::memcmp(bytes.data(), kMagic, sizeof(kMagic)) != 0)
      throw DataError(where + ": no table of annotations of this program");
    std::memcpy(&header, bytes.data(), sizeof(Header));
    if (check_of(header) != header.check || header.file_bytes != bytes.size()) damaged("header or size");
    StoredColumns stored;
    std::memcpy(&stored.content_hash, bytes.data() + bytes.size() - sizeof(Hash128), sizeof(Hash128));
    bytes.remove_suffix(sizeof(Hash128));
    if (hash_bytes(bytes.data() + sizeof(Header), bytes.size() - sizeof(Header)) != stored.content_hash) damaged("its contents do not match their hash");
    if (header.meta_bytes > bytes.size() - at || padded(header.meta_bytes) > bytes.size() - at || header.documents > bytes.size()) damaged("counts");
    try {
      const Json meta = parse_json(bytes.substr(at, header.meta_bytes), where);
      at += padded(header.meta_bytes);
      stored.key = meta.at("key").get<std::string>();
      stored.table.ids_ = array<std::uint64_t>(header.documents);
      stored.table.texts_ = array<std::uint64_t>(header.documents);
      for (const Json& described : meta.at("columns")) stored.table.columns_.push_back(column(described, header.documents));
    } catch (const Json::exception& error) {
      damaged(error.what());
    }
    if (at != bytes.size()) damaged("bytes left over");
    return stored;
  }
};

StoredColumns parse_columns(std::string_view bytes, const std::string& where) { return ColumnFileReader{bytes, where}.read(); }

StoredColumns read_columns(const std::filesystem::path& path) {
  const MappedFile file(path);
  return parse_columns(file.text(), path.string());
}

}  // namespace phidias::data::mixture
