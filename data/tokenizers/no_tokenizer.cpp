#include "data/tokenizers/no_tokenizer.h"

#include "base/error.h"

namespace phidias::data {
namespace {

class NoTokenizer : public Tokenizer {
 public:
  explicit NoTokenizer(std::filesystem::path directory) : directory_(std::move(directory)) {}

  void encode(std::string_view, const EncodeOptions&, std::vector<std::int32_t>&, std::vector<ByteRange>*, std::int64_t*) const override { refuse(); }
  std::string decode(std::span<const std::int32_t>, bool) const override { refuse(); }
  std::int64_t vocab_size() const override { return 0; }
  std::optional<std::int32_t> token_to_id(std::string_view) const override { return std::nullopt; }
  std::string id_to_token(std::int32_t) const override { return ""; }
  bool is_special(std::int32_t) const override { return false; }
  std::optional<std::int32_t> bos_id() const override { return std::nullopt; }
  std::optional<std::int32_t> eos_id() const override { return std::nullopt; }
  std::optional<std::int32_t> pad_id() const override { return std::nullopt; }
  Hash128 content_hash() const override { return hash_string("no tokenizer"); }

 private:
  [[noreturn]] void refuse() const {
    throw DataError(directory_.string() + " has no tokenizer (tokenizer.json, tokenizer.model or *.tiktoken), so only token ids can be read; " +
                    "copy the tokenizer's files from the model's origin");
  }
  std::filesystem::path directory_;
};

}  // namespace

bool has_tokenizer(const std::filesystem::path& directory) {
  if (std::filesystem::exists(directory / "tokenizer.json") || std::filesystem::exists(directory / "tokenizer.model")) return true;
  if (!std::filesystem::is_directory(directory)) return false;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".tiktoken") return true;
  }
  return false;
}

std::unique_ptr<Tokenizer> load_tokenizer_if_present(const std::filesystem::path& directory) {
  if (has_tokenizer(directory)) return Tokenizer::load(directory);
  return std::make_unique<NoTokenizer>(directory);
}

}  // namespace phidias::data
