// Stage `url_filter`: drops documents by their address.
//
// Lists are files of the user (.gz and .zst are read in place), one entry per line, "#" starts a comment line. In order, with the definitions of datatrove's
// URLFilter:
//   domain        the registered domain ("bbc.co.uk") is in `domains`
//   subdomain     the whole host ("forums.bbc.co.uk") is in `domains`
//   url           the address, as written, is in `urls`
//   hard_word     a word of the address (run of a-z, A-Z, 0-9) is in `hard_words`
//   soft_words    at least `soft_threshold` different words are in `soft_words`
//   substring     the address in lower case without anything but a-z and 0-9 holds an entry of `substrings`
// Entries of word lists lose everything but a-z and 0-9 and become lower case. datatrove compares hosts and words as the address writes them, so that
// "Poker" passes a list with "poker"; `ignore_case: false` does the same. Reason for documents without an address, where asked for: no_url.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/hash.h"
#include "configs/field.h"
#include "data/pipeline/stage.h"
#include "data/pipeline/text/substring_automaton.h"
#include "data/pipeline/text/url_host.h"

namespace phidias::data::pipeline {

enum class WithoutUrl { keep, drop };

class UrlFilter final : public Stage {
 public:
  struct Config {
    std::vector<std::string> domains, urls, hard_words, soft_words, substrings;
    std::int64_t soft_threshold = 2;
    bool ignore_case = true;
    WithoutUrl without_url = WithoutUrl::keep;
    bool annotate_domain = false;
    std::string public_suffixes;
  };
  // Throws DataError when a list cannot be read, ConfigError when there is none.
  UrlFilter(const Config& config, const StageSetup& setup);
  std::unique_ptr<StageWorker> worker() const override;
  std::vector<std::filesystem::path> resources() const override { return resources_; }
  std::vector<std::pair<std::string, std::string>> notes() const override;
  // The rule that drops an address, empty: none. `registered`, where given, gets the registered domain.
  std::string_view verdict(std::string_view url, std::string* registered = nullptr) const;
  const Config& config() const { return config_; }

 private:
  std::vector<std::string> read_lists(const std::vector<std::string>& files);

  Config config_;
  std::vector<std::filesystem::path> resources_;
  PublicSuffixes suffixes_;
  std::vector<Hash128> domains_, urls_;  // hashes, sorted: 16 bytes per entry
  std::unordered_set<std::string> hard_words_, soft_words_;
  SubstringAutomaton substrings_;
};

template <class Visitor>
void visit(UrlFilter::Config& c, Visitor& v) {
  v.field(c.domains, {.key = "domains", .doc = "files of registered domains and of whole hosts"});
  v.field(c.urls, {.key = "urls", .doc = "files of whole addresses"});
  v.field(c.hard_words, {.key = "hard_words", .doc = "files of words of which one is enough"});
  v.field(c.soft_words, {.key = "soft_words", .doc = "files of words of which several are needed"});
  v.field(c.soft_threshold, {.key = "soft_threshold", .doc = "different soft words that drop a document", .minimum = 1});
  v.field(c.substrings, {.key = "substrings", .doc = "files of texts that may stand nowhere in the address's letters and digits"});
  v.field(c.ignore_case, {.key = "ignore_case", .doc = "`false`: hosts and words as the address writes them, as datatrove"});
  v.field(c.without_url, {.key = "without_url", .doc = "documents without an address"});
  v.field(c.annotate_domain, {.key = "annotate_domain", .doc = "write the registered domain as `<name>.domain`"});
  v.field(c.public_suffixes, {.key = "public_suffixes", .doc = "list in the format of publicsuffix.org", .default_text = "libpsl's newest"});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::WithoutUrl>{"keep", "drop"};
}
