#include "trainer/scoring/embedding_head.h"

#include <ATen/ops/from_blob.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/philox.h"
#include "tests/data/temporary_directory.h"

namespace phidias::trainer {
namespace {

// "t17" -> four numbers drawn with key 17.
class DrawnEmbedder final : public data::pipeline::Embedder {
 public:
  std::size_t dimension() const override { return 4; }
  std::vector<float> embed(std::span<const std::string_view> texts) const override {
    std::vector<float> rows;
    for (const std::string_view text : texts)
      for (const float value : row(std::stoi(std::string(text.substr(1))))) rows.push_back(value);
    return rows;
  }
  static std::vector<float> row(int number) {
    std::vector<float> values;
    const PhiloxKey key = philox_key(7, RandomSite::weight_init, static_cast<std::uint64_t>(number));
    for (std::uint64_t i = 0; i < 4; ++i) values.push_back(philox_normal(key, i));
    return values;
  }
};

double linear(const std::vector<float>& x) { return 2.5 + 1.5 * x[0] - 2 * x[1] + 0.25 * x[3]; }
double product(const std::vector<float>& x) { return x[0] * x[1] > 0 ? 1 : 0; }

struct Fixture {
  data::TemporaryDirectory folder;
  DrawnEmbedder encoder;
  HeadSettings settings;
  Fixture(double (*label)(const std::vector<float>&), int count) {
    std::string lines;
    for (int i = 0; i < count; ++i) lines += OrderedJson{{"text", "t" + std::to_string(i)}, {"label", label(DrawnEmbedder::row(i))}}.dump() + "\n";
    settings.model = "encoder";
    settings.output = (folder.path() / "head").string();
    settings.input = {folder.write("labels.jsonl", lines)};
    settings.batch = 32;
    settings.learning_rate = 0.02;
    settings.epochs = 60;
  }
};

TEST(EmbeddingHead, RecoversALinearFunction) {
  Fixture fixture(linear, 600);
  const HeadReport report = train_head(fixture.settings, fixture.encoder);
  EXPECT_GT(report.validation, 30);
  EXPECT_LT(report.mean_squared_error, 1e-3 * report.variance) << "the labels are an exact function of the embedding";
  const TrainedHead head = TrainedHead::load(fixture.settings.output);
  EXPECT_EQ(head.encoder(), "encoder");
  std::vector<float> row = DrawnEmbedder::row(10000);
  const double score = head.score(at::from_blob(row.data(), {1, 4}, at::kFloat)).item<double>();
  EXPECT_NEAR(score, linear(row), 0.1);
}

TEST(EmbeddingHead, NeedsHiddenUnitsForWhatIsNotLinear) {
  Fixture fixture(product, 1500);
  fixture.settings.threshold = 0.5;
  EXPECT_LT(train_head(fixture.settings, fixture.encoder).accuracy, 0.7) << "the sign of a product is no linear function";
  fixture.settings.hidden_units = 32;
  EXPECT_GT(train_head(fixture.settings, fixture.encoder).accuracy, 0.9);
}

TEST(EmbeddingHead, IsTheSameFileForTheSameTexts) {
  Fixture fixture(linear, 100);
  fixture.settings.hidden_units = 8;
  fixture.settings.epochs = 3;
  train_head(fixture.settings, fixture.encoder);
  const std::string first = read_file(fixture.folder.path() / "head" / "head.safetensors");
  train_head(fixture.settings, fixture.encoder);
  EXPECT_EQ(first, read_file(fixture.folder.path() / "head" / "head.safetensors"));
}

TEST(EmbeddingHead, RefusesLinesWithoutALabelAndForeignFiles) {
  Fixture fixture(linear, 10);
  fixture.settings.input = {fixture.folder.write("bad.jsonl", "{\"text\": \"t1\", \"label\": 1}\n{\"text\": \"t2\"}\n")};
  EXPECT_NE(data::message_of<DataError>([&] { train_head(fixture.settings, fixture.encoder); }).find("bad.jsonl:2"), std::string::npos);
  fixture.folder.write("head.json", "{}");
  EXPECT_THROW(TrainedHead::load(fixture.folder.path()), CheckpointError);
}

}  // namespace
}  // namespace phidias::trainer
