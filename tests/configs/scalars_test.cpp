#include "configs/scalars.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace phidias::configs {

TEST(Scalars, IntegersMayHaveUnderscoresAndExactExponents) {
  EXPECT_EQ(parse_integer("0"), 0);
  EXPECT_EQ(parse_integer("-17"), -17);
  EXPECT_EQ(parse_integer("+5"), 5);
  EXPECT_EQ(parse_integer("1_000_000"), 1000000);
  EXPECT_EQ(parse_integer("1e6"), 1000000);
  EXPECT_EQ(parse_integer("1.5e3"), 1500);
  EXPECT_EQ(parse_integer("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
}

TEST(Scalars, IntegersThatReadersDisagreeOnAreRefused) {
  for (const char* text : {"010",  "0x10", "0o17", "0b1", "00", "-01", "3.0", "1.5e0", "1e-2", "1e300", "9223372036854775808",
                           "1__0", "_1",   "1_",   "",    "-",  "1 ",  " 1",  "ten",   "1e",   "1,000"})
    EXPECT_FALSE(parse_integer(text).has_value()) << text;
}

TEST(Scalars, NumbersAreFiniteDecimals) {
  EXPECT_EQ(parse_number("1e-5"), 1e-5);
  EXPECT_EQ(parse_number("2.0E+3"), 2000.0);
  EXPECT_EQ(parse_number(".5"), 0.5);
  EXPECT_EQ(parse_number("5."), 5.0);
  EXPECT_EQ(parse_number("1_000.25"), 1000.25);
  EXPECT_EQ(parse_number("0.1"), 0.1);
  for (const char* text : {".inf", "-.inf", ".nan", "inf", "nan", "1e999", "0x1p3", "01.5", ".", "e5", "1e+", "1.2.3", "", "1e-5x"})
    EXPECT_FALSE(parse_number(text).has_value()) << text;
}

TEST(Scalars, TruthIsTrueAndFalseAlone) {
  EXPECT_EQ(parse_truth("true"), true);
  EXPECT_EQ(parse_truth("False"), false);
  for (const char* text : {"yes", "no", "on", "off", "1", "0", "tRue", ""}) EXPECT_FALSE(parse_truth(text).has_value()) << text;
}

TEST(Scalars, DurationsAreSumsOfUnits) {
  EXPECT_EQ(parse_duration("90"), 90.0);
  EXPECT_EQ(parse_duration("90s"), 90.0);
  EXPECT_EQ(parse_duration("45m"), 2700.0);
  EXPECT_EQ(parse_duration("1.5h"), 5400.0);
  EXPECT_EQ(parse_duration("1h30m"), 5400.0);
  EXPECT_EQ(parse_duration("2d"), 172800.0);
  for (const char* text : {"2 hours", "h", "1h30", "5x", "", "m5"}) EXPECT_FALSE(parse_duration(text).has_value()) << text;
}

TEST(Scalars, PrintedNumbersReadBackToTheSameBits) {
  for (const double number : {0.1, 1e-8, 2.0 / 3.0, 5e-324, 1.7976931348623157e308, 0.0, 1e22, 123456789.125})
    EXPECT_EQ(parse_number(print_number(number)), number) << number;
}

TEST(Scalars, TextsThatCouldBeTakenForSomethingElseAreQuoted) {
  EXPECT_EQ(print_text("runs/quick-start_1.x"), "runs/quick-start_1.x");
  EXPECT_EQ(print_text("/data/a.jsonl"), "/data/a.jsonl");
  for (const char* text : {"null", "true", "No", "y", "10", "1e5", "-", "a b", "a: b", "#x", "[a", "~", "*.jsonl", "é"})
    EXPECT_EQ(print_text(text).front(), '"') << text;
  EXPECT_EQ(print_text("a\"b\\c\nd\x01"), "\"a\\\"b\\\\c\\nd\\x01\"");
}

}  // namespace phidias::configs
