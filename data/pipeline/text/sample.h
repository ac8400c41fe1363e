// Stage `sample`: keeps a fraction of the documents, the same ones on any number of ranks and in any order.
//
// A document stands at a place in [0, 1): the upper 53 bits of XXH3-128 of (seed, what `by` names), so that 0.1 of the documents are among 0.2 of them,
// and offset 0 and offset 0.5 with fraction 0.5 share none. Documents without an id or url of their own lie where the empty text lies: all or none are kept.
// Reason: not_sampled.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "configs/field.h"
#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

enum class SampleKey { id, url, text };

// Uniform in [0, 1).
double sample_place(std::uint64_t seed, std::string_view key);

class Sample final : public Stage {
 public:
  struct Config {
    double fraction = 1, offset = 0;
    SampleKey by = SampleKey::id;
    std::int64_t seed = -1;
  };
  // Throws ConfigError when offset + fraction is above 1.
  Sample(const Config& config, const StageSetup& setup);
  std::unique_ptr<StageWorker> worker() const override;

 private:
  Config config_;
  std::uint64_t seed_;
};

template <class Visitor>
void visit(Sample::Config& c, Visitor& v) {
  v.field(c.fraction, {.key = "fraction", .doc = "of the documents that are kept", .required = true, .minimum = 0, .maximum = 1});
  v.field(c.offset,
          {.key = "offset", .doc = "where the fraction starts: samples of one seed whose ranges do not meet share no document", .minimum = 0, .maximum = 1});
  v.field(c.by, {.key = "by", .doc = "what a document's place is drawn from; `url` and `text` keep or drop equal ones together"});
  v.field(c.seed, {.key = "seed", .doc = "key of the draw", .minimum = -1, .unset = "null", .unset_value = -1, .default_text = "the pipeline's"});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 3> enum_names<data::pipeline::SampleKey>{"id", "url", "text"};
}
