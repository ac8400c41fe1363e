// Finds private data in documents and replaces it, drops the document, or only counts.
//
//   stages:
//     - privacy: {email: replace, ip: replace, phone: annotate, credential: drop, replacement: placeholder}
//
// Replacements: `example` writes addresses and numbers that are reserved for examples (RFC 2606, 5737, 3849; the 555-01xx numbers), `tag` writes Dolma's
// " |||EMAIL_ADDRESS||| ", `placeholder` writes <EMAIL>. Which of several examples is a function of the replaced text alone (datatrove counts through its
// list, so that its output depends on the order of documents). Annotations: <name>.<kind> = spans found, of every kind that is not `keep`; <name>.spans in all.
// Reasons: <kind>, maximum_spans.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/pipeline/knowledge/private_spans.h"
#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

enum class PrivateAction { replace, drop, annotate, keep };
enum class ReplacementStyle { example, tag, placeholder };

class PrivacyStage final : public Stage {
 public:
  struct Config {
    PrivateAction email = PrivateAction::replace, ip = PrivateAction::replace, phone = PrivateAction::annotate, credential = PrivateAction::replace,
                  payment_card = PrivateAction::replace, iban = PrivateAction::replace;
    ReplacementStyle replacement = ReplacementStyle::example;
    PrivateRules rules;
    std::int64_t maximum_spans = 0;
    std::vector<std::string> email_examples, ip_examples;
  };
  PrivacyStage(const Config& config, const StageSetup& setup);
  std::unique_ptr<StageWorker> worker() const override;

  // What stands in the place of `found`.
  const std::string& replacement(PrivateKind kind, std::string_view found) const;

 private:
  friend class PrivacyWorker;
  Config config_;
  PrivateSpanFinder finder_;
  std::array<PrivateAction, kPrivateKinds> actions_;
  PrivateKindSet searched_;
  std::array<std::vector<std::string>, kPrivateKinds> replacements_;
  std::vector<std::string> ip_v6_replacements_;
  std::array<std::string, kPrivateKinds> annotation_names_;
  std::string spans_name_;
};

template <class Visitor>
void visit(PrivacyStage::Config& c, Visitor& v) {
  v.field(c.email, {.key = "email", .doc = "what is done about e-mail addresses: replace them, drop the document, count them, or do not look for them"});
  v.field(c.ip, {.key = "ip", .doc = "about IP addresses"});
  v.field(c.phone, {.key = "phone", .doc = "about phone numbers"});
  v.field(c.credential, {.key = "credential", .doc = "about keys, tokens and passwords"});
  v.field(c.payment_card, {.key = "payment_card", .doc = "about card numbers (with a right check digit)"});
  v.field(c.iban, {.key = "iban", .doc = "about account numbers (IBAN with right check digits)"});
  v.field(c.replacement,
          {.key = "replacement", .doc = "`example`: a reserved address or number; `tag`: Dolma's \" |||EMAIL_ADDRESS||| \"; `placeholder`: <EMAIL>"});
  v.field(c.rules.email, {.key = "email_rule", .doc = "what an e-mail address is: ours, datatrove's or Dolma's"});
  v.field(c.rules.ip, {.key = "ip_rule", .doc = "what an IP address is: ours (IPv4 and IPv6), datatrove's or Dolma's (which takes private ones too)"});
  v.field(c.rules.phone, {.key = "phone_rule", .doc = "what a phone number is: ours or Dolma's"});
  v.field(c.rules.public_only, {.key = "public_ip_only", .doc = "leave addresses of private and reserved networks alone"});
  v.field(c.maximum_spans, {.key = "maximum_spans", .doc = "documents with more spans of all kinds are dropped (Dolma: 5)", .minimum = 1, .unset = "null"});
  v.field(c.email_examples, {.key = "email_examples", .doc = "with `example`: addresses to write", .default_text = "two of example.com and example.org"});
  v.field(c.ip_examples, {.key = "ip_examples", .doc = "with `example`: IPv4 addresses to write", .default_text = "six of the documentation networks"});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 4> enum_names<data::pipeline::PrivateAction>{"replace", "drop", "annotate", "keep"};
template <>
inline constexpr std::array<std::string_view, 3> enum_names<data::pipeline::ReplacementStyle>{"example", "tag", "placeholder"};
}  // namespace phidias::configs
