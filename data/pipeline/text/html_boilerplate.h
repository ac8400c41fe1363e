// Which elements of a page are no content: hidden ones, and what stands around the main content.
//
// The rules follow the order of resiliparse's html2text (specs of the project, section 3.9), restated over words of class and id instead of regular
// expressions:
//   always         hidden, aria-hidden=true, display:none, visibility:hidden, classes for screen readers; controls of forms
//   main content   nav, aside, dialog; landmarks by aria role; header, footer outside the article; words of class and id (navigation, cookies, share bars,
//                  advertising, comments ...); lists and blocks that are mostly links; short articles that are mostly links (teasers)
// A class or role is not believed of an element that holds more than half of the page's text outside links (comments, all together: three quarters: a page
// that consists of posts is a thread), nor of body, main and article.
// Where one <main> (or role=main), else one <article>, holds most of the text, only it and h1 headings before it count.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/pipeline/text/html_tree.h"

namespace phidias::data::pipeline {

class HtmlBoilerplate {
 public:
  // `main_content` false: only what is always no content. `by_class` false: no words of class and id, no shares of links.
  HtmlBoilerplate(std::span<const HtmlNode> nodes, bool main_content, bool by_class);
  // Asked in document order, not inside an element for which it said yes, nor inside pre and code.
  bool drops(std::uint32_t number) const;
  // The part of it that holds for cells of data tables too: hidden elements and controls.
  bool hides(std::uint32_t number) const;

 private:
  bool drops_by_class(std::uint32_t number) const;
  bool drops_by_links(std::uint32_t number) const;
  bool drops_landmark(std::uint32_t number) const;
  bool holds(std::uint32_t number, double share) const;
  bool is_inside(std::uint32_t number, std::uint32_t from) const { return number >= from && number < nodes_[from].end; }
  bool has_element(std::uint32_t number, int tag) const;
  bool is_in_article(std::uint32_t number) const;
  std::span<const HtmlNode> nodes_;
  bool main_content_, by_class_, comments_are_content_ = false;
  std::uint32_t root_ = 0;  // main, article or body
  std::uint32_t headings_ = 0;
};

}  // namespace phidias::data::pipeline
