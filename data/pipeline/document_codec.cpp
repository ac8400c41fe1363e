#include "data/pipeline/document_codec.h"

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "base/error.h"

namespace phidias::data::pipeline {
namespace {

template <class T>
void append_value(T value, std::string& out) {
  static_assert(std::is_trivially_copyable_v<T>);
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_text(std::string_view text, std::string& out) {
  append_value(static_cast<std::uint64_t>(text.size()), out);
  out += text;
}

}  // namespace

void append_encoded(const Document& document, std::string& out) {
  for (const std::string* text : {&document.id, &document.url, &document.source, &document.fields, &document.file, &document.text(), &document.reason()})
    append_text(*text, out);
  append_value(document.line, out);
  append_value(static_cast<std::uint64_t>(document.annotations().size()), out);
  for (const Annotation& annotation : document.annotations()) {
    append_text(annotation.name, out);
    append_value(static_cast<std::uint8_t>(annotation.value.index()), out);
    std::visit(
        [&](const auto& value) {
          if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>)
            append_text(value, out);
          else
            append_value(value, out);
        },
        annotation.value);
  }
}

std::string_view DocumentDecoder::take(std::size_t size) {
  if (size > rest_.size()) throw DataError("an intermediate file of the pipeline is damaged");
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

template <class T>
T DocumentDecoder::take_value() {
  T value;
  std::memcpy(&value, take(sizeof value).data(), sizeof value);
  return value;
}

std::string_view DocumentDecoder::take_text() { return take(take_value<std::uint64_t>()); }

bool DocumentDecoder::next(Document& document) {
  if (rest_.empty()) return false;
  document.clear();
  for (std::string* text : {&document.id, &document.url, &document.source, &document.fields, &document.file}) *text = take_text();
  document.set_text(std::string(take_text()));
  document.set_reason(take_text());
  document.line = take_value<std::int64_t>();
  for (auto left = take_value<std::uint64_t>(); left > 0; --left) {
    const std::string_view name = take_text();
    switch (take_value<std::uint8_t>()) {
      case 0:
        document.annotations().set(name, take_value<double>());
        break;
      case 1:
        document.annotations().set(name, take_value<bool>());
        break;
      default:
        document.annotations().set(name, take_text());
    }
  }
  return true;
}

}  // namespace phidias::data::pipeline
