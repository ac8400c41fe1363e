#include "trainer/metrics/tensorboard.h"

#include <gtest/gtest.h>

namespace phidias::trainer {
namespace {

TEST(TensorBoard, ChecksumIsCastagnolis) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);            // the check value of CRC-32C (RFC 3720, B.4 uses the same polynomial)
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);  // RFC 3720, B.4
}

TEST(TensorBoard, ARecordCarriesItsLengthAndBothChecksums) {
  const std::string record = framed_record("abc");
  ASSERT_EQ(record.size(), 8u + 4u + 3u + 4u);
  EXPECT_EQ(record.substr(0, 8), std::string("\3\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(record.substr(12, 3), "abc");
  const std::uint32_t crc = masked_crc32c("abc");
  EXPECT_EQ(record.substr(15), std::string(reinterpret_cast<const char*>(&crc), 4));
}

TEST(TensorBoard, AScalarEventHasTheBytesOfItsProtocolBuffer) {
  // Event {wall_time: 1.0, step: 300, summary {value {tag: "loss", simple_value: 0.5}}} as protoc serialises it.
  const std::string expected(
      "\x09\0\0\0\0\0\0\xf0\x3f"
      "\x10\xac\x02"
      "\x2a\x0d"
      "\x0a\x0b"
      "\x0a\x04loss"
      "\x15\0\0\0\x3f",
      27);
  EXPECT_EQ(scalar_event(1.0, 300, {{"loss", 0.5}}), expected);
}

}  // namespace
}  // namespace phidias::trainer
