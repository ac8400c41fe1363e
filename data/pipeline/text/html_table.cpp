#include "data/pipeline/text/html_table.h"

#include <algorithm>

namespace phidias::data::pipeline {
namespace {

constexpr std::uint32_t kLongestCell = 600;

bool lays_out(int tag) { return tag == GUMBO_TAG_TABLE || tag == GUMBO_TAG_PRE || (tag >= GUMBO_TAG_H1 && tag <= GUMBO_TAG_H3); }

}  // namespace

HtmlTable read_html_table(std::span<const HtmlNode> nodes, std::uint32_t number) {
  HtmlTable table;
  const std::string_view role = nodes[number].attribute("role");
  bool is_data = role != "presentation" && role != "none";
  std::size_t columns = 0;
  for (std::uint32_t i = number + 1; i < nodes[number].end && is_data; ++i) {
    const HtmlNode& node = nodes[i];
    if (node.is_text) continue;
    if (lays_out(node.tag)) is_data = false;
    if (node.tag == GUMBO_TAG_CAPTION && table.caption == 0) table.caption = i;
    if (node.tag == GUMBO_TAG_TR) table.rows.push_back({{}, true});
    if ((node.tag != GUMBO_TAG_TD && node.tag != GUMBO_TAG_TH) || table.rows.empty()) continue;
    if (node.text > kLongestCell) is_data = false;
    HtmlTable::Row& row = table.rows.back();
    row.cells.push_back(i);
    row.is_header = row.is_header && node.tag == GUMBO_TAG_TH;
    columns = std::max(columns, row.cells.size());
  }
  std::erase_if(table.rows,
                [&](const HtmlTable::Row& row) { return std::ranges::all_of(row.cells, [&](std::uint32_t cell) { return nodes[cell].text == 0; }); });
  table.is_data = is_data && columns >= 2 && table.rows.size() >= 2;
  return table;
}

}  // namespace phidias::data::pipeline
