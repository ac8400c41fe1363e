#include "data/pipeline/text/url_filter.h"

#include <algorithm>

#include "base/error.h"
#include "data/line_blocks.h"

namespace phidias::data::pipeline {
namespace {

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

std::string normalised(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (is_alphanumeric(c)) out += lower(c);
  return out;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n\f\v");
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin, text.find_last_not_of(" \t\r\n\f\v") - begin + 1);
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

std::vector<Hash128> sorted_hashes(const std::vector<std::string>& entries, bool fold) {
  std::vector<Hash128> hashes;
  hashes.reserve(entries.size());
  for (const std::string& entry : entries) hashes.push_back(hash_string(fold ? lowered(entry) : entry));
  std::ranges::sort(hashes);
  hashes.erase(std::ranges::unique(hashes).begin(), hashes.end());
  return hashes;
}

std::unordered_set<std::string> word_set(const std::vector<std::string>& entries) {
  std::unordered_set<std::string> words;
  for (const std::string& entry : entries)
    if (std::string word = normalised(entry); !word.empty()) words.insert(std::move(word));
  return words;
}

std::vector<std::string> normalised_all(const std::vector<std::string>& entries) {
  std::vector<std::string> out;
  for (const std::string& entry : entries) out.push_back(normalised(entry));
  return out;
}

bool has(const std::vector<Hash128>& sorted, std::string_view entry) {
  return !entry.empty() && !sorted.empty() && std::ranges::binary_search(sorted, hash_string(entry));
}

class Worker final : public DocumentWorker {
 public:
  explicit Worker(const UrlFilter& filter) : filter_(filter), domain_(filter.qualified("domain")) {}
  void process(Document& document) override {
    if (document.url.empty()) {
      if (filter_.config().without_url == WithoutUrl::drop) document.drop("no_url");
      return;
    }
    registered_.clear();
    const std::string_view rule = filter_.verdict(document.url, &registered_);
    if (filter_.config().annotate_domain && !registered_.empty()) document.annotations().set(domain_, registered_);
    if (!rule.empty()) document.drop(rule);
  }

 private:
  const UrlFilter& filter_;
  std::string domain_, registered_;
};

}  // namespace

UrlFilter::UrlFilter(const Config& config, const StageSetup& setup)
    : Stage(setup),
      config_(config),
      suffixes_(config.public_suffixes),
      domains_(sorted_hashes(read_lists(config.domains), config.ignore_case)),
      urls_(sorted_hashes(read_lists(config.urls), false)),
      hard_words_(word_set(read_lists(config.hard_words))),
      soft_words_(word_set(read_lists(config.soft_words))),
      substrings_(normalised_all(read_lists(config.substrings))) {
  if (resources_.empty() && config_.without_url == WithoutUrl::keep && !config_.annotate_domain)
    throw ConfigError(name() + ": no list is given, so that nothing can be dropped; name files under domains, urls, hard_words, soft_words or substrings");
  if (!suffixes_.file().empty() && (!domains_.empty() || config_.annotate_domain)) resources_.push_back(suffixes_.file());
}

std::vector<std::string> UrlFilter::read_lists(const std::vector<std::string>& files) {
  std::vector<std::string> entries;
  for (const std::string& file : files) {
    LineBlocks blocks(file, 4 << 20);
    while (const std::optional<LineBlock> block = blocks.next()) {
      if (block->oversized_bytes > 0) throw DataError(file + ":" + std::to_string(block->first_line) + ": the line is too long for an entry of a list");
      for_each_line(*block, [&](std::int64_t, std::string_view line) {
        const std::string_view entry = trimmed(line);
        if (!entry.empty() && entry.front() != '#') entries.emplace_back(entry);
      });
    }
    resources_.emplace_back(file);
  }
  return entries;
}

std::string_view UrlFilter::verdict(std::string_view url, std::string* registered) const {
  if (!domains_.empty() || (registered != nullptr && config_.annotate_domain)) {
    HostNames names = suffixes_.names(url_host(url));
    if (config_.ignore_case) names = {.registered = lowered(names.registered), .full = lowered(names.full)};
    if (registered != nullptr) *registered = names.registered;
    if (has(domains_, names.registered)) return "domain";
    if (has(domains_, names.full)) return "subdomain";
  }
  if (has(urls_, url)) return "url";
  if (!hard_words_.empty() || !soft_words_.empty()) {
    std::vector<std::string> words;
    for (std::size_t at = 0; at < url.size();) {
      std::size_t end = at;
      while (end < url.size() && is_alphanumeric(url[end])) ++end;
      if (end > at) words.push_back(config_.ignore_case ? lowered(url.substr(at, end - at)) : std::string(url.substr(at, end - at)));
      at = end + 1;
    }
    for (const std::string& word : words)
      if (hard_words_.contains(word)) return "hard_word";
    std::erase_if(words, [&](const std::string& word) { return !soft_words_.contains(word); });
    std::ranges::sort(words);
    words.erase(std::ranges::unique(words).begin(), words.end());
    if (static_cast<std::int64_t>(words.size()) >= config_.soft_threshold) return "soft_words";
  }
  return substrings_.finds_in(lowered(url)) ? "substring" : "";
}

std::unique_ptr<StageWorker> UrlFilter::worker() const { return std::make_unique<Worker>(*this); }

std::vector<std::pair<std::string, std::string>> UrlFilter::notes() const {
  return {{"domains", std::to_string(domains_.size())},
          {"urls", std::to_string(urls_.size())},
          {"hard_words", std::to_string(hard_words_.size())},
          {"soft_words", std::to_string(soft_words_.size())}};
}

}  // namespace phidias::data::pipeline
