// The line format shared by tokenize, score and generate: one JSON object per line in, one per line out, in the same order.
//
// `id` is echoed, or the 1-based line number stands in for it; a line that fails gives {"id", "error"} and the command ends with exit code 3
// after the last line. "-" is standard input or output; a file is written atomically.
#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace phidias::launch {

struct InputLine {
  std::int64_t number = 0;  // 1-based
  OrderedJson id;
  OrderedJson value;  // an object when `error` is empty
  std::string error;  // why the line could not be read
};

// Reads line by line; empty lines are skipped but counted.
class JsonLinesReader {
 public:
  explicit JsonLinesReader(const std::string& path);  // throws DataError when the file cannot be opened
  std::optional<InputLine> next();

 private:
  std::ifstream file_;
  std::istream* stream_;
  std::int64_t number_ = 0;
};

class JsonLinesWriter {
 public:
  explicit JsonLinesWriter(const std::string& path);
  ~JsonLinesWriter();
  void write(const OrderedJson& object);
  void write_error(const InputLine& line, const std::string& message);
  // Completes the output; the command's exit code: 0, or 3 when a line failed.
  int finish();
  std::int64_t failed() const { return failed_; }

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
  std::int64_t failed_ = 0;
};

// Runs `answer` on every readable line; what it throws as Error becomes the line's error. `answer` returns the object without `id`.
int transform_json_lines(const std::string& input, const std::string& output, const std::function<OrderedJson(const InputLine&)>& answer);

// Hands over lines in groups of at most `count`, in order.
void for_each_group(JsonLinesReader& reader, std::size_t count, const std::function<void(const std::vector<InputLine>&)>& visit);

// What a group of lines asks for: one request for every line that could be read, and for each line "" or why it could not.
template <class Request>
struct RequestGroup {
  std::vector<Request> requests;
  std::vector<std::string> errors;
};

// `read` makes a line's request or throws Error.
template <class Request, class Read>
RequestGroup<Request> read_requests(const std::vector<InputLine>& lines, const Read& read) {
  RequestGroup<Request> group;
  for (const InputLine& line : lines) {
    group.errors.push_back(line.error);
    if (!line.error.empty()) continue;
    try {
      group.requests.push_back(read(line));
    } catch (const Error& error) {
      group.errors.back() = error.what();
    } catch (const OrderedJson::exception& error) {
      group.errors.back() = error.what();
    }
  }
  return group;
}

// An object that begins with the line's id.
OrderedJson answer_object(const InputLine& line);

}  // namespace phidias::launch
