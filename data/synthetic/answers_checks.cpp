#include "data/synthetic/answers_checks.h"

#include <re2/re2.h>

#include <algorithm>
#include <unordered_set>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "data/json_objects.h"
#include "data/pipeline/knowledge/language_detector.h"
#include "data/synthetic/near_duplicates.h"
#include "data/synthetic/prompts.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data {
namespace {

constexpr std::int64_t kRefusalCharacters = 200;
constexpr std::size_t kRepetitionWords = 8, kEchoWords = 5;

// How assistants begin when they do not answer: English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Russian, Chinese, Japanese.
constexpr std::string_view kRefusals =
    "(?i)^[\\s\"'“*]*("
    "(?:(?:i['’]?m |i am )?(?:really |very |so )?sorry,? )?(?:but )?"
    "(?:i (?:can(?:no|['’])t|can not|won['’]t|will not)|(?:i['’]?m|i am) (?:not able|unable) to) "
    "(?:help|assist|comply|provide|fulfill?|answer|do that|continue|create|write|generate|discuss|engage|support)\\b"
    "|(?:i['’]?m|i am) (?:really |very |so )?sorry,? but|as an? (?:ai|artificial intelligence|(?:large )?language model)\\b"
    "|(?:es tut mir leid|tut mir leid),? aber|als (?:ki|sprachmodell)\\b|ich kann (?:dir|ihnen|dabei|diese anfrage) .{0,30}nicht"
    "|(?:je suis |)désolée?,? mais|en tant qu['’](?:ia\\b|intelligence artificielle)|je ne peux pas (?:vous aider|répondre|fournir)"
    "|lo siento,? pero|como una ia\\b|como (?:una )?(?:inteligencia artificial|modelo de lenguaje)|no puedo (?:ayudar|proporcionar|responder)"
    "|mi dispiace,? ma|in quanto (?:ia\\b|modello linguistico)|non posso (?:aiutar|fornire|rispondere)"
    "|(?:sinto muito|desculpe),? mas|como uma ia\\b|como (?:um )?modelo de linguagem|não posso (?:ajudar|fornecer|responder)"
    "|het spijt me,? maar|als (?:ai|taalmodel)\\b|przykro mi,? ale|jako model językowy"
    "|(?:извините|простите|к сожалению),? (?:но )?я не могу|как языковая модель"
    "|(?:很)?抱歉,?，?我(?:无法|不能)|对不起,?，?我(?:无法|不能)|作为(?:一个|一名)?(?:人工智能|ai|语言模型)"
    "|申し訳(?:ありません|ございません)が|ai(?:言語モデル)?として)";

constexpr std::string_view kSpecialToken = "<\\|[a-zA-Z0-9_]+\\|>|</s>|<s>|\\[/?INST\\]";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::unique_ptr<RE2> compiled(std::string_view pattern, const char* key) {
  RE2::Options options;
  options.set_log_errors(false);
  auto regex = std::make_unique<RE2>(pattern, options);
  if (!regex->ok()) throw ConfigError(std::string(key) + ": '" + std::string(pattern) + "' is no regular expression of RE2: " + regex->error());
  return regex;
}

std::int64_t characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); });
}

}  // namespace

struct AnswerChecks::Patterns {
  std::vector<std::unique_ptr<RE2>> refusals;
  std::unique_ptr<RE2> special_token;
};

// What the built-in detector makes of a text; one of few letters may be in any language.
bool may_be(const std::string& text, const std::optional<std::string>& language) {
  constexpr std::int64_t kLettersToTell = 50;
  pipeline::LanguageDetector detector(pipeline::NgramLanguageModel::built_in());
  const pipeline::DetectedLanguage detected = detector.detect(text);
  return detected.letters < kLettersToTell || detected.language == language;
}

AnswerChecks::AnswerChecks(const AnswerSettings& settings) : settings_(settings), patterns_(std::make_unique<Patterns>()) {
  if (settings.refusals) patterns_->refusals.push_back(compiled(kRefusals, "refusals"));
  for (const std::string& pattern : settings.refusal_patterns) patterns_->refusals.push_back(compiled(pattern, "refusal_patterns"));
  patterns_->special_token = compiled(kSpecialToken, "special tokens");
}

AnswerChecks::~AnswerChecks() = default;

std::string AnswerChecks::reason(const std::string& prompt_text, const OrderedJson& prompt, const OrderedJson& answer, const std::string& text) const {
  const std::string_view bare = trimmed(text);
  if (bare.empty()) return "empty";
  if (text_at(answer, settings_.finish_field) == "length") return "truncated";
  if (RE2::PartialMatch(text, *patterns_->special_token)) return "special_token";
  const std::string start = passage_of(std::string(bare), kRefusalCharacters);
  for (const auto& refusal : patterns_->refusals)
    if (RE2::PartialMatch(start, *refusal)) return "refusal";
  if (!settings_.language.empty()) {
    const auto expected = settings_.language == "prompt" ? text_at(prompt, settings_.language_field) : std::optional<std::string>(settings_.language);
    if (const auto said = text_at(answer, settings_.language_field); said ? said != expected : !may_be(text, expected)) return "language";
  }
  const std::int64_t length = characters(bare);
  if (length < settings_.minimum_characters) return "too_short";
  if (settings_.maximum_characters > 0 && length > settings_.maximum_characters) return "too_long";
  const std::vector<std::string> words = plain_words(text);
  if (std::max(repetition(words), periodic_part(bare)) > settings_.maximum_repetition) return "repetition";
  if (echo(plain_words(prompt_text), words) > settings_.maximum_echo) return "echo";
  if (!settings_.execution_field.empty()) {
    const std::optional<double> passed = number_at(answer, settings_.execution_field);
    if (!passed) return "execution_missing";
    if (*passed == 0) return "execution_failed";
  }
  return {};
}

double repetition(const std::vector<std::string>& words) {
  if (words.size() < 2 * kRepetitionWords) return 0;
  std::unordered_set<std::uint64_t> seen;
  std::size_t again = 0;
  const std::size_t runs = words.size() - kRepetitionWords + 1;
  for (std::size_t i = 0; i < runs; ++i) {
    std::string run;
    for (std::size_t k = 0; k < kRepetitionWords; ++k) run += words[i + k] + '\x1f';
    again += !seen.insert(hash_string(run).low).second;
  }
  return static_cast<double>(again) / static_cast<double>(runs);
}

double periodic_part(std::string_view text) {
  constexpr std::size_t kLongestPeriod = 32, kShortestText = 16, kRepeats = 4;
  if (text.size() < kShortestText) return 0;
  std::size_t longest = 0;
  for (std::size_t period = 1; period <= kLongestPeriod; ++period) {
    std::size_t run = 0;
    for (std::size_t i = period; i < text.size(); ++i) {
      run = text[i] == text[i - period] ? run + 1 : 0;
      if (run >= (kRepeats - 1) * period) longest = std::max(longest, run + period);
    }
  }
  return static_cast<double>(longest) / static_cast<double>(text.size());
}

double echo(const std::vector<std::string>& prompt, const std::vector<std::string>& answer) {
  if (answer.size() < kEchoWords) return 0;  // a short answer may well stand in the question
  const std::vector<std::uint64_t> asked = shingles(prompt, kEchoWords), given = shingles(answer, kEchoWords);
  const auto common = std::count_if(given.begin(), given.end(), [&](std::uint64_t shingle) { return std::binary_search(asked.begin(), asked.end(), shingle); });
  return static_cast<double>(common) / static_cast<double>(given.size());
}

struct ResultPattern::Pattern {
  std::unique_ptr<RE2> regex;  // null: the last line
};

ResultPattern::ResultPattern(const std::string& pattern) : pattern_(std::make_unique<Pattern>()) {
  if (pattern.empty()) return;
  pattern_->regex = compiled(pattern, "vote.pattern");
  if (pattern_->regex->NumberOfCapturingGroups() < 1) throw ConfigError("vote.pattern: '" + pattern + "' has no group (...) for the result");
}

ResultPattern::~ResultPattern() = default;

std::optional<std::string> ResultPattern::find(const std::string& text) const {
  std::string_view result;
  if (pattern_->regex) {
    re2::StringPiece rest(text), group, last;
    bool found = false;
    while (RE2::FindAndConsume(&rest, *pattern_->regex, &group)) {
      found = true;
      last = group;
      if (rest.empty() || group.empty()) break;  // a pattern that matches nothing would match for ever
    }
    if (!found) return std::nullopt;
    result = {last.data(), last.size()};
  } else {
    const std::string_view bare = trimmed(text);
    result = bare.substr(bare.rfind('\n') == std::string_view::npos ? 0 : bare.rfind('\n') + 1);
  }
  result = trimmed(result);
  if (result.empty()) return std::nullopt;
  return std::string(result);
}

}  // namespace phidias::data
