#include "data/tokenizers/decoder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "data/tokenizers/utf8.h"

namespace phidias::data {
namespace {

void replace_all(std::string& text, std::string_view pattern, std::string_view content) {
  if (pattern.empty()) return;
  for (std::size_t at = 0; (at = text.find(pattern, at)) != std::string::npos; at += content.size()) text.replace(at, pattern.size(), content);
}

// The byte of "<0xNN>", or -1. The reference reads the digits with Rust's parser, which takes a plus sign.
int byte_of(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return -1;
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  const int high = token[3] == '+' ? 0 : digit(token[3]), low = digit(token[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

std::vector<std::string> byte_fallback(const std::vector<std::string>& tokens) {
  std::vector<std::string> texts;
  std::string bytes;
  const auto flush = [&] {
    if (bytes.empty()) return;
    if (find_invalid_utf8(bytes) == std::string::npos) {
      texts.push_back(bytes);
    } else {
      texts.insert(texts.end(), bytes.size(), "\xEF\xBF\xBD");
    }
    bytes.clear();
  };
  for (const std::string& token : tokens) {
    const int byte = byte_of(token);
    if (byte >= 0) {
      bytes.push_back(static_cast<char>(byte));
    } else {
      flush();
      texts.push_back(token);
    }
  }
  flush();
  return texts;
}

std::string joined(const std::vector<std::string>& tokens, std::string_view separator) {
  std::string text;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) text += separator;
    text += tokens[i];
  }
  return text;
}

void strip(std::string& token, const DecoderStep& step) {
  for (std::size_t i = 0; i < step.strip_start && token.starts_with(step.content); ++i) token.erase(0, step.content.size());
  for (std::size_t i = 0; i < step.strip_stop && token.ends_with(step.content); ++i) token.resize(token.size() - step.content.size());
}

}  // namespace

std::string decode_tokens(const std::optional<std::vector<DecoderStep>>& steps, std::vector<std::string> tokens) {
  if (!steps) return joined(tokens, " ");
  for (const DecoderStep& step : *steps) {
    switch (step.kind) {
      case DecoderStep::replace:
        for (std::string& token : tokens) replace_all(token, step.pattern, step.content);
        break;
      case DecoderStep::byte_fallback:
        tokens = byte_fallback(tokens);
        break;
      case DecoderStep::fuse:
        tokens = {joined(tokens, "")};
        break;
      case DecoderStep::strip:
        for (std::string& token : tokens) strip(token, step);
        break;
      case DecoderStep::byte_level: {
        std::string all, bytes;
        for (const std::string& token : tokens) all += ByteAlphabet::get().to_bytes(token, bytes) ? bytes : token;
        tokens = {to_utf8_lossy(all)};
        break;
      }
    }
  }
  return joined(tokens, "");
}

std::string clean_up_spaces(std::string text) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kRules{
      {{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}}};
  for (const auto& [pattern, content] : kRules) replace_all(text, pattern, content);
  return text;
}

}  // namespace phidias::data
