// The web's noise, generated: what a filtering pipeline has to remove. For recipes and tests that need raw material on a machine without a crawl.
//
//   NoiseReport report = make_noise({.documents = 5000, .seed = 1}, "runs/raw/noise.jsonl");
//
// Kinds: ephemeral (scores, weather, prices, listings, promotions, schedules, horoscopes), spam (keyword stuffing, loans, pills, casinos), boilerplate
// (cookie and legal notices, menus), gibberish (random letters, broken encoding, number tables), repetition, and with `seeds` (good
// documents) duplicate: exact copies, and copies in which a few words differ.
// Deterministic: document i is drawn with Philox keyed by (seed, i).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace phidias::data {

struct NoiseOptions {
  std::int64_t documents = 5000;
  std::int64_t seed = 0;
  std::string seeds;         // JSONL with `text`, or a folder of .txt files; empty: no duplicates
  double duplicates = 0.15;  // share of them when there are seeds
};

struct NoiseReport {
  std::map<std::string, std::int64_t> documents_by_kind;
};

// Writes {"id", "text", "url", "date", "kind"} a line; `kind` is the truth for an evaluation, no stage looks at it. Throws DataError.
NoiseReport make_noise(const NoiseOptions& options, const std::filesystem::path& path);

}  // namespace phidias::data
