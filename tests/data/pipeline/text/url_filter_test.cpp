#include "data/pipeline/text/url_filter.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include "base/error.h"
#include "base/json.h"
#include "tests/data/pipeline/text/stage_run.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

const std::string kGolden = std::string(PHIDIAS_SOURCE_DIR) + "/tests/golden/text/";

UrlFilter::Config golden_config(const TemporaryDirectory& directory, const Json& lists) {
  const auto file = [&](const std::string& name) {
    std::string lines;
    for (const std::string entry : lists.at(name)) lines += entry + "\n";
    return std::vector<std::string>{directory.write(name + ".txt", lines)};
  };
  UrlFilter::Config config{
      .domains = file("domains"), .urls = file("urls"), .hard_words = file("hard_words"), .soft_words = file("soft_words"), .substrings = file("substrings")};
  config.public_suffixes = kGolden + "suffixes.dat";
  return config;
}

TEST(UrlFilter, DecidesAsDatatroveWhereCaseCounts) {
  const TemporaryDirectory directory;
  const Json golden = read_json(kGolden + "urls.json");
  UrlFilter::Config config = golden_config(directory, golden.at("lists"));
  config.ignore_case = false;
  const UrlFilter filter(config, setup_named("url_filter"));
  EXPECT_GE(golden.at("cases").size(), 300u);
  for (const Json& entry : golden.at("cases"))
    EXPECT_EQ(filter.verdict(entry.at("url").get<std::string>()), entry.at("reason").get<std::string>()) << entry.at("url");
}

TEST(UrlFilter, IgnoresCaseUnlessAskedNotTo) {
  const TemporaryDirectory directory;
  UrlFilter::Config config = golden_config(directory, read_json(kGolden + "urls.json").at("lists"));
  const UrlFilter folding(config, setup_named("url_filter"));
  EXPECT_EQ(folding.verdict("http://WWW.BadSite.COM/"), "domain");
  EXPECT_EQ(folding.verdict("http://goodsite.com/Poker/Rules"), "hard_word");
  config.ignore_case = false;
  const UrlFilter exact(config, setup_named("url_filter"));
  EXPECT_EQ(exact.verdict("http://WWW.BadSite.COM/"), "");
  EXPECT_EQ(exact.verdict("http://goodsite.com/Poker/Rules"), "");
}

TEST(UrlFilter, ReadsCompressedListsAndNamesItsFiles) {
  const TemporaryDirectory directory;
  const std::string list = "# hosts\n\n  badsite.com  \r\n";
  std::string packed(ZSTD_compressBound(list.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), list.data(), list.size(), 3));
  UrlFilter::Config config;
  config.domains = {directory.write("domains.zst", packed)};
  config.public_suffixes = kGolden + "suffixes.dat";
  const UrlFilter filter(config, setup_named("url_filter"));
  EXPECT_EQ(filter.verdict("http://www.badsite.com/x"), "domain");
  EXPECT_EQ(filter.verdict("http://www.goodsite.com/x"), "");
  ASSERT_EQ(filter.resources().size(), 2u);
  EXPECT_EQ(filter.resources()[1].filename(), "suffixes.dat");
}

TEST(UrlFilter, TreatsDocumentsWithoutAnAddressAsAsked) {
  const TemporaryDirectory directory;
  UrlFilter::Config config;
  config.hard_words = {directory.write("words.txt", "poker\n")};
  config.annotate_domain = true;
  config.public_suffixes = kGolden + "suffixes.dat";
  const UrlFilter keeping(config, setup_named("urls"));
  Document document = document_of("text");
  run(keeping, document);
  EXPECT_FALSE(document.dropped());
  Document with_url = document_of("text", "1", "http://a.b.co.uk/poker");
  run(keeping, with_url);
  EXPECT_EQ(with_url.reason(), "hard_word");
  EXPECT_EQ(with_url.annotations().text("urls.domain"), "b.co.uk");
  config.without_url = WithoutUrl::drop;
  run(UrlFilter(config, setup_named("urls")), document);
  EXPECT_EQ(document.reason(), "no_url");
}

TEST(UrlFilter, RefusesToDoNothingAndMissingLists) {
  EXPECT_NE(message_of<ConfigError>([] { UrlFilter({}, setup_named("url_filter")); }).find("no list"), std::string::npos);
  UrlFilter::Config config;
  config.domains = {"/nowhere/list.txt"};
  EXPECT_THROW(UrlFilter(config, setup_named("url_filter")), DataError);
  config.public_suffixes = "/nowhere/suffixes.dat";
  EXPECT_NE(message_of<DataError>([&] { UrlFilter(config, setup_named("url_filter")); }).find("suffixes.dat"), std::string::npos);
}

TEST(SubstringAutomaton, FindsWordsThatOverlapAndEndInsideOthers) {
  const std::vector<std::string> words = {"abcd", "bc", "he", "she", "hers", "", "--"};
  const SubstringAutomaton automaton(words);
  for (const char* text : {"xabcx", "ahishex", "shers", "abcd", "a-b-c"}) EXPECT_TRUE(automaton.finds_in(text)) << text;
  for (const char* text : {"", "ab", "cb", "h-x-e", "hsxr"}) EXPECT_FALSE(automaton.finds_in(text)) << text;
  EXPECT_FALSE(SubstringAutomaton().finds_in("anything"));
}

}  // namespace
}  // namespace phidias::data::pipeline
