// Deterministic mutations of real inputs through the fuzz targets: no crash, no exception but DataError.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/atomic_file.h"

#define LLVMFuzzerTestOneInput warc_target
#include "tests/fuzz/warc_fuzz.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput jsonl_target
#include "tests/fuzz/jsonl_documents_fuzz.cpp"
#include "tests/support/mutations.h"
#undef LLVMFuzzerTestOneInput

namespace phidias::data::pipeline {
namespace {

void run(int (*target)(const std::uint8_t*, std::size_t), const std::string& bytes) {
  target(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

TEST(MutatedInputs, WarcGivesDocumentsProblemsOrDataError) {
  const std::string folder = std::string(PHIDIAS_SOURCE_DIR) + "/tests/golden/readers/";
  const std::vector<std::string> tokens = {"WARC/1.0\r\n",
                                           "\r\n\r\n",
                                           "\n",
                                           "Content-Length: 99999999999999999999\r\n",
                                           "Content-Length: 5\r\n",
                                           "ffffffffffffffff\r\n",
                                           "0\r\n",
                                           "charset=utf-16",
                                           "<meta charset=hz>",
                                           "\xff\xfe",
                                           "Content-Encoding: deflate\r\n",
                                           "Transfer-Encoding: chunked\r\n",
                                           "-1",
                                           std::string(1, '\0')};
  std::mt19937 random(1);
  for (const char* name : {"pages.warc", "pages.warc.gz", "texts.warc.wet.gz"}) {
    const std::string seed = read_file(folder + name);
    run(warc_target, seed);
    for (int i = 0; i < 400; ++i) run(warc_target, mutated(seed, {.tokens = tokens, .longest = 40, .changes = 4}, random));
  }
}

TEST(MutatedInputs, LinesOfJsonGiveDocumentsOrDataError) {
  const std::string seed =
      " {\"id\":\"a\",\"text\":\"t\\n\\u00e9\\ud83d\\ude00\",\"url\":\"http://"
      "x\",\"source\":\"s\",\"metadata\":{\"url\":\"y\",\"n\":[1,-2.5e3,null]},\"kept\":false,"
      "\"reason\":\"r\",\"annotations\":{\"x\":1.5,\"y\":true,\"z\":\"s\",\"w\":null}}\n"
      "{\"a\":{\"text\":\"inner\",\"id\":7},\"text\":\"\",\"big\":123456789012345678901234567890}\n";
  const std::vector<std::string> tokens = {"\"text\"",
                                           "\"id\":",
                                           "\"source\":3",
                                           "\"annotations\":[]",
                                           "\"kept\":1",
                                           "\\u0000",
                                           "\\ud800",
                                           "\\\"",
                                           "{",
                                           "}",
                                           "[",
                                           "]",
                                           ",",
                                           ":",
                                           "\"",
                                           "\\",
                                           "null",
                                           "-0",
                                           "1e400",
                                           "99999999999999999999999",
                                           "\n",
                                           "\xff",
                                           "\xed\xa0\x80",
                                           "\"input_text\":1",
                                           std::string(1, '\0')};
  std::mt19937 random(2);
  run(jsonl_target, seed);
  for (int i = 0; i < 20000; ++i) run(jsonl_target, mutated(seed, {.tokens = tokens, .longest = 40, .changes = 4}, random));
}

}  // namespace
}  // namespace phidias::data::pipeline
