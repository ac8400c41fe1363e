#include "data/tokenizers/tokenizer.h"

#include <fstream>
#include <sstream>

#include "base/error.h"
#include "data/tokenizers/bpe_tokenizer.h"
#include "data/tokenizers/json_fields.h"
#include "data/tokenizers/sentencepiece_model.h"
#include "data/tokenizers/tiktoken_file.h"
#include "data/tokenizers/tokenizer_json.h"
#include "data/tokenizers/transformers_config.h"

namespace phidias::data {
namespace {

namespace fs = std::filesystem;

// Reads files of one directory and hashes each that was read, with its name.
class Directory {
 public:
  explicit Directory(const fs::path& path) : path_(path) {}

  std::optional<std::string> read(const std::string& name) {
    std::ifstream stream(path_ / name, std::ios::binary);
    if (!stream) return std::nullopt;
    std::ostringstream text;
    text << stream.rdbuf();
    if (stream.bad()) throw DataError((path_ / name).string() + ": cannot be read");
    std::string content = std::move(text).str();
    hasher_.update(name + ":" + std::to_string(content.size()) + ":").update(content);
    return content;
  }
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::optional<std::string> find_tiktoken() const {
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(path_, ignored)) {
      if (entry.path().extension() == ".tiktoken") names.push_back(entry.path().filename().string());
    }
    if (names.size() > 1) throw DataError(path_.string() + ": several *.tiktoken files; keep the one that belongs to the model");
    return names.empty() ? std::nullopt : std::optional(names.front());
  }
  void hash(const std::string& text) { hasher_.update(text); }
  Hash128 hash() const { return hasher_.digest(); }

 private:
  fs::path path_;
  Hasher hasher_;
};

// What transformers falls back on when tokenizer_config.json names no tokenizer_class: the model's own.
std::string class_of_model(const std::optional<std::string>& config) {
  if (!config) return "";
  const JsonFile file(*config, "config.json");
  const JsonField root = file.root();
  if (!root["tokenizer_class"].is_null()) return root["tokenizer_class"].string();
  const std::string type = root["model_type"].is_null() ? "" : root["model_type"].string();
  return type == "phi3" || type == "phimoe" || type == "phi3_v" || type == "llama" ? "LlamaTokenizer" : type == "gpt2" ? "GPT2Tokenizer" : "";
}

NamedIds tiktoken_special_tokens(const std::optional<std::string>& tokenizer_config) {
  NamedIds tokens;
  if (tokenizer_config) {
    const JsonFile file(*tokenizer_config, "tokenizer_config.json");
    const JsonField decoder = file.root()["added_tokens_decoder"];
    if (!decoder.is_null()) {
      for (const auto [id, token] : decoder.object()) {
        const JsonField field(token, decoder.path() + "." + std::string(id));
        if (id.empty() || id.size() > 8 || id.find_first_not_of("0123456789") != std::string_view::npos) field.fail("the key is not a token id");
        tokens.emplace_back(field["content"].string(), std::stoi(std::string(id)));
      }
    }
  }
  return tokens.empty() ? phi3_small_special_tokens() : tokens;
}

TokenizerDefinition read_definition(Directory& directory, TransformersFiles& files) {
  if (const auto json = directory.read("tokenizer.json")) return read_tokenizer_json(*json, directory.file("tokenizer.json"));
  if (const auto model = directory.read("tokenizer.model")) {
    if (files.model_class.empty()) files.model_class = "LlamaTokenizer";
    return read_sentencepiece_model(*model, directory.file("tokenizer.model"));
  }
  const auto tiktoken = directory.find_tiktoken();
  if (!tiktoken) {
    throw DataError(directory.file("") +
                    ": no tokenizer found (tokenizer.json, tokenizer.model or *.tiktoken); copy the tokenizer's files from the model's origin");
  }
  TokenizerDefinition definition = read_tiktoken(*directory.read(*tiktoken), directory.file(*tiktoken), tiktoken_special_tokens(files.tokenizer_config));
  if (tiktoken->find("o200k") != std::string::npos) definition.word_pattern = WordPattern::o200k;
  if (!files.tokenizer_config) files.tokenizer_config = R"({"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"})";
  return definition;
}

}  // namespace

std::unique_ptr<Tokenizer> Tokenizer::load(const fs::path& directory) {
  Directory files(directory);
  TransformersFiles beside;
  beside.tokenizer_config = files.read("tokenizer_config.json");
  beside.special_tokens_map = files.read("special_tokens_map.json");
  beside.added_tokens = files.read("added_tokens.json");
  {
    std::ifstream config(directory / "config.json", std::ios::binary);
    std::ostringstream text;
    if (config) text << config.rdbuf();
    beside.model_class = class_of_model(config ? std::optional(std::move(text).str()) : std::nullopt);
  }
  TokenizerDefinition definition = read_definition(files, beside);
  apply_transformers_config(beside, definition);
  files.hash(beside.model_class);
  return std::make_unique<BpeTokenizer>(std::move(definition), files.hash());
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, SpecialTokens special) const {
  std::vector<std::int32_t> ids;
  encode(text, {.special = special}, ids);
  return ids;
}

}  // namespace phidias::data
