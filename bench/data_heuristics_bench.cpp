// The heuristic chain of FineWeb (gopher_repetition, gopher_quality, c4_quality, fineweb_quality) on one core, all statistics annotated, dropped documents
// going through the whole chain as well, and each stage alone; MB of text and documents per CPU second. bench/data_heuristics_peer.py measures datatrove on
// the same documents: those of about 4 KB that a text file is cut into.
//   data_heuristics_bench TEXT_FILE [whitespace|icu|regex ...]
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "bench/measure.h"
#include "data/pipeline/quality/c4_quality.h"
#include "data/pipeline/quality/fineweb_quality.h"
#include "data/pipeline/quality/gopher_quality.h"
#include "data/pipeline/quality/gopher_repetition.h"

namespace {

using namespace phidias::data::pipeline;

std::vector<std::string> documents(std::string_view text) {
  const std::vector<std::string_view> parts = phidias::bench::documents_of(text);
  return {parts.begin(), parts.end()};
}

template <class S>
std::unique_ptr<S> make(const char* name, SplitterKind splitter) {
  typename S::Config config;
  if constexpr (requires { config.splitter; }) config.splitter = splitter;
  if constexpr (requires { config.terminal_punctuation; }) config.terminal_punctuation = false;  // as FineWeb
  StageSetup setup;
  setup.name = name;
  return std::make_unique<S>(config, setup);
}

struct Result {
  double seconds = 1e9;
  std::size_t kept = 0;
};

// Best of several rounds; reading a document into its Document is part of it.
Result measure(const std::vector<const Stage*>& stages, const std::vector<std::string>& texts) {
  Result best;
  std::vector<std::unique_ptr<StageWorker>> workers;
  for (const Stage* stage : stages) workers.push_back(stage->worker());
  Document document;
  for (int round = 0; round < 9; ++round) {
    std::size_t kept = 0;
    const double start = phidias::bench::cpu_seconds();
    for (const std::string& text : texts) {
      document.clear();
      document.set_text(text);
      Document* const one = &document;
      bool dropped = false;
      for (const auto& worker : workers) {
        worker->process({&one, 1});
        dropped = dropped || document.dropped();
        document.set_reason("");
      }
      kept += !dropped;
    }
    best.seconds = std::min(best.seconds, phidias::bench::cpu_seconds() - start);
    best.kept = kept;
  }
  return best;
}

void report(const char* splitter, const char* name, const Result& result, double bytes, std::size_t documents) {
  std::printf("%-10s %-18s %7.1f MB/s %8.0f documents/s  kept %zu of %zu\n", splitter, name, bytes / result.seconds / 1e6,
              static_cast<double>(documents) / result.seconds, result.kept, documents);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "data_heuristics_bench TEXT_FILE [whitespace|icu|regex ...]\n");
    return 2;
  }
  try {
    std::ostringstream stream;
    stream << std::ifstream(argv[1], std::ios::binary).rdbuf();
    const std::string text = std::move(stream).str();
    const auto texts = documents(text);
    std::vector<std::string> splitters(argv + 2, argv + argc);
    if (splitters.empty()) splitters = {"whitespace", "icu", "regex"};
    for (const std::string& splitter : splitters) {
      const auto kind = splitter == "icu" ? SplitterKind::icu : splitter == "regex" ? SplitterKind::regex : SplitterKind::whitespace;
      const auto repetition = make<GopherRepetition>("gopher_repetition", kind);
      const auto quality = make<GopherQuality>("gopher_quality", kind);
      const auto c4 = make<C4Quality>("c4_quality", kind);
      const auto fineweb = make<FinewebQuality>("fineweb_quality", kind);
      const auto run = [&](const char* name, const std::vector<const Stage*>& stages) {
        report(splitter.c_str(), name, measure(stages, texts), static_cast<double>(text.size()), texts.size());
      };
      run("chain", {repetition.get(), quality.get(), c4.get(), fineweb.get()});
      run("no stage", {});
      run("gopher_repetition", {repetition.get()});
      run("gopher_quality", {quality.get()});
      run("c4_quality", {c4.get()});
      run("fineweb_quality", {fineweb.get()});
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
