#include "data/mixture/column_table.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/atomic_file.h"
#include "base/error.h"
#include "tests/data/temporary_directory.h"

#define LLVMFuzzerTestOneInput column_table_target
#include "tests/fuzz/column_table_fuzz.cpp"
#include "tests/support/mutations.h"
#undef LLVMFuzzerTestOneInput

namespace phidias::data::mixture {
namespace {

ColumnTable small_table() {
  ColumnTable table({"score", "language", "nothing"});
  table.add(1, 11, {2.5F, std::string("en"), {}});
  table.add(2, 12, {{}, std::string("de"), {}}, 2);
  table.add(3, 13, {-1.0F, {}, {}});
  return table;
}

TEST(ColumnTable, ReadsBackWhatWasWritten) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "a.columns";
  const Hash128 hash = small_table().write(path, "key");
  const StoredColumns stored = read_columns(path);
  EXPECT_EQ(stored.key, "key");
  EXPECT_EQ(stored.content_hash, hash);
  EXPECT_EQ(stored.table.ids(), (std::vector<std::uint64_t>{1, 2, 2, 3}));
  EXPECT_EQ(stored.table.texts(), (std::vector<std::uint64_t>{11, 12, 12, 13}));
  const Column *score = stored.table.find("score"), *language = stored.table.find("language");
  ASSERT_TRUE(score != nullptr && language != nullptr);
  EXPECT_EQ(score->numbers[0], 2.5F);
  EXPECT_TRUE(std::isnan(score->numbers[1]) && std::isnan(score->numbers[2]));
  EXPECT_EQ(score->numbers[3], -1.0F);
  EXPECT_EQ(language->codes, (std::vector<std::int32_t>{0, 1, 1, -1}));
  EXPECT_EQ(language->dictionary, (std::vector<std::string>{"en", "de"}));
  EXPECT_EQ(stored.table.find("nothing")->type, Column::Type::unknown);
  EXPECT_EQ(stored.table.find("other"), nullptr);
}

TEST(ColumnTable, AppendedTablesShareOneDictionary) {
  ColumnTable all({"score", "language", "nothing"}), later({"score", "language", "nothing"});
  later.add(9, 19, {{}, std::string("fr"), std::string("x")});
  later.add(8, 18, {4.0F, std::string("de"), {}});
  all.append(small_table());
  all.append(later);
  EXPECT_EQ(all.find("language")->dictionary, (std::vector<std::string>{"en", "de", "fr"}));
  EXPECT_EQ(all.find("language")->codes, (std::vector<std::int32_t>{0, 1, 1, -1, 2, 1}));
  EXPECT_EQ(all.find("nothing")->codes, (std::vector<std::int32_t>{-1, -1, -1, -1, 0, -1})) << "the first value decides the type";
  EXPECT_TRUE(std::isnan(all.find("score")->numbers[4]));
  EXPECT_EQ(all.find("score")->numbers[5], 4.0F);
}

TEST(ColumnTable, ColumnsHaveOneType) {
  ColumnTable table = small_table();
  EXPECT_EQ(message_of<DataError>([&] { table.add(4, 14, {std::string("high"), {}, {}}); }), "annotation 'score' is a text here and a number elsewhere");
  EXPECT_EQ(table.documents(), 4) << "and nothing was added";
  for (int i = 2; i < 4096; ++i) table.add(5, 15, {{}, "language " + std::to_string(i), {}});
  EXPECT_THROW(table.add(5, 15, {{}, std::string("one more"), {}}), DataError);
}

TEST(ColumnTable, DamagedFilesAreRefused) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "a.columns";
  small_table().write(path, "key");
  const std::string good = read_file(path);
  EXPECT_NO_THROW(parse_columns(good, "a"));
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_THROW(parse_columns(good.substr(0, size), "a"), DataError) << size;
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_THROW(parse_columns(bad, "a"), DataError) << at;
  }
}

TEST(ColumnTable, MutatedFilesNeverCrash) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "a.columns";
  small_table().write(path, "key");
  const std::string good = read_file(path);
  std::mt19937 random(7);
  for (int i = 0; i < 3000; ++i) {
    const std::string bytes = mutated(good, {}, random);
    column_table_target(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
}

}  // namespace
}  // namespace phidias::data::mixture
