#include "data/source_tokeniser.h"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/progress.h"

namespace phidias::data {
namespace {

constexpr std::int64_t kSmallestBlock = 64 << 10, kLargestBlock = 4 << 20, kProgressBytes = 64 << 20;

std::string too_long(std::int64_t bytes) {
  return "the line has " + format_bytes(static_cast<double>(bytes)) + " or more; the limit is " + format_bytes(static_cast<double>(kMaxLineBytes)) +
         " (split the record)";
}

void keep_first(std::int64_t& first_line, std::string& first_message, std::int64_t line, const std::string& message) {
  if (first_line >= 0 && first_line <= line) return;
  first_line = line;
  first_message = message;
}

}  // namespace

SourceTokeniser::SourceTokeniser(const configs::DataSource& source, const EncoderOptions& encoder, const SourceOptions& options)
    : source_(source), encoder_(encoder), options_(options), kind_(record_kind_from(source.kind)) {
  threads_ = options.threads > 0 ? options.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / options.ranks);
}

SourceShare SourceTokeniser::run(const std::function<void(const std::string&)>& sink) {
  const auto file_bytes = static_cast<std::int64_t>(std::filesystem::file_size(source_.path));
  LineBlocks blocks(source_.path, std::clamp(file_bytes / (4 * options_.ranks * threads_), kSmallestBlock, kLargestBlock));
  Progress progress("tokenise " + source_.path, file_bytes, "MB", 1e6, options_.progress && options_.rank == 0 && file_bytes > kProgressBytes);
  std::vector<LineBlock> wave;
  for (bool more = true; more && share_.error_line < 0;) {
    std::optional<LineBlock> block = blocks.next();
    more = block.has_value();
    if (more && block->index % options_.ranks == options_.rank) wave.push_back(std::move(*block));
    if (!wave.empty() && (!more || static_cast<int>(wave.size()) == threads_)) {
      for (const std::string& serialised : tokenise(wave)) sink(serialised);
      wave.clear();
    }
    progress.update(blocks.bytes_read());
  }
  progress.finish();
  return std::move(share_);
}

std::vector<std::string> SourceTokeniser::tokenise(const std::vector<LineBlock>& wave) {
  std::vector<std::string> results(wave.size());
  std::vector<std::exception_ptr> failures(wave.size());
  const auto work = [&](std::size_t i) {
    try {
      results[i] = tokenise(wave[i]);
    } catch (...) {
      failures[i] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < wave.size(); ++i) threads.emplace_back(work, i);
    work(0);
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return results;
}

void SourceTokeniser::line_failed(std::int64_t line, const std::string& what, TokenBlock& block) {
  const std::string message = source_.path + ":" + std::to_string(line) + ": " + what;
  const std::lock_guard lock(mutex_);
  if (options_.on_error == configs::OnError::stop) {
    keep_first(share_.error_line, share_.error, line, message);
  } else {
    ++block.counters.skipped;
    keep_first(share_.skipped_line, share_.skipped, line, message);
  }
}

std::string SourceTokeniser::tokenise(const LineBlock& lines) {
  RecordParser parser;
  RecordEncoder encoder(encoder_);
  TokenBlock block;
  std::string kinds;
  bool stopped = false;
  if (lines.oversized_bytes > 0) line_failed(lines.first_line, too_long(lines.oversized_bytes), block);
  for_each_line(lines, [&](std::int64_t line, std::string_view text) {
    if (stopped) return;
    try {
      if (static_cast<std::int64_t>(text.size()) > kMaxLineBytes) throw DataError(too_long(static_cast<std::int64_t>(text.size())));
      const Record record = parser.parse(text, kind_);
      encoder.encode(record, line, block);
      if (const char letter = static_cast<char>('a' + static_cast<int>(record.kind)); kinds.find(letter) == std::string::npos) kinds += letter;
    } catch (const DataError& error) {
      line_failed(line, error.what(), block);
      stopped = options_.on_error == configs::OnError::stop;
    }
  });
  const std::lock_guard lock(mutex_);
  for (const char letter : kinds) {
    if (share_.kinds.find(letter) == std::string::npos) share_.kinds += letter;
  }
  return block.serialise(lines.index);
}

}  // namespace phidias::data
