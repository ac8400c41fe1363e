#include "data/pipeline/quality/bad_words.h"
#include "data/pipeline/quality/c4_paragraphs.h"
#include "data/pipeline/quality/c4_quality.h"
#include "data/pipeline/quality/code_quality.h"
#include "data/pipeline/quality/fineweb_quality.h"
#include "data/pipeline/quality/gopher_quality.h"
#include "data/pipeline/quality/gopher_repetition.h"
#include "data/pipeline/quality/line_quality.h"
#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

std::vector<StageType> quality_stages() {
  return {stage_type<GopherRepetition>("gopher_repetition", "drops documents that repeat paragraphs, lines or word n-grams (Gopher)"),
          stage_type<GopherQuality>("gopher_quality", "drops documents by their words, symbols, lines and stop words (Gopher)"),
          stage_type<C4Quality>("c4_quality", "removes lines that are no prose, drops documents with little of it (C4)"),
          stage_type<C4Paragraphs>("c4_paragraphs", "drops documents with few long lines (mC4)"),
          stage_type<BadWords>("bad_words", "drops documents with a word of a list (C4)"),
          stage_type<FinewebQuality>("fineweb_quality", "drops documents by punctuation, length and repetition of their lines (FineWeb)"),
          stage_type<LineQuality>("line_quality", "removes lines that are menus, counters and buttons (RefinedWeb, DCLM)"),
          stage_type<CodeQuality>("code_quality", "drops source files that are generated, data or markup (BigCode, NeMo Curator)")};
}

}  // namespace phidias::data::pipeline
