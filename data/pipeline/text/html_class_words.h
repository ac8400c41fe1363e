// What the words of an element's class and id say about it.
//
//   ClassVerdict verdict = judge_class("post-share js-ShareBar", "");        // boilerplate
//
// "relatedPosts" and "related-posts" are the words related, posts; single words and pairs of neighbours are looked up in two lists.
#pragma once

#include <cstdint>
#include <string_view>

namespace phidias::data::pipeline {

enum class ClassVerdict : std::uint8_t {
  nothing,
  content,      // entry-content, article-body: no other word counts
  boilerplate,  // navigation, advertising, sharing ...
  comments,     // a page's discussion
  hidden,       // not shown, or for screen readers only; of inline elements as well
};

ClassVerdict judge_class(std::string_view class_names, std::string_view id);

// Line numbers beside code: lineno, gutter ...
bool is_line_number_class(std::string_view class_names);

}  // namespace phidias::data::pipeline
