// A parsed page as a flat list of nodes in document order, with what the rules ask of every element: how much text it holds, how much of it is links.
//
//   HtmlTree tree;
//   if (!tree.parse(html)) ...                    // more elements than its bytes warrant
//   for (std::size_t i = 0; i < tree.nodes().size(); ++i)  ...   // skip an element with its content: i = node.end
//
// Parsing is gumbo's (HTML 5). Its memory comes from an arena that ends with the tree, since gumbo frees a deep tree by recursion, and the arena is bounded:
// unclosed formatting elements can make a small page a huge tree. Scripts (but TeX), styles, templates and embedded objects are left out.
#pragma once

#include <gumbo.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace phidias::data::pipeline {

struct HtmlNode {
  bool is_text = false;
  bool has_math = false;     // it or something in it is TeX or MathML
  std::uint16_t tag = 0;     // GumboTag
  std::uint32_t depth = 0;   // body: 0
  std::uint32_t parent = 0;  // its number
  std::uint32_t end = 0;     // number of the first node behind its content
  std::uint32_t text = 0;    // characters of its text without white space
  std::uint32_t link = 0;    // of them inside links
  std::uint32_t links = 0;   // links in it
  std::string_view content;  // text; of an unknown element its name as written
  const GumboVector* attributes = nullptr;
  // Empty when there is no such attribute.
  std::string_view attribute(const char* name) const;
  bool has_attribute(const char* name) const;
};

class HtmlTree {
 public:
  HtmlTree();
  ~HtmlTree();
  HtmlTree(const HtmlTree&) = delete;
  HtmlTree& operator=(const HtmlTree&) = delete;
  // Bytes that parsing a page of so many bytes may take; a usual page takes a third.
  static std::size_t memory_bound(std::size_t html_bytes) { return (std::size_t{16} << 20) + 64 * html_bytes; }
  // The page must outlive the tree. False: it would take more than memory_bound(), nodes() is empty.
  bool parse(std::string_view html);
  // The first is body.
  std::span<const HtmlNode> nodes() const { return nodes_; }
  const std::string& title() const { return title_; }
  const std::string& language() const { return language_; }

 private:
  class Arena;
  void flatten(const GumboNode* body);
  void read_head(const GumboNode* root);
  std::unique_ptr<Arena> arena_;
  std::vector<HtmlNode> nodes_;
  std::string title_, language_, bounded_;
};

// White space runs become one space, none at the ends.
std::string collapsed(std::string_view text);

}  // namespace phidias::data::pipeline
