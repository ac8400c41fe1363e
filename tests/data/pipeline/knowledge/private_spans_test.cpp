#include "data/pipeline/knowledge/private_spans.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "base/json.h"
#include "base/philox.h"

namespace phidias::data::pipeline {
namespace {

std::vector<PrivateSpan> find(std::string_view text, const PrivateRules& rules = {}, const PrivateKindSet& kinds = kAllPrivateKinds) {
  std::vector<PrivateSpan> spans;
  PrivateSpanFinder(rules).find(text, kinds, spans);
  return spans;
}

std::string found(std::string_view text, const PrivateRules& rules = {}) {
  std::string all;
  for (const PrivateSpan& span : find(text, rules))
    all += std::string(kPrivateKindNames[static_cast<std::size_t>(span.kind)]) + "=" + std::string(text.substr(span.begin, span.end - span.begin)) + ";";
  return all;
}

PrivateKindSet only(PrivateKind kind) {
  PrivateKindSet kinds{};
  kinds[static_cast<std::size_t>(kind)] = true;
  return kinds;
}

// Compares with the spans that a tool matches in each of the golden texts; overlaps of kinds play no part, each is searched alone.
void compare(const std::string& tool, const PrivateRules& rules, PrivateKind kind, std::size_t expected_spans) {
  const PrivateSpanFinder finder(rules);
  std::ifstream file(std::string(PHIDIAS_SOURCE_DIR) + "/tests/golden/privacy/spans.jsonl");
  std::vector<PrivateSpan> spans;
  std::size_t texts = 0, total = 0;
  for (std::string line; std::getline(file, line); ++texts) {
    const Json record = parse_json(line, "spans.jsonl");
    const auto text = record["text"].get<std::string>();
    std::vector<PrivateSpan> expected;
    for (const auto& span : record[tool][std::string(kPrivateKindNames[static_cast<std::size_t>(kind)])]) expected.push_back({kind, span[0], span[1]});
    finder.find(text, only(kind), spans);
    EXPECT_EQ(spans, expected) << tool << ": " << text;
    total += expected.size();
  }
  EXPECT_GE(texts, 400U);
  EXPECT_GE(total, expected_spans);
}

TEST(PrivateSpans, EmailsOfDatatrove) { compare("datatrove", {.email = EmailRule::datatrove}, PrivateKind::email, 150); }
TEST(PrivateSpans, AddressesOfDatatrove) { compare("datatrove", {.ip = IpRule::datatrove}, PrivateKind::ip, 50); }
TEST(PrivateSpans, EmailsOfDolma) { compare("dolma", {.email = EmailRule::dolma}, PrivateKind::email, 120); }
TEST(PrivateSpans, PhonesOfDolma) { compare("dolma", {.phone = PhoneRule::dolma}, PrivateKind::phone, 10); }
TEST(PrivateSpans, AddressesOfDolma) { compare("dolma", {.ip = IpRule::dolma, .public_only = false}, PrivateKind::ip, 100); }

TEST(PrivateSpans, StandardEmailsAreFoundBesideOtherScripts) {
  EXPECT_EQ(found("联系abc@example.com。"), "email=abc@example.com;");
  EXPECT_EQ(found("联系abc@example.com。", {.email = EmailRule::datatrove}), "");
  EXPECT_EQ(found("<john.o'neil+x@mail.example.co.uk>, next"), "email=john.o'neil+x@mail.example.co.uk;");
  EXPECT_EQ(found("version 3@1.2 and a@b"), "") << "no domain";
}

TEST(PrivateSpans, StandardAddressesAreWhole) {
  EXPECT_EQ(found("at 8.8.8.8."), "ip=8.8.8.8;");
  EXPECT_EQ(found("http://8.8.8.8:80/x"), "ip=8.8.8.8;");
  EXPECT_EQ(found("release 1.2.3.4.5, 10.8.8.8.8, x1.2.3.4"), "");
  EXPECT_EQ(found("10.1.2.3, 192.168.1.1, 127.0.0.1, 0.0.0.0"), "");
  EXPECT_EQ(found("10.1.2.3", {.public_only = false}), "ip=10.1.2.3;");
  EXPECT_EQ(found("host 2a00:1450:4001:81b::200e."), "ip=2a00:1450:4001:81b::200e;");
  EXPECT_EQ(found("[2620:fe::fe]:53 and 2620:fe::fe:"), "ip=2620:fe::fe;ip=2620:fe::fe;");
  EXPECT_EQ(found("at 12:30:45, dead::beef, std::begin, a::b, fe80::1, 2001:db8::1"), "");
}

TEST(PrivateSpans, PhonesInInternationalAmericanAndNamedForm) {
  EXPECT_EQ(found("Ring +44 20 7946 0958 today"), "phone=+44 20 7946 0958;");
  EXPECT_EQ(found("+49 (30) 901820-0"), "phone=+49 (30) 901820-0;");
  EXPECT_EQ(found("Call (212) 555-0147 or 1-212-555-0148."), "phone=(212) 555-0147;phone=1-212-555-0148;");
  EXPECT_EQ(found("Tel.: 030 901820"), "phone=030 901820;");
  EXPECT_EQ(found("Téléphone : 01 42 68 53 00"), "phone=01 42 68 53 00;");
}

TEST(PrivateSpans, OtherNumbersAreNoPhones) {
  for (const char* text : {"ISBN 978-0-306-40615-7",
                           "ISBN: 212-555-0147",
                           "ISSN 2049-3630",
                           "doi:10.1000/212-555-0147",
                           "https://example.org/212-555-0147",
                           "https://doi.org/10.1038/212.555.0147",
                           "issue #212-555-0147",
                           "on 2019-03-12 at 10:15",
                           "call 2019-03-12",
                           "12/03/2019",
                           "arXiv 212-555-0147",
                           "Python 3.11.7-212-555-0147",
                           "a=212-555-0147&b",
                           "212-555-01478",
                           "1212-555-0147",
                           "212-155-0147",
                           "between +5 and +12 degrees",
                           "ticket 212-555-0147",
                           "1914-1918 and 1939-1945",
                           "3.14159265358979",
                           "+1",
                           "x^2+3 4 5 6",
                           "1 000 000 000",
                           "population 212 555 014",
                           "US patent 212-555-0147",
                           "RFC 212-555-0147"})
    EXPECT_EQ(found(text), "") << text;
}

TEST(PrivateSpans, CredentialsByFormAndByAssignment) {
  EXPECT_EQ(found("id AKIAIOSFODNN7EXAMPLE;"), "credential=AKIAIOSFODNN7EXAMPLE;");
  const std::string token = "ghp_" + std::string("a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
  EXPECT_EQ(found("token " + token), "credential=" + token + ";");
  const std::string web_token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
  EXPECT_EQ(found("Bearer " + web_token), "credential=" + web_token + ";");
  EXPECT_EQ(found("API_KEY = 'f3a9c1d27b5e4860a1'"), "credential=f3a9c1d27b5e4860a1;");
  EXPECT_EQ(found("\"client_secret\": \"Zx81kQpL0vWn3TyB7sRd\""), "credential=Zx81kQpL0vWn3TyB7sRd;");
  EXPECT_EQ(found("postgres://admin:s3cr3tpw@db.example.com/x"), "credential=s3cr3tpw;");
  EXPECT_EQ(found("-----BEGIN RSA PRIVATE KEY-----\nMIIB\nabc=\n-----END RSA PRIVATE KEY-----\nrest"),
            "credential=-----BEGIN RSA PRIVATE KEY-----\nMIIB\nabc=\n-----END RSA PRIVATE KEY-----;");
  EXPECT_EQ(found("-----BEGIN PRIVATE KEY-----\nMIIBabc=\n and more"), "credential=-----BEGIN PRIVATE KEY-----\nMIIBabc=\n;");
  EXPECT_EQ(found("api_key = your_api_key_goes_here"), "") << "no digit";
  EXPECT_EQ(found("password: aaaaaaaa11111111"), "") << "hardly any entropy";
  EXPECT_EQ(found("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"), "");
  EXPECT_EQ(found("The access token = configuration_parameter"), "");
}

TEST(PrivateSpans, CardsAndAccountsByTheirCheckDigits) {
  EXPECT_EQ(found("card 4111 1111 1111 1111, thanks"), "payment_card=4111 1111 1111 1111;");
  EXPECT_EQ(found("card 4111-1111-1111-1112"), "");
  EXPECT_EQ(found("IBAN DE89 3704 0044 0532 0130 00 BIC COBADEFF"), "iban=DE89 3704 0044 0532 0130 00;");
  EXPECT_EQ(found("GB29NWBK60161331926819."), "iban=GB29NWBK60161331926819;");
  EXPECT_EQ(found("GB29 NWBK 6016 1331 9268 18"), "");
}

TEST(PrivateSpans, OverlapsGoToTheFirstKindInOrder) {
  EXPECT_EQ(found("ftp://me:pass@mail.example.com"), "credential=pass;") << "not pass@mail.example.com as an address";
  EXPECT_EQ(found("Tel. 4111 1111 1111 1111"), "payment_card=4111 1111 1111 1111;");
}

TEST(PrivateSpans, AreWithinTheTextSortedAndApartForAnyText) {
  const std::string pieces[] = {"@",  ".", "a",  "8.8.8.8", "::",   "2620:",       "-----BEGIN PRIVATE KEY-----", "+1 ", "555", "-", " ",
                                "\n", "é", "联", "4111 ",   "DE89", "eyJabcdefgh."};
  const PrivateSpanFinder finders[] = {PrivateSpanFinder({}), PrivateSpanFinder({EmailRule::datatrove, IpRule::datatrove, PhoneRule::standard, true}),
                                       PrivateSpanFinder({EmailRule::dolma, IpRule::dolma, PhoneRule::dolma, false})};
  std::vector<PrivateSpan> spans;
  std::size_t seen = 0;
  for (std::uint64_t round = 0; round < 3000; ++round) {
    const PhiloxKey key = philox_key(3, RandomSite::shuffle, round);
    std::string text;
    for (std::uint64_t i = 0; i < 40; ++i) text += pieces[philox_uint64(key, i) % std::size(pieces)];
    for (const PrivateSpanFinder& finder : finders) {
      finder.find(text, kAllPrivateKinds, spans);
      std::size_t end = 0;
      for (const PrivateSpan& span : spans) {
        ASSERT_LE(end, span.begin) << text;
        ASSERT_LT(span.begin, span.end) << text;
        ASSERT_LE(span.end, text.size());
        end = span.end;
      }
      seen += spans.size();
    }
  }
  EXPECT_GT(seen, 5000U);
}

}  // namespace
}  // namespace phidias::data::pipeline
