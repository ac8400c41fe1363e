#include "data/pipeline/knowledge/private_spans.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "base/error.h"
#include "data/pipeline/knowledge/ip_address.h"
#include "data/pipeline/knowledge/number_checks.h"
#include "data/pipeline/knowledge/span_context.h"

namespace phidias::data::pipeline {
namespace {

// Domain of an address, or an address literal: datatrove's, from after the "@".
constexpr const char* kDomain = R"((?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)"
                                R"(|\[(?:(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\.){3}(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?|[A-Za-z0-9-]*[A-Za-z0-9]:)\]))";
constexpr const char* kIpV4 = R"(((?:(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\.){3}(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)))";
// White space as Python's \s has it; RE2's knows five characters of ASCII.
#define PHIDIAS_SPACE R"(\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})"
constexpr const char* kDolmaEmail =
    "([.@,?!;:)(" PHIDIAS_SPACE "]*([^@" PHIDIAS_SPACE "]+@[^@,?!;:)(" PHIDIAS_SPACE "]+?)[.@,?!;:)(" PHIDIAS_SPACE "]?[" PHIDIAS_SPACE "])";
constexpr const char* kDolmaPhone = "([" PHIDIAS_SPACE R"(]+\(?\p{Nd}{3}\)?[-. ]*\p{Nd}{3}[-. ]?\p{Nd}{4}))";
#undef PHIDIAS_SPACE

constexpr const char* kInternationalPhone = R"((\+[1-9](?:[ .\-/]?\(?[0-9]{1,4}\)?){2,7}))";
constexpr const char* kAmericanPhone = R"(((?:1[ .\-])?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[.\- ])[2-9][0-9]{2}[.\- ][0-9]{4}))";
constexpr const char* kNamedPhone =
    R"((?i)\b(?:tel|telephone|phone|mobile|cell|fax|call|telefon|téléphone|tél|teléfono|móvil|handy|gsm|whatsapp)[.:]? *(?:no\.?|number|nr\.?)?[.:]? *)"
    R"((\(?[0-9][0-9 ().\-/]{5,20}[0-9]))";

constexpr const char* kPrivateKeyBegin = "(-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----)";
constexpr const char* kAssignedSecret =
    R"((?i)(?:api[_-]?key|api[_-]?secret|secret[_-]?(?:access[_-]?)?key|access[_-]?token|auth[_-]?token|client[_-]?secret|private[_-]?token|passw(?:or)?d))"
    R"(["']?\s{0,3}(?:=>|[:=])\s{0,3}["']?([A-Za-z0-9+/_.=\-]{16,256}))";
// One alternative per kind of key whose form alone tells it.
constexpr const char* kKnownKeys =
    R"(\b((?:AKIA|ASIA)[A-Z0-9]{16}|AIza[0-9A-Za-z_\-]{35}|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}|glpat-[A-Za-z0-9_\-]{20})"
    R"(|xox[abprs]-[A-Za-z0-9\-]{10,255}|[rs]k_live_[A-Za-z0-9]{16,255}|npm_[A-Za-z0-9]{36})"
    R"(|eyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{16,}))";
constexpr const char* kLoginInAddress = R"([a-z][a-z0-9+]{1,9}://[^\s/:@"'<>]{1,64}:([^\s/@"'<>]{3,128})@)";
constexpr const char* kDigits = R"(([0-9](?:[ \-]?[0-9]){12,18}))";
constexpr const char* kAccount = R"(\b([A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?))";
constexpr const char* kIpV6 = R"(([0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{1,39}(?:[0-9A-Fa-f.]{1,16})?))";

// Bits per character.
double entropy(std::string_view text) {
  std::array<int, 256> counts{};
  for (const char c : text) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const int count : counts)
    if (count > 0) bits -= count * std::log2(static_cast<double>(count) / static_cast<double>(text.size()));
  return bits / static_cast<double>(text.size());
}

std::string characters_of(std::string_view text) {
  std::string kept;
  for (const char c : text)
    if (is_ascii_alnum(c)) kept += c;
  return kept;
}

bool is_local(char c) { return is_ascii_alnum(c) || std::string_view("!#$%&'*+/=?^_`{|}~-").find(c) != std::string_view::npos; }

}  // namespace

struct PrivateSpanFinder::Patterns {
  RE2 domain{kDomain}, dolma_email{kDolmaEmail}, ip_v4{kIpV4}, ip_v6{kIpV6}, dolma_phone{kDolmaPhone}, international{kInternationalPhone};
  RE2 american{kAmericanPhone}, named{kNamedPhone}, key_begin{kPrivateKeyBegin}, known_keys{kKnownKeys}, assigned{kAssignedSecret}, login{kLoginInAddress};
  RE2 digits{kDigits}, account{kAccount};
};

namespace {

// Calls take(begin, end) for group 1 of every match, left to right; the search goes on behind the match, or where take() says.
template <class Take>
void for_each_match(const RE2& pattern, std::string_view text, Take&& take) {
  re2::StringPiece groups[2];
  const re2::StringPiece whole(text.data(), text.size());
  for (std::size_t from = 0; from <= text.size();) {
    if (!pattern.Match(whole, from, text.size(), RE2::UNANCHORED, groups, 2)) return;
    const auto begin = static_cast<std::size_t>(groups[1].data() - text.data());
    take(begin, begin + groups[1].size());
    const std::size_t end = static_cast<std::size_t>(groups[0].data() - text.data()) + groups[0].size();
    from = end > from ? end : from + 1;
  }
}

class Search {
 public:
  Search(const PrivateRules& rules, std::string_view text, std::vector<PrivateSpan>& spans) : rules_(rules), text_(text), spans_(spans) {}

  void credentials(const RE2& key_begin, const RE2& known_keys, const RE2& assigned, const RE2& login) {
    for_each_match(key_begin, text_, [&](std::size_t begin, std::size_t end) { add(PrivateKind::credential, begin, end_of_key_block(begin, end)); });
    for_each_match(known_keys, text_, [&](std::size_t begin, std::size_t end) { add(PrivateKind::credential, begin, end); });
    for_each_match(assigned, text_, [&](std::size_t begin, std::size_t end) {
      const std::string_view value = text_.substr(begin, end - begin);
      const bool has_digit = value.find_first_of("0123456789") != std::string_view::npos;
      const bool has_letter = std::any_of(value.begin(), value.end(), [](char c) { return is_ascii_alnum(c) && !is_digit(c); });
      if (has_digit && has_letter && entropy(value) >= 3.3) add(PrivateKind::credential, begin, end);  // words and names of variables lie below
    });
    for_each_match(login, text_, [&](std::size_t begin, std::size_t end) { add(PrivateKind::credential, begin, end); });
  }

  void emails(const RE2& domain) {
    std::size_t last_end = 0;
    for (std::size_t at = text_.find('@'); at != std::string_view::npos; at = text_.find('@', at + 1)) {
      const std::size_t begin = local_part_begin(at, last_end);
      re2::StringPiece found;
      if (begin == at || !domain.Match(re2::StringPiece(text_.data(), text_.size()), at + 1, text_.size(), RE2::ANCHOR_START, &found, 1)) continue;
      const std::size_t end = at + 1 + found.size();
      if (rules_.email == EmailRule::standard && !found.starts_with("[") && !last_label_has_letter(text_.substr(at + 1, found.size()))) continue;
      add(PrivateKind::email, begin, end);
      last_end = end;
    }
  }

  // Dolma looks at paragraphs: lines with their line end.
  template <class Take>
  void for_each_line_with_end(Take&& take) const {
    for (std::size_t begin = 0; begin < text_.size();) {
      const std::size_t found = text_.find('\n', begin), end = found == std::string_view::npos ? text_.size() : found + 1;
      take(begin, text_.substr(begin, end - begin));
      begin = end;
    }
  }

  void dolma_emails(const RE2& pattern) {
    if (text_.find('@') == std::string_view::npos) return;
    for_each_line_with_end([&](std::size_t offset, std::string_view line) {
      if (line.find('@') == std::string_view::npos) return;
      for_each_match(pattern, line, [&](std::size_t begin, std::size_t end) {
        const std::string_view match = line.substr(begin, end - begin);
        // The address within the match: what stands before and after its "@" that is neither white space nor, on the right, punctuation.
        const std::size_t at = address_sign(match);
        const std::string_view domain = domain_after(match, at);
        if (domain.find('.') == std::string_view::npos || addressee_is_bracket(match.substr(0, at))) return;
        add(PrivateKind::email, offset + begin, offset + end);
      });
    });
  }

  void dolma_lines(PrivateKind kind, const RE2& pattern) {
    for_each_line_with_end([&](std::size_t offset, std::string_view line) {
      for_each_match(pattern, line, [&](std::size_t begin, std::size_t end) { add(kind, offset + begin, offset + end); });
    });
  }

  void ips_v4(const RE2& pattern) {
    for_each_match(pattern, text_, [&](std::size_t begin, std::size_t end) {
      const auto address = IpAddress::parse(text_.substr(begin, end - begin));
      if (!address || (rules_.public_only && !address->is_global())) return;
      if (rules_.ip == IpRule::standard && !stands_alone(text_, begin, end)) return;
      add(PrivateKind::ip, begin, end);
    });
  }

  void ips_v6(const RE2& pattern) {
    if (text_.find(':') == std::string_view::npos) return;
    for_each_match(pattern, text_, [&](std::size_t begin, std::size_t end) {
      while (end > begin && (text_[end - 1] == '.' || (text_[end - 1] == ':' && !(end - begin > 2 && text_[end - 2] == ':')))) --end;
      const auto address = IpAddress::parse(text_.substr(begin, end - begin));
      if (!address || !address->is_v6 || (address->bytes[0] >> 5) != 1 || (rules_.public_only && !address->is_global())) return;
      if (stands_alone(text_, begin, end)) add(PrivateKind::ip, begin, end);
    });
  }

  void phones(const RE2& international, const RE2& american, const RE2& named) {
    for_each_match(international, text_, [&](std::size_t begin, std::size_t end) { add_phone(begin, end, 8, 15); });
    for_each_match(american, text_, [&](std::size_t begin, std::size_t end) { add_phone(begin, end, 10, 11); });
    for_each_match(named, text_, [&](std::size_t begin, std::size_t end) { add_phone(begin, end, 7, 15); });
  }

  void cards(const RE2& pattern) {
    for_each_match(pattern, text_, [&](std::size_t begin, std::size_t end) {
      if (stands_alone(text_, begin, end) && is_payment_card(characters_of(text_.substr(begin, end - begin)))) add(PrivateKind::payment_card, begin, end);
    });
  }

  void ibans(const RE2& pattern) {
    for_each_match(pattern, text_, [&](std::size_t begin, std::size_t end) {
      // A word in capitals may follow: the longest beginning that is an account number.
      for (; end > begin + 14; --end) {
        const bool at_boundary = end == text_.size() || !is_ascii_alnum(text_[end]);
        if (at_boundary && text_[end - 1] != ' ' && is_iban(characters_of(text_.substr(begin, end - begin)))) return add(PrivateKind::iban, begin, end);
      }
    });
  }

 private:
  void add(PrivateKind kind, std::size_t begin, std::size_t end) { spans_.push_back({kind, begin, end}); }

  void add_phone(std::size_t begin, std::size_t end, std::size_t minimum_digits, std::size_t maximum_digits) {
    while (end > begin && !is_digit(text_[end - 1]) && text_[end - 1] != ')') --end;
    const auto digits = static_cast<std::size_t>(std::count_if(text_.begin() + static_cast<std::ptrdiff_t>(begin),
                                                               text_.begin() + static_cast<std::ptrdiff_t>(end), [](char c) { return is_digit(c); }));
    if (digits < minimum_digits || digits > maximum_digits || !stands_alone(text_, begin, end) || is_another_number(text_, begin, end)) return;
    add(PrivateKind::phone, begin, end);
  }

  // Behind the END line of the block, or behind the last line that looks like base64.
  std::size_t end_of_key_block(std::size_t begin, std::size_t end) const {
    constexpr std::size_t kLongestBlock = 16384;
    std::string_view rest = text_.substr(begin, kLongestBlock);
    rest = rest.substr(0, rest.find("-----BEGIN ", end - begin));  // each byte is looked at for one block only
    const std::size_t closing = rest.find("-----END ");
    if (closing == std::string_view::npos) {
      while (end < text_.size() && (is_ascii_alnum(text_[end]) || std::string_view("+/=\r\n").find(text_[end]) != std::string_view::npos)) ++end;
      return end;
    }
    const std::size_t dashes = rest.find("-----", closing + 9);
    return dashes == std::string_view::npos ? begin + closing + 9 : begin + dashes + 5;
  }

  // First position from which characters of a local part, with single dots inside, lead up to the "@", after a word boundary; `at` when there is none.
  std::size_t local_part_begin(std::size_t at, std::size_t last_end) const {
    std::size_t begin = at;
    while (begin > last_end) {
      if (is_local(text_[begin - 1])) {
        --begin;
      } else if (begin < at && text_[begin - 1] == '.' && begin - 1 > last_end && is_local(text_[begin - 2])) {
        --begin;
      } else {
        break;
      }
    }
    const bool by_unicode = rules_.email == EmailRule::datatrove;
    while (begin < at && (text_[begin] == '.' || !is_word_boundary(text_, begin, by_unicode))) ++begin;
    return begin;
  }

  static bool last_label_has_letter(std::string_view domain) {
    const std::string_view label = domain.substr(domain.rfind('.') + 1);
    return std::any_of(label.begin(), label.end(), [](char c) { return !is_digit(c) && c != '-'; });
  }

  // The "@" with something in front of it that is neither an "@" nor white space nor the punctuation that the match may begin with.
  static std::size_t address_sign(std::string_view match) {
    const std::size_t first = match.find_first_not_of(".@,?!;:)( \t\r\n");
    return match.find('@', first == std::string_view::npos ? 0 : first);
  }
  static std::string_view domain_after(std::string_view match, std::size_t at) {
    if (at == std::string_view::npos) return {};
    const std::string_view rest = match.substr(at + 1);
    return rest.substr(0, rest.find_first_of("@,?!;:)( \t\r\n"));
  }
  static bool addressee_is_bracket(std::string_view before) { return before == "("; }

  const PrivateRules& rules_;
  std::string_view text_;
  std::vector<PrivateSpan>& spans_;
};

// Keeps, of overlapping spans, the one that was found first (they come in order of precedence), and sorts.
void resolve_overlaps(std::vector<PrivateSpan>& spans) {
  std::map<std::size_t, PrivateSpan> kept;  // by first byte
  for (const PrivateSpan& span : spans) {
    const auto next = kept.lower_bound(span.begin);
    if (next != kept.end() && next->first < span.end) continue;
    if (next != kept.begin() && std::prev(next)->second.end > span.begin) continue;
    kept.emplace_hint(next, span.begin, span);
  }
  spans.clear();
  for (const auto& [begin, span] : kept) spans.push_back(span);
}

}  // namespace

PrivateSpanFinder::PrivateSpanFinder(const PrivateRules& rules) : rules_(rules), patterns_(std::make_unique<Patterns>()) {
  for (const RE2* pattern : {&patterns_->domain, &patterns_->dolma_email, &patterns_->ip_v4, &patterns_->ip_v6, &patterns_->dolma_phone,
                             &patterns_->international, &patterns_->american, &patterns_->named, &patterns_->key_begin, &patterns_->known_keys,
                             &patterns_->assigned, &patterns_->login, &patterns_->digits, &patterns_->account})
    if (!pattern->ok()) throw DataError("privacy: the pattern " + pattern->pattern() + " is broken: " + pattern->error());
}

PrivateSpanFinder::~PrivateSpanFinder() = default;

void PrivateSpanFinder::find(std::string_view text, const PrivateKindSet& kinds, std::vector<PrivateSpan>& spans) const {
  spans.clear();
  const auto wants = [&](PrivateKind kind) { return kinds[static_cast<std::size_t>(kind)]; };
  const Patterns& p = *patterns_;
  Search search(rules_, text, spans);
  if (wants(PrivateKind::credential)) search.credentials(p.key_begin, p.known_keys, p.assigned, p.login);
  if (wants(PrivateKind::email)) rules_.email == EmailRule::dolma ? search.dolma_emails(p.dolma_email) : search.emails(p.domain);
  if (wants(PrivateKind::iban)) search.ibans(p.account);
  if (wants(PrivateKind::payment_card)) search.cards(p.digits);
  if (wants(PrivateKind::ip)) {
    rules_.ip == IpRule::dolma ? search.dolma_lines(PrivateKind::ip, p.ip_v4) : search.ips_v4(p.ip_v4);
    if (rules_.ip == IpRule::standard) search.ips_v6(p.ip_v6);
  }
  if (wants(PrivateKind::phone))
    rules_.phone == PhoneRule::dolma ? search.dolma_lines(PrivateKind::phone, p.dolma_phone) : search.phones(p.international, p.american, p.named);
  resolve_overlaps(spans);
}

}  // namespace phidias::data::pipeline
