// Stage `normalise`: one way to write the same text.
//
// In order: mojibake repaired (mojibake.h), characters cleaned (unicode_cleaning.h), Unicode normal form (ICU), lines and spaces laid out.
// Annotations, where not 0: <name>.repaired_lines, <name>.replacement (U+FFFD), <name>.private_use (characters). Reason: empty.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "configs/field.h"
#include "data/pipeline/stage.h"
#include "data/pipeline/text/unicode_cleaning.h"

namespace phidias::data::pipeline {

enum class NormalForm { none, nfc, nfkc };

// `text` (valid UTF-8) in the normal form.
void normalise_unicode(NormalForm form, std::string& text);

class Normalise final : public Stage {
 public:
  struct Config {
    NormalForm unicode = NormalForm::nfc;
    bool mojibake = true;
    ZeroWidth zero_width = ZeroWidth::joiners;
    bool keep_soft_hyphens = false, keep_directional_marks = true, keep_private_use = true, keep_replacement = true;
    bool plain_spaces = true, straight_quotes = false;
    std::int64_t max_newlines = 2;
    bool strip_lines = true, strip_text = true, collapse_spaces = false;
  };
  Normalise(const Config& config, const StageSetup& setup);
  std::unique_ptr<StageWorker> worker() const override;

 private:
  Config config_;
};

template <class Visitor>
void visit(Normalise::Config& c, Visitor& v) {
  v.field(c.unicode, {.key = "unicode", .doc = "normal form; `nfkc` also replaces ligatures, full-width letters, powers: it changes formulas"});
  v.field(c.mojibake, {.key = "mojibake", .doc = "repair UTF-8 that was read as Latin-1 or Windows-1252"});
  v.field(c.zero_width, {.key = "zero_width", .doc = "characters without width; `joiners`: only U+200C and U+200D stay, which scripts and emoji need"});
  v.field(c.keep_soft_hyphens, {.key = "keep_soft_hyphens", .doc = "U+00AD stays"});
  v.field(c.keep_directional_marks, {.key = "keep_directional_marks", .doc = "marks and embeddings of text from right to left stay"});
  v.field(c.keep_private_use, {.key = "keep_private_use", .doc = "private-use characters stay (counted either way)"});
  v.field(c.keep_replacement, {.key = "keep_replacement", .doc = "U+FFFD stays (counted either way)"});
  v.field(c.plain_spaces, {.key = "plain_spaces", .doc = "no-break, thin, ideographic and other spaces become a space"});
  v.field(c.straight_quotes, {.key = "straight_quotes", .doc = "typographic quotation marks and apostrophes become `\"` and `'`"});
  v.field(c.max_newlines, {.key = "max_newlines", .doc = "line ends in a row; 0: any number", .minimum = 0});
  v.field(c.strip_lines, {.key = "strip_lines", .doc = "remove spaces and tabs at the ends of lines"});
  v.field(c.strip_text, {.key = "strip_text", .doc = "remove white space at the end of the text and empty lines at its start"});
  v.field(c.collapse_spaces, {.key = "collapse_spaces", .doc = "runs of spaces and tabs become one space, but for indentation"});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 3> enum_names<data::pipeline::NormalForm>{"none", "nfc", "nfkc"};
}
