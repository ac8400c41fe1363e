// Encodes a file on one core, in documents of about 4 KB and as one text, and prints MB per CPU second; bench/tokenizer.sh runs it beside its peers.
//   tokenizer_bench TOKENIZER_DIRECTORY TEXT_FILE [IDS_FILE]       IDS_FILE receives the ids, 4 bytes each
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

#include "bench/measure.h"
#include "data/tokenizers/tokenizer.h"

namespace {}  // namespace

int main(int argc, char** argv) {
  using namespace phidias::data;
  if (argc < 3) {
    std::fprintf(stderr, "tokenizer_bench TOKENIZER_DIRECTORY TEXT_FILE [IDS_FILE]\n");
    return 2;
  }
  try {
    std::unique_ptr<Tokenizer> tokenizer;
    const double load = phidias::bench::best_of(3, [&] { tokenizer = Tokenizer::load(argv[1]); });
    std::ostringstream stream;
    stream << std::ifstream(argv[2], std::ios::binary).rdbuf();
    const std::string text = std::move(stream).str();
    std::vector<std::int32_t> ids, all;
    std::vector<ByteRange> offsets;
    const auto parts = phidias::bench::documents_of(text);
    const EncodeOptions options{.add_special_tokens = false};
    const double plain = phidias::bench::best_of(7, [&] {
      all.clear();
      for (const auto part : parts) {
        tokenizer->encode(part, options, ids);
        all.insert(all.end(), ids.begin(), ids.end());
      }
    });
    const double whole = phidias::bench::best_of(3, [&] { tokenizer->encode(text, options, ids); });
    const double with_offsets = phidias::bench::best_of(3, [&] { tokenizer->encode(text, options, ids, &offsets); });
    const double megabytes = static_cast<double>(text.size()) / 1e6;
    std::printf("phidias: %.1f MB/s, as one text %.1f MB/s (with offsets %.1f), load %.0f ms, %zu tokens of %.2f bytes\n", megabytes / plain, megabytes / whole,
                megabytes / with_offsets, load * 1e3, all.size(), static_cast<double>(text.size()) / static_cast<double>(all.size()));
    if (argc > 3)
      std::ofstream(argv[3], std::ios::binary).write(reinterpret_cast<const char*>(all.data()), static_cast<std::streamsize>(all.size() * sizeof all[0]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
