// Signs that a passage tells something short-lived (a score, a price, a forecast, an offer) or something that lasts, as numbers between 0 and 1.
//
//   EphemeralFeatures features;
//   read_ephemeral_features(passage, features);
//   features.values[i];                             // named by ephemeral_feature_names()[i]
//
// Words are runs of letters and apostrophes, ASCII in lower case. A sign that is counted becomes sqrt(10 count / words), at most 1: one in
// a hundred words is 0.32, one in ten is 1. English; in other languages dates, numbers and prices are seen and little else. One pass over the text.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "data/pipeline/knowledge/ephemeral_lexicon.h"

namespace phidias::data::pipeline {

enum class Sign : std::uint8_t {
  date,         // a day of a month, a date in figures
  clock,        // 7:30, 19:45, 8pm
  old_year,     // 1000 to 1999
  recent_year,  // 2000 to 2099
  score,        // 3-1, 102-97
  money,        // $5, 12.50 EUR
  percent,      // 3.4%
  ticker,       // (NASDAQ: ABC), $ABC, GBP/USD
  number,       // tokens of figures
  long_number,  // telephone-like or code-like figures
  capital,      // words in capitals within a sentence
  shout,        // words of capitals alone
  exclamation,
  question,
  short_line,  // lines of at most six words
  symbol,      // * | # = > and the like
  count,
};
inline constexpr std::size_t kSigns = static_cast<std::size_t>(Sign::count);
inline constexpr std::size_t kEphemeralFeatures = kLexicons + kSigns;

const std::array<std::string_view, kEphemeralFeatures>& ephemeral_feature_names();

// Days since 1970-01-01.
using DayNumber = std::int64_t;

struct EphemeralFeatures {
  std::array<double, kEphemeralFeatures> values{};
  std::array<std::int32_t, kEphemeralFeatures> counts{};
  std::int32_t words = 0;
  std::vector<DayNumber> days;                        // dates with day, month and year
  std::vector<std::pair<int, int>> days_of_any_year;  // month, day: dates without a year

  std::int32_t count(Lexicon lexicon) const { return counts[static_cast<std::size_t>(lexicon)]; }
  std::int32_t count(Sign sign) const { return counts[kLexicons + static_cast<std::size_t>(sign)]; }
  double value(Lexicon lexicon) const { return values[static_cast<std::size_t>(lexicon)]; }
  double value(Sign sign) const { return values[kLexicons + static_cast<std::size_t>(sign)]; }
};

// Replaces `features`.
void read_ephemeral_features(std::string_view passage, EphemeralFeatures& features);

// Of a day in the Gregorian calendar; nothing when there is no such day.
std::optional<DayNumber> day_number(int year, int month, int day);
// The first date of the form 2024-03-12 in a text ("2024-03-12T10:00:00Z").
std::optional<DayNumber> parse_iso_day(std::string_view text);

// What a URL says: a date in its path, words such as news, sport, tickets.
bool url_is_of_the_moment(std::string_view url);

}  // namespace phidias::data::pipeline
