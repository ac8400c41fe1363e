#include <algorithm>
#include <system_error>

#include "base/error.h"
#include "data/pipeline/read/input_format.h"
#include "data/pipeline/read/input_names.h"
#include "data/pipeline/read/unit_reader.h"

namespace phidias::data::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kGroupFiles = 1000;

bool is_hidden(const fs::path& path) { return path.filename().native().starts_with('.'); }

// What stands in a folder under its names; a link that leads nowhere does not stand there.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> entries;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (!is_hidden(at->path())) entries.push_back(at->path());
  if (error) throw DataError(folder.string() + ": cannot read the folder: " + error.message());
  return entries;
}

// Links to folders are not followed below a folder that is walked: they may lead back.
void add_files(const fs::path& path, bool named, std::vector<fs::path>& files) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_regular_file(status)) {
    files.push_back(path);
  } else if (fs::is_directory(status) && (named || !fs::is_symlink(path))) {
    for (const fs::path& entry : entries_of(path)) add_files(entry, false, files);
  }
}

std::vector<fs::path> resolve_pattern(const fs::path& pattern) {
  std::vector<fs::path> matches = {fs::path()};
  for (const fs::path& component : pattern) {
    std::vector<fs::path> longer;
    for (const fs::path& match : matches) {
      if (!is_pattern(component.native())) {
        longer.push_back(match / component);
        continue;
      }
      std::error_code error;
      if (!fs::is_directory(match.empty() ? "." : match, error)) continue;
      for (const fs::path& entry : entries_of(match.empty() ? "." : match))
        if (matches_pattern(entry.filename().native(), component.native())) longer.push_back(match / entry.filename());
    }
    matches = std::move(longer);
  }
  std::erase_if(matches, [](const fs::path& match) {
    std::error_code error;
    return !fs::exists(match, error);
  });
  return matches;
}

std::vector<fs::path> files_of(const InputSource& source) {
  std::vector<fs::path> files;
  const bool there = fs::exists(source.path);
  if (!there && !is_pattern(source.path)) throw DataError(source.path + ": no such file or folder");
  for (const fs::path& match : there ? std::vector<fs::path>{source.path} : resolve_pattern(source.path)) add_files(match, true, files);
  if (files.empty()) throw DataError(source.path + (there ? ": there is no file in it" : ": no file matches this pattern"));
  std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

// An ending, but for that of a compression, that says nothing here.
bool has_unknown_ending(const fs::path& path) {
  fs::path name = path.filename();
  if (const std::string ending = name.extension().string(); ending == ".gz" || ending == ".zst") name = name.stem();
  return name.has_extension() && known_endings(name).empty();
}

bool is_one_document(InputFormat format) { return format == InputFormat::text || format == InputFormat::html; }

// The shards of an earlier pipeline, OUTPUT/kept or OUTPUT/dropped, lie in folders of their sources.
bool has_source_folders(const fs::path& path) {
  const fs::path folder = path.has_filename() ? path : path.parent_path();
  return fs::is_directory(folder) && (folder.filename() == "kept" || folder.filename() == "dropped") && fs::exists(folder.parent_path() / "manifest.json");
}

}  // namespace

std::vector<InputFile> list_inputs(const std::vector<InputSource>& sources, std::int64_t unit_bytes) {
  std::vector<InputFile> inputs;
  for (const InputSource& source : sources) {
    const std::size_t first = inputs.size();
    InputSource named = source;
    if (named.source.empty()) named.source = default_source_name(source.path);
    const bool by_folder = source.source.empty() && has_source_folders(source.path);
    for (const fs::path& path : files_of(source)) {
      if (by_folder) named.source = path.parent_path().filename().string();
      const InputFormat format = source.format == InputFormat::automatic ? input_format_of(path) : source.format;
      const auto bytes = static_cast<std::int64_t>(fs::file_size(path));
      InputFile* group = inputs.size() > first ? &inputs.back() : nullptr;
      const bool joins = group != nullptr && group->source.source == named.source && is_one_document(format) && group->format == format &&
                         group->members.size() < kGroupFiles && group->bytes + bytes <= unit_bytes;
      if (joins) {
        group->members.push_back(path);
        group->bytes += bytes;
        continue;
      }
      inputs.push_back({.path = path, .members = {}, .format = format, .source = named, .bytes = bytes});
      if (is_one_document(format)) inputs.back().members.push_back(path);
    }
  }
  return inputs;
}

std::string doubtful_inputs(const std::vector<InputFile>& files) {
  const fs::path* first = nullptr;
  std::size_t count = 0;
  for (const InputFile& file : files) {
    if (file.format != InputFormat::text || file.source.format != InputFormat::automatic) continue;
    for (const fs::path& member : file.members) {
      if (!has_unknown_ending(member)) continue;
      if (count++ == 0) first = &member;
    }
  }
  if (count == 0) return {};
  return first->string() + (count == 1 ? " is" : " and " + std::to_string(count - 1) + " more with an unknown ending are") +
         " read as plain text, one document a file: give the source `format: text` if that is meant, else convert " + (count == 1 ? "it" : "them") +
         " to JSON lines or Parquet";
}

}  // namespace phidias::data::pipeline
