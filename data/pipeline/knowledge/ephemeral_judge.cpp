#include "data/pipeline/knowledge/ephemeral_judge.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

namespace phidias::data::pipeline {
namespace {

constexpr DayNumber kRecentDays = 30;

// Whether a day of any year falls within thirty days of `fetched`.
bool is_recent(int month, int day, DayNumber fetched) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(fetched))};
  const int year = static_cast<int>(date.year());
  for (const int candidate : {year - 1, year, year + 1}) {
    const auto number = day_number(candidate, month, day);
    if (number && std::abs(*number - fetched) <= kRecentDays) return true;
  }
  return false;
}

bool names_recent_day(const EphemeralFeatures& features, DayNumber fetched) {
  return std::any_of(features.days.begin(), features.days.end(), [&](DayNumber day) { return std::abs(day - fetched) <= kRecentDays; }) ||
         std::any_of(features.days_of_any_year.begin(), features.days_of_any_year.end(),
                     [&](const std::pair<int, int>& day) { return is_recent(day.first, day.second, fetched); });
}

}  // namespace

std::string_view ephemeral_topic(const EphemeralFeatures& features) {
  const auto lexicon = [&](Lexicon which) { return static_cast<double>(features.count(which)); };
  const auto sign = [&](Sign which) { return static_cast<double>(features.count(which)); };
  const std::array<std::pair<std::string_view, double>, 15> topics = {{
      {"sports_result", lexicon(Lexicon::sport) + lexicon(Lexicon::outcome) + 2 * sign(Sign::score) + lexicon(Lexicon::odds)},
      {"price", lexicon(Lexicon::market) + 2 * sign(Sign::ticker) + sign(Sign::percent) + 0.5 * sign(Sign::money)},
      {"weather", lexicon(Lexicon::weather)},
      {"horoscope", 1.5 * lexicon(Lexicon::horoscope)},
      {"lottery", 1.2 * lexicon(Lexicon::lottery)},
      {"obituary", 1.2 * lexicon(Lexicon::obituary)},
      {"job", lexicon(Lexicon::job)},
      {"real_estate", lexicon(Lexicon::real_estate)},
      {"event", lexicon(Lexicon::event)},
      {"tv_guide", lexicon(Lexicon::television)},
      {"promotion", lexicon(Lexicon::promotion) + 0.5 * sign(Sign::money)},
      {"listing", lexicon(Lexicon::listing) + 0.5 * sign(Sign::long_number)},
      {"schedule", lexicon(Lexicon::transit) + 0.5 * sign(Sign::clock)},
      {"news_brief", lexicon(Lexicon::news)},
      {"page", lexicon(Lexicon::page)},
  }};
  return std::max_element(topics.begin(), topics.end(), [](const auto& a, const auto& b) { return a.second < b.second; })->first;
}

bool is_guarded(const EphemeralFeatures& features, std::optional<DayNumber> fetched) {
  const bool tells_the_past = features.count(Sign::old_year) > 0 || features.value(Lexicon::narrative) + features.value(Lexicon::history) >= 1.2;
  if (!tells_the_past) return false;
  const bool speaks_of_now = features.count(Lexicon::deixis) > 0;
  return !speaks_of_now && !(fetched && names_recent_day(features, *fetched));
}

bool is_ephemeral(const EphemeralFeatures& features, const EphemeralScores& scores, const EphemeralBounds& bounds, std::optional<DayNumber> fetched) {
  return scores.durability <= bounds.durability && scores.teaching <= bounds.teaching && !is_guarded(features, fetched);
}

}  // namespace phidias::data::pipeline
