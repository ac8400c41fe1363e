// TensorBoard event files without TensorBoard's library: scalars only.
//
// A file is a sequence of records {uint64 length, masked crc32c of those 8 bytes, data, masked crc32c of data}, little endian; the data is the
// protocol buffer tensorflow.Event {1: wall_time double, 2: step varint, 3: file_version string, 5: Summary {1: Value {1: tag string,
// 2: simple_value float}}}. Source: tensorflow core/lib/io/record_writer.cc and core/util/event.proto.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>

#include "trainer/metrics/observer.h"

namespace phidias::trainer {

// CRC-32C (Castagnoli) and TensorFlow's mask of it: rotated right by 15, plus 0xa282ead8.
std::uint32_t crc32c(std::string_view bytes);
std::uint32_t masked_crc32c(std::string_view bytes);

std::string scalar_event(double wall_time, std::int64_t step, const std::map<std::string, double>& scalars);
std::string framed_record(std::string_view data);

class TensorBoard : public Observer {
 public:
  // Opens events.out.tfevents.<seconds>.<host>.<step> in `folder`; a resumed run adds a file that begins at its step.
  TensorBoard(const std::filesystem::path& folder, std::int64_t first_step, std::int64_t every_steps);
  void after_step(const StepReport& report) override;
  void after_first_evaluation(const TrainState& state) override;

 private:
  void write(std::int64_t step, const std::map<std::string, double>& scalars);

  std::ofstream file_;
  std::int64_t every_steps_;
};

}  // namespace phidias::trainer
