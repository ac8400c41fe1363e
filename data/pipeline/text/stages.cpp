#include "data/pipeline/stage_type.h"
#include "data/pipeline/text/cut.h"
#include "data/pipeline/text/decide.h"
#include "data/pipeline/text/extract_html.h"
#include "data/pipeline/text/normalise.h"
#include "data/pipeline/text/sample.h"
#include "data/pipeline/text/url_filter.h"

namespace phidias::data::pipeline {

std::vector<StageType> text_stages() {
  return {
      stage_type<UrlFilter>("url_filter", "drops documents by their address: lists of domains, addresses, words and substrings"),
      stage_type<ExtractHtml>("extract_html", "makes the text of an HTML page's main content"),
      stage_type<Normalise>("normalise", "one way to write the same text: mojibake, Unicode normal form, control characters, line ends, spaces"),
      stage_type<Cut>("cut", "cuts or drops documents above a number of characters"),
      stage_type<Sample>("sample", "keeps a fraction of the documents, the same ones on any number of ranks"),
      stage_type<Decide>("decide", "drops documents by thresholds on what earlier stages or an earlier pipeline found out"),
  };
}

}  // namespace phidias::data::pipeline
