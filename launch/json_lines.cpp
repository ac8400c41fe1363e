#include "launch/json_lines.h"

#include <cstdio>
#include <iostream>

#include "base/atomic_file.h"
#include "base/log.h"

namespace phidias::launch {

JsonLinesReader::JsonLinesReader(const std::string& path) : stream_(&std::cin) {
  if (path == "-") return;
  file_.open(path, std::ios::binary);
  if (!file_) throw DataError("cannot open " + path);
  stream_ = &file_;
}

std::optional<InputLine> JsonLinesReader::next() {
  std::string text;
  while (std::getline(*stream_, text)) {
    ++number_;
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    InputLine line;
    line.number = number_;
    line.id = number_;
    try {
      line.value = OrderedJson::parse(text);
      if (!line.value.is_object()) {
        line.error = "line " + std::to_string(number_) + ": not a JSON object";
      } else if (line.value.contains("id")) {
        line.id = line.value["id"];
      }
    } catch (const OrderedJson::exception& error) {
      line.error = "line " + std::to_string(number_) + ": " + error.what();
    }
    return line;
  }
  return std::nullopt;
}

struct JsonLinesWriter::Sink {
  std::unique_ptr<AtomicFile> file;  // null: standard output
  std::string buffer;

  void flush() {
    if (file != nullptr) {
      file->write(buffer);
    } else {
      std::fwrite(buffer.data(), 1, buffer.size(), stdout);
      std::fflush(stdout);
    }
    buffer.clear();
  }
};

JsonLinesWriter::JsonLinesWriter(const std::string& path) : sink_(std::make_unique<Sink>()) {
  if (path != "-") sink_->file = std::make_unique<AtomicFile>(path);
}

JsonLinesWriter::~JsonLinesWriter() = default;

void JsonLinesWriter::write(const OrderedJson& object) {
  constexpr std::size_t kFlushBytes = 1 << 20;
  sink_->buffer += object.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  sink_->buffer += '\n';
  if (sink_->file == nullptr || sink_->buffer.size() > kFlushBytes) sink_->flush();
}

void JsonLinesWriter::write_error(const InputLine& line, const std::string& message) {
  ++failed_;
  OrderedJson object = answer_object(line);
  object["error"] = message;
  write(object);
}

int JsonLinesWriter::finish() {
  sink_->flush();
  if (sink_->file != nullptr) sink_->file->commit();
  if (failed_ == 0) return static_cast<int>(ExitCode::success);
  log_error(std::to_string(failed_) + " line(s) failed: see their \"error\" in the output");
  return static_cast<int>(ExitCode::data);
}

int transform_json_lines(const std::string& input, const std::string& output, const std::function<OrderedJson(const InputLine&)>& answer) {
  JsonLinesReader reader(input);
  JsonLinesWriter writer(output);
  while (auto line = reader.next()) {
    if (!line->error.empty()) {
      writer.write_error(*line, line->error);
      continue;
    }
    try {
      OrderedJson object = answer_object(*line);
      object.update(answer(*line));
      writer.write(object);
    } catch (const Error& error) {
      writer.write_error(*line, error.what());
    } catch (const OrderedJson::exception& error) {
      writer.write_error(*line, error.what());
    }
  }
  return writer.finish();
}

void for_each_group(JsonLinesReader& reader, std::size_t count, const std::function<void(const std::vector<InputLine>&)>& visit) {
  std::vector<InputLine> lines;
  while (std::optional<InputLine> line = reader.next()) {
    lines.push_back(std::move(*line));
    if (lines.size() < count) continue;
    visit(lines);
    lines.clear();
  }
  if (!lines.empty()) visit(lines);
}

OrderedJson answer_object(const InputLine& line) {
  OrderedJson object = OrderedJson::object();
  object["id"] = line.id;
  return object;
}

}  // namespace phidias::launch
