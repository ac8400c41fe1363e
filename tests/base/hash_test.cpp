#include "base/hash.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace phidias {
namespace {

// Made with the reference library: python-xxhash 4.1.0 (XXH3_128bits of xxHash 0.8.4).
std::string bytes_of_length(int n) {
  std::string bytes;
  for (int i = 0; i < n; ++i) bytes.push_back(static_cast<char>((i * 7 + i / 256) % 251));
  return bytes;
}

TEST(Hash, GivesTheKnownAnswersOfXxh128OnEveryLengthClass) {
  const std::pair<int, const char*> known[] = {{0, "99aa06d3014798d86001c324468d497f"},    {1, "a6cd5e9392000f6ac44bdff4074eecdb"},
                                               {3, "656e81c56e41fe02c3489259e968ad9e"},    {9, "82ddc95bc76007671c69c3f04aaed08c"},
                                               {17, "263f67af63088041735fe434ded90c3c"},   {129, "4e05eed4427255d51f8b5092c9ba3be8"},
                                               {240, "17ffe035d71c1ec8e6bf81617aad6c4a"},  {241, "29bc1e9cffb6d79bc614c8c3575348c1"},
                                               {1000, "1505fe04b473c8c0989f24cae681b89c"}, {100000, "3a3387f4abc6d445ee85b98001e0a596"}};
  for (const auto& [length, expected] : known) EXPECT_EQ(hash_string(bytes_of_length(length)).hex(), expected) << length;
  EXPECT_EQ(hash_string("abc").hex(), "06b05ab6733a618578af5f94892f3950");
}

TEST(Hash, OfAStreamEqualsTheHashOfTheWhole) {
  const std::string bytes = bytes_of_length(5000);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{63}, std::size_t{256}, std::size_t{4999}}) {
    Hasher hasher;
    for (std::size_t begin = 0; begin < bytes.size(); begin += piece) hasher.update(std::string_view(bytes).substr(begin, piece));
    EXPECT_EQ(hasher.digest(), hash_string(bytes)) << piece;
  }
  EXPECT_EQ(Hasher().digest(), hash_string(""));
}

TEST(Hash, OfAFileEqualsTheHashOfItsBytes) {
  const auto path = std::filesystem::path(::testing::TempDir()) / "phidias_hash_test";
  std::ofstream(path, std::ios::binary) << bytes_of_length(100000);
  EXPECT_EQ(hash_file(path).hex(), "3a3387f4abc6d445ee85b98001e0a596");
  std::ofstream(path, std::ios::binary | std::ios::trunc).close();
  EXPECT_EQ(hash_file(path), hash_string(""));
  std::filesystem::remove(path);
  EXPECT_THROW(hash_file(path), DataError);
}

TEST(Hash, TextIsReadBackAndNonsenseRefused) {
  const Hash128 hash{0x0123456789abcdef, 0xfedcba9876543210};
  EXPECT_EQ(hash.hex(), "0123456789abcdeffedcba9876543210");
  EXPECT_EQ(Hash128::from_hex(hash.hex()), hash);
  EXPECT_EQ(Hash128::from_hex("0123456789ABCDEFFEDCBA9876543210"), hash);
  for (const char* wrong : {"", "0123", "0123456789abcdeffedcba987654321g", "0123456789abcdeffedcba98765432100", " 123456789abcdeffedcba9876543210"}) {
    EXPECT_THROW(Hash128::from_hex(wrong), DataError) << wrong;
  }
}

}  // namespace
}  // namespace phidias
