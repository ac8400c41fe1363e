// The true Phi-3 and Phi-3-small vocabularies: vectors published by others, and the same ids from every file format.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <sstream>

#include "base/json.h"
#include "data/tokenizers/tokenizer.h"

namespace phidias::data {
namespace {

namespace fs = std::filesystem;
using Ids = std::vector<std::int32_t>;

class Phi3Vocabulary : public testing::Test {
 protected:
  static std::unique_ptr<Tokenizer> load(const std::string& name) { return Tokenizer::load(directory() / name); }
  static fs::path directory() { return fs::path(PHIDIAS_SOURCE_DIR) / ".cache/vocabularies"; }
  void SetUp() override {
    if (!fs::exists(directory() / "phi-3-mini")) GTEST_SKIP() << "the vocabularies are not here: run scripts/fetch_vocabularies.sh";
  }
};

TEST_F(Phi3Vocabulary, MiniReproducesPublishedVectors) {
  const auto tokenizer = load("phi-3-mini");
  // From the Python output of Phi-3-mini-4k and -medium in onnxruntime-extensions' tests.
  EXPECT_EQ(tokenizer->encode("<|system|>\nSystem message<|end|>\n<|user|>\nHello, can you call some tools for me?<|end|>\n<|assistant|>\n"
                              "Sure, I can calculate the sum for you!<|end|>\n<|assistant|>\n"),
            (Ids{32006, 2184,  2643,  32007, 32010, 15043, 29892, 508, 366,  1246, 777, 8492,  363,   592,  29973,
                 32007, 32001, 18585, 29892, 306,   508,   8147,  278, 2533, 363,  366, 29991, 32007, 32001}));
  EXPECT_EQ(tokenizer->encode("<|user|>\nHello<|end|>\n<|assistant|>\n"), (Ids{32010, 15043, 32007, 32001}));
  EXPECT_EQ(tokenizer->encode("<|system|>\nYou are a helpful assistant.<|end|>\n<|user|>\nWhat is 2+2?<|end|>\n<|assistant|>\n2+2 is 4.<|end|>\n<|endoftext|>"),
            (Ids{32006, 887,   526,   263,   8444,  20255, 29889, 32007, 32010, 1724,  338,   29871, 29906, 29974,
                 29906, 29973, 32007, 32001, 29871, 29906, 29974, 29906, 338,   29871, 29946, 29889, 32007, 32000}));
  EXPECT_EQ(tokenizer->encode("<|user|>\n\tdef f(x):\n\t\treturn x\n<|end|>\n<|assistant|>\n"),
            (Ids{32010, 822, 285, 29898, 29916, 1125, 13, 12, 12, 2457, 921, 13, 32007, 32001}))
      << "a role token swallows the indentation of the first line";
  EXPECT_EQ(tokenizer->encode("<|endoftext|>\nHi"), (Ids{32000, 29871, 13, 18567})) << "eos does not strip";
  EXPECT_EQ(tokenizer->encode("a<|end|> b"), (Ids{263, 32007, 289}));
  EXPECT_EQ(tokenizer->encode("</s> x"), (Ids{2, 921}));
  EXPECT_EQ(tokenizer->encode("</s> x", SpecialTokens::text), (Ids{2, 921})) << "</s> is not special in Phi-3";
  EXPECT_EQ(tokenizer->decode(Ids{2, 921}, true), "</s> x");
  EXPECT_EQ(tokenizer->decode(Ids{15043, 32011, 32063, 3186}, false), "Hello world") << "ids without a token decode to nothing";
  EXPECT_EQ(tokenizer->decode(Ids{3 + 0xF0, 3 + 0x9F, 15043}, false), "\uFFFD\uFFFD Hello") << "one U+FFFD per byte token";
  EXPECT_EQ(tokenizer->vocab_size(), 32011);
  EXPECT_EQ(tokenizer->eos_id(), 32000);
  EXPECT_EQ(tokenizer->pad_id(), 32000);
  EXPECT_EQ(tokenizer->bos_id(), 1);
  EXPECT_EQ(tokenizer->id_to_token(32010), "<|user|>");
  EXPECT_EQ(tokenizer->id_to_token(32063), "");
  EXPECT_TRUE(tokenizer->is_special(32007));
  EXPECT_FALSE(tokenizer->is_special(2));
}

TEST_F(Phi3Vocabulary, VisionReproducesPublishedVectors) {
  const auto tokenizer = load("phi-3-vision");
  EXPECT_EQ(tokenizer->encode("<|system|>\nSystem message<|end|>\n<|user|>\nHello, can you call some tools for me?<|end|>\n<|assistant|>\n"
                              "Sure, I can calculate the sum for you!<|end|>\n"),
            (Ids{1,   32006, 29871, 13,    3924, 2643,  32007, 29871, 13,  32010, 29871, 13,  10994, 29892, 508, 366,   1246,  777,   8492, 363,
                 592, 29973, 32007, 29871, 13,   32001, 18585, 29892, 306, 508,   8147,  278, 2533,  363,   366, 29991, 32007, 29871, 13}));
  EXPECT_EQ(tokenizer->encode("Why is Include handled differently?"), (Ids{1, 3750, 338, 512, 2325, 16459, 17587, 29973}));
  EXPECT_EQ(tokenizer->encode("<|user|>\nHello<|end|>\n<|assistant|>\n"), (Ids{1, 32010, 29871, 13, 10994, 32007, 29871, 13, 32001}));
}

// llama.cpp's vectors: texts between lines "__ggml_vocab_test__", a line of ids for each.
void compare_with_llama_cpp(const Tokenizer& tokenizer, const fs::path& stem) {
  std::ifstream texts(stem.string() + ".inp"), lines(stem.string() + ".out");
  std::stringstream all;
  all << texts.rdbuf();
  const std::string separator = "\n__ggml_vocab_test__\n";
  std::string rest = all.str(), line;
  int count = 0;
  for (; std::getline(lines, line); ++count) {
    const std::size_t end = std::min(rest.find(separator), rest.size());
    const std::string text = rest.substr(0, end);
    rest = rest.substr(std::min(end + separator.size(), rest.size()));
    std::istringstream numbers(line);
    Ids expected;
    for (std::int32_t id; numbers >> id;) expected.push_back(id);
    EXPECT_EQ(tokenizer.encode(text), expected) << "text " << Json(text);
  }
  EXPECT_GE(count, 40);
}

TEST_F(Phi3Vocabulary, ReproducesTheVectorsOfLlamaCpp) {
  compare_with_llama_cpp(*load("phi-3-mini"), directory() / "llama.cpp/phi-3");
  compare_with_llama_cpp(*load("gpt-2"), directory() / "llama.cpp/gpt-2");
}

TEST_F(Phi3Vocabulary, TokenizerModelGivesTheIdsOfTokenizerJson) {
  const auto from_json = load("phi-3-mini"), from_model = load("phi-3-model");
  const Json golden = read_json(fs::path(PHIDIAS_SOURCE_DIR) / "tests/golden/tokenizers/cases/phi-3-mini.json");
  for (const Json& entry : golden["texts"]) {
    const auto text = entry[0].get<std::string>();
    EXPECT_EQ(from_model->encode(text), from_json->encode(text)) << "text " << entry[0];
    EXPECT_EQ(from_model->decode(from_json->encode(text), true), from_json->decode(from_json->encode(text), true)) << "text " << entry[0];
  }
  EXPECT_EQ(from_model->eos_id(), 32000);
}

TEST_F(Phi3Vocabulary, SmallReproducesPublishedVectors) {
  const auto tokenizer = load("phi-3-small");
  // tiktoken's own tests, and onnxruntime-extensions.
  EXPECT_EQ(tokenizer->encode("This is a test."), (Ids{2028, 374, 264, 1296, 13}));
  EXPECT_EQ(tokenizer->encode("hello world"), (Ids{15339, 1917}));
  EXPECT_EQ(tokenizer->encode("hello <|endoftext|>"), (Ids{15339, 220, 100257}));
  EXPECT_EQ(tokenizer->encode("today\n "), (Ids{31213, 198, 220}));
  EXPECT_EQ(tokenizer->encode("today\n \n"), (Ids{31213, 27907}));
  EXPECT_EQ(tokenizer->encode("rer"), (Ids{38149}));
  EXPECT_EQ(tokenizer->encode("'rer"), (Ids{2351, 81}));
  EXPECT_EQ(tokenizer->token_to_id("<|dummy_id_86|>"), 100351);
  EXPECT_EQ(tokenizer->vocab_size(), 100352);
  EXPECT_EQ(tokenizer->bos_id(), 100257);
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("<|user|>\nna\u00efve<|end|>"), true), "\nna\u00efve");
}

}  // namespace
}  // namespace phidias::data
