#include "data/pipeline/knowledge/ip_address.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "base/json.h"

namespace phidias::data::pipeline {
namespace {

// tests/golden/make_privacy_goldens.py: 136 addresses at the edges of every special network, and broken ones; null where ipaddress refuses.
TEST(IpAddress, IsReadAndJudgedAsPythonDoes) {
  std::ifstream file(std::string(PHIDIAS_SOURCE_DIR) + "/tests/golden/privacy/addresses.jsonl");
  int judged = 0, refused = 0;
  for (std::string line; std::getline(file, line);) {
    const Json record = parse_json(line, "addresses.jsonl");
    const auto text = record["text"].get<std::string>();
    const auto address = IpAddress::parse(text);
    ASSERT_EQ(address.has_value(), !record["global"].is_null()) << text;
    if (!address) {
      ++refused;
      continue;
    }
    EXPECT_EQ(address->is_global(), record["global"].get<bool>()) << text;
    ++judged;
  }
  EXPECT_GE(judged, 90);
  EXPECT_GE(refused, 25);
}

TEST(IpAddress, HoldsTheBytesInNetworkOrder) {
  EXPECT_EQ(IpAddress::parse("1.2.3.254")->bytes[3], 254);
  const auto address = IpAddress::parse("2001:db8::a:1.2.3.4");
  ASSERT_TRUE(address && address->is_v6);
  EXPECT_EQ(address->bytes, (std::array<std::uint8_t, 16>{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0xa, 1, 2, 3, 4}));
}

}  // namespace
}  // namespace phidias::data::pipeline
