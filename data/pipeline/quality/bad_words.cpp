#include "data/pipeline/quality/bad_words.h"

#include <algorithm>
#include <fstream>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "data/pipeline/characters.h"
#include "data/pipeline/quality/lower_case.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {

// Entries in lower case, found by their first two bytes.
class PhraseList {
 public:
  explicit PhraseList(const std::string& path) : places_(1 << 16) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw DataError(path + ": cannot be read; name a file of words, one a line");
    std::int64_t number = 0;
    for (std::string line; std::getline(file, line);) {
      ++number;
      if (find_invalid_utf8(line) != std::string::npos) throw DataError(path + ":" + std::to_string(number) + ": not UTF-8");
      const std::string_view word = strip(line);
      if (!word.empty()) phrases_.push_back(lower_case(word));
    }
    if (phrases_.empty()) throw DataError(path + ": no words in it");
    std::sort(phrases_.begin(), phrases_.end());
    phrases_.erase(std::unique(phrases_.begin(), phrases_.end()), phrases_.end());
    for (std::size_t i = 0; i < phrases_.size(); ++i) {
      if (phrases_[i].size() == 1)
        singles_[static_cast<unsigned char>(phrases_[i][0])] = static_cast<std::uint32_t>(i + 1);
      else
        places_[place(phrases_[i].data())].push_back(static_cast<std::uint32_t>(i));
    }
  }

  // Calls found(entry) for each entry at each place of `text` (in lower case).
  template <class Found>
  void find(std::string_view text, bool at_words, Found&& found) const {
    for (std::size_t at = 0; at < text.size(); at += static_cast<std::size_t>(utf8_length(text[at]))) {
      if (at_words && at > 0 && is_word(decode_utf8_before(text.data() + at))) continue;
      const auto visit = [&](const std::string& phrase) {
        if (!text.substr(at).starts_with(phrase)) return;
        const std::size_t end = at + phrase.size();
        if (!at_words || end == text.size() || !is_word(decode_utf8(text.data() + end))) found(phrase);
      };
      if (const std::uint32_t single = singles_[static_cast<unsigned char>(text[at])]) visit(phrases_[single - 1]);
      if (at + 1 < text.size())
        for (const std::uint32_t index : places_[place(text.data() + at)]) visit(phrases_[index]);
    }
  }

 private:
  static std::size_t place(const char* at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(at[0])) | static_cast<std::size_t>(static_cast<unsigned char>(at[1])) << 8;
  }
  static bool is_word(std::uint32_t c) { return Characters::get().is(c, Characters::word); }

  std::vector<std::string> phrases_;
  std::array<std::uint32_t, 256> singles_{};
  std::vector<std::vector<std::uint32_t>> places_;
};

namespace {

class Worker final : public DocumentWorker {
 public:
  Worker(const BadWords& stage, const BadWords::Config& config, const PhraseList& phrases, std::uint64_t seed)
      : config_(config), phrases_(phrases), seed_(seed), count_name_(stage.qualified("matches")), word_name_(stage.qualified("first")) {}

  void process(Document& document) override {
    lower_case(document.text(), lower_);
    std::int64_t matches = 0;
    const std::string* first = nullptr;
    phrases_.find(lower_, at_words(document), [&](const std::string& phrase) {
      if (matches++ == 0) first = &phrase;
    });
    document.annotations().set(count_name_, static_cast<double>(matches));
    if (matches == 0) return;
    document.annotations().set(word_name_, std::string_view(*first));
    if (!is_kept(document.text())) document.drop("bad_word");
  }

 private:
  bool at_words(const Document& document) const {
    if (config_.boundaries != WordBoundaries::automatic) return config_.boundaries == WordBoundaries::words;
    const auto language = document.annotations().text("language");
    return !language || (*language != "ja" && *language != "th" && *language != "zh");
  }

  bool is_kept(std::string_view text) const {
    if (config_.keep <= 0) return false;
    Hasher hasher;
    hasher.update(&seed_, sizeof seed_).update(text);
    return static_cast<double>(hasher.digest().low >> 11) * 0x1p-53 < config_.keep;
  }

  BadWords::Config config_;
  const PhraseList& phrases_;
  std::uint64_t seed_;
  std::string count_name_, word_name_, lower_;
};

}  // namespace

BadWords::BadWords(const Config& config, const StageSetup& setup)
    : Stage(setup), config_(config), seed_(setup.seed), phrases_(std::make_unique<const PhraseList>(config.list)) {}

BadWords::~BadWords() = default;

std::unique_ptr<StageWorker> BadWords::worker() const { return std::make_unique<Worker>(*this, config_, *phrases_, seed_); }

}  // namespace phidias::data::pipeline
