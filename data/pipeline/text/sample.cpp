#include "data/pipeline/text/sample.h"

#include <array>

#include "base/error.h"
#include "base/hash.h"

namespace phidias::data::pipeline {
namespace {

class Worker final : public DocumentWorker {
 public:
  Worker(const Sample::Config& config, std::uint64_t seed) : config_(config), seed_(seed) {}
  void process(Document& document) override {
    const std::string& key = config_.by == SampleKey::id ? document.id : config_.by == SampleKey::url ? document.url : document.text();
    const double place = sample_place(seed_, key);
    if (place < config_.offset || place >= config_.offset + config_.fraction) document.drop("not_sampled");
  }

 private:
  Sample::Config config_;
  std::uint64_t seed_;
};

}  // namespace

double sample_place(std::uint64_t seed, std::string_view key) {
  std::array<unsigned char, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(seed >> (8 * i));
  const Hash128 hash = Hasher().update(bytes.data(), bytes.size()).update(key).digest();
  return static_cast<double>(hash.high >> 11) * 0x1p-53;
}

Sample::Sample(const Config& config, const StageSetup& setup)
    : Stage(setup), config_(config), seed_(config.seed < 0 ? setup.seed : static_cast<std::uint64_t>(config.seed)) {
  if (config.offset + config.fraction > 1 + 1e-12) throw ConfigError(name() + ": offset + fraction is above 1; a sample lies in [0, 1)");
}

std::unique_ptr<StageWorker> Sample::worker() const { return std::make_unique<Worker>(config_, seed_); }

}  // namespace phidias::data::pipeline
