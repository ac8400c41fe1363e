// TeX of formulas in a page.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "data/pipeline/text/html_tree.h"

namespace phidias::data::pipeline {

// "$x^2$" or "$$x^2$$" when this element is a formula (math, script type="math/tex", a picture of one); else empty.
std::string html_formula(std::span<const HtmlNode> nodes, std::uint32_t number);

// Elements that show what a formula's source says once more (MathJax's and KaTeX's boxes).
bool is_formula_rendering(std::span<const HtmlNode> nodes, std::uint32_t number);

}  // namespace phidias::data::pipeline
