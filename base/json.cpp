#include "base/json.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"

namespace phidias {
namespace {

struct Position {
  std::size_t line, column;  // from 1; columns count bytes
};

Position position_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const std::size_t newline = before.rfind('\n');
  return {static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1,
          newline == std::string_view::npos ? before.size() + 1 : before.size() - newline};
}

[[noreturn]] void fail(std::string_view text, std::string_view where, std::size_t offset, const std::string& problem) {
  const Position position = position_of(text, offset);
  throw DataError(std::string(where) + ":" + std::to_string(position.line) + ":" + std::to_string(position.column) + ": " + problem);
}

// "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error ..." -> "syntax error ..."
std::string bare_message(const std::string& what) {
  const std::size_t at = what.find("parse error");
  const std::size_t colon = what.find(": ", at == std::string::npos ? 0 : at);
  return colon == std::string::npos ? what : what.substr(colon + 2);
}

// Remembers how far the parser has read: the SAX interface does not say where an event is.
class CountingIterator {
 public:
  using difference_type = std::ptrdiff_t;
  using value_type = char;
  using pointer = const char*;
  using reference = const char&;
  using iterator_category = std::input_iterator_tag;

  CountingIterator(const char* at, const char** furthest) : at_(at), furthest_(furthest) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    *furthest_ = ++at_;
    return *this;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** furthest_;
};

// Builds the document with the library's own builder and stops at a key that an object has already.
class StrictBuilder {
 public:
  StrictBuilder(Json& root, std::string_view text, std::string_view where, const char* const* furthest)
      : builder_(root, /*allow_exceptions=*/false), text_(text), where_(where), furthest_(furthest) {}

  bool null() { return builder_.null(); }
  bool boolean(bool value) { return builder_.boolean(value); }
  bool number_integer(Json::number_integer_t value) { return builder_.number_integer(value); }
  bool number_unsigned(Json::number_unsigned_t value) { return builder_.number_unsigned(value); }
  bool number_float(Json::number_float_t value, const std::string& digits) { return builder_.number_float(value, digits); }
  bool string(std::string& value) { return builder_.string(value); }
  bool binary(Json::binary_t& value) { return builder_.binary(value); }
  bool start_array(std::size_t size) { return builder_.start_array(size); }
  bool end_array() { return builder_.end_array(); }
  bool start_object(std::size_t size) {
    keys_.emplace_back();
    return builder_.start_object(size);
  }
  bool end_object() {
    keys_.pop_back();
    return builder_.end_object();
  }
  bool key(std::string& name) {
    if (!keys_.back().insert(name).second) fail(text_, where_, offset(), "the key \"" + name + "\" stands twice in one object");
    return builder_.key(name);
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) {
    fail(text_, where_, position == 0 ? 0 : position - 1, bare_message(error.what()));
  }

 private:
  std::size_t offset() const {
    const auto read = static_cast<std::size_t>(*furthest_ - text_.data());
    return read == 0 ? 0 : read - 1;
  }

  nlohmann::detail::json_sax_dom_parser<Json> builder_;
  std::string_view text_, where_;
  const char* const* furthest_;
  std::vector<std::set<std::string>> keys_;  // of the objects that are open
};

}  // namespace

Json parse_json(std::string_view text, std::string_view where) {
  Json root;
  const char* furthest = text.data();
  StrictBuilder builder(root, text, where, &furthest);
  Json::sax_parse(CountingIterator(text.data(), &furthest), CountingIterator(text.data() + text.size(), &furthest), &builder);
  return root;
}

Json read_json(const std::filesystem::path& path) { return parse_json(read_file(path), path.string()); }

}  // namespace phidias
