// Any bytes as a page: text that is valid UTF-8, whatever the options.
//   clang: libFuzzer target html_fuzz; elsewhere tests/data/pipeline/text/html_extraction_test.cpp calls the same function.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "data/pipeline/text/html_extraction.h"
#include "data/tokenizers/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace phidias::data;
  using namespace phidias::data::pipeline;
  // The stage's input is valid UTF-8 by contract of the readers.
  const std::string page = to_utf8_lossy({reinterpret_cast<const char*>(bytes), size});
  static HtmlExtractor extractor;
  is_html(page);
  const HtmlOptions plain{.main_content = false,
                          .style = {.headings = HeadingStyle::markdown, .tables = TableStyle::tabs, .code = CodeStyle::plain, .links = true, .images = true}};
  for (const HtmlOptions& options : {HtmlOptions{}, plain}) {
    const HtmlExtraction result = extractor.extract(page, options);
    if (find_invalid_utf8(result.text) != std::string_view::npos || find_invalid_utf8(result.title) != std::string_view::npos) std::abort();
    if (!result.text.empty() && (result.text.back() == '\n' || result.text.front() == '\n')) std::abort();
    if (!(result.share >= 0 && result.share <= 1)) std::abort();
  }
  return 0;
}
