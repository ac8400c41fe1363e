// The verdict about a passage: ephemeral or not, and of which topic.
//
// Ephemeral: durability and teaching both at most their bounds, unless the passage looks like history or biography (years before 2000, or the past told) and
// neither speaks of the present ("today", "this weekend") nor names a day within thirty days of the day on which the page was fetched.
#pragma once

#include <optional>
#include <string_view>

#include "data/pipeline/knowledge/ephemeral_features.h"
#include "data/pipeline/knowledge/ephemeral_model.h"

namespace phidias::data::pipeline {

struct EphemeralBounds {
  double durability = 1, teaching = 1;
};

// sports_result, price, weather, horoscope, lottery, obituary, job, real_estate, event, tv_guide, promotion, listing, schedule, news_brief or page: whose signs
// are most frequent. The first of equals.
std::string_view ephemeral_topic(const EphemeralFeatures& features);

// Whether the guard for history and biography holds the passage.
bool is_guarded(const EphemeralFeatures& features, std::optional<DayNumber> fetched);

bool is_ephemeral(const EphemeralFeatures& features, const EphemeralScores& scores, const EphemeralBounds& bounds, std::optional<DayNumber> fetched);

}  // namespace phidias::data::pipeline
