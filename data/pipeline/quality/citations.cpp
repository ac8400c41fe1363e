#include "data/pipeline/quality/citations.h"

#include <unicode/uchar.h>

#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

// Bytes of the marker at the start of `text`, which begins with a bracket; 0: none.
std::size_t marker_size(std::string_view text) {
  std::size_t at = 1;
  while (at < text.size() && u_isdigit(static_cast<UChar32>(decode_utf8(text.data() + at)))) at += static_cast<std::size_t>(utf8_length(text[at]));
  if (at < text.size() && text[at] == ']') return at + 1;
  for (const std::string_view marker : {"[edit]", "[citation needed]"})
    if (text.starts_with(marker)) return marker.size();
  return 0;
}

}  // namespace

bool cut_citations(std::string_view line, std::string& cut) {
  std::size_t copied = 0;
  bool found = false;
  for (std::size_t at = line.find('['); at != std::string_view::npos;) {
    const std::size_t size = marker_size(line.substr(at));
    if (size == 0) {
      at = line.find('[', at + 1);
      continue;
    }
    if (!found) cut.clear();
    found = true;
    cut.append(line, copied, at - copied);
    copied = at + size;
    at = line.find('[', copied);
  }
  if (found) cut.append(line, copied);
  return found;
}

}  // namespace phidias::data::pipeline
