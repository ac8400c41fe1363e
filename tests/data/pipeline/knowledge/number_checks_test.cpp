#include "data/pipeline/knowledge/number_checks.h"

#include <gtest/gtest.h>

#include <string>

namespace phidias::data::pipeline {
namespace {

TEST(NumberChecks, LuhnFindsEveryWrongDigit) {
  const std::string right = "79927398713";  // the textbook example
  EXPECT_TRUE(passes_luhn(right));
  for (std::size_t i = 0; i < right.size(); ++i) {
    for (char digit = '0'; digit <= '9'; ++digit) {
      std::string changed = right;
      changed[i] = digit;
      EXPECT_EQ(passes_luhn(changed), digit == right[i]) << changed;
    }
  }
}

TEST(NumberChecks, CardsNeedANetworkALengthAndTheCheckDigit) {
  for (const char* card :
       {"4111111111111111", "5555555555554444", "2223003122003222", "378282246310005", "6011111111111117", "30569309025904", "3530111333300000"})
    EXPECT_TRUE(is_payment_card(card)) << card;
  EXPECT_FALSE(is_payment_card("4111111111111112")) << "check digit";
  EXPECT_FALSE(is_payment_card("0000000000000000")) << "one digit only";
  EXPECT_FALSE(is_payment_card("9780306406157")) << "an ISBN: no network begins with 9";
  EXPECT_FALSE(is_payment_card("411111111111")) << "too short";
  EXPECT_FALSE(is_payment_card("1234567812345670")) << "right check digit, no network";
}

TEST(NumberChecks, AccountsNeedTheLengthOfTheirCountryAndTheRemainder) {
  for (const char* account :
       {"DE89370400440532013000", "GB29NWBK60161331926819", "NO9386011117947", "FR1420041010050500013M02606", "MT84MALT011000012345MTLCAST001S"})
    EXPECT_TRUE(is_iban(account)) << account;
  EXPECT_FALSE(is_iban("DE88370400440532013000"));
  EXPECT_FALSE(is_iban("DE8937040044053201300"));
  EXPECT_FALSE(is_iban("XX89370400440532013000"));
  EXPECT_FALSE(is_iban("de89370400440532013000"));
  EXPECT_FALSE(is_iban(""));
}

}  // namespace
}  // namespace phidias::data::pipeline
