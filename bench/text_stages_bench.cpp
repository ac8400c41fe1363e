// MB per CPU second of the stages extract_html and normalise on one core, best of three rounds.
//   text_stages_bench FOLDER        all .html files below it, up to 64 MB in order of their paths
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "bench/measure.h"
#include "data/pipeline/text/extract_html.h"
#include "data/pipeline/text/normalise.h"
#include "data/tokenizers/utf8.h"

namespace {

using namespace phidias::data;
using namespace phidias::data::pipeline;

std::vector<std::string> read_pages(const std::string& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, std::filesystem::directory_options::skip_permission_denied))
    if (entry.is_regular_file() && entry.path().extension() == ".html") paths.push_back(entry.path());
  std::ranges::sort(paths);
  std::vector<std::string> pages;
  std::size_t bytes = 0;
  for (const auto& path : paths) {
    if (bytes > (64u << 20)) break;
    std::ostringstream stream;
    stream << std::ifstream(path, std::ios::binary).rdbuf();
    if (stream.view().size() > (8u << 20)) continue;  // the stage would drop it
    pages.push_back(to_utf8_lossy(stream.view()));
    bytes += pages.back().size();
  }
  return pages;
}

// Bytes in, seconds; the texts that come out of the last round.
std::vector<std::string> measure(const char* what, const Stage& stage, const std::vector<std::string>& texts) {
  double best = 1e9, bytes = 0;
  std::vector<std::string> out;
  for (int round = 0; round < 3; ++round) {
    const auto worker = stage.worker();
    std::vector<Document> documents(texts.size());
    std::vector<Document*> batch;
    bytes = 0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      documents[i].set_text(texts[i]);
      batch.push_back(&documents[i]);
      bytes += static_cast<double>(texts[i].size());
    }
    const double start = phidias::bench::cpu_seconds();
    worker->process(batch);
    best = std::min(best, phidias::bench::cpu_seconds() - start);
    out.clear();
    for (const Document& document : documents)
      if (!document.dropped()) out.push_back(document.text());
  }
  std::printf("%-44s %8.1f MB/s   %7zu documents, %.1f MB in, %zu left\n", what, bytes / best / 1e6, texts.size(), bytes / 1e6, out.size());
  return out;
}

std::vector<std::string> copies(const std::string& text, std::size_t bytes) { return std::vector<std::string>(bytes / text.size() + 1, text); }

// About 4 KB of one line after another.
std::string document_of(const std::string& line) {
  std::string text;
  while (text.size() < 4096) text += line + "\n";
  text.pop_back();
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "text_stages_bench FOLDER\n");
    return 2;
  }
  StageSetup setup;
  setup.name = "stage";
  const ExtractHtml extract({}, setup);
  const Normalise normalise({}, setup);
  const std::vector<std::string> texts = measure("extract_html", extract, read_pages(argv[1]));
  measure("normalise, texts of these pages", normalise, texts);
  const std::size_t bytes = 64u << 20;
  measure("normalise, clean ASCII", normalise, copies(document_of("The quick brown fox jumps over the lazy dog, as it does every day."), bytes));
  measure("normalise, ASCII with spaces at line ends", normalise, copies(document_of("The quick brown fox jumps over the lazy dog, as it does. "), bytes));
  measure("normalise, German", normalise, copies(document_of("Über größere Flächen hört man schöne Vögel, während es dämmert."), bytes));
  measure("normalise, Japanese", normalise, copies(document_of("これは日本語の文です。もう一つの文が続きます。"), bytes));
  measure("normalise, mojibake in every line", normalise, copies(document_of("Ãœber grÃ¶ÃŸere FlÃ¤chen hÃ¶rt man schÃ¶ne VÃ¶gel."), bytes / 8));
  return 0;
}
