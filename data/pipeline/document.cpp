#include "data/pipeline/document.h"

#include <algorithm>

namespace phidias::data::pipeline {
namespace {

constexpr std::size_t kKeptWords = 1 << 17;  // 2 MiB of memory that is kept for the next text; a rare long text must not hold hundreds for ever

}  // namespace

const Annotation* Annotations::find(std::string_view name) const {
  const Annotation* found = std::find_if(begin(), end(), [&](const Annotation& entry) { return entry.name == name; });
  return found == end() ? nullptr : found;
}

Annotation& Annotations::entry(std::string_view name) {
  for (std::size_t i = 0; i < size_; ++i)
    if (entries_[i].name == name) return entries_[i];
  if (size_ == entries_.size()) entries_.emplace_back();
  entries_[size_].name = name;
  return entries_[size_++];
}

void Annotations::set(std::string_view name, double value) { entry(name).value = value; }

void Annotations::set(std::string_view name, bool value) { entry(name).value = value; }

void Annotations::set(std::string_view name, std::string_view value) { entry(name).value = std::string(value); }

void Annotations::remove(std::string_view name) {
  const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(size_);
  const auto found = std::find_if(entries_.begin(), end, [&](const Annotation& entry) { return entry.name == name; });
  if (found == end) return;
  std::rotate(found, found + 1, end);  // its memory joins what is lent
  --size_;
}

std::optional<double> Annotations::number(std::string_view name) const {
  const Annotation* found = find(name);
  if (found == nullptr) return std::nullopt;
  if (const double* number = std::get_if<double>(&found->value)) return *number;
  if (const bool* truth = std::get_if<bool>(&found->value)) return *truth ? 1.0 : 0.0;
  return std::nullopt;
}

std::optional<std::string_view> Annotations::text(std::string_view name) const {
  const Annotation* found = find(name);
  if (found == nullptr) return std::nullopt;
  if (const std::string* text = std::get_if<std::string>(&found->value)) return *text;
  return std::nullopt;
}

const Words& Document::words(const WordSplitter& splitter) {
  for (CachedWords& cached : words_.entries) {
    if (cached.splitter != &splitter) continue;
    if (cached.version != version_) {
      splitter.split(text_, cached.words);
      cached.version = version_;
    }
    return cached.words;
  }
  CachedWords& cached = words_.entries.emplace_back();
  cached.splitter = &splitter;
  splitter.split(text_, cached.words);
  cached.version = version_;
  return cached.words;
}

void Document::clear() {
  for (std::string* text : {&id, &url, &source, &fields, &file, &text_, &reason_}) text->clear();
  line = 0;
  ++version_;
  std::erase_if(words_.entries, [](const CachedWords& cached) { return cached.words.capacity() > kKeptWords; });
  annotations_.clear();
}

}  // namespace phidias::data::pipeline
