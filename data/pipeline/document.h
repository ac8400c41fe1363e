// A document on its way through a pipeline: its text, what the input file said about it, and what the stages have found out.
//
//   document.annotations().set("gopher_quality.words", 812.0);
//   document.set_text(std::move(cleaned));
//   document.drop("mean_word_length");            // the pipeline puts the stage's name in front: "gopher_quality.mean_word_length"
//
// Nothing of a dropped document is looked at by later stages. Reused from document to document: clear() keeps allocated memory, but for that of long texts.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "data/pipeline/words.h"

namespace phidias::data::pipeline {

using AnnotationValue = std::variant<double, bool, std::string>;

struct Annotation {
  std::string name;
  AnnotationValue value;
};

// Named findings in the order in which they were made; a name stands once. Names: "<stage>.<what>", or a bare word for what later stages and users
// look for under one name whoever found it: language, language_score, tokens, topic, perplexity.
class Annotations {
 public:
  void set(std::string_view name, double value);
  void set(std::string_view name, bool value);
  void set(std::string_view name, std::string_view value);
  void set(std::string_view name, const char* value) { set(name, std::string_view(value)); }
  void remove(std::string_view name);
  // Nothing when there is no such annotation, or it is of another type. A truth value is the number 0 or 1.
  std::optional<double> number(std::string_view name) const;
  std::optional<std::string_view> text(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  const Annotation* begin() const { return entries_.data(); }
  const Annotation* end() const { return entries_.data() + size_; }
  std::size_t size() const { return size_; }
  void clear() { size_ = 0; }

 private:
  const Annotation* find(std::string_view name) const;
  Annotation& entry(std::string_view name);
  std::vector<Annotation> entries_;  // the first size_ count; the rest lend their memory
  std::size_t size_ = 0;
};

class Document {
 public:
  std::string id;      // from the input, else "<source>/<file name>/<line or record number>"
  std::string url;     // empty: none
  std::string source;  // name of the source in the pipeline file
  std::string fields;  // the input's other members as JSON text, in order and byte for byte: "\"metadata\":{...},\"date\":\"...\""; may be empty
  std::string file;    // where it stands: file as the user wrote it, and line or record number from 1
  std::int64_t line = 0;

  const std::string& text() const { return text_; }  // valid UTF-8
  void set_text(std::string text) {
    text_ = std::move(text);
    ++version_;
  }
  // Words of the present text; computed once per text and splitter. The views are into text().
  const Words& words(const WordSplitter& splitter);

  Annotations& annotations() { return annotations_; }
  const Annotations& annotations() const { return annotations_; }

  // Leaves the pipeline because of `rule` (a word of its stage: "mean_word_length"). The first call counts.
  void drop(std::string_view rule) {
    if (!dropped()) reason_ = rule;
  }
  bool dropped() const { return !reason_.empty(); }
  const std::string& reason() const { return reason_; }
  void set_reason(std::string_view reason) { reason_ = reason; }  // the pipeline's: "<stage>.<rule>", or empty to take a drop back

  void clear();

 private:
  struct CachedWords {
    const WordSplitter* splitter = nullptr;
    std::uint64_t version = 0;
    Words words;
  };
  // A copy or a moved document has none: the views are into the text of the one they were made for.
  struct WordCache {
    std::deque<CachedWords> entries;
    WordCache() = default;
    WordCache(const WordCache&) {}
    WordCache& operator=(const WordCache&) {
      entries.clear();
      return *this;
    }
  };
  std::string text_, reason_;
  std::uint64_t version_ = 1;  // of text_
  Annotations annotations_;
  WordCache words_;
};

}  // namespace phidias::data::pipeline
