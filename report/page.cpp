#include "report/page.h"

#include "report/line_chart.h"

namespace phidias::report {
namespace {

constexpr const char* kPageStart = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 15px/1.5 Helvetica, Arial, sans-serif; color: #222; max-width: 820px; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; margin: 1em 0; }
td, th { border-bottom: 1px solid #e3e3e3; padding: 0.25em 1.5em 0.25em 0; text-align: left; vertical-align: top; }
svg { display: block; max-width: 100%; height: auto; margin: 1.2em 0; border: 1px solid #eee; }
pre { background: #f7f7f7; padding: 1em; overflow-x: auto; font-size: 13px; white-space: pre-wrap; overflow-wrap: anywhere; }
summary { cursor: pointer; }
</style>
)";

}  // namespace

std::string page_start(const std::string& title) {
  const std::string shown = escape_markup(title);
  return kPageStart + ("<title>" + shown + "</title>\n</head>\n<body>\n<h1>" + shown + "</h1>\n");
}

std::string page_end() { return "</body>\n</html>\n"; }

std::string table_row(const std::vector<std::string>& cells, bool is_head) {
  const std::string tag = is_head ? "th" : "td";
  std::string row = "<tr>";
  for (const std::string& cell : cells) row += "<" + tag + ">" + escape_markup(cell) + "</" + tag + ">";
  return row + "</tr>\n";
}

std::string grouped(long long number) {
  std::string digits = std::to_string(number < 0 ? -number : number);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, " ");
  return (number < 0 ? "-" : "") + digits;
}

}  // namespace phidias::report
