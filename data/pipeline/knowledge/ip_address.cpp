#include "data/pipeline/knowledge/ip_address.h"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

namespace phidias::data::pipeline {
namespace {

struct Network {
  std::array<std::uint8_t, 16> bytes;
  int bits;
};

constexpr Network kPrivateV4[] = {
    {{0}, 8},          {{10}, 8},        {{127}, 8},      {{169, 254}, 16},     {{172, 16}, 12},     {{192}, 29}, {{192, 0, 0, 170}, 31},
    {{192, 0, 2}, 24}, {{192, 168}, 16}, {{198, 18}, 15}, {{198, 51, 100}, 24}, {{203, 0, 113}, 24}, {{240}, 4},
};
constexpr Network kSharedV4 = {{100, 64}, 10};  // neither private nor global
constexpr Network kPrivateV6[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128},
    {{}, 128},
    {{1}, 64},
    {{0x20, 1}, 23},
    {{0x20, 1, 0, 2}, 48},
    {{0x20, 1, 0x0d, 0xb8}, 32},
    {{0x20, 1, 0, 0x10}, 28},
    {{0xfc}, 7},
    {{0xfe, 0x80}, 10},
};
constexpr Network kMappedV4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};

bool lies_in(const std::array<std::uint8_t, 16>& address, const Network& network) {
  const int whole = network.bits / 8, rest = network.bits % 8;
  if (!std::equal(address.begin(), address.begin() + whole, network.bytes.begin())) return false;
  if (rest == 0) return true;
  const int shift = 8 - rest;
  return address[static_cast<std::size_t>(whole)] >> shift == network.bytes[static_cast<std::size_t>(whole)] >> shift;
}

bool lies_in_any(const std::array<std::uint8_t, 16>& address, std::span<const Network> networks) {
  return std::any_of(networks.begin(), networks.end(), [&](const Network& network) { return lies_in(address, network); });
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0;; ++begin) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    if (end == text.size()) return parts;
    begin = end;
  }
}

bool parse_v4(std::string_view text, std::uint8_t* bytes) {
  if (text.size() > 15) return false;
  const auto parts = split(text, '.');
  if (parts.size() != 4) return false;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string_view part = parts[i];
    if (part.empty() || part.size() > 3 || part.find_first_not_of("0123456789") != std::string_view::npos) return false;
    if (part.size() > 1 && part[0] == '0') return false;
    int value = 0;
    for (const char digit : part) value = value * 10 + (digit - '0');
    if (value > 255) return false;
    bytes[i] = static_cast<std::uint8_t>(value);
  }
  return true;
}

bool parse_group(std::string_view part, std::uint8_t* bytes) {
  if (part.empty() || part.size() > 4 || part.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) return false;
  const auto value = static_cast<unsigned>(std::stoul(std::string(part), nullptr, 16));
  bytes[0] = static_cast<std::uint8_t>(value >> 8);
  bytes[1] = static_cast<std::uint8_t>(value & 0xff);
  return true;
}

// Groups of 16 bits into `bytes`; the last may be an IPv4 address. Returns their number of bytes, or nothing.
std::optional<std::size_t> parse_groups(std::string_view text, bool may_end_in_v4, std::array<std::uint8_t, 16>& bytes) {
  if (text.empty()) return 0;
  const auto parts = split(text, ':');
  if (parts.size() > 8) return std::nullopt;
  std::size_t size = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool is_v4 = may_end_in_v4 && i + 1 == parts.size() && parts[i].find('.') != std::string_view::npos;
    const std::size_t needs = is_v4 ? 4 : 2;
    if (size + needs > 16) return std::nullopt;
    if (is_v4 ? !parse_v4(parts[i], bytes.data() + size) : !parse_group(parts[i], bytes.data() + size)) return std::nullopt;
    size += needs;
  }
  return size;
}

bool parse_v6(std::string_view text, std::array<std::uint8_t, 16>& bytes) {
  if (const std::size_t scope = text.find('%'); scope != std::string_view::npos) {
    if (scope + 1 == text.size() || text.find_first_of("%/", scope + 1) != std::string_view::npos) return false;
    text = text.substr(0, scope);
  }
  if (text.size() > 45) return false;
  std::array<std::uint8_t, 16> front{}, back{};
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    const auto size = parse_groups(text, true, front);
    if (!size || *size != 16) return false;
    bytes = front;
    return true;
  }
  if (text.find("::", gap + 1) != std::string_view::npos) return false;  // also ":::"
  const auto before = parse_groups(text.substr(0, gap), false, front), after = parse_groups(text.substr(gap + 2), true, back);
  if (!before || !after || *before + *after > 14) return false;
  bytes = front;
  std::copy_n(back.begin(), *after, bytes.end() - static_cast<std::ptrdiff_t>(*after));
  return true;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  IpAddress address;
  if (parse_v4(text, address.bytes.data())) return address;
  address.is_v6 = true;
  address.bytes = {};
  if (text.find(':') != std::string_view::npos && parse_v6(text, address.bytes)) return address;
  return std::nullopt;
}

bool IpAddress::is_global() const {
  if (!is_v6) return !lies_in(bytes, kSharedV4) && !lies_in_any(bytes, kPrivateV4);
  if (!lies_in(bytes, kMappedV4)) return !lies_in_any(bytes, kPrivateV6);
  std::array<std::uint8_t, 16> mapped{};
  std::copy_n(bytes.begin() + 12, 4, mapped.begin());
  return !lies_in_any(mapped, kPrivateV4);
}

}  // namespace phidias::data::pipeline
