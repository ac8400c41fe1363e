// The rules of the tree that a compiler does not know: which folder may include which, what is never included, how long a file may be, and that no
// text names a path of the machine it was written on.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "base/atomic_file.h"

namespace phidias {
namespace {

namespace fs = std::filesystem;

// In order of dependency: each may include from itself and from those before it.
const std::vector<std::string> kFolders = {"base", "configs", "report", "parallel", "data", "kernels", "models", "trainer", "launch"};
const std::vector<std::string> kTorchFree = {"base", "configs", "report", "parallel", "data"};
const std::vector<std::string> kOthers = {"tests", "bench", "docs", "scripts", "cmake", "recipes", ".ci"};
constexpr std::size_t kLongestFile = 450;

struct Source {
  fs::path path;       // from the root of the tree
  std::string folder;  // its first component
  std::vector<std::string> lines;
};

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

bool is_one_of(const std::string& value, const std::vector<std::string>& list) { return std::find(list.begin(), list.end(), value) != list.end(); }

bool is_code(const fs::path& path) { return is_one_of(path.extension().string(), {".h", ".cpp", ".cu", ".cuh"}); }
bool is_text(const fs::path& path) {
  return is_code(path) || path.filename() == "run" || is_one_of(path.extension().string(), {".py", ".sh", ".cmake", ".txt", ".md", ".yaml", ".yml"});
}

void add(const fs::path& file, std::vector<Source>& sources) {
  const fs::path root = PHIDIAS_SOURCE_DIR;
  if (!is_text(file)) return;
  const fs::path path = fs::relative(file, root);
  sources.push_back({path, path.begin()->string(), split_lines(read_file(file))});
}

const std::vector<Source>& sources() {
  static const std::vector<Source> all = [] {
    std::vector<Source> found;
    const fs::path root = PHIDIAS_SOURCE_DIR;
    for (const auto& entry : fs::directory_iterator(root)) {
      if (entry.is_regular_file()) add(entry.path(), found);
    }
    for (const auto& list : {kFolders, kOthers}) {
      for (const std::string& folder : list) {
        if (!fs::exists(root / folder)) continue;
        for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
          if (entry.is_regular_file()) add(entry.path(), found);
        }
      }
    }
    return found;
  }();
  return all;
}

// body(source, line number, text between quotes or angle brackets, quoted)
template <class Body>
void for_each_include(Body&& body) {
  static const std::regex include(R"(^\s*#\s*include\s*(["<])([^">]+)[">])");
  for (const Source& source : sources()) {
    if (!is_code(source.path)) continue;
    for (std::size_t i = 0; i < source.lines.size(); ++i) {
      std::smatch match;
      if (std::regex_search(source.lines[i], match, include)) body(source, i + 1, match[2].str(), match[1] == "\"");
    }
  }
}

std::string place(const Source& source, std::size_t line) { return source.path.string() + ":" + std::to_string(line); }

TEST(SourceTree, HoldsTheFilesTheseTestsAreAbout) {
  std::size_t code = 0, includes = 0;
  for (const Source& source : sources()) code += is_code(source.path);
  for_each_include([&](const Source&, std::size_t, const std::string&, bool quoted) { includes += quoted; });
  EXPECT_GT(code, 50u);
  EXPECT_GT(includes, 100u);
}

TEST(SourceTree, AFolderIncludesOnlyFromThoseBeforeIt) {
  for_each_include([](const Source& source, std::size_t line, const std::string& included, bool quoted) {
    if (!quoted) return;
    const std::string from = fs::path(included).begin()->string();
    const auto own = std::find(kFolders.begin(), kFolders.end(), source.folder), other = std::find(kFolders.begin(), kFolders.end(), from);
    if (own == kFolders.end()) return;  // tests and benches see everything
    EXPECT_NE(other, kFolders.end()) << place(source, line) << ": \"" << included << "\" is not written from the root of the tree";
    if (other != kFolders.end()) {
      EXPECT_LE(other - own, 0) << place(source, line) << ": " << source.folder << " may not include from " << from;
    }
  });
}

TEST(SourceTree, OnlyTheFoldersFromKernelsOnKnowTorch) {
  for_each_include([](const Source& source, std::size_t line, const std::string& included, bool) {
    if (!is_one_of(source.folder, kTorchFree)) return;
    for (const char* start : {"torch/", "ATen/", "c10/"}) EXPECT_FALSE(included.starts_with(start)) << place(source, line) << ": " << included;
  });
}

TEST(SourceTree, KernelsForTheDeviceAreFreeOfATen) {
  for_each_include([](const Source& source, std::size_t line, const std::string& included, bool) {
    if (source.path.extension() != ".cu" && source.path.extension() != ".cuh") return;
    for (const char* start : {"torch/", "ATen/", "c10/"}) EXPECT_FALSE(included.starts_with(start)) << place(source, line) << ": " << included;
  });
}

TEST(SourceTree, UmbrellaHeadersOfTorchAreIncludedNowhere) {
  const std::vector<std::string> umbrellas = {"torch/torch.h",     "torch/all.h",    "torch/nn.h",  "torch/optim.h",    "torch/data.h",
                                              "torch/extension.h", "torch/script.h", "ATen/ATen.h", "ATen/Functions.h", "ATen/NativeFunctions.h"};
  for_each_include([&](const Source& source, std::size_t line, const std::string& included, bool) {
    EXPECT_FALSE(is_one_of(included, umbrellas)) << place(source, line) << ": " << included << " costs seconds per file: include the operators by name";
  });
}

TEST(SourceTree, NoFileIsLongerThanAReaderCanHold) {
  for (const Source& source : sources()) {
    if (!is_code(source.path) && source.path.extension() != ".py" && source.path.extension() != ".sh") continue;
    EXPECT_LE(source.lines.size(), kLongestFile) << source.path;
  }
}

TEST(SourceTree, NoTextNamesAPathOfTheMachineItWasWrittenOn) {
  // Folders in which people and build machines keep their trees. In pieces, so that this file keeps its own rule.
  const std::regex path(std::string(R"((^|[\s"'`=(:,]))") + "/(work|opt|home|root|mnt)/" + "[A-Za-z0-9]");
  for (const Source& source : sources()) {
    for (std::size_t i = 0; i < source.lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(source.lines[i], path)) << place(source, i + 1) << ": " << source.lines[i];
    }
  }
}

}  // namespace
}  // namespace phidias
