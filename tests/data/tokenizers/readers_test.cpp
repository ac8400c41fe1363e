// Readers of tokenizer files: what they refuse, by field name.
#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "data/tokenizers/sentencepiece_model.h"
#include "data/tokenizers/tiktoken_file.h"
#include "data/tokenizers/tokenizer.h"
#include "data/tokenizers/tokenizer_json.h"
#include "tests/data/temporary_directory.h"
#include "tests/data/tokenizers/byte_level_json.h"

namespace phidias::data {
namespace {

// The error of byte_level_json() changed by a merge patch.
std::string refusal(const char* patch) {
  Json json = byte_level_json();
  json.merge_patch(Json::parse(patch));
  return message_of<DataError>([&] { read_tokenizer_json(json.dump(), "tokenizer.json"); });
}

TEST(TokenizerJson, WhatIsNotImplementedIsRefusedByFieldName) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"model": {"type": "Unigram"}})", "model.type: 'Unigram'"},
      {R"({"model": {"dropout": 0.1}})", "model.dropout"},
      {R"({"model": {"end_of_word_suffix": "</w>"}})", "model.end_of_word_suffix"},
      {R"({"normalizer": {"type": "NFC"}})", "normalizer.type: 'NFC'"},
      {R"({"normalizer": {"type": "Sequence", "normalizers": [{"type": "Lowercase"}]}})", "normalizer.normalizers[0].type: 'Lowercase'"},
      {R"({"normalizer": {"type": "Prepend", "prepend": "_"}})", "normalizer.prepend"},
      {R"({"pre_tokenizer": {"type": "Whitespace"}})", "pre_tokenizer.type: 'Whitespace'"},
      {R"({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "x+"}, "behavior": "Isolated"}]}})",
       "pre_tokenizer.pretokenizers[0].pattern.Regex"},
      {R"({"post_processor": {"type": "BertProcessing"}})", "post_processor.type: 'BertProcessing'"},
      {R"({"decoder": {"type": "WordPiece"}})", "decoder.type: 'WordPiece'"},
      {R"({"added_tokens": [{"id": 1}]})", "added_tokens[0].content"},
      {R"({"model": {"merges": ["h e", "he x y"]}})", "model.merges: rule 2"},
      {R"({"model": {"merges": [["h", "z"]]}})", "model.merges: rule 1: piece 'hz'"},
      {R"({"model": {"vocab": {"zz": -1}}})", "model.vocab.zz"},
      {R"({"model": {"vocab": {"zz": 256}}})", "with id 256"},
      {R"({"model": {"vocab": null}})", "model.vocab: an object was expected"},
  };
  for (const auto& [patch, expected] : cases) {
    const std::string message = refusal(patch);
    EXPECT_NE(message.find(expected), std::string::npos) << message << "\nshould name: " << expected;
    EXPECT_EQ(message.find("tokenizer.json: "), 0U) << message;
  }
}

TEST(TokenizerJson, BytesWithoutAPieceNeedAnUnknownToken) {
  Json json = byte_level_json();
  json["model"]["vocab"].erase("z");
  const TemporaryDirectory directory;
  directory.write("tokenizer.json", json.dump());
  EXPECT_THROW(Tokenizer::load(directory.path()), DataError);
  json["model"]["unk_token"] = "!";
  directory.write("tokenizer.json", json.dump());
  EXPECT_EQ(Tokenizer::load(directory.path())->encode("hellz"), (std::vector<std::int32_t>{258, '!'}));
}

TEST(TokenizerConfig, WinsOverTokenizerJsonAndIsPartOfTheHash) {
  Json json = byte_level_json();
  json["added_tokens"] = {added_token_json(259, "<|end|>")};
  const TemporaryDirectory directory;
  directory.write("tokenizer.json", json.dump());
  const auto before = Tokenizer::load(directory.path());
  EXPECT_EQ(before->encode("<|end|> h"), (std::vector<std::int32_t>{259, ' ', 'h'}));
  Json token = added_token_json(259, "<|end|>");
  token.erase("id");
  token["rstrip"] = true;
  directory.write("tokenizer_config.json", Json{{"added_tokens_decoder", {{"259", token}}}, {"eos_token", "<|end|>"}}.dump());
  const auto after = Tokenizer::load(directory.path());
  EXPECT_EQ(after->encode("<|end|> h"), (std::vector<std::int32_t>{259, 'h'}));
  EXPECT_EQ(after->eos_id(), 259);
  EXPECT_NE(before->content_hash(), after->content_hash());
}

TEST(TokenizerDirectory, WithoutATokenizerSaysWhatIsMissing) {
  const TemporaryDirectory directory;
  const std::string message = message_of<DataError>([&] { Tokenizer::load(directory.path()); });
  EXPECT_NE(message.find("tokenizer.json"), std::string::npos) << message;
}

std::string field(int number, const std::string& payload) {
  return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(payload.size()) + payload;
}

std::string piece(const std::string& text, float score, int type) {
  std::string body = field(1, text) + "\x15";
  body.append(reinterpret_cast<const char*>(&score), 4);
  body += std::string("\x18") + static_cast<char>(type);
  return field(1, body);
}

std::string small_model() {
  std::string model = piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3);
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    model += piece(name, 0, 6);
  }
  model += piece("\u2581a", -1, 1) + piece("ab", -2, 1) + piece("\u2581ab", -3, 1) + piece("\u2581", -4, 1) + piece("a", -5, 1) + piece("b", -6, 1);
  return model + field(2, std::string("\x18\x02"));
}

TEST(SentencePieceModel, MergesFollowTheScores) {
  const TokenizerDefinition definition = read_sentencepiece_model(small_model(), "tokenizer.model");
  ASSERT_EQ(definition.merges.size(), 4U);
  const auto text = [&](const MergeRule& rule) { return definition.vocabulary.pieces[rule.left] + "+" + definition.vocabulary.pieces[rule.right]; };
  EXPECT_EQ(text(definition.merges[0]), "\u2581+a");
  EXPECT_EQ(text(definition.merges[1]), "a+b");
  EXPECT_EQ(text(definition.merges[2]), "\u2581a+b") << "of one piece, the longer left part first";
  EXPECT_EQ(text(definition.merges[3]), "\u2581+ab");
  const TemporaryDirectory directory;
  directory.write("tokenizer.model", small_model());
  directory.write("tokenizer_config.json", R"({"tokenizer_class": "LlamaTokenizer", "add_bos_token": true})");
  const auto tokenizer = Tokenizer::load(directory.path());
  EXPECT_EQ(tokenizer->encode("ab b"), (std::vector<std::int32_t>{1, 261, 262, 264}));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("ab \u00e9"), true), "ab \u00e9");
}

TEST(SentencePieceModel, DamageAndUnigramModelsAreRefused) {
  const std::string model = small_model();
  for (const std::size_t cut : {std::size_t{1}, std::size_t{5}, model.size() - 1, model.size() / 2 + 1}) {
    EXPECT_THROW(read_sentencepiece_model(std::string_view(model).substr(0, cut), "tokenizer.model"), DataError) << cut;
  }
  const std::string unigram = model.substr(0, model.size() - 1) + "\x01";
  EXPECT_NE(message_of<DataError>([&] { read_sentencepiece_model(unigram, "tokenizer.model"); }).find("trainer_spec.model_type 1"), std::string::npos);
}

TEST(TiktokenFile, BrokenLinesAreNamed) {
  const auto message = [](const char* text) { return message_of<DataError>([&] { read_tiktoken(text, "x.tiktoken", {}); }); };
  EXPECT_EQ(message("IQ== 0\n!! 1\n").find("x.tiktoken:2: "), 0U);
  EXPECT_EQ(message("IQ== 0\nIg== 0\n").find("x.tiktoken:2: "), 0U);
  EXPECT_EQ(message("IQ== x\n").find("x.tiktoken:1: "), 0U);
  EXPECT_NE(message("IQ== 0\n").find("has no rank"), std::string::npos);
}

TEST(TiktokenFile, Phi3SmallHasItsNinetySixSpecialTokens) {
  const NamedIds tokens = phi3_small_special_tokens();
  std::vector<bool> seen(96);
  for (const auto& [content, id] : tokens) seen.at(id - 100256) = true;
  EXPECT_EQ(tokens.size(), 96U);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 96);
}

}  // namespace
}  // namespace phidias::data
