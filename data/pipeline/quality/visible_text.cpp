#include "data/pipeline/quality/visible_text.h"

#include <gumbo.h>

#include <vector>

#include "data/pipeline/characters.h"

namespace phidias::data::pipeline {
namespace {

bool is_shown(GumboTag tag) {
  switch (tag) {
    case GUMBO_TAG_HEAD:
    case GUMBO_TAG_SCRIPT:
    case GUMBO_TAG_STYLE:
    case GUMBO_TAG_NOSCRIPT:
    case GUMBO_TAG_TEMPLATE:
      return false;
    default:
      return true;
  }
}

}  // namespace

std::size_t visible_characters(std::string_view html) {
  GumboOptions options = kGumboDefaultOptions;
  GumboOutput* page = gumbo_parse_with_options(&options, html.data(), html.size());
  std::size_t characters = 0;
  bool after_space = true;
  std::vector<const GumboNode*> open = {page->root};  // not recursive: pages nest as deep as they like
  while (!open.empty()) {
    const GumboNode* node = open.back();
    open.pop_back();
    if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_CDATA) {
      const std::string_view text = node->v.text.text;
      for (std::size_t at = 0; at < text.size(); ++at) {
        const bool space = text[at] == ' ' || (text[at] >= '\t' && text[at] <= '\r');
        characters += (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80 && !(space && after_space);
        after_space = space;
      }
    } else if (node->type == GUMBO_NODE_WHITESPACE) {
      characters += !after_space;
      after_space = true;
    } else if (node->type == GUMBO_NODE_ELEMENT && is_shown(node->v.element.tag)) {
      const GumboVector& children = node->v.element.children;
      for (unsigned i = children.length; i-- > 0;) open.push_back(static_cast<const GumboNode*>(children.data[i]));
    }
  }
  gumbo_destroy_output(&options, page);
  return characters;
}

}  // namespace phidias::data::pipeline
