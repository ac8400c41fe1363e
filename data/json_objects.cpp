#include "data/json_objects.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/json.h"
#include "data/line_blocks.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data {
namespace {

constexpr std::int64_t kBlockBytes = 4 << 20;
constexpr int kDeepest = 64;  // levels of lists and objects: nlohmann copies and writes recursively

}  // namespace

std::optional<std::string> parse_json_object(std::string_view text, OrderedJson& value) {
  if (find_invalid_utf8(text) != std::string_view::npos) return "invalid UTF-8";
  int depth = 0;
  bool too_deep = false;
  try {
    value = OrderedJson::parse(text, [&](int level, OrderedJson::parse_event_t, OrderedJson&) {
      depth = level;
      too_deep = too_deep || depth > kDeepest;
      return !too_deep;
    });
  } catch (const OrderedJson::exception& error) {
    const std::string what = error.what();
    const std::size_t at = what.find(": ");
    return "not valid JSON: " + (at == std::string::npos ? what : what.substr(at + 2));
  }
  if (too_deep) return "more than " + std::to_string(kDeepest) + " lists and objects inside each other";
  if (!value.is_object()) return "not a JSON object";
  return std::nullopt;
}

void for_each_json_object(const std::string& path, const std::function<void(const JsonObject&)>& visit,
                          const std::function<void(const std::string&, const std::string&)>& bad) {
  const auto report = [&](std::int64_t line, const std::string& what) {
    const std::string where = path + ":" + std::to_string(line);
    if (!bad) throw DataError(where + ": " + what);
    bad(where, what);
  };
  LineBlocks blocks(path, kBlockBytes);
  OrderedJson value;
  while (const std::optional<LineBlock> block = blocks.next()) {
    if (block->oversized_bytes > 0) report(block->first_line, "a line of more than " + std::to_string(kMaxLineBytes >> 20) + " MiB");
    for_each_line(*block, [&](std::int64_t line, std::string_view text) {
      if (const std::optional<std::string> what = parse_json_object(text, value)) return report(line, *what);
      visit({path + ":" + std::to_string(line), line, value});
    });
  }
}

std::vector<std::string> json_files(const std::string& path) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(path)) return {path};
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file() && entry.path().filename().string().find(".json") != std::string::npos) files.push_back(entry.path().string());
  if (files.empty()) throw DataError(path + ": no JSON lines files in this folder");
  std::sort(files.begin(), files.end());
  return files;
}

const OrderedJson* member_at(const OrderedJson& object, std::string_view path) {
  const OrderedJson* at = &object;
  while (true) {
    if (!at->is_object()) return nullptr;
    if (const auto whole = at->find(path); whole != at->end()) return &*whole;
    const std::size_t dot = path.find('.');
    if (dot == std::string_view::npos) return nullptr;
    const auto next = at->find(path.substr(0, dot));
    if (next == at->end()) return nullptr;
    at = &*next;
    path.remove_prefix(dot + 1);
  }
}

std::optional<std::string> text_at(const OrderedJson& object, std::string_view path) {
  const OrderedJson* value = member_at(object, path);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  if (value->is_number() || value->is_boolean()) return value->dump();
  return std::nullopt;
}

std::optional<std::vector<std::string>> texts_at(const OrderedJson& object, std::string_view path) {
  const OrderedJson* value = member_at(object, path);
  std::vector<std::string> texts;
  if (value == nullptr || value->is_null()) return texts;
  if (std::optional<std::string> text = text_at(object, path)) return std::vector<std::string>{*std::move(text)};
  if (!value->is_array()) return std::nullopt;
  for (const OrderedJson& item : *value) {
    if (!item.is_string() && !item.is_number() && !item.is_boolean()) return std::nullopt;
    texts.push_back(item.is_string() ? item.get<std::string>() : item.dump());
  }
  return texts;
}

std::optional<double> number_at(const OrderedJson& object, std::string_view path) {
  const OrderedJson* value = member_at(object, path);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>() ? 1.0 : 0.0;
  if (value->is_number()) return value->get<double>();
  return std::nullopt;
}

std::string json_line(const OrderedJson& object) { return object.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + '\n'; }

}  // namespace phidias::data
