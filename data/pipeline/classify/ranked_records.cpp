#include "data/pipeline/classify/ranked_records.h"

#include <cstdio>

#include <algorithm>
#include <cstring>
#include <map>

#include "base/error.h"
#include "base/log.h"

namespace phidias::data::pipeline {
namespace {

struct Fixed {
  std::uint64_t score = 0;
  std::int64_t weight = 0;
};
constexpr std::size_t kFixedBytes = 1 + sizeof(Fixed);

}  // namespace

std::string ranked_group(const Document& document, const std::vector<std::string>& per) {
  std::string group;
  for (const std::string& name : per) {
    if (!group.empty()) group += ", ";
    group += name + "=";
    if (name == "source") {
      group += document.source;
    } else if (const auto text = document.annotations().text(name)) {
      group += *text;
    } else if (const auto number = document.annotations().number(name)) {
      char digits[40];
      std::snprintf(digits, sizeof digits, "%.17g", *number);
      group += digits;
    }
  }
  return group;
}

void tell_missing(const std::string& stage, const std::string& what, const Collected& collected, std::vector<std::pair<std::string, std::string>>& notes) {
  if (collected.documents == 0) return;
  if (collected.group->rank() == 0) log_warning("stage " + stage + ": no document has " + what + "; is the name right?");
  notes.emplace_back("missing everywhere", what);
}

void tell_missing_groups(const std::string& stage, const std::vector<std::string>& per, const Collected& collected, const RankedDocuments& ranked,
                         std::vector<std::pair<std::string, std::string>>& notes) {
  for (const std::string& name : per) {
    const auto lacks_it = [&](const std::string& group) {
      const std::string part = ", " + group + ", ";
      return part.find(", " + name + "=, ") != std::string::npos;
    };
    if (!ranked.groups.empty() && std::all_of(ranked.groups.begin(), ranked.groups.end(), lacks_it))
      tell_missing(stage, "the annotation '" + name + "' (per)", collected, notes);
  }
}

void append_ranked_record(std::string_view group, std::optional<double> score, std::int64_t weight, std::string& record) {
  const Fixed fixed{score_order(score.value_or(0)), weight};
  record += score ? '\1' : '\0';
  record.append(reinterpret_cast<const char*>(&fixed), sizeof fixed);
  record += group;
}

RankedDocuments gather_ranked(const Collected& collected) {
  RankedDocuments ranked;
  std::map<std::string, std::uint32_t, std::less<>> numbers;
  std::vector<std::string> local;
  std::int64_t without_score = 0;
  for (const CollectedUnit& unit : collected.units)
    for (std::size_t i = 0; i < unit.records.size(); ++i) {
      const std::string_view record = unit.records[i];
      if (record.size() < kFixedBytes) throw DataError("a collected record is damaged");
      if (record.front() == '\0') {
        ++without_score;
        continue;
      }
      const std::string_view name = record.substr(kFixedBytes);
      auto group = numbers.find(name);
      if (group == numbers.end()) {
        group = numbers.emplace(std::string(name), static_cast<std::uint32_t>(local.size())).first;
        local.emplace_back(name);
      }
      Fixed fixed;
      std::memcpy(&fixed, record.data() + 1, sizeof fixed);
      ranked.entries.push_back({fixed.score, static_cast<std::uint64_t>(unit.first_document) + i, fixed.weight, group->second});
    }
  ranked.groups = union_of(local, *collected.group);
  std::vector<std::uint32_t> number(local.size());
  for (std::size_t i = 0; i < local.size(); ++i)
    number[i] = static_cast<std::uint32_t>(std::lower_bound(ranked.groups.begin(), ranked.groups.end(), local[i]) - ranked.groups.begin());
  const std::size_t groups = ranked.groups.size();
  std::vector<std::int64_t> sums(2 * groups + 1);
  for (RankedEntry& entry : ranked.entries) {
    entry.group = number[entry.group];
    ++sums[entry.group];
    sums[groups + entry.group] += entry.weight;
  }
  sums.back() = without_score;
  add_up(sums, *collected.group);
  const auto middle = sums.begin() + static_cast<std::ptrdiff_t>(groups);
  ranked.documents.assign(sums.begin(), middle);
  ranked.weight.assign(middle, sums.end() - 1);
  ranked.without_score = sums.back();
  return ranked;
}

}  // namespace phidias::data::pipeline
