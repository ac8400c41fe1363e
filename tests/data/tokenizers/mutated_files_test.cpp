// Deterministic mutations of real tokenizer files through the fuzz targets: no crash, no exception but DataError.
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "base/json.h"
#include "tests/data/tokenizers/byte_level_json.h"

#define LLVMFuzzerTestOneInput tokenizer_json_target
#include "tests/fuzz/tokenizer_json_fuzz.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput tokenizer_model_target
#include "tests/fuzz/tokenizer_model_fuzz.cpp"
#include "tests/support/mutations.h"
#undef LLVMFuzzerTestOneInput

namespace phidias::data {
namespace {

using Target = int (*)(const std::uint8_t*, std::size_t);

void run(Target target, const std::string& bytes) { target(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()); }

const Mutations kMutations{.tokens = {"null", "-1", "99999999999", "[]", "{}", "\"\"", "\xFF", "0x", "1e400", "true", "\"\\u2581\"", "\x80\x80\x80\x80"}};

// A value somewhere in the document replaced by another of its values or by a literal.
void change_value(Json& node, std::mt19937& random) {
  static const Json kLiterals[] = {nullptr, -1, 1e300, "", "\u2581", true, Json::array(), Json::object(), "ByteLevel", "Sequence", 16777215};
  if (!node.is_structured() || node.empty() || random() % 4 == 0) {
    node = kLiterals[random() % std::size(kLiterals)];
    return;
  }
  auto child = node.begin();
  std::advance(child, random() % node.size());
  change_value(*child, random);
}

std::vector<Json> seeds() {
  std::vector<Json> result{byte_level_json()};
  result.front()["added_tokens"] = {added_token_json(259, "<|end|>"), added_token_json(260, "x", false)};
  const std::string folder = std::string(PHIDIAS_SOURCE_DIR) + "/tests/golden/tokenizers/models/";
  Json llama = read_json(folder + "llama/tokenizer.json");
  // A tenth of the vocabulary keeps a run short.
  Json& merges = llama["model"]["merges"];
  merges.erase(merges.begin() + 30, merges.end());
  result.push_back(llama);
  result.push_back(read_json(folder + "cl100k/tokenizer.json"));
  return result;
}

TEST(MutatedFiles, TokenizerJsonGivesATokenizerOrDataError) {
  std::mt19937 random(1);
  for (const Json& seed : seeds()) {
    const std::string text = seed.dump();
    run(tokenizer_json_target, text);
    for (int i = 0; i < 250; ++i) run(tokenizer_json_target, mutated(text, kMutations, random));
    for (int i = 0; i < 250; ++i) {
      Json changed = seed;
      change_value(changed, random);
      run(tokenizer_json_target, changed.dump());
    }
  }
}

TEST(MutatedFiles, TokenizerConfigGivesATokenizerOrDataError) {
  std::mt19937 random(2);
  const Json seed{{"added_tokens_decoder", {{"0", {{"content", "<s>"}, {"special", true}}}, {"7", {{"content", "x"}}}}},
                  {"bos_token", "<s>"},
                  {"eos_token", {{"content", "</s>"}}},
                  {"additional_special_tokens", {"<a>", {{"content", "<b>"}}}},
                  {"add_bos_token", true},
                  {"add_eos_token", true},
                  {"<c>", 8}};
  for (int i = 0; i < 3000; ++i) {
    run(tokenizer_json_target, mutated(seed.dump(), kMutations, random));
    Json changed = seed;
    change_value(changed, random);
    run(tokenizer_json_target, changed.dump());
  }
}

TEST(MutatedFiles, TokenizerModelGivesATokenizerOrDataError) {
  std::mt19937 random(3);
  // Pieces <unk>, U+2581a and bytes, then a trainer_spec that says BPE.
  std::string model;
  for (const std::string piece : {"<unk>", "<s>", "</s>", "\u2581", "a", "\u2581a", "<0x41>", "aa", "\u2581aa"}) {
    const std::string body = std::string("\x0A") + static_cast<char>(piece.size()) + piece + std::string("\x15\0\0\x80\xBF\x18\x01", 7);
    model += std::string("\x0A") + static_cast<char>(body.size()) + body;
  }
  model += std::string("\x12\x02\x18\x02");
  std::string tiktoken;
  static const char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int byte = 0; byte < 256; ++byte) tiktoken += std::string{kDigits[byte >> 2], kDigits[byte << 4 & 63], '=', '='} + " " + std::to_string(byte) + "\n";
  tiktoken += "SGU= 256\n";
  for (const std::string& seed : {model, tiktoken}) {
    run(tokenizer_model_target, seed);
    for (int i = 0; i < 4000; ++i) run(tokenizer_model_target, mutated(seed, kMutations, random));
  }
}

}  // namespace
}  // namespace phidias::data
