// Counts what is allocated at any moment, without allocating: the byte book of a planned micro-batch.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

namespace phidias::trainer {

struct LiveBytes {
  std::int64_t activations = 0, logits = 0;
  std::int64_t total() const { return activations + logits; }
};

class MemoryTrace {
 public:
  enum class Kind { activations, logits };

  void enter(const char* phase) { phase_ = phase; }
  void take(std::int64_t bytes, Kind kind = Kind::activations) {
    (kind == Kind::logits ? live_.logits : live_.activations) += bytes;
    if (live_.total() <= peak_.total()) return;
    peak_ = live_;
    peak_phase_ = phase_;
  }
  void give(std::int64_t bytes, Kind kind = Kind::activations) { (kind == Kind::logits ? live_.logits : live_.activations) -= bytes; }
  // Scratch memory of one operation.
  void touch(std::int64_t bytes, Kind kind = Kind::activations) {
    take(bytes, kind);
    give(bytes, kind);
  }

  const LiveBytes& live() const { return live_; }
  const LiveBytes& peak() const { return peak_; }                // the live bytes at the moment their sum was largest
  const std::string& peak_phase() const { return peak_phase_; }  // and what ran then

 private:
  LiveBytes live_, peak_;
  const char* phase_ = "";
  std::string peak_phase_;
};

}  // namespace phidias::trainer
