#include "data/pipeline/knowledge/ephemeral_features.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>

#include "data/pipeline/knowledge/span_context.h"

namespace phidias::data::pipeline {
namespace {

constexpr LexiconMask bit(Lexicon lexicon) { return LexiconMask{1} << static_cast<unsigned>(lexicon); }

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
char lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }
// First bytes of what is no word beyond ASCII: U+0080 to U+00BF (currencies, degrees) and U+2000 to U+2FFF (quotes, dashes, symbols).
bool is_mark_lead(char c) { return c == '\xC2' || c == '\xE2'; }
bool is_word_byte(char c) { return (lower(c) >= 'a' && lower(c) <= 'z') || c == '\'' || (static_cast<unsigned char>(c) >= 0x80 && !is_mark_lead(c)); }

// Reads a passage once from left to right.
class FeatureReader {
 public:
  FeatureReader(std::string_view text, EphemeralFeatures& features) : text_(text), features_(features), table_(LexiconTable::get()) {}

  void read() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == ' ') {
        ++at_;
      } else if (is_digit(c)) {
        read_number();
      } else if (is_dash(at_)) {
        at_ += c == '-' ? 1 : 3;
      } else if (is_word_byte(c)) {
        read_word();
      } else {
        read_mark(c);
      }
    }
    end_line();
    close_date();
  }

 private:
  void add(Sign sign) { ++features_.counts[kLexicons + static_cast<std::size_t>(sign)]; }

  char peek(std::size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  // A hyphen, or an en or em dash (U+2013, U+2014).
  bool is_dash(std::size_t at) const { return text_[at] == '-' || text_.substr(at, 3) == "\xE2\x80\x93" || text_.substr(at, 3) == "\xE2\x80\x94"; }

  void read_word() {
    const std::size_t begin = at_;
    std::uint64_t hash = kLexiconSeed;
    bool all_upper = true;
    LexiconMask hyphenated = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '-' && at_ + 1 < text_.size() && is_word_byte(text_[at_ + 1])) {
        hyphenated |= table_.find(hash);  // "half-time" is looked for as a whole, "goal-line" by its first part
        all_upper = false;
      } else if (!is_word_byte(c)) {
        break;
      }
      all_upper = all_upper && is_upper(c);
      hash = extend_lexicon_hash(hash, lower(c));
      ++at_;
    }
    const std::size_t size = at_ - begin;
    ++features_.words;
    ++line_words_;
    if (all_upper && size >= 3) add(Sign::shout);
    if (is_upper(text_[begin]) && !sentence_starts_) add(Sign::capital);
    sentence_starts_ = false;
    const LexiconMask mask = table_.find(hash);
    count(mask | hyphenated | (previous_ != 0 ? table_.find(continue_phrase(text_.substr(begin, size))) : 0));
    // "May" is a month only with a capital, beside a figure or after a preposition; it is found by its number of the month.
    note_month(text_.substr(begin, size), mask);
    previous_ = hash;
  }

  std::uint64_t continue_phrase(std::string_view word) const {
    std::uint64_t hash = extend_lexicon_hash(previous_, ' ');
    for (const char c : word) hash = extend_lexicon_hash(hash, lower(c));
    return hash;
  }

  void count(LexiconMask mask) {
    for (; mask != 0; mask &= mask - 1) ++features_.counts[static_cast<std::size_t>(__builtin_ctz(mask))];
  }

  void note_month(std::string_view word, LexiconMask mask) {
    const bool is_may = word == "May";
    if (!is_may && (mask & bit(Lexicon::month)) == 0) {
      if (!is_between_date_parts(word)) close_date();
      return;
    }
    static constexpr std::string_view kStarts = "janfebmaraprmayjunjulaugsepoctnovdec";
    const char start[3] = {lower(word[0]), word.size() > 1 ? lower(word[1]) : ' ', word.size() > 2 ? lower(word[2]) : ' '};
    const std::size_t found = kStarts.find(std::string_view(start, 3));
    if (found == std::string_view::npos || found % 3 != 0) return;
    if (date_.month != 0) close_date();
    date_.month = static_cast<int>(found / 3) + 1;
  }
  static bool is_between_date_parts(std::string_view word) {
    return word == "of" || word == "the" || word == "th" || word == "st" || word == "nd" || word == "rd";
  }

  // A figure, with what belongs to it: 1,250.75  7:30  3-1  2024-03-12  12/03/2024
  void read_number() {
    const std::size_t begin = at_;
    std::array<int, 4> parts{};
    std::array<std::size_t, 4> sizes{};
    std::array<char, 4> separators{};
    std::size_t count = 0;
    for (;;) {
      const std::size_t from = at_;
      int value = 0;
      while (at_ < text_.size() && is_digit(text_[at_])) value = std::min(value * 10 + (text_[at_++] - '0'), 100'000'000);
      if (count < 4) {
        parts[count] = value;
        sizes[count] = at_ - from;
        ++count;
      }
      if (at_ >= text_.size()) break;
      const bool long_dash = text_[at_] == '\xE2' && is_dash(at_);
      const std::size_t width = long_dash ? 3 : 1;
      const char separator = long_dash ? '-' : text_[at_];
      if (std::string_view(",.:-/").find(separator) == std::string_view::npos || at_ + width >= text_.size() || !is_digit(text_[at_ + width])) break;
      if (count <= 4) separators[count - 1] = separator;
      at_ += width;
    }
    ++features_.words;
    ++line_words_;
    add(Sign::number);
    if (at_ - begin >= 9 && count != 3) add(Sign::long_number);
    classify(begin, parts, sizes, separators, count);
    sentence_starts_ = false;
    previous_ = 0;
  }

  void classify(std::size_t begin, const std::array<int, 4>& parts, const std::array<std::size_t, 4>& sizes, const std::array<char, 4>& separators,
                std::size_t count) {
    const bool money = begin > 0 && (text_[begin - 1] == '$' || text_.substr(0, begin).ends_with("\xC2\xA3") ||
                                     text_.substr(0, begin).ends_with("\xE2\x82\xAC") || text_.substr(0, begin).ends_with("\xC2\xA5"));
    if (money || is_currency_behind()) return add(Sign::money);
    if (peek(0) == '%') return add(Sign::percent);
    if (is_meridiem_behind()) return add(Sign::clock);
    if (count == 2 && separators[0] == ':' && sizes[1] == 2 && parts[0] < 24 && parts[1] < 60) return add(Sign::clock);
    if (count == 3 && separators[0] == separators[1] && (separators[0] == '-' || separators[0] == '/' || separators[0] == '.'))
      return classify_date(parts, sizes);
    if (count == 2 && separators[0] == '-' && parts[0] < 200 && parts[1] < 200) return add(Sign::score);
    if (count == 1 && sizes[0] == 4 && parts[0] >= 1000 && parts[0] < 2100) {
      add(parts[0] < 2000 ? Sign::old_year : Sign::recent_year);
      if (date_.month != 0) {
        date_.year = parts[0];
        close_date();
      }
      return;
    }
    if (count == 1 && sizes[0] <= 2 && parts[0] >= 1 && parts[0] <= 31) {
      if (date_.month != 0 && date_.day != 0) close_date();
      date_.day = parts[0];
      return;
    }
    close_date();
  }

  void classify_date(const std::array<int, 4>& parts, const std::array<std::size_t, 4>& sizes) {
    if (sizes[0] == 4) {
      note_day(parts[0], parts[1], parts[2]);
    } else if (sizes[2] == 4 || sizes[2] == 2) {
      const int year = sizes[2] == 4 ? parts[2] : 2000 + parts[2];
      // Day first or month first: what is possible, day first when both are.
      parts[1] <= 12 ? note_day(year, parts[1], parts[0]) : note_day(year, parts[0], parts[1]);
    }
  }

  void note_day(int year, int month, int day) {
    if (const auto number = day_number(year, month, day)) {
      add(Sign::date);
      features_.days.push_back(*number);
    }
  }

  // A month and a day that stood beside each other, with or without a year.
  void close_date() {
    if (date_.month != 0 && date_.day != 0) {
      if (date_.year != 0) {
        note_day(date_.year, date_.month, date_.day);
      } else {
        add(Sign::date);
        features_.days_of_any_year.emplace_back(date_.month, date_.day);
      }
    }
    date_ = {};
  }

  bool is_currency_behind() const {
    const std::string_view rest = text_.substr(at_, 8);
    for (const std::string_view unit : {" USD", " EUR", " GBP", " dollars", " euros", " pounds", "\xE2\x82\xAC", " \xE2\x82\xAC", "p each"})
      if (rest.starts_with(unit)) return true;
    return false;
  }
  bool is_meridiem_behind() const {
    const std::size_t gap = peek(0) == ' ' ? 1 : 0;
    const char half = lower(peek(gap));
    if (half != 'a' && half != 'p') return false;
    return (lower(peek(gap + 1)) == 'm' && !is_word_byte(peek(gap + 2))) || (peek(gap + 1) == '.' && lower(peek(gap + 2)) == 'm');
  }

  void read_mark(char c) {
    at_ += c == '\xC2' ? 2 : c == '\xE2' ? 3 : 1;
    if (c == '\n') return end_line();
    if (c == '.' || c == '!' || c == '?' || c == ':') sentence_starts_ = true;
    if (c == '!') add(Sign::exclamation);
    if (c == '?') add(Sign::question);
    if (c == '*' || c == '|' || c == '#' || c == '=' || c == '>' || c == '<' || c == '_') add(Sign::symbol);
    if ((c == '(' || c == '$' || c == '/') && is_ticker()) add(Sign::ticker);
    if (c != ',' && c != '.') close_date();
    previous_ = 0;
  }

  // Behind "(": capitals, a colon and capitals; behind "$" and "/": two to five capitals.
  bool is_ticker() const {
    std::size_t end = at_;
    while (end < text_.size() && is_upper(text_[end])) ++end;
    const std::size_t capitals = end - at_;
    if (text_[at_ - 1] == '(') return capitals >= 3 && capitals <= 8 && end + 1 < text_.size() && text_[end] == ':';
    return capitals >= 2 && capitals <= 5 && (end == text_.size() || !is_word_byte(text_[end]));
  }

  void end_line() {
    if (line_words_ > 0 && line_words_ <= 6) add(Sign::short_line);
    line_words_ = 0;
    sentence_starts_ = true;
    previous_ = 0;
    close_date();
  }

  struct PartialDate {
    int year = 0, month = 0, day = 0;
  };

  std::string_view text_;
  EphemeralFeatures& features_;
  const LexiconTable& table_;
  std::size_t at_ = 0;
  std::uint64_t previous_ = 0;  // hash of the word before, 0 when something stands between
  std::int32_t line_words_ = 0;
  bool sentence_starts_ = true;
  PartialDate date_;
};

}  // namespace

const std::array<std::string_view, kEphemeralFeatures>& ephemeral_feature_names() {
  static const auto names = [] {
    std::array<std::string_view, kEphemeralFeatures> all{};
    std::copy(kLexiconNames.begin(), kLexiconNames.end(), all.begin());
    constexpr std::array<std::string_view, kSigns> kSignNames = {"date",        "clock",    "old_year",   "recent_year", "score",   "money",
                                                                 "percent",     "ticker",   "number",     "long_number", "capital", "shout",
                                                                 "exclamation", "question", "short_line", "symbol"};
    std::copy(kSignNames.begin(), kSignNames.end(), all.begin() + kLexicons);
    return all;
  }();
  return names;
}

void read_ephemeral_features(std::string_view passage, EphemeralFeatures& features) {
  features.counts.fill(0);
  features.words = 0;
  features.days.clear();
  features.days_of_any_year.clear();
  FeatureReader(passage, features).read();
  const double words = std::max<double>(features.words, 20);  // a handful of words is no evidence of density
  for (std::size_t i = 0; i < kEphemeralFeatures; ++i) features.values[i] = std::min(1.0, std::sqrt(10.0 * features.counts[i] / words));
}

std::optional<DayNumber> day_number(int year, int month, int day) {
  using namespace std::chrono;
  const year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)), std::chrono::day(static_cast<unsigned>(day))};
  if (month < 1 || month > 12 || day < 1 || day > 31 || !date.ok()) return std::nullopt;
  return sys_days(date).time_since_epoch().count();
}

std::optional<DayNumber> parse_iso_day(std::string_view text) {
  for (std::size_t at = 0; at + 10 <= text.size(); ++at) {
    const std::string_view part = text.substr(at, 10);
    bool fits = true;
    for (std::size_t i = 0; i < 10 && fits; ++i) fits = i == 4 || i == 7 ? part[i] == '-' : is_digit(part[i]);
    if (!fits) continue;
    const auto number = [&](std::size_t from, std::size_t size) { return std::stoi(std::string(part.substr(from, size))); };
    return day_number(number(0, 4), number(5, 2), number(8, 2));
  }
  return std::nullopt;
}

bool url_is_of_the_moment(std::string_view url) {
  std::string path;
  for (const char c : url) path += lower(c);
  for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string_view part = std::string_view(path).substr(slash + 1, 8);
    if (part.size() == 8 && part.starts_with("20") && is_digit(part[2]) && is_digit(part[3]) && (part[4] == '/' || part[4] == '-') && is_digit(part[5]) &&
        is_digit(part[6]) && (part[7] == '/' || part[7] == '-'))
      return true;
  }
  for (const std::string_view word : {"/news/", "/sport/", "/sports/", "/results/", "/fixtures/", "/tickets/", "/jobs/", "/weather/", "/events/", "/deals/",
                                      "/classifieds/", "/listings/", "/obituaries/", "/horoscope", "/lottery", "/tv-guide", "/scores/"})
    if (path.find(word) != std::string::npos) return true;
  return false;
}

}  // namespace phidias::data::pipeline
