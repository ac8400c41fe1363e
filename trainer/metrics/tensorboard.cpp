#include "trainer/metrics/tensorboard.h"

#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>

#include "base/error.h"

namespace phidias::trainer {
namespace {

constexpr auto make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78u : 0u);
    table[i] = value;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kTable = make_table();

template <class Number>
std::string little_endian(Number number) {
  static_assert(std::endian::native == std::endian::little);
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

// Wire types of protocol buffers: 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes.
std::string tag(int field, int wire_type) { return varint(static_cast<std::uint64_t>(field << 3 | wire_type)); }
std::string delimited(int field, const std::string& bytes) { return tag(field, 2) + varint(bytes.size()) + bytes; }

double wall_time() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xffffffffu;
  for (const char byte : bytes) crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  return ~crc;
}

std::uint32_t masked_crc32c(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xa282ead8u; }

std::string scalar_event(double wall_time, std::int64_t step, const std::map<std::string, double>& scalars) {
  std::string summary;
  for (const auto& [name, value] : scalars) summary += delimited(1, delimited(1, name) + tag(2, 5) + little_endian(static_cast<float>(value)));
  return tag(1, 1) + little_endian(wall_time) + tag(2, 0) + varint(static_cast<std::uint64_t>(step)) + delimited(5, summary);
}

std::string framed_record(std::string_view data) {
  const std::string length = little_endian(static_cast<std::uint64_t>(data.size()));
  return length + little_endian(masked_crc32c(length)) + std::string(data) + little_endian(masked_crc32c(data));
}

TensorBoard::TensorBoard(const std::filesystem::path& folder, std::int64_t first_step, std::int64_t every_steps) : every_steps_(every_steps) {
  std::filesystem::create_directories(folder);
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  const std::string name = "events.out.tfevents." + std::to_string(static_cast<std::int64_t>(wall_time())) + "." + host + "." + std::to_string(first_step);
  file_.open(folder / name, std::ios::binary);
  if (!file_) throw DataError((folder / name).string() + ": cannot be opened for writing");
  file_ << framed_record(tag(1, 1) + little_endian(wall_time()) + delimited(3, "brain.Event:2")) << std::flush;
}

void TensorBoard::write(std::int64_t step, const std::map<std::string, double>& scalars) {
  file_ << framed_record(scalar_event(wall_time(), step, scalars)) << std::flush;
}

void TensorBoard::after_first_evaluation(const TrainState& state) { write(state.step, state.validation); }

void TensorBoard::after_step(const StepReport& report) {
  const TrainState& state = *report.state;
  std::map<std::string, double> scalars = report.result.metrics;
  if (state.validation_step == state.step)
    scalars.insert(state.validation.begin(), state.validation.end());
  else if (state.step % every_steps_ != 0)
    return;
  scalars.insert({{"loss", report.result.loss},
                  {"learning_rate", report.result.learning_rate},
                  {"grad_norm", report.result.grad_norm},
                  {"tokens_per_second", report.tokens_per_second},
                  {"mfu", report.mfu}});
  write(state.step, scalars);
}

}  // namespace phidias::trainer
