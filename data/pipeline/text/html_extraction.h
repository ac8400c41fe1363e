// Text of an HTML page's main content.
//
//   HtmlExtractor extractor;                                // holds memory from page to page; one per thread
//   HtmlExtraction page = extractor.extract(html, options);
//
// Any bytes that are valid UTF-8 give a result; time is linear in them and memory bounded (HtmlTree::memory_bound).
#pragma once

#include <string>
#include <string_view>

#include "data/pipeline/text/html_text.h"

namespace phidias::data::pipeline {

struct HtmlOptions {
  bool main_content = true;
  HtmlTextStyle style;
};

struct HtmlExtraction {
  bool is_too_complex = false;  // more elements than its bytes warrant; no text
  bool is_fallback = false;     // words of classes and shares of links were not believed: they left nothing
  std::string text, title, language;
  double share = 0;  // of the page's characters outside white space that were kept, about; 0 of an empty page
};

// Whether a text is a page: after white space, a byte-order mark and comments, it starts with a doctype, an XML declaration or an element of HTML.
bool is_html(std::string_view text);

class HtmlExtractor {
 public:
  HtmlExtraction extract(std::string_view html, const HtmlOptions& options);

 private:
  HtmlTree tree_;
};

}  // namespace phidias::data::pipeline
