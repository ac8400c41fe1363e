// Bytes of text per CPU second in which each rule of decontamination looks for evaluation items, on one core.
//   data_decontaminate_bench TEXT_FILE [ITEMS] [FOLDER]
// TEXT_FILE is cut into documents of about 4 KB. ITEMS (20000) questions of 30 words are drawn from their words at random (so that next to none is found, as
// in real data), and every 500th is a piece of a document. The questions are written to FOLDER (.) for the program to read.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/philox.h"
#include "bench/measure.h"
#include "data/pipeline/decontaminate/contamination_finder.h"
#include "data/tokenizers/utf8.h"

namespace {

using namespace phidias::data::pipeline;

std::vector<std::string> documents_of(std::string_view text) {
  std::vector<std::string> parts;
  for (const std::string_view part : phidias::bench::documents_of(text)) parts.push_back(phidias::data::to_utf8_lossy(part));
  return parts;
}

std::string questions(const std::vector<std::string>& documents, int items) {
  constexpr std::size_t kWords = 30;
  const phidias::PhiloxKey key = phidias::philox_key(1, phidias::RandomSite::shuffle);
  std::string lines;
  std::vector<Words> words_of(documents.size());
  for (std::size_t i = 0; i < documents.size(); ++i) WordSplitter::of(SplitterKind::whitespace).split(documents[i], words_of[i]);
  for (int i = 0; i < items; ++i) {
    std::string question;
    for (std::size_t k = 0; k < kWords; ++k) {
      const auto draw = [&](std::uint64_t site) { return phidias::philox_uint64(key, site); };
      const std::uint64_t site = static_cast<std::uint64_t>(i) * 2 * kWords;
      const bool copied = i % 500 == 0;
      const Words& words = words_of[draw(copied ? site : site + 2 * k) % documents.size()];
      if (words.empty()) continue;
      question += (question.empty() ? "" : " ") + std::string(words[copied ? k % words.size() : draw(site + 2 * k + 1) % words.size()]);
    }
    lines += phidias::Json({{"question", question}}).dump() + "\n";
  }
  return lines;
}

void measure(const std::string& name, const DecontaminateConfig& config, const std::vector<std::string>& documents) {
  double start = phidias::bench::cpu_seconds();
  const ContaminationFinder finder(config);
  const double building = phidias::bench::cpu_seconds() - start;
  ContaminationFinder::Scratch scratch;
  std::size_t bytes = 0, found = 0;
  start = phidias::bench::cpu_seconds();
  for (const std::string& document : documents) {
    const std::vector<Match> matches = finder.find(document, scratch);
    double ratio = 0;
    found += !matches.empty() && !finder.items(matches, scratch, &ratio).empty();
    bytes += document.size();
  }
  const double seconds = phidias::bench::cpu_seconds() - start;
  std::printf("%-12s %7.1f MB/s   %zu n-grams in %.2f s, %.1f MB of index, %zu of %zu documents hit\n", name.c_str(),
              static_cast<double>(bytes) / 1e6 / seconds, finder.grams(), building, static_cast<double>(finder.bytes()) / 1e6, found, documents.size());
  std::fflush(stdout);
}

int run(int argc, char** argv) {
  const std::vector<std::string> documents = documents_of(phidias::read_file(argv[1]));
  if (documents.empty()) throw phidias::DataError(std::string(argv[1]) + ": no text");
  const std::string path = std::string(argc > 3 ? argv[3] : ".") + "/decontaminate-bench-questions.jsonl";
  phidias::write_file_atomic(path, questions(documents, argc > 2 ? std::atoi(argv[2]) : 20000));
  for (std::size_t rule = 0; rule < phidias::configs::enum_names<ContaminationRule>.size(); ++rule) {
    DecontaminateConfig config;
    config.evaluation = {{.path = path}};
    config.rule = static_cast<ContaminationRule>(rule);
    config.splitter = SplitterKind::whitespace;
    measure(std::string(phidias::configs::enum_names<ContaminationRule>[rule]), config, documents);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc > 1) return run(argc, argv);
    std::puts("data_decontaminate_bench TEXT_FILE [ITEMS] [FOLDER]");
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
