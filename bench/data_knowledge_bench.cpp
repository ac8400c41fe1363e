// Speed on one core of the stages language, ephemeral, privacy and word_list, over a text file in documents of about 4 KB:
//   data_knowledge_bench TEXT_FILE
// Prints megabytes of text per second of CPU time, and how many documents each stage dropped or changed.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"
#include "bench/measure.h"
#include "data/pipeline/knowledge/ephemeral_stage.h"
#include "data/pipeline/knowledge/language_stage.h"
#include "data/pipeline/knowledge/privacy_stage.h"
#include "data/pipeline/knowledge/word_list_stage.h"
#include "data/tokenizers/utf8.h"

namespace {

using namespace phidias::data::pipeline;

std::vector<std::string> documents(std::string_view text) {
  std::vector<std::string> parts;
  for (const std::string_view part : phidias::bench::documents_of(text)) parts.push_back(phidias::data::to_utf8_lossy(part));
  return parts;
}

void measure(const Stage& stage, const std::vector<std::string>& texts) {
  const auto worker = stage.worker();
  Document document;
  Document* const batch[] = {&document};
  double best = 1e9;
  std::size_t bytes = 0, dropped = 0, changed = 0;
  for (int round = 0; round < 3; ++round) {
    bytes = dropped = changed = 0;
    double seconds = 0;
    for (const std::string& text : texts) {
      document.clear();
      document.set_text(text);
      const double start = phidias::bench::cpu_seconds();
      worker->process(batch);
      seconds += phidias::bench::cpu_seconds() - start;
      bytes += text.size();
      dropped += document.dropped();
      changed += document.text() != text;
    }
    best = std::min(best, seconds);
  }
  std::printf("%-10s %7.1f MB/s   %zu documents, %zu dropped, %zu changed\n", stage.name().c_str(), static_cast<double>(bytes) / 1e6 / best, texts.size(),
              dropped, changed);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: data_knowledge_bench TEXT_FILE\n");
    return 2;
  }
  try {
    const std::vector<std::string> texts = documents(phidias::read_file(argv[1]));
    measure(LanguageStage({.keep = {"en"}}, {.name = "language"}), texts);
    measure(EphemeralStage({}, {.name = "ephemeral"}), texts);
    measure(PrivacyStage({.phone = PrivateAction::replace}, {.name = "privacy"}), texts);
    const std::string list = "data_knowledge_bench.words";
    std::ofstream(list) << "damn\nmoney back\nclick here\nlorem ipsum\nwinner takes all\nfree trial\n";
    measure(WordListStage({.path = list}, {.name = "word_list"}), texts);
    std::remove(list.c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "data_knowledge_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
