#include "data/synthetic/noise.h"

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "data/json_objects.h"
#include "data/synthetic/noise_phrases.h"
#include "data/synthetic/task_families.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data {
namespace {

struct NoiseDocument {
  std::string kind, text, url;
};

std::int64_t between(Draw& draw, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(draw.below(static_cast<std::size_t>(high - low + 1)));
}

template <class List>
const auto& one_of(Draw& draw, const List& list) {
  return list[draw.below(list.size())];
}

// {list} and {low-high} replaced.
std::string filled(std::string_view pattern, Draw& draw) {
  std::string text;
  for (std::size_t i = 0; i < pattern.size();) {
    const std::size_t end = pattern[i] == '{' ? pattern.find('}', i) : std::string_view::npos;
    if (end == std::string_view::npos) {
      text += pattern[i++];
      continue;
    }
    const std::string slot(pattern.substr(i + 1, end - i - 1));
    i = end + 1;
    const auto list = noise_lists().find(slot);
    if (list != noise_lists().end()) {
      text += one_of(draw, list->second);
      continue;
    }
    const std::size_t dash = slot.find('-', 1);
    text += std::to_string(between(draw, std::stoll(slot.substr(0, dash)), std::stoll(slot.substr(dash + 1))));
  }
  return text;
}

NoiseDocument from_templates(Draw& draw) {
  const NoiseKind& kind = one_of(draw, noise_kinds());
  NoiseDocument document{std::string(kind.kind), {}, "https://" + filled(kind.url, draw) + "/" + std::to_string(between(draw, 1, 99999))};
  const std::int64_t sentences = between(draw, 6, 40);
  const std::string repeated = filled(kind.sentences.front(), draw);
  for (std::int64_t i = 0; i < sentences; ++i) {
    if (i > 0) document.text += kind.as_lines || i % 6 == 0 ? "\n" : " ";
    document.text += kind.kind == "repetition" ? repeated : filled(one_of(draw, kind.sentences), draw);
  }
  return document;
}

NoiseDocument gibberish(Draw& draw) {
  NoiseDocument document{"gibberish", {}, "https://files.example/" + std::to_string(between(draw, 1, 99999))};
  const std::int64_t words = between(draw, 60, 300), style = between(draw, 0, 2);
  for (std::int64_t i = 0; i < words; ++i) {
    if (i > 0) document.text += i % 12 == 0 ? "\n" : " ";
    if (style == 0) {  // numbers
      document.text += std::to_string(between(draw, 0, 99999)) + "." + std::to_string(between(draw, 0, 99));
    } else if (style == 1) {  // random letters
      for (std::int64_t letters = between(draw, 3, 22); letters > 0; --letters) document.text += static_cast<char>('a' + between(draw, 0, 25));
    } else {  // UTF-8 that was read as Latin-1, and symbols
      static const std::vector<std::string_view> broken = {"Ã¼", "â€œ", "Ã©t", "Â»", "â€™s", "ï¿½", "#", "...", "@@", "=>", "Ã¤Ã¶"};
      for (std::int64_t parts = between(draw, 1, 4); parts > 0; --parts) document.text += one_of(draw, broken);
    }
  }
  return document;
}

constexpr std::size_t kSmallestSeed = 400;  // bytes

// Texts of a JSONL file, or the .txt files of a folder by name.
std::vector<std::string> read_seeds(const std::string& path) {
  std::vector<std::string> texts;
  const auto add = [&](std::string text) {
    if (text.size() > kSmallestSeed) texts.push_back(std::move(text));
  };
  if (std::filesystem::is_directory(path)) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(path))
      if (entry.path().extension() == ".txt") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto& file : files)
      if (std::string text = read_file(file); find_invalid_utf8(text) == std::string_view::npos) add(std::move(text));
  } else {
    for_each_json_object(path, [&](const JsonObject& object) { add(text_at(object.value, "text").value_or("")); });
  }
  if (texts.empty()) throw DataError(path + ": no text of more than 400 bytes to copy");
  return texts;
}

// A copy, whole or with every 30th to 60th word replaced.
NoiseDocument duplicate(Draw& draw, const std::vector<std::string>& seeds) {
  NoiseDocument document{"duplicate", one_of(draw, seeds), "https://mirror.example/" + std::to_string(between(draw, 1, 99999))};
  if (draw.below(2) == 0) return document;
  const std::int64_t step = between(draw, 30, 60);
  std::string changed;
  std::int64_t word = 0;
  for (std::size_t i = 0; i < document.text.size();) {
    const std::size_t space = std::min(document.text.find_first_of(" \n", i), document.text.size());
    changed += ++word % step == 0 ? "edited" : document.text.substr(i, space - i);
    if (space < document.text.size()) changed += document.text[space];
    i = space + 1;
  }
  document.text = std::move(changed);
  return document;
}

}  // namespace

NoiseReport make_noise(const NoiseOptions& options, const std::filesystem::path& path) {
  const std::vector<std::string> seeds = options.seeds.empty() ? std::vector<std::string>() : read_seeds(options.seeds);
  NoiseReport report;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
  AtomicFile file(path);
  for (std::int64_t i = 0; i < options.documents; ++i) {
    Draw draw(philox_key(static_cast<std::uint64_t>(options.seed), RandomSite::task_generator, 2, static_cast<std::uint64_t>(i)));
    const double kind = static_cast<double>(draw.below(1000)) / 1000;
    const double duplicates = seeds.empty() ? 0 : options.duplicates;
    const NoiseDocument document = kind < duplicates ? duplicate(draw, seeds) : kind < duplicates + 0.1 ? gibberish(draw) : from_templates(draw);
    ++report.documents_by_kind[document.kind];
    char date[16];
    std::snprintf(date, sizeof date, "2024-%02d-%02d", static_cast<int>(between(draw, 1, 12)), static_cast<int>(between(draw, 1, 28)));
    const OrderedJson line = {{"id", "noise-" + std::to_string(i)}, {"text", document.text}, {"url", document.url}, {"date", date}, {"kind", document.kind}};
    file.write(line.dump() + "\n");
  }
  file.commit();
  return report;
}

}  // namespace phidias::data
