#include "data/pipeline/model/model_files.h"

#include <algorithm>

#include "base/json.h"

namespace phidias::data::pipeline {

std::vector<std::filesystem::path> model_files(const std::string& directory) {
  namespace fs = std::filesystem;
  const fs::path final_directory = fs::path(directory) / "final";
  const fs::path folder = fs::is_directory(final_directory) ? final_directory : fs::path(directory);
  std::vector<fs::path> files;
  if (!fs::is_directory(folder)) return files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string extension = entry.path().extension().string();
    if (entry.is_regular_file() && (extension == ".safetensors" || extension == ".json" || extension == ".model" || extension == ".tiktoken"))
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::filesystem::path> head_files(const std::string& directory) {
  std::vector<std::filesystem::path> files = model_files(directory);
  const std::vector<std::filesystem::path> encoder = model_files(read_json(std::filesystem::path(directory) / "head.json").value("encoder", ""));
  files.insert(files.end(), encoder.begin(), encoder.end());
  return files;
}

}  // namespace phidias::data::pipeline
