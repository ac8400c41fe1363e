#include "data/pipeline/text/html_class_words.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <unordered_set>

namespace phidias::data::pipeline {
namespace {

using Names = std::unordered_set<std::string_view>;

// Whole class names, lower case.
const Names& hidden_classes() {
  static const Names names = {"hidden",         "hide",
                              "d-none",         "is-hidden",
                              "sr-only",        "visually-hidden",
                              "visuallyhidden", "screen-reader-text",
                              "screen-reader",  "screenreader",
                              "assistive-text", "invisible",
                              "display-none",   "mw-editsection",
                              "mw-jump-link",   "headerlink",
                              "anchorjs-link",  "header-anchor",
                              "heading-anchor", "anchor-link",
                              "skip-link",      "skip-to-content",
                              "skiplink",       "mathjax_preview",
                              "print-only",     "a11y-hidden",
                              "u-hidden",       "copybtn",
                              "copy-button",    "clipboard-copy",
                              "mw-empty-elt",   "noprint-link",
                              "sronly",         "element-invisible"};
  return names;
}

const Names& content_words() {
  static const Names words = {"entry-content", "post-content", "article-body", "article-content", "main-content", "story-body",   "post-body",
                              "page-content",  "body-content", "content-body", "markdown-body",   "mw-parser",    "article-text", "blog-content",
                              "story-content", "news-content", "rich-text",    "content-main",    "articlebody",  "maincontent",  "hentry"};
  return words;
}

const Names& boilerplate_words() {
  static const Names words = {
      // navigation
      "nav", "navbar", "navigation", "navmenu", "navi", "subnav", "topnav", "sidenav", "menu", "submenu", "menubar", "megamenu", "breadcrumb", "breadcrumbs",
      "pagination", "pager", "paginator", "paging", "prev-next", "post-navigation", "toc", "table-of", "tabs-nav", "skip-link", "skip-to", "skiplinks",
      "sitemap", "catlinks", "navbox", "jump-to", "printfooter", "masthead", "topbar", "top-bar", "site-header", "page-footer", "site-footer", "footer",
      "colophon", "language-switcher", "lang-switcher",
      // beside the text
      "sidebar", "side-bar", "sidebars", "aside", "widget", "widgets", "rail", "right-rail", "secondary-column", "blogroll",
      // other pages
      "related", "recommended", "recommendations", "recommend", "read-more", "readmore", "more-stories", "more-from", "more-articles", "see-also-links",
      "you-may", "most-read", "most-popular", "popular-posts", "recent-posts", "latest-news", "trending", "teaser", "teasers", "outbrain", "taboola", "zergnet",
      "next-article", "up-next", "also-like",
      // sharing and accounts
      "share", "sharing", "shares", "sharebar", "sharedaddy", "addthis", "addtoany", "social", "socials", "social-media", "follow-us", "follow-me", "facebook",
      "twitter", "pinterest", "whatsapp", "newsletter", "newsletters", "subscribe", "subscription", "signup", "sign-up", "signin", "sign-in", "login", "log-in",
      "logout", "mailing-list", "paywall", "donate", "donation",
      // notices
      "cookie", "cookies", "cookiebar", "cookiebanner", "consent", "gdpr", "ccpa", "onetrust", "popup", "pop-up", "modal", "overlay", "lightbox", "tooltip",
      "toast", "snackbar", "interstitial", "back-to", "scroll-top", "disclaimer-bar",
      // advertising
      "ad", "ads", "advert", "adverts", "advertisement", "advertisements", "advertising", "adsbygoogle", "adslot", "adbox", "adunit", "dfp", "sponsor",
      "sponsors", "sponsored", "promo", "promos", "promotion", "promoted", "affiliate", "banner", "banners", "cta", "call-to",
      // about the text
      "byline", "post-meta", "entry-meta", "article-meta", "meta-data", "postmeta", "postmetadata", "article-info", "post-info", "tags", "taglist", "tagcloud",
      "tag-list", "tag-cloud", "post-tags", "entry-tags", "categories", "cat-links", "entry-footer", "post-footer", "author-bio", "author-box", "author-info",
      "about-author", "about-the", "rating", "ratings", "vote", "votes", "votecell", "likes", "print-link", "email-link", "copyright", "copyrights",
      // threads
      "signature", "postprofile", "userinfo", "user-info", "post-author", "post-buttons", "poster-info", "quick-reply", "report-post", "user-card",
      // search, pictures, tools
      "search", "searchbox", "searchform", "search-form", "search-bar", "gallery", "carousel", "slideshow", "slider", "thumbnails", "toolbar", "controls",
      "feedback", "edit-link", "edit-page", "notification", "notifications", "basket", "shopping-cart", "wishlist"};
  return words;
}

const Names& comment_words() {
  static const Names words = {"comment",     "comments",   "commentlist", "comment-list", "comments-area", "respond",   "disqus",     "livefyre",
                              "commentform", "discussion", "responses",   "reactions",    "replies",       "trackback", "trackbacks", "pingback"};
  return words;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_word(char c) { return is_upper(c) || is_lower(c) || (c >= '0' && c <= '9'); }

// Calls visit(word, joined pair with the word before or empty, word before) for the words of one class name.
template <class Visit>
void for_each_word(std::string_view name, Visit&& visit) {
  std::string word, before, pair;
  const auto end_word = [&] {
    if (word.empty()) return;
    pair.clear();
    if (!before.empty()) pair.append(before).append("-").append(word);
    visit(word, pair, before);
    before = word;
    word.clear();
  };
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (!is_word(name[i])) {
      end_word();
      continue;
    }
    if (i > 0 && is_upper(name[i]) && is_lower(name[i - 1])) end_word();
    word += lower(name[i]);
  }
  end_word();
}

// "has-sidebar", "no-comments", "comments-open": states of a page, not names of a part.
bool is_state(std::string_view before) {
  return before == "has" || before == "with" || before == "no" || before == "without" || before == "not" || before == "js" || before == "is" ||
         before == "type" || before == "category" || before == "tag" || before == "hide" || before == "open" || before == "non";
}

// Which verdict weighs more: hidden, content, boilerplate, comments.
void judge_name(std::string_view name, bool& content, bool& boilerplate, bool& comments) {
  if (name.size() > 200) return;
  for_each_word(name, [&](std::string_view word, std::string_view pair, std::string_view before) {
    if (content_words().contains(word) || (!pair.empty() && content_words().contains(pair))) content = true;
    if (!pair.empty() && boilerplate_words().contains(pair)) boilerplate = true;
    if (is_state(before)) return;
    if (boilerplate_words().contains(word)) boilerplate = true;
    if (comment_words().contains(word) || (!pair.empty() && comment_words().contains(pair))) comments = true;
  });
}

template <class Visit>
void for_each_name(std::string_view class_names, Visit&& visit) {
  std::size_t at = 0;
  while (at < class_names.size()) {
    const std::size_t begin = class_names.find_first_not_of(" \t\n\f\r", at);
    if (begin == std::string_view::npos) return;
    at = std::min(class_names.find_first_of(" \t\n\f\r", begin), class_names.size());
    visit(class_names.substr(begin, at - begin));
  }
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

}  // namespace

ClassVerdict judge_class(std::string_view class_names, std::string_view id) {
  if (class_names.empty() && id.empty()) return ClassVerdict::nothing;
  bool hidden = false, content = false, boilerplate = false, comments = false;
  for_each_name(class_names, [&](std::string_view name) {
    if (name.size() <= 24 && hidden_classes().contains(lowered(name))) hidden = true;
    judge_name(name, content, boilerplate, comments);
  });
  judge_name(id, content, boilerplate, comments);
  if (hidden) return ClassVerdict::hidden;
  if (content) return ClassVerdict::content;
  return boilerplate ? ClassVerdict::boilerplate : comments ? ClassVerdict::comments : ClassVerdict::nothing;
}

bool is_line_number_class(std::string_view class_names) {
  static const Names names = {"lineno",       "linenos",   "line-number", "line-numbers",    "linenumber",        "linenumbers", "gutter",
                              "rouge-gutter", "linenodiv", "ln",          "hljs-ln-numbers", "line-numbers-rows", "blob-num"};
  bool found = false;
  for_each_name(class_names, [&](std::string_view name) { found = found || (name.size() <= 24 && names.contains(lowered(name))); });
  return found;
}

}  // namespace phidias::data::pipeline
