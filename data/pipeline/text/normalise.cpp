#include "data/pipeline/text/normalise.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include "base/error.h"
#include "data/pipeline/text/mojibake.h"

namespace phidias::data::pipeline {
namespace {

const icu::Normalizer2& normaliser(NormalForm form) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* instance = form == NormalForm::nfc ? icu::Normalizer2::getNFCInstance(status) : icu::Normalizer2::getNFKCInstance(status);
  if (U_FAILURE(status)) throw DataError(std::string("ICU has no normalisation data: ") + u_errorName(status));
  return *instance;
}

// Text of code points below U+0300 (UTF-8 bytes below CC) is in NFC whatever it is; only ASCII is in NFKC for sure.
bool is_normal_for_sure(NormalForm form, std::string_view text) {
  const int bound = form == NormalForm::nfc ? 0xCC : 0x80;
  for (const char c : text)
    if (static_cast<unsigned char>(c) >= bound) return false;
  return true;
}

class Worker final : public DocumentWorker {
 public:
  Worker(const Normalise::Config& config, const Stage& stage)
      : config_(config),
        cleaning_{.zero_width = config.zero_width,
                  .soft_hyphens = config.keep_soft_hyphens,
                  .directional_marks = config.keep_directional_marks,
                  .private_use = config.keep_private_use,
                  .replacement = config.keep_replacement,
                  .plain_spaces = config.plain_spaces,
                  .straight_quotes = config.straight_quotes},
        layout_{
            .max_newlines = config.max_newlines, .strip_lines = config.strip_lines, .strip_text = config.strip_text, .collapse_spaces = config.collapse_spaces},
        repaired_(stage.qualified("repaired_lines")),
        replacement_(stage.qualified("replacement")),
        private_use_(stage.qualified("private_use")) {}

  void process(Document& document) override {
    if (!is_clean_ascii(document.text(), layout_)) normalise(document);
    if (document.text().empty()) document.drop("empty");
  }

 private:
  void normalise(Document& document) {
    std::string_view text = document.text();
    if (config_.mojibake && is_suspicious(text)) {
      repaired_text_ = text;
      const int lines = repair_mojibake(repaired_text_);
      if (lines > 0) document.annotations().set(repaired_, static_cast<double>(lines));
      text = repaired_text_;
    }
    CleaningCounts counts;
    cleaned_.clear();
    clean_characters(text, cleaning_, cleaned_, counts);
    normalise_unicode(config_.unicode, cleaned_);
    std::string result;
    result.reserve(cleaned_.size());
    lay_out(cleaned_, layout_, result);
    if (counts.replacement > 0) document.annotations().set(replacement_, static_cast<double>(counts.replacement));
    if (counts.private_use > 0) document.annotations().set(private_use_, static_cast<double>(counts.private_use));
    if (result != document.text()) document.set_text(std::move(result));
  }

  Normalise::Config config_;
  CleaningRules cleaning_;
  LayoutRules layout_;
  std::string repaired_, replacement_, private_use_;
  std::string repaired_text_, cleaned_;
};

}  // namespace

void normalise_unicode(NormalForm form, std::string& text) {
  if (form == NormalForm::none || is_normal_for_sure(form, text)) return;
  const icu::Normalizer2& normal = normaliser(form);
  UErrorCode status = U_ZERO_ERROR;
  const icu::StringPiece piece(text.data(), static_cast<std::int32_t>(text.size()));
  if (normal.isNormalizedUTF8(piece, status) && U_SUCCESS(status)) return;
  std::string out;
  out.reserve(text.size());
  icu::StringByteSink<std::string> sink(&out);
  status = U_ZERO_ERROR;
  normal.normalizeUTF8(0, piece, sink, nullptr, status);
  if (U_FAILURE(status)) throw DataError(std::string("ICU cannot normalise a text: ") + u_errorName(status));
  text = std::move(out);
}

Normalise::Normalise(const Config& config, const StageSetup& setup) : Stage(setup), config_(config) {}

std::unique_ptr<StageWorker> Normalise::worker() const { return std::make_unique<Worker>(config_, *this); }

}  // namespace phidias::data::pipeline
