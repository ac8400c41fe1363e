// Where a text holds what points at a person or opens a door: e-mail and IP addresses, phone numbers, credentials, card and account numbers.
//
//   PrivateSpanFinder finder({.email = EmailRule::standard});
//   std::vector<PrivateSpan> spans;
//   finder.find(text, kAllPrivateKinds, spans);       // sorted, without overlaps
//
// Rules of other tools, for comparison and for corpora made to match (taken from datatrove 0.10.1 and Dolma 1.2.1):
//   datatrove  e-mail: RFC-like local part after a word boundary (Unicode), domain or address literal; IPv4 without any boundary, so also inside 1.2.3.4.5
//   dolma      per line; e-mail: anything around "@" up to white space, with the punctuation and white space beside it, a dot in the domain; phone: North
//              American 3-3-4 digits after white space; IPv4 as datatrove, private ones as well
// Ours: e-mail as datatrove, found after a letter of another script too ("联系abc@example.com"), the domain's last part with a letter; IPv4 not within a longer
// number; IPv6 of 2000::/3 that is public; phones in international and North American form, or after a word such as "Tel.", and not in dates, DOI, ISBN,
// issue numbers or addresses of pages. Regular expressions are RE2's: time is linear in the text.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "configs/enum_names.h"

namespace phidias::data::pipeline {

enum class PrivateKind : std::uint8_t { email, ip, phone, credential, payment_card, iban };
inline constexpr std::size_t kPrivateKinds = 6;
inline constexpr std::array<std::string_view, kPrivateKinds> kPrivateKindNames = {"email", "ip", "phone", "credential", "payment_card", "iban"};

enum class EmailRule { standard, datatrove, dolma };
enum class IpRule { standard, datatrove, dolma };
enum class PhoneRule { standard, dolma };

struct PrivateSpan {
  PrivateKind kind = PrivateKind::email;
  std::size_t begin = 0, end = 0;  // bytes
  bool operator==(const PrivateSpan&) const = default;
};

struct PrivateRules {
  EmailRule email = EmailRule::standard;
  IpRule ip = IpRule::standard;
  PhoneRule phone = PhoneRule::standard;
  bool public_only = true;  // IP addresses
};

using PrivateKindSet = std::array<bool, kPrivateKinds>;
inline constexpr PrivateKindSet kAllPrivateKinds = {true, true, true, true, true, true};

// Immutable; threads share one.
class PrivateSpanFinder {
 public:
  explicit PrivateSpanFinder(const PrivateRules& rules);
  ~PrivateSpanFinder();
  // Replaces `spans`. `text` is valid UTF-8. Of overlapping ones stays: credential, e-mail, IBAN, card, IP, phone, in this order.
  void find(std::string_view text, const PrivateKindSet& kinds, std::vector<PrivateSpan>& spans) const;

 private:
  struct Patterns;
  PrivateRules rules_;
  std::unique_ptr<const Patterns> patterns_;
};

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 3> enum_names<data::pipeline::EmailRule>{"standard", "datatrove", "dolma"};
template <>
inline constexpr std::array<std::string_view, 3> enum_names<data::pipeline::IpRule>{"standard", "datatrove", "dolma"};
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::PhoneRule>{"standard", "dolma"};
}  // namespace phidias::configs
