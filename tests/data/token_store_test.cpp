#include "data/token_store.h"

#include <gtest/gtest.h>

#include <array>

#include "base/atomic_file.h"
#include "base/error.h"
#include "data/batch.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data {
namespace {

using Ids = std::vector<std::int32_t>;
using Mask = std::vector<std::uint8_t>;

std::array<TokenBlock, 2> blocks() {
  std::array<TokenBlock, 2> result;
  result[0].add(Ids{1, 2, 3}, Mask{1, 0, 1}, {}, 4, 0);
  result[1].add(Ids{5, 6}, Mask{0, 1}, {}, 9, 0);
  result[1].add(Ids{7, 8, 9}, Mask{0, 1, 1}, Ids{-100, 80, 9}, 9, 1);
  return result;
}

StoreMeta meta() { return {.source = "train.jsonl", .kind = "tokens", .key = "k", .first_skipped = "x", .counters = {.records = 3, .skipped = 2}}; }

void expect_contents(const TokenStore& store) {
  ASSERT_EQ(store.documents(), 3);
  EXPECT_EQ(store.tokens(), 8);
  EXPECT_EQ(store.target_tokens(), 4);
  EXPECT_EQ(store.length(2), 3);
  EXPECT_EQ(store.targets(2), 2);
  Ids targets(3);
  store.document(0).write_targets(targets.data());
  EXPECT_EQ(targets, (Ids{kIgnoredTarget, 3, kIgnoredTarget}));
  store.document(2).write_targets(targets.data());
  EXPECT_EQ(targets, (Ids{80, 9, kIgnoredTarget}));
  const Document document = store.document(1);
  EXPECT_EQ(Ids(document.ids.begin(), document.ids.end()), (Ids{5, 6}));
  EXPECT_EQ(store.describe(0), "train.jsonl:4");
  EXPECT_EQ(store.describe(2), "train.jsonl:9, piece 2");
  EXPECT_EQ(store.meta().counters, meta().counters);
  EXPECT_EQ(store.meta().kind, "tokens");
}

std::vector<TokenBlockView> views(const std::array<TokenBlock, 2>& of) { return {of[0].view(), of[1].view()}; }

TEST(TokenStore, MemoryAndFileHoldTheSame) {
  const TemporaryDirectory directory;
  const auto of = blocks();
  expect_contents(*TokenStore::in_memory(views(of), meta()));
  TokenStore::write(directory.path() / "a.tokens", views(of), meta());
  expect_contents(*TokenStore::open(directory.path() / "a.tokens"));
}

TEST(TokenStore, BlocksSurviveTheWayBetweenRanks) {
  const auto of = blocks();
  const std::string bytes = of[1].serialise(1) + of[0].serialise(0);
  const std::vector<SerialisedBlock> read = read_serialised_blocks(bytes);
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].index, 1);
  const std::vector<TokenBlockView> ordered = {read[1].view, read[0].view};
  expect_contents(*TokenStore::in_memory(ordered, meta()));
  EXPECT_THROW(read_serialised_blocks(std::string_view(bytes).substr(0, bytes.size() - 8)), DataError);
}

TEST(TokenStore, EveryDamagedByteIsNoticed) {
  const TemporaryDirectory directory;
  const auto of = blocks();
  const auto path = directory.path() / "a.tokens";
  TokenStore::write(path, views(of), meta());
  const std::string good = read_file(path);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    write_file_atomic(path, bad);
    EXPECT_THROW(TokenStore::open(path), DataError) << "byte " << i;
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, good.size() - 1}) {
    write_file_atomic(path, good.substr(0, size));
    EXPECT_THROW(TokenStore::open(path), DataError) << size << " bytes";
  }
}

TEST(TokenStore, DocumentsWithoutTargetsAreLeftOutAndCounted) {
  TokenBlock block;
  block.add(Ids{1, 2}, Mask{1, 0}, {}, 1, 0);
  block.add(Ids{1}, Mask{1}, {}, 2, 0);
  EXPECT_TRUE(block.view().entries.empty());
  EXPECT_EQ(block.counters.dropped_no_target, 2);
}

}  // namespace
}  // namespace phidias::data
