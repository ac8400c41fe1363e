#include "data/tokenizers/tiktoken_file.h"

#include <array>
#include <charconv>

#include "base/error.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data {
namespace {

constexpr std::size_t kMaxTokenBytes = 1024;
constexpr std::int32_t kMaxId = (1 << 24) - 1;

bool decode_base64(std::string_view text, std::string& bytes) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  bytes.clear();
  if (text.empty() || text.size() % 4 != 0) return false;
  while (text.ends_with('=')) text.remove_suffix(1);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count & 0xFF));
  }
  return true;
}

}  // namespace

TokenizerDefinition read_tiktoken(std::string_view text, std::string_view name, const NamedIds& special) {
  TokenizerDefinition definition;
  const ByteAlphabet& alphabet = ByteAlphabet::get();
  std::vector<std::pair<std::string, std::int32_t>> tokens;
  std::size_t line_number = 0;
  while (!text.empty()) {
    ++line_number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const auto fail = [&](const std::string& what) { throw DataError(std::string(name) + ":" + std::to_string(line_number) + ": " + what); };
    const std::size_t space = line.find(' ');
    std::string bytes;
    std::int32_t rank = -1;
    if (space == std::string_view::npos || !decode_base64(line.substr(0, space), bytes)) fail("base64, a space and a rank were expected");
    const auto parsed = std::from_chars(line.data() + space + 1, line.data() + line.size(), rank);
    if (parsed.ec != std::errc() || parsed.ptr != line.data() + line.size() || rank < 0 || rank > kMaxId) fail("the rank is not a number from 0 to 16777215");
    if (bytes.empty() || bytes.size() > kMaxTokenBytes) fail("a token of " + std::to_string(bytes.size()) + " bytes");
    if (!definition.vocabulary.add(alphabet.from_bytes(bytes), rank)) fail("the token or its rank appears twice");
    tokens.emplace_back(std::move(bytes), rank);
  }
  std::unordered_map<std::string_view, std::int32_t> ranks;
  for (const auto& [bytes, rank] : tokens) ranks.emplace(bytes, rank);
  for (const auto& [bytes, rank] : tokens) {
    for (std::size_t at = 1; at < bytes.size(); ++at) {
      const auto left = ranks.find(std::string_view(bytes).substr(0, at)), right = ranks.find(std::string_view(bytes).substr(at));
      if (left != ranks.end() && right != ranks.end()) definition.merges.push_back({static_cast<std::uint32_t>(rank), left->second, right->second, rank});
    }
  }
  for (int byte = 0; byte < 256; ++byte) {
    if (!ranks.contains(std::string(1, static_cast<char>(byte)))) throw DataError(std::string(name) + ": byte " + std::to_string(byte) + " has no rank");
  }
  std::vector<AddedToken>& added = definition.added_tokens.emplace_back();
  for (const auto& [content, id] : special) {
    if (id < 0 || id > kMaxId || !definition.vocabulary.add(content, id)) {
      throw DataError(std::string(name) + ": special token '" + content + "' with id " + std::to_string(id) + ": the token or its id is taken");
    }
    added.push_back({.content = content, .special = true});
  }
  definition.byte_level = definition.ignore_merges = true;
  definition.word_pattern = WordPattern::cl100k;
  definition.decoder = std::vector<DecoderStep>{{.kind = DecoderStep::byte_level}};
  return definition;
}

NamedIds phi3_small_special_tokens() {
  static constexpr std::array<std::pair<const char*, int>, 9> kNamed{{{"<|endoftext|>", 100257},
                                                                      {"<|fim_prefix|>", 100258},
                                                                      {"<|fim_middle|>", 100259},
                                                                      {"<|fim_suffix|>", 100260},
                                                                      {"<|system|>", 100261},
                                                                      {"<|user|>", 100262},
                                                                      {"<|assistant|>", 100263},
                                                                      {"<|end|>", 100266},
                                                                      {"<|endofprompt|>", 100276}}};
  NamedIds tokens(kNamed.begin(), kNamed.end());
  const auto dummy = [&](int number, int id) { tokens.emplace_back("<|dummy_id_" + std::to_string(number) + "|>", id); };
  dummy(2, 100256);
  dummy(0, 100264);
  dummy(1, 100265);
  for (int number = 3; number <= 11; ++number) dummy(number, 100264 + number);
  for (int number = 12; number <= 86; ++number) dummy(number, 100265 + number);
  return tokens;
}

}  // namespace phidias::data
