#include "data/pipeline/text/html_tree.h"

#include <algorithm>
#include <csetjmp>
#include <cstddef>

#include "data/pipeline/text/html_guard.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {

// Gives memory out of growing blocks and takes it back all at once; jumps out of gumbo (plain C without anything to unwind) beyond its bound.
class HtmlTree::Arena {
 public:
  void begin(std::size_t bound) {
    bound_ = bound;
    taken_ = block_ = used_ = 0;
    std::size_t kept = 0, bytes = 0;
    while (kept < blocks_.size() && bytes + blocks_[kept].size <= kKeptBytes) bytes += blocks_[kept++].size;
    blocks_.resize(kept);
  }
  void* take(std::size_t bytes) {
    bytes = (bytes + alignof(std::max_align_t) - 1) & ~(alignof(std::max_align_t) - 1);
    taken_ += bytes;
    if (taken_ > bound_) std::longjmp(out_, 1);
    while (block_ < blocks_.size() && used_ + bytes > blocks_[block_].size) {
      ++block_;
      used_ = 0;
    }
    if (block_ == blocks_.size()) {
      const std::size_t size = std::max<std::size_t>(bytes, std::size_t{1} << 20);
      blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(size), size});
    }
    void* memory = blocks_[block_].bytes.get() + used_;
    used_ += bytes;
    return memory;
  }
  std::jmp_buf& out() { return out_; }

 private:
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size = 0;
  };
  static constexpr std::size_t kKeptBytes = 64 << 20;  // from page to page
  std::vector<Block> blocks_;
  std::size_t bound_ = 0, taken_ = 0, block_ = 0, used_ = 0;
  std::jmp_buf out_;
};

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'; }

std::uint32_t visible_characters(std::string_view text) {
  std::uint32_t count = 0;
  for (const char c : text) count += static_cast<std::uint32_t>(!is_blank(c) && !is_continuation(c));
  return count;
}

std::string_view attribute_of(const GumboVector* attributes, const char* name) {
  const GumboAttribute* found = attributes == nullptr ? nullptr : gumbo_get_attribute(attributes, name);
  return found == nullptr ? std::string_view() : std::string_view(found->value);
}

bool is_tex_script(const GumboElement& element) { return attribute_of(&element.attributes, "type").starts_with("math/tex"); }

bool is_left_out(const GumboNode* node) {
  if (node->type == GUMBO_NODE_TEMPLATE) return true;
  switch (node->v.element.tag) {
    case GUMBO_TAG_SCRIPT:
      return !is_tex_script(node->v.element);
    case GUMBO_TAG_STYLE:
    case GUMBO_TAG_TEMPLATE:
    case GUMBO_TAG_NOSCRIPT:
    case GUMBO_TAG_IFRAME:
    case GUMBO_TAG_NOEMBED:
    case GUMBO_TAG_NOFRAMES:
    case GUMBO_TAG_EMBED:
    case GUMBO_TAG_OBJECT:
    case GUMBO_TAG_APPLET:
    case GUMBO_TAG_CANVAS:
    case GUMBO_TAG_SVG:
    case GUMBO_TAG_AUDIO:
    case GUMBO_TAG_VIDEO:
    case GUMBO_TAG_MAP:
    case GUMBO_TAG_META:
    case GUMBO_TAG_LINK:
    case GUMBO_TAG_TITLE:
    case GUMBO_TAG_SELECT:
    case GUMBO_TAG_DATALIST:
      return true;
    default:
      return false;
  }
}

// Null when the arena jumped out. A function of its own: nothing lives across the jump.
const GumboOutput* parse_or_null(const GumboOptions& options, std::string_view page, std::jmp_buf& out) {
  if (setjmp(out) != 0) return nullptr;
  return gumbo_parse_with_options(&options, page.data(), page.size());
}

std::string_view written_name(const GumboElement& element) {
  GumboStringPiece piece = element.original_tag;
  if (piece.data == nullptr) return {};
  gumbo_tag_from_original_text(&piece);
  return {piece.data, piece.length};
}

}  // namespace

std::string collapsed(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!is_blank(c))
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string_view HtmlNode::attribute(const char* name) const { return attribute_of(attributes, name); }
bool HtmlNode::has_attribute(const char* name) const { return attributes != nullptr && gumbo_get_attribute(attributes, name) != nullptr; }

HtmlTree::HtmlTree() : arena_(std::make_unique<Arena>()) {}
HtmlTree::~HtmlTree() = default;

bool HtmlTree::parse(std::string_view html) {
  nodes_.clear();
  title_.clear();
  language_.clear();
  const std::string_view page = bounded_html(html, bounded_);
  arena_->begin(memory_bound(html.size()));
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = [](void* arena, std::size_t bytes) { return static_cast<Arena*>(arena)->take(bytes); };
  options.deallocator = [](void*, void*) {};
  options.userdata = arena_.get();
  options.max_errors = 0;
  const GumboOutput* output = parse_or_null(options, page, arena_->out());
  if (output == nullptr) return false;
  const GumboVector& top = output->root->v.element.children;
  read_head(output->root);
  for (unsigned int i = 0; i < top.length; ++i) {
    const auto* node = static_cast<const GumboNode*>(top.data[i]);
    if (node->type == GUMBO_NODE_ELEMENT && node->v.element.tag == GUMBO_TAG_BODY) {
      flatten(node);
      break;
    }
  }
  return true;
}

void HtmlTree::read_head(const GumboNode* root) {
  language_ = attribute_of(&root->v.element.attributes, "lang");
  if (language_.empty()) language_ = attribute_of(&root->v.element.attributes, "xml:lang");
  const GumboVector& top = root->v.element.children;
  for (unsigned int i = 0; i < top.length; ++i) {
    const auto* head = static_cast<const GumboNode*>(top.data[i]);
    if (head->type != GUMBO_NODE_ELEMENT || head->v.element.tag != GUMBO_TAG_HEAD) continue;
    const GumboVector& children = head->v.element.children;
    for (unsigned int k = 0; k < children.length && title_.empty(); ++k) {
      const auto* node = static_cast<const GumboNode*>(children.data[k]);
      if (node->type != GUMBO_NODE_ELEMENT || node->v.element.tag != GUMBO_TAG_TITLE || node->v.element.children.length == 0) continue;
      const auto* text = static_cast<const GumboNode*>(node->v.element.children.data[0]);
      if (text->type == GUMBO_NODE_TEXT) title_ = collapsed(text->v.text.text);
    }
  }
}

void HtmlTree::flatten(const GumboNode* body) {
  struct Open {
    const GumboNode* node;
    unsigned int next;     // child
    std::uint32_t number;  // in nodes_
    bool in_link;
  };
  std::vector<Open> open;
  const auto enter = [&](const GumboNode* node, bool in_link) {
    HtmlNode entry;
    const GumboElement& element = node->v.element;
    entry.tag = static_cast<std::uint16_t>(element.tag);
    entry.depth = static_cast<std::uint32_t>(open.size());
    entry.parent = open.empty() ? 0 : open.back().number;
    entry.attributes = &element.attributes;
    entry.has_math = element.tag == GUMBO_TAG_MATH || element.tag == GUMBO_TAG_SCRIPT;
    if (element.tag == GUMBO_TAG_UNKNOWN) entry.content = written_name(element);
    const bool is_link = element.tag == GUMBO_TAG_A && entry.has_attribute("href");
    entry.links = is_link ? 1 : 0;
    open.push_back({node, 0, static_cast<std::uint32_t>(nodes_.size()), in_link || is_link});
    nodes_.push_back(entry);
  };
  enter(body, false);
  while (!open.empty()) {
    Open& top = open.back();
    const GumboVector& children = top.node->v.element.children;
    if (top.next == children.length) {
      HtmlNode& done = nodes_[top.number];
      done.end = static_cast<std::uint32_t>(nodes_.size());
      if (open.size() > 1) {
        HtmlNode& parent = nodes_[done.parent];
        if (done.tag != GUMBO_TAG_SCRIPT) parent.text += done.text, parent.link += done.link, parent.links += done.links;
        parent.has_math = parent.has_math || done.has_math;
      }
      open.pop_back();
      continue;
    }
    const auto* child = static_cast<const GumboNode*>(children.data[top.next++]);
    if (child->type == GUMBO_NODE_ELEMENT || child->type == GUMBO_NODE_TEMPLATE) {
      if (!is_left_out(child)) enter(child, top.in_link);
    } else if (child->type == GUMBO_NODE_TEXT || child->type == GUMBO_NODE_WHITESPACE || child->type == GUMBO_NODE_CDATA) {
      HtmlNode entry;
      entry.is_text = true;
      entry.depth = static_cast<std::uint32_t>(open.size());
      entry.parent = top.number;
      entry.end = static_cast<std::uint32_t>(nodes_.size()) + 1;
      entry.content = child->v.text.text;
      const std::uint32_t characters = visible_characters(entry.content);
      nodes_[top.number].text += characters;
      if (top.in_link) nodes_[top.number].link += characters;
      nodes_.push_back(entry);
    }
  }
}

}  // namespace phidias::data::pipeline
