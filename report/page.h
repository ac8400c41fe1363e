// What every page of a report begins and ends with. Self-contained: no script, no style sheet, no font file.
#pragma once

#include <string>
#include <vector>

namespace phidias::report {

// From <!DOCTYPE> to the heading, and the end; `title` is plain text.
std::string page_start(const std::string& title);
std::string page_end();

// A row of plain texts; the first row of a table may be its head.
std::string table_row(const std::vector<std::string>& cells, bool is_head = false);

// "1234567" -> "1 234 567"
std::string grouped(long long number);

}  // namespace phidias::report
