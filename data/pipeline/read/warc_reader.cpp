// WARC and WET. Documents: `response` records that hold a page of HTML (the text is its source, to be extracted by a stage) and `conversion` records (plain
// text). Everything else (requests, metadata, redirects and errors, images) is passed over and counts nowhere.
#include <algorithm>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "data/pipeline/read/ascii.h"
#include "data/pipeline/read/charset.h"
#include "data/pipeline/read/formats.h"
#include "data/pipeline/read/http_message.h"
#include "data/pipeline/read/input_names.h"
#include "data/pipeline/read/json_text.h"
#include "data/pipeline/read/warc_scanner.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

struct RawRecord {
  std::int64_t number;
  std::size_t begin, header, content;  // place in the unit's bytes, sizes
};

struct RawUnit {
  std::string bytes;
  std::vector<RawRecord> records;
  std::vector<ReadProblem> problems;
};

bool holds_document(const HeaderFields& header) {
  const std::string_view type = header.get("WARC-Type");
  return ascii_equal(type, "conversion") || (ascii_equal(type, "response") && ascii_starts_with(header.get("Content-Type"), "application/http"));
}

// A success whose body is a page by its type, or by its begin where the server gave none.
bool is_page(const HeaderFields& response, std::string_view body) {
  const std::string_view status = response.first_line().substr(0, response.first_line().find(' ') + 2);
  if (!status.ends_with(" 2")) return false;
  const std::string_view type = response.get("Content-Type");
  if (!type.empty()) return ascii_starts_with(type, "text/html") || ascii_starts_with(type, "application/xhtml+xml");
  const std::string_view begin = ascii_trim(body.substr(0, 256));
  return ascii_starts_with(begin, "<!doctype html") || ascii_starts_with(begin, "<html");
}

class WarcUnit final : public Unit {
 public:
  WarcUnit(std::shared_ptr<const InputFile> file, RawUnit unit) : file_(std::move(file)), unit_(std::move(unit)) {}

  bool next(Document& document, ReadProblems& problems) override {
    for (ReadProblem& problem : std::exchange(unit_.problems, {})) problems.push_back(std::move(problem));
    while (at_ < unit_.records.size()) {
      const RawRecord& record = unit_.records[at_++];
      try {
        if (read(record, document)) return true;
        ++passed_over_;
      } catch (const DataError& error) {
        problems.push_back({file_->path.string(), record.number, error.what()});
      }
      document.clear();
    }
    return false;
  }
  std::int64_t passed_over() const override { return passed_over_; }

 private:
  bool read(const RawRecord& record, Document& document) const {
    const std::string_view bytes = std::string_view(unit_.bytes).substr(record.begin, record.header + record.content);
    const HeaderFields header(bytes.substr(0, record.header));
    const std::string_view content = bytes.substr(record.header);
    DecodedText decoded;
    if (ascii_equal(header.get("WARC-Type"), "conversion")) {
      decoded = decode_text(content, {.declared = charset_parameter(header.get("Content-Type"))});
    } else {
      const std::size_t head = header_size(content);
      const HeaderFields response(content.substr(0, head));
      if (head == 0 || !is_page(response, content.substr(head))) return false;
      const std::string body = decode_body(response, content.substr(head), kMaxWarcRecordBytes);
      decoded = decode_text(body, {.declared = charset_parameter(response.get("Content-Type")), .html = true});
    }
    if (!decoded.charset.empty()) document.annotations().set("charset", decoded.charset);
    document.set_text(std::move(decoded.text));
    describe(header, record.number, document);
    return true;
  }

  void describe(const HeaderFields& header, std::int64_t number, Document& document) const {
    std::string_view url = header.get("WARC-Target-URI");
    if (url.starts_with('<') && url.ends_with('>')) url = url.substr(1, url.size() - 2);
    document.file = file_->path.string();
    document.line = number;
    document.source = file_->source.source;
    document.url = to_utf8_lossy(url);
    document.id = to_utf8_lossy(header.get("WARC-Record-ID"));
    if (document.id.empty()) document.id = document.source + "/" + input_name(*file_, file_->path) + "/" + std::to_string(number);
    if (const std::string_view date = header.get("WARC-Date"); !date.empty()) {
      document.fields = "\"date\":";
      append_json_string(to_utf8_lossy(date), document.fields);
    }
  }

  std::shared_ptr<const InputFile> file_;
  RawUnit unit_;
  std::size_t at_ = 0;
  std::int64_t passed_over_ = 0;
};

class WarcReader final : public UnitReader {
 public:
  WarcReader(const InputFile& file, std::shared_ptr<const void> owner, std::string_view bytes, std::int64_t unit_bytes)
      : file_(std::make_shared<InputFile>(file)),
        owner_(std::move(owner)),
        scanner_(open_bytes(bytes, file.path.string())),
        size_(bytes.size()),
        unit_bytes_(unit_bytes) {}

  bool advance() override {
    if (failure_) std::rethrow_exception(failure_);
    unit_ = {};
    std::int64_t bytes = 0;
    try {
      WarcScanner::Record record;
      while (bytes < unit_bytes_ && scanner_.next(record)) {
        bytes += record.bytes + 1;
        add(record);
      }
    } catch (const DataError&) {
      if (bytes == 0) throw;
      failure_ = std::current_exception();  // told after the records before it
    }
    ++index_;
    return bytes > 0;
  }
  std::int64_t index() const override { return index_; }
  double fraction() const override { return static_cast<double>(scanner_.consumed()) / static_cast<double>(std::max<std::size_t>(size_, 1)); }
  std::unique_ptr<Unit> take() override { return std::make_unique<WarcUnit>(file_, std::move(unit_)); }

 private:
  void add(const WarcScanner::Record& record) {
    if (!record.problem.empty()) {
      unit_.problems.push_back({file_->path.string(), record.number, record.problem});
    } else if (holds_document(HeaderFields(record.header))) {
      unit_.records.push_back({record.number, unit_.bytes.size(), record.header.size(), record.content.size()});
      (unit_.bytes += record.header) += record.content;
    }
  }

  std::shared_ptr<const InputFile> file_;
  std::shared_ptr<const void> owner_;
  WarcScanner scanner_;
  std::size_t size_;  // of the file
  std::int64_t unit_bytes_, index_ = -1;
  RawUnit unit_;
  std::exception_ptr failure_;
};

}  // namespace

std::unique_ptr<UnitReader> open_warc(const InputFile& file, std::int64_t unit_bytes) {
  auto mapped = std::make_shared<MappedFile>(file.path);
  const std::string_view bytes = mapped->text();
  return open_warc(file, std::move(mapped), bytes, unit_bytes);
}

std::unique_ptr<UnitReader> open_warc(const InputFile& file, std::shared_ptr<const void> owner, std::string_view bytes, std::int64_t unit_bytes) {
  return std::make_unique<WarcReader>(file, std::move(owner), bytes, unit_bytes);
}

}  // namespace phidias::data::pipeline
