// One rank's part of tokenising one source: every size-th block of lines, several blocks at a time on threads.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "configs/run_config.h"
#include "data/line_blocks.h"
#include "data/record_encoder.h"

namespace phidias::data {

struct SourceOptions {
  int rank = 0, ranks = 1;
  int threads = 0;  // 0: cores / ranks
  configs::OnError on_error = configs::OnError::stop;
  bool progress = false;  // a progress line on rank 0, for large files
};

// What became of a rank's blocks, beside the blocks themselves.
struct SourceShare {
  std::int64_t error_line = -1, skipped_line = -1;  // the first bad line under on_error: stop, or skip
  std::string error, skipped;                       // "file:line: what"
  std::string kinds;                                // one letter per kind of record seen: 'a' + RecordKind
};

class SourceTokeniser {
 public:
  SourceTokeniser(const configs::DataSource& source, const EncoderOptions& encoder, const SourceOptions& options);
  // Passes this rank's serialised blocks to `sink` in order, the counters in them. Under on_error: stop it ends soon after the first bad line. Throws DataError
  // for what is wrong with the file as a whole.
  SourceShare run(const std::function<void(const std::string&)>& sink);

 private:
  std::vector<std::string> tokenise(const std::vector<LineBlock>& wave);
  std::string tokenise(const LineBlock& lines);
  void line_failed(std::int64_t line, const std::string& what, TokenBlock& block);

  const configs::DataSource& source_;
  const EncoderOptions& encoder_;
  SourceOptions options_;
  RecordKind kind_;
  int threads_ = 1;
  std::mutex mutex_;
  SourceShare share_;
};

}  // namespace phidias::data
