// What a planned mixture takes, for people and for machines.
#include <algorithm>
#include <cstdio>

#include "base/json.h"
#include "data/mixture/mixture_plan.h"

namespace phidias::data::mixture {
namespace {

std::string with_thousands(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string decimals(double number, int count) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.*f", count, number);
  return text;
}

using Row = std::vector<std::string>;

// Columns padded to their widest cell; the first to the left, numbers to the right.
std::string table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const Row& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  std::string text;
  for (const Row& row : rows) {
    text += " ";
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string space(widths[c] - row[c].size(), ' ');
      text += " " + (c == 0 ? row[c] + space : " " + space + row[c]);
    }
    text += "\n";
  }
  return text;
}

}  // namespace

std::string MixturePlan::summary() const {
  std::string text;
  for (const PlannedPhase& phase : phases) {
    text += "phase " + phase.name + ": " + with_thousands(phase.tokens) + " tokens of " + with_thousands(phase.documents) + " documents";
    if (phase.context > 0) text += ", context " + with_thousands(phase.context);
    std::vector<Row> rows = {{"source", "share", "tokens", "documents", "epochs", "max", "unique tokens", "unique documents", "outside where", "left out"}};
    for (const PlannedSource& from : phase.sources)
      rows.push_back({from.name, decimals(100 * from.share, 1) + " %", with_thousands(from.tokens), with_thousands(from.draws), decimals(from.epochs(), 2),
                      decimals(from.max_epochs, 2), with_thousands(from.pool.tokens()), with_thousands(from.pool.draws()), with_thousands(from.pool.outside()),
                      with_thousands(from.pool.excluded())});
    text += "\n" + table(rows);
    if (phase.shared > 0) text += "  " + with_thousands(phase.shared) + " documents come from more than one of these sources\n";
  }
  for (const Overlap& overlap : overlaps)
    text += "phases " + overlap.earlier + " and " + overlap.later + ": " + with_thousands(overlap.documents) + " documents in both" +
            (overlap.declared_disjoint ? " (disjoint but for sources with reuse_epochs)" : "") + "\n";
  return text + "in all: " + with_thousands(tokens) + " tokens\n";
}

std::string MixturePlan::json() const {
  OrderedJson result = {{"tokens", tokens}, {"seed", seed}, {"phases", OrderedJson::array()}, {"overlaps", OrderedJson::array()}};
  for (const PlannedPhase& phase : phases) {
    OrderedJson entry = {{"name", phase.name},       {"tokens", phase.tokens},           {"tokens_asked", phase.quota}, {"documents", phase.documents},
                         {"context", phase.context}, {"shared_documents", phase.shared}, {"order", phase.order},        {"sources", OrderedJson::array()}};
    for (const PlannedSource& from : phase.sources)
      entry["sources"].push_back({{"name", from.name},
                                  {"share", from.share},
                                  {"tokens", from.tokens},
                                  {"documents", from.draws},
                                  {"epochs", from.epochs()},
                                  {"max_epochs", from.max_epochs},
                                  {"unique_tokens", from.pool.tokens()},
                                  {"unique_documents", from.pool.draws()},
                                  {"outside_where", from.pool.outside()},
                                  {"left_out", from.pool.excluded()}});
    result["phases"].push_back(std::move(entry));
  }
  for (const Overlap& overlap : overlaps)
    result["overlaps"].push_back(
        {{"earlier", overlap.earlier}, {"later", overlap.later}, {"documents", overlap.documents}, {"disjoint", overlap.declared_disjoint}});
  return result.dump();
}

}  // namespace phidias::data::mixture
