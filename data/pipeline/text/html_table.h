// Tables that hold data, told from those that lay a page out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/pipeline/text/html_tree.h"

namespace phidias::data::pipeline {

struct HtmlTable {
  struct Row {
    std::vector<std::uint32_t> cells;  // td and th
    bool is_header = false;            // of th alone
  };
  std::vector<Row> rows;
  std::uint32_t caption = 0;  // 0: none
  bool is_data = false;
};

// `number` is a table. Data: two columns and two rows at least, no table, heading or code block inside, no cell above 600 characters, no role=presentation.
HtmlTable read_html_table(std::span<const HtmlNode> nodes, std::uint32_t number);

}  // namespace phidias::data::pipeline
