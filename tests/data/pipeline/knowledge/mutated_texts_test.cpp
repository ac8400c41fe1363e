// Deterministic mutations of texts through the fuzz target: no crash, no exception.
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/knowledge_fuzz.cpp"
#include "tests/support/mutations.h"

namespace phidias::data::pipeline {
namespace {

std::vector<std::string> seeds() {
  std::vector<std::string> lines;
  for (const char* name : {"privacy/spans.jsonl", "language/passages.jsonl", "ephemeral/unseen.jsonl", "privacy/addresses.jsonl"}) {
    std::ifstream file(std::string(PHIDIAS_SOURCE_DIR) + "/tests/golden/" + name);
    for (std::string line; std::getline(file, line);) lines.push_back(line);
  }
  lines.push_back("phidlid1\x03");
  lines.push_back("bias 1 2\nmonth 0.5 -1\n");
  return lines;
}

const Mutations kMutations{
    .tokens = {"\xE2\x80", "\xC2", "@", "::", "2620:", "-----BEGIN PRIVATE KEY-----", "12/31/2024 ", "\n", "99999999999999999999", ":30 pm", "\"}", "\\u0000"},
    .longest = 40,
    .changes = 4};

TEST(MutatedTexts, EndInAnnotationsOrADrop) {
  const std::vector<std::string> lines = seeds();
  ASSERT_GT(lines.size(), 500U);
  std::mt19937 random(5);
  for (int round = 0; round < 20000; ++round) {
    const std::string text = mutated(lines[random() % lines.size()], kMutations, random);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  }
}

}  // namespace
}  // namespace phidias::data::pipeline
