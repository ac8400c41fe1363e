// IP addresses in text form, and which of them are public.
//
// Reading and "public" are those of Python 3.11's ipaddress module (ip_address(), is_global), because datatrove's formatter asks that: four decimal numbers
// of at most three digits without leading zeros; IPv6 with one "::" at most, an IPv4 tail, a scope after '%'. Public is what the registries of special-purpose
// addresses do not name (private, loopback, link-local, documentation, benchmarks, reserved ...); multicast counts as public there and here.
// Later versions of Python follow newer registries: 192.0.0.0/24 as a whole, 64:ff9b:1::/48, 2002::/16 and 3fff::/20 are not public there, and parts of
// 2001::/23 are.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace phidias::data::pipeline {

struct IpAddress {
  bool is_v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // network order; the first four for IPv4

  // Nothing when the text is no address.
  static std::optional<IpAddress> parse(std::string_view text);
  bool is_global() const;
};

}  // namespace phidias::data::pipeline
