#include "data/line_blocks.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <utility>
#include <vector>

#include "base/error.h"
#include "base/philox.h"
#include "tests/data/gzip.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data {
namespace {

using Lines = std::vector<std::pair<std::int64_t, std::string>>;

Lines read(const std::string& path, std::int64_t block_bytes) {
  Lines lines;
  LineBlocks blocks(path, block_bytes);
  std::int64_t index = 0;
  while (const std::optional<LineBlock> block = blocks.next()) {
    EXPECT_EQ(block->index, index++);
    if (block->oversized_bytes > 0) lines.emplace_back(block->first_line, "oversized");
    for_each_line(*block, [&](std::int64_t line, std::string_view text) { lines.emplace_back(line, text); });
  }
  return lines;
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

TEST(LineBlocks, NumbersLinesAndPassesOverBlankOnes) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("a.jsonl", "\xef\xbb\xbf{1}\r\n\n  \t\r\n{2}\n{3}");
  const Lines expected = {{1, "{1}"}, {4, "{2}"}, {5, "{3}"}};
  for (const std::int64_t block_bytes : {1, 5, 7, 1000}) EXPECT_EQ(read(path, block_bytes), expected) << block_bytes;
  EXPECT_TRUE(read(directory.write("empty.jsonl", ""), 10).empty());
}

TEST(LineBlocks, CompressedFilesReadAsPlainOnes) {
  const TemporaryDirectory directory;
  std::string text;
  for (std::uint32_t i = 0; i < 3000; ++i)
    text += std::string(philox_uint32(philox_key(1, RandomSite::shuffle), i) % 90, static_cast<char>('a' + i % 26)) + "\n";
  text += "no line end";
  const Lines plain = read(directory.write("a", text), 1 << 30);
  ASSERT_GT(plain.size(), 2900U);
  const std::string gz = directory.write("a.gz", gzip(text.substr(0, 40000)) + gzip(text.substr(40000)));    // two members
  const std::string zst = directory.write("a.zst", zstd(text.substr(0, 40000)) + zstd(text.substr(40000)));  // two frames
  for (const std::int64_t block_bytes : {100, 4096, 1 << 20}) {
    EXPECT_EQ(read(directory.path() / "a", block_bytes), plain) << block_bytes;
    EXPECT_EQ(read(gz, block_bytes), plain) << block_bytes;
    EXPECT_EQ(read(zst, block_bytes), plain) << block_bytes;
  }
}

TEST(LineBlocks, DamagedAndTruncatedCompressionIsAnError) {
  const TemporaryDirectory directory;
  std::string text;
  for (int i = 0; i < 20000; ++i) text += std::to_string(i * 7919 % 10007) + "\n";
  const std::string gz = gzip(text), zst = zstd(text);
  EXPECT_NE(message_of<DataError>([&] { read(directory.write("t.gz", gz.substr(0, gz.size() / 2)), 1000); }).find("t.gz"), std::string::npos);
  EXPECT_NE(message_of<DataError>([&] { read(directory.write("t.zst", zst.substr(0, zst.size() / 2)), 1000); }).find("t.zst"), std::string::npos);
  std::string damaged = gz;
  for (std::size_t i = gz.size() / 2; i < gz.size() / 2 + 20; ++i) damaged[i] = static_cast<char>(~damaged[i]);
  EXPECT_NE(message_of<DataError>([&] { read(directory.write("d.gz", damaged), 1000); }).find("damaged gzip"), std::string::npos);
}

TEST(LineBlocks, RefusesOtherThingsByName) {
  const TemporaryDirectory directory;
  EXPECT_NE(message_of<DataError>([&] { LineBlocks((directory.path() / "missing.jsonl").string(), 10); }).find("missing.jsonl"), std::string::npos);
  EXPECT_NE(message_of<DataError>([&] { LineBlocks(directory.path().string(), 10); }).find("a folder"), std::string::npos);
  EXPECT_NE(message_of<DataError>([&] { LineBlocks(directory.write("p", "PAR1...."), 10); }).find("/p: "), std::string::npos) << "Parquet without a footer";
}

TEST(LineBlocks, LineBeyondTheLimitIsReportedAndPassedOver) {
  const TemporaryDirectory directory;
  const std::string text = "{1}\n" + std::string(100 << 20, 'x') + "\n{3}\n";
  const Lines expected = {{1, "{1}"}, {2, "oversized"}, {3, "{3}"}};
  EXPECT_EQ(read(directory.write("big.jsonl", text), 4 << 20), expected);
  EXPECT_EQ(read(directory.write("big.zst", zstd(text)), 4 << 20), expected);
}

}  // namespace
}  // namespace phidias::data
