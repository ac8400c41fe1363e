#include "data/pipeline/read/document_output.h"

#include "data/pipeline/read/json_text.h"

namespace phidias::data::pipeline {
namespace {

void append_value(const AnnotationValue& value, std::string& out) {
  if (const double* number = std::get_if<double>(&value)) return append_json_number(*number, out);
  if (const bool* truth = std::get_if<bool>(&value)) {
    out += *truth ? "true" : "false";
    return;
  }
  append_json_string(std::get<std::string>(value), out);
}

}  // namespace

void append_annotations(const Annotations& annotations, std::string& out) {
  out += '{';
  for (const Annotation& annotation : annotations) {
    if (&annotation != annotations.begin()) out += ',';
    append_json_string(annotation.name, out);
    out += ':';
    append_value(annotation.value, out);
  }
  out += '}';
}

void append_document_line(const Document& document, const LineContent& content, std::string& out) {
  const auto member = [&out](std::string_view prefix, std::string_view text) {
    out += prefix;
    append_json_string(text, out);
  };
  member("{\"id\":", document.id);
  if (content.text) {
    member(",\"text\":", document.text());
    if (!document.url.empty()) member(",\"url\":", document.url);
  }
  member(",\"source\":", document.source);
  if (content.text && !document.fields.empty()) (out += ',') += document.fields;
  out += document.dropped() ? ",\"kept\":false" : ",\"kept\":true";
  if (document.dropped()) member(",\"reason\":", document.reason());
  if (content.annotations && document.annotations().size() > 0) {
    out += ",\"annotations\":";
    append_annotations(document.annotations(), out);
  }
  out += "}\n";
}

}  // namespace phidias::data::pipeline
