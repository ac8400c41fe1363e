#include "data/synthetic/prompts.h"

#include <algorithm>
#include <set>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/philox.h"
#include "configs/settings_file.h"
#include "data/json_objects.h"
#include "data/synthetic/near_duplicates.h"
#include "data/synthetic/prompts_conditions.h"
#include "data/synthetic/prompts_template.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data {
namespace {

constexpr std::int64_t kAttempts = 20;
constexpr std::size_t kShingleWords = 5;
// Streams of the generator beside those of the quickstart's tasks (0 and 1).
enum class Stream : std::uint64_t { cells = 2, draw = 3, seeds = 4 };

struct Axis {
  std::string name;
  std::vector<std::string> values;  // one empty text: the axis is not used
};

struct Passage {
  std::string id, text, topic;
  std::int64_t uses = 0;
};

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  const std::string text = read_file(path);
  if (find_invalid_utf8(text) != std::string::npos) throw DataError(path + ": invalid UTF-8");
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) line.pop_back();
    if (!line.empty()) lines.push_back(std::move(line));
    begin = end + 1;
  }
  return lines;
}

// The list of the settings and the lines of the file, each value once.
std::vector<std::string> values_of(const std::vector<std::string>& list, const std::string& file) {
  std::vector<std::string> values;
  std::set<std::string> seen;
  const auto add = [&](const std::string& value) {
    if (seen.insert(value).second) values.push_back(value);
  };
  for (const std::string& value : list) add(value);
  if (!file.empty())
    for (const std::string& value : lines_of(file)) add(value);
  return values;
}

std::vector<PromptTemplate> templates_of(const PromptSettings& settings) {
  std::vector<PromptTemplate> templates;
  for (const std::string& text : settings.templates) templates.emplace_back(text);
  if (settings.templates_file.empty()) return templates;
  for (std::string line : lines_of(settings.templates_file)) {
    for (std::size_t at = line.find("\\n"); at != std::string::npos; at = line.find("\\n", at + 1)) line.replace(at, 2, "\n");
    templates.emplace_back(line);
  }
  return templates;
}

class Seeds {
 public:
  Seeds(const PromptSettings& settings, PromptReport& report)
      : key_(philox_key(static_cast<std::uint64_t>(settings.seed), RandomSite::task_generator, static_cast<std::uint64_t>(Stream::seeds))) {
    for (const SeedSource& source : settings.seeds) read(source, settings, report);
    report.seeds = static_cast<std::int64_t>(passages_.size());
    if (!settings.seeds.empty() && passages_.empty()) {
      throw ConfigError("no seed passage meets the conditions and has " + std::to_string(settings.seed_minimum_characters) + " characters (" +
                        std::to_string(report.seeds_passed_over) + " were passed over)");
    }
  }

  // The passage for a draw: first every passage once in a random order, further attempts anywhere. Null: none of this topic.
  Passage* choose(const std::string& topic, std::int64_t index, std::int64_t attempt) {
    const std::vector<std::size_t>& group = by_topic_ && !topic.empty() ? topics_[topic] : all_;
    if (group.empty()) return nullptr;
    const auto number = static_cast<std::uint64_t>(index) % group.size();
    const std::uint64_t at =
        attempt == 0 ? philox_permute(key_, group.size(), number) : philox_uint64(key_, static_cast<std::uint64_t>(index * kAttempts + attempt)) % group.size();
    return &passages_[group[at]];
  }

  const std::vector<Passage>& passages() const { return passages_; }

 private:
  void read(const SeedSource& source, const PromptSettings& settings, PromptReport& report) {
    std::vector<Condition> conditions;
    for (const std::string& text : source.where) conditions.push_back(parse_condition(text));
    for (const std::string& file : json_files(source.path)) {
      for_each_json_object(file, [&](const JsonObject& object) {
        const std::optional<std::string> text = text_at(object.value, source.text_field);
        if (!text) throw DataError(object.where + ": no text '" + source.text_field + "'");
        Passage passage{text_at(object.value, source.id_field).value_or(object.where), passage_of(*text, settings.seed_characters), {}};
        const bool fits = std::all_of(conditions.begin(), conditions.end(), [&](const Condition& condition) { return holds(condition, object.value); });
        if (!fits || static_cast<std::int64_t>(code_point_count(passage.text)) < settings.seed_minimum_characters) {
          ++report.seeds_passed_over;
          return;
        }
        if (!source.topic_field.empty()) {
          by_topic_ = true;
          const OrderedJson* topic = find_annotation(object.value, source.topic_field);
          if (topic != nullptr && topic->is_string()) topics_[topic->get<std::string>()].push_back(passages_.size());
        }
        all_.push_back(passages_.size());
        passages_.push_back(std::move(passage));
      });
    }
  }

  static std::size_t code_point_count(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
  }

  PhiloxKey key_;
  std::vector<Passage> passages_;
  std::vector<std::size_t> all_;
  bool by_topic_ = false;
  std::map<std::string, std::vector<std::size_t>> topics_;
};

struct Cell {
  std::array<std::size_t, 3> values{};
  std::int64_t prompts = 0;
  NearDuplicates seen;
};

class PromptMaker {
 public:
  explicit PromptMaker(const PromptSettings& settings)
      : settings_(settings),
        templates_(templates_of(settings)),
        axes_{Axis{"topic", values_of(settings.topics, settings.topics_file)}, Axis{"audience", values_of(settings.audiences, settings.audiences_file)},
              Axis{"style", values_of(settings.styles, settings.styles_file)}},
        seeds_(settings, report_) {
    check();
    for (Axis& axis : axes_) {
      for (const std::string& value : axis.values) report_.coverage[axis.name][value] = 0;
      if (axis.values.empty()) axis.values.emplace_back();
    }
    for (std::size_t a = 0; a < axes_[0].values.size(); ++a)
      for (std::size_t b = 0; b < axes_[1].values.size(); ++b)
        for (std::size_t c = 0; c < axes_[2].values.size(); ++c) cells_.push_back({{a, b, c}, 0, NearDuplicates(settings.similarity, kShingleWords)});
  }

  std::string lines() {
    const auto cells = static_cast<std::int64_t>(cells_.size());
    const std::int64_t wanted = settings_.count > 0 ? settings_.count : cells * std::max<std::int64_t>(1, settings_.per_cell);
    const PhiloxKey order = philox_key(static_cast<std::uint64_t>(settings_.seed), RandomSite::task_generator, static_cast<std::uint64_t>(Stream::cells));
    std::string text;
    for (std::int64_t i = 0; i < wanted; ++i)
      text += line(i, cells_[philox_permute(order, static_cast<std::uint64_t>(cells), static_cast<std::uint64_t>(i % cells))]);
    return text;
  }

  PromptReport report() {
    report_.cells = static_cast<std::int64_t>(cells_.size());
    const auto [fewest, most] = std::minmax_element(cells_.begin(), cells_.end(), [](const Cell& a, const Cell& b) { return a.prompts < b.prompts; });
    report_.fewest_per_cell = fewest->prompts;
    report_.most_per_cell = most->prompts;
    for (const Passage& passage : seeds_.passages()) {
      report_.seeds_used += passage.uses > 0;
      report_.most_uses_of_a_seed = std::max(report_.most_uses_of_a_seed, passage.uses);
    }
    return report_;
  }

 private:
  void check() const {
    if (templates_.empty()) throw ConfigError("no template: give `templates` or `templates_file`");
    const auto used = [&](std::string_view place) {
      return std::any_of(templates_.begin(), templates_.end(), [&](const PromptTemplate& each) { return each.uses(place); });
    };
    for (const Axis& axis : axes_) {
      if (used(axis.name) && axis.values.empty()) throw ConfigError("a template asks for {" + axis.name + "}, but `" + axis.name + "s` is empty");
      if (!used(axis.name) && !axis.values.empty()) throw ConfigError("`" + axis.name + "s` are given, but no template has {" + axis.name + "}");
    }
    if (used("seed") && settings_.seeds.empty()) throw ConfigError("a template asks for {seed}, but there are no `seeds`");
    if (!used("seed") && !settings_.seeds.empty()) throw ConfigError("`seeds` are given, but no template has {seed}");
  }

  // The prompt's line, or nothing when its cell has nothing new to offer.
  std::string line(std::int64_t index, Cell& cell) {
    const auto value = [&](std::size_t axis) -> const std::string& { return axes_[axis].values[cell.values[axis]]; };
    for (std::int64_t attempt = 0; attempt < kAttempts; ++attempt) {
      const PhiloxKey key = philox_key(static_cast<std::uint64_t>(settings_.seed), RandomSite::task_generator, static_cast<std::uint64_t>(Stream::draw),
                                       static_cast<std::uint64_t>(index), static_cast<std::uint64_t>(attempt));
      const std::size_t chosen = philox_uint32(key, 0) % templates_.size();
      Passage* passage = nullptr;
      if (templates_[chosen].uses("seed")) {
        passage = seeds_.choose(value(0), index, attempt);
        if (passage == nullptr) {
          ++report_.without_seed;
          return {};
        }
      }
      const std::string text =
          templates_[chosen].fill({value(0), value(1), value(2), passage != nullptr ? std::string_view(passage->text) : std::string_view()});
      if (cell.seen.find(text)) {
        ++report_.redrawn;
        continue;
      }
      cell.seen.add(text, index);
      return written(index, cell, chosen, passage, text);
    }
    ++report_.given_up;
    return {};
  }

  std::string written(std::int64_t index, Cell& cell, std::size_t chosen, Passage* passage, const std::string& text) {
    std::string number = std::to_string(index + 1);
    number.insert(0, number.size() < 6 ? 6 - number.size() : 0, '0');
    OrderedJson object = {{"id", settings_.name + "-" + number}};
    if (settings_.form == PromptForm::prompt) {
      object["prompt"] = settings_.system.empty() ? text : settings_.system + "\n\n" + text;
    } else {
      OrderedJson messages = OrderedJson::array();
      if (!settings_.system.empty()) messages.push_back({{"role", "system"}, {"content", settings_.system}});
      messages.push_back({{"role", "user"}, {"content", text}});
      object["messages"] = std::move(messages);
    }
    for (std::size_t axis = 0; axis < axes_.size(); ++axis) {
      const std::string& value = axes_[axis].values[cell.values[axis]];
      if (value.empty()) continue;
      object[axes_[axis].name] = value;
      ++report_.coverage[axes_[axis].name][value];
    }
    object["template"] = chosen + 1;
    if (passage != nullptr) {
      object["seed_id"] = passage->id;
      ++passage->uses;
    }
    ++cell.prompts;
    ++report_.prompts;
    return json_line(object);
  }

  const PromptSettings& settings_;
  PromptReport report_;
  std::vector<PromptTemplate> templates_;
  std::array<Axis, 3> axes_;
  Seeds seeds_;
  std::vector<Cell> cells_;
};

}  // namespace

PromptSettings read_prompt_settings(const std::string& path, const std::vector<std::string>& overrides) {
  return configs::read_settings<PromptSettings>(path, overrides, [](const PromptSettings& settings, configs::ReadState& state) {
    if (settings.count > 0 && settings.per_cell > 0) configs::add_problem(state, "per_cell", "give either `count` or `per_cell`");
    const auto try_text = [&](const std::string& key, const auto& parse) {
      try {
        parse();
      } catch (const ConfigError& error) {
        configs::add_problem(state, key, error.what());
      }
    };
    for (const std::string& text : settings.templates) try_text("templates", [&] { PromptTemplate{text}; });
    for (std::size_t i = 0; i < settings.seeds.size(); ++i)
      for (const std::string& text : settings.seeds[i].where) try_text("seeds[" + std::to_string(i) + "].where", [&] { parse_condition(text); });
  });
}

std::string passage_of(const std::string& text, std::int64_t characters) {
  std::size_t end = 0, sentence = 0, word = 0;
  std::int64_t count = 0;
  while (end < text.size() && count < characters) {
    const auto length = static_cast<std::size_t>(utf8_length(text[end]));
    const std::uint32_t c = decode_utf8(text.data() + end);
    const char next = end + length < text.size() ? text[end + length] : ' ';
    const bool wide_stop = c == 0x3002 || c == 0xFF01 || c == 0xFF1F;  // of Chinese and Japanese, with no space after them
    if (wide_stop || ((c == '.' || c == '!' || c == '?') && (next == ' ' || next == '\n'))) sentence = end + length;
    if (c == ' ' || c == '\n') word = end;
    end += length;
    ++count;
  }
  if (end < text.size()) end = sentence > end * 2 / 3 ? sentence : text[end] == ' ' || text[end] == '\n' || word == 0 ? end : word;
  const std::size_t begin = std::min(text.find_first_not_of(" \t\r\n"), end);
  while (end > begin && (text[end - 1] == ' ' || text[end - 1] == '\n' || text[end - 1] == '\t' || text[end - 1] == '\r')) --end;
  return text.substr(begin, end - begin);
}

OrderedJson PromptReport::json() const {
  OrderedJson summary = {{"prompts", prompts},
                         {"cells", cells},
                         {"fewest_per_cell", fewest_per_cell},
                         {"most_per_cell", most_per_cell},
                         {"redrawn", redrawn},
                         {"given_up", given_up},
                         {"without_seed", without_seed},
                         {"seeds", seeds},
                         {"seeds_used", seeds_used},
                         {"most_uses_of_a_seed", most_uses_of_a_seed},
                         {"seeds_passed_over", seeds_passed_over}};
  summary["coverage"] = OrderedJson::object();
  for (const auto& [axis, values] : coverage) summary["coverage"][axis] = values;
  return summary;
}

PromptReport make_prompts(const PromptSettings& settings) {
  PromptMaker maker(settings);
  const std::string lines = maker.lines();
  const PromptReport report = maker.report();
  const std::filesystem::path output = settings.output;
  if (output.has_parent_path()) std::filesystem::create_directories(output.parent_path());
  write_file_atomic(output, lines);
  write_file_atomic(settings.output + ".report.json", report.json().dump(2) + "\n");
  return report;
}

}  // namespace phidias::data
