#include "data/pipeline/knowledge/privacy_stage.h"

#include "base/hash.h"

namespace phidias::data::pipeline {
namespace {

using Lists = std::array<std::vector<std::string>, kPrivateKinds>;

Lists replacement_lists(const PrivacyStage::Config& config) {
  switch (config.replacement) {
    case ReplacementStyle::tag:
      return {{{" |||EMAIL_ADDRESS||| "}, {" |||IP_ADDRESS||| "}, {" |||PHONE_NUMBER||| "}, {" |||CREDENTIAL||| "}, {" |||CARD_NUMBER||| "}, {" |||IBAN||| "}}};
    case ReplacementStyle::placeholder:
      return {{{"<EMAIL>"}, {"<IP>"}, {"<PHONE>"}, {"<KEY>"}, {"<CARD>"}, {"<IBAN>"}}};
    case ReplacementStyle::example:
      break;
  }
  Lists lists = {{{"email@example.com", "firstname.lastname@example.org"},
                  {"192.0.2.14", "192.0.2.201", "198.51.100.7", "198.51.100.92", "203.0.113.38", "203.0.113.150"},
                  {"202-555-0114", "202-555-0135", "202-555-0167", "202-555-0189"},
                  {"<KEY>"},
                  {"0000 0000 0000 0000"},
                  {"<IBAN>"}}};
  if (!config.email_examples.empty()) lists[0] = config.email_examples;
  if (!config.ip_examples.empty()) lists[1] = config.ip_examples;
  return lists;
}

}  // namespace

class PrivacyWorker final : public DocumentWorker {
 public:
  explicit PrivacyWorker(const PrivacyStage& stage) : stage_(stage) {}

  void process(Document& document) override {
    stage_.finder_.find(document.text(), stage_.searched_, spans_);
    annotate(document);
    for (const PrivateSpan& span : spans_)
      if (action(span) == PrivateAction::drop) document.drop(kPrivateKindNames[static_cast<std::size_t>(span.kind)]);
    if (stage_.config_.maximum_spans > 0 && spans_.size() > static_cast<std::size_t>(stage_.config_.maximum_spans)) document.drop("maximum_spans");
    if (!document.dropped()) replace(document);
  }

 private:
  PrivateAction action(const PrivateSpan& span) const { return stage_.actions_[static_cast<std::size_t>(span.kind)]; }

  void annotate(Document& document) const {
    std::array<std::size_t, kPrivateKinds> counts{};
    for (const PrivateSpan& span : spans_) ++counts[static_cast<std::size_t>(span.kind)];
    for (std::size_t kind = 0; kind < kPrivateKinds; ++kind)
      if (stage_.searched_[kind]) document.annotations().set(stage_.annotation_names_[kind], static_cast<double>(counts[kind]));
    document.annotations().set(stage_.spans_name_, static_cast<double>(spans_.size()));
  }

  void replace(Document& document) const {
    std::string replaced;
    std::size_t position = 0;
    const std::string& text = document.text();
    for (const PrivateSpan& span : spans_) {
      if (action(span) != PrivateAction::replace) continue;
      replaced.append(text, position, span.begin - position);
      replaced += stage_.replacement(span.kind, std::string_view(text).substr(span.begin, span.end - span.begin));
      position = span.end;
    }
    if (position == 0) return;
    replaced.append(text, position);
    document.set_text(std::move(replaced));
  }

  const PrivacyStage& stage_;
  std::vector<PrivateSpan> spans_;
};

PrivacyStage::PrivacyStage(const Config& config, const StageSetup& setup)
    : Stage(setup),
      config_(config),
      finder_(config.rules),
      actions_{config.email, config.ip, config.phone, config.credential, config.payment_card, config.iban},
      replacements_(replacement_lists(config)),
      spans_name_(qualified("spans")) {
  for (std::size_t kind = 0; kind < kPrivateKinds; ++kind) {
    searched_[kind] = actions_[kind] != PrivateAction::keep;
    annotation_names_[kind] = qualified(kPrivateKindNames[kind]);
  }
  ip_v6_replacements_ = config.replacement == ReplacementStyle::example ? std::vector<std::string>{"2001:db8::17", "2001:db8::2a4"} : replacements_[1];
}

std::unique_ptr<StageWorker> PrivacyStage::worker() const { return std::make_unique<PrivacyWorker>(*this); }

const std::string& PrivacyStage::replacement(PrivateKind kind, std::string_view found) const {
  const bool is_v6 = kind == PrivateKind::ip && found.find(':') != std::string_view::npos;
  const std::vector<std::string>& list = is_v6 ? ip_v6_replacements_ : replacements_[static_cast<std::size_t>(kind)];
  const auto own = std::find(list.begin(), list.end(), found);  // what an earlier run has put there stays
  if (own != list.end()) return *own;
  return list.size() == 1 ? list[0] : list[hash_string(found).low % list.size()];
}

}  // namespace phidias::data::pipeline
