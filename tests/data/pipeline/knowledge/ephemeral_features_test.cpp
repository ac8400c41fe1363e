#include "data/pipeline/knowledge/ephemeral_features.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace phidias::data::pipeline {
namespace {

EphemeralFeatures read(std::string_view text) {
  EphemeralFeatures features;
  read_ephemeral_features(text, features);
  return features;
}

TEST(EphemeralFeatures, DatesInWordsAndFigures) {
  const EphemeralFeatures features = read("On March 12, 2024 and 3 April 1999, then 2020-02-29, 24/12/2021 and 12/24/2021; July 4 too.");
  EXPECT_EQ(features.days, (std::vector<DayNumber>{*day_number(2024, 3, 12), *day_number(1999, 4, 3), *day_number(2020, 2, 29), *day_number(2021, 12, 24),
                                                   *day_number(2021, 12, 24)}));
  EXPECT_EQ(features.days_of_any_year, (std::vector<std::pair<int, int>>{{7, 4}}));
  EXPECT_EQ(features.count(Sign::date), 6);
  EXPECT_EQ(read("2021-02-29, 31/31/2021").count(Sign::date), 0);
  EXPECT_EQ(read("in May 2020 they may go, on the 3rd of May").count(Sign::date), 1);
}

TEST(EphemeralFeatures, ClocksScoresYearsAndPrices) {
  EXPECT_EQ(read("7:30 pm, 19:45, 8pm, 10 a.m.").count(Sign::clock), 4);
  EXPECT_EQ(read("25:10 and 3:1").count(Sign::clock), 0);
  EXPECT_EQ(read("won 3-1 and 102–97, not 2019-2020").count(Sign::score), 2);
  EXPECT_EQ(read("1066, 1914 and 2008").count(Sign::old_year), 2);
  EXPECT_EQ(read("1066, 1914 and 2008").count(Sign::recent_year), 1);
  EXPECT_EQ(read("$4.99, £12, €7.50, 30 EUR, 12,50 € and 5 apples").count(Sign::money), 5);
  EXPECT_EQ(read("up 3.4% (NASDAQ: ABC), GBP/USD, $TSR").count(Sign::percent), 1);
  EXPECT_EQ(read("up 3.4% (NASDAQ: ABC), GBP/USD, $TSR").count(Sign::ticker), 3);
}

TEST(EphemeralFeatures, WordsPhrasesAndHyphensOfTheLexicon) {
  EXPECT_EQ(read("Today's game; this weekend we go").count(Lexicon::deixis), 2) << "a word counts once, alone or in a phrase";
  EXPECT_EQ(read("this, weekend").count(Lexicon::deixis), 1) << "a comma ends the phrase";
  EXPECT_EQ(read("\xE2\x80\x9Ctoday\xE2\x80\x9D").count(Lexicon::deixis), 1) << "quotes are no part of words";
  EXPECT_EQ(read("because therefore hence").count(Lexicon::connective), 3);
  EXPECT_GE(read("half-time").count(Lexicon::sport), 1);
}

TEST(EphemeralFeatures, ShapeOfTheText) {
  const EphemeralFeatures features = read("SALE NOW! Buy two.\nHats\nWe saw London and Paris?");
  EXPECT_EQ(features.words, 10);
  EXPECT_EQ(features.count(Sign::shout), 2);
  EXPECT_EQ(features.count(Sign::short_line), 3);
  EXPECT_EQ(features.count(Sign::exclamation), 1);
  EXPECT_EQ(features.count(Sign::question), 1);
  EXPECT_EQ(features.count(Sign::capital), 3) << "NOW, London and Paris";
  EXPECT_DOUBLE_EQ(features.value(Sign::exclamation), std::sqrt(10.0 / 20)) << "twenty words at least";
}

TEST(EphemeralFeatures, AnyBytesAreRead) {
  std::string text;
  for (int i = 0; i < 4000; ++i) text += static_cast<char>(i * 7919 % 251 + i % 5);
  for (std::size_t cut = 0; cut < 200; ++cut) EXPECT_LE(read(std::string_view(text).substr(cut, 300)).words, 300);
  EXPECT_EQ(read("").words, 0);
  EXPECT_EQ(read(std::string(2000, '9')).words, 1);
  EXPECT_EQ(read("\xE2").words, 0);
}

TEST(EphemeralFeatures, DaysAndAddresses) {
  EXPECT_EQ(day_number(1970, 1, 2), 1);
  EXPECT_EQ(day_number(2023, 2, 29), std::nullopt);
  EXPECT_EQ(parse_iso_day("fetched 2024-03-12T10:00:00Z"), day_number(2024, 3, 12));
  EXPECT_EQ(parse_iso_day("2024-3-12"), std::nullopt);
  EXPECT_TRUE(url_is_of_the_moment("https://example.com/2023/05/17/match-report"));
  EXPECT_TRUE(url_is_of_the_moment("https://example.com/Sport/football"));
  EXPECT_FALSE(url_is_of_the_moment("https://example.com/wiki/Transport"));
}

}  // namespace
}  // namespace phidias::data::pipeline
