// Bounds what a page may make an HTML parser do.
//
// The HTML parsing algorithm searches its stack of open elements, and compares an attribute with all others of its tag: both take quadratic time on pages
// made for it (or by a program that never closes a <font>). One linear pass over the tags finds such pages; only they are rewritten: tags that would open an
// element below kMaxHtmlDepth are left out with their end tags, as browsers do (their text stays), and a tag ends after kMaxHtmlAttributes attributes.
#pragma once

#include <string>
#include <string_view>

namespace phidias::data::pipeline {

inline constexpr int kMaxHtmlDepth = 512;  // as Chromium
inline constexpr int kMaxHtmlAttributes = 512;

// `html` itself where it keeps within the bounds, else `scratch`.
std::string_view bounded_html(std::string_view html, std::string& scratch);

}  // namespace phidias::data::pipeline
