#include "data/pipeline/text/url_host.h"

#include <libpsl.h>

#include <algorithm>
#include <vector>

#include "base/error.h"

namespace phidias::data::pipeline {
namespace {

bool is_scheme_character(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'; }

std::string_view without_scheme(std::string_view url) {
  const std::size_t slashes = url.find("//");
  if (slashes == 0) return url.substr(2);
  if (slashes == std::string_view::npos || slashes < 2 || url[slashes - 1] != ':') return url;
  return std::ranges::all_of(url.substr(0, slashes - 1), is_scheme_character) ? url.substr(slashes + 2) : url;
}

// Ideographic full stops separate labels as a dot does.
std::string with_plain_dots(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view three = text.substr(at, 3);
    if (three == "\u3002" || three == "\uff0e" || three == "\uff61") {
      out += '.';
      at += 3;
    } else {
      out += text[at++];
    }
  }
  return out;
}

bool is_white(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

std::string url_host(std::string_view url) {
  std::string_view authority = without_scheme(url);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  if (authority.starts_with('[') && authority.find(']') != std::string_view::npos) return std::string(authority.substr(0, authority.find(']') + 1));
  authority = authority.substr(0, authority.find(':'));
  while (!authority.empty() && is_white(authority.front())) authority.remove_prefix(1);
  while (!authority.empty() && is_white(authority.back())) authority.remove_suffix(1);
  std::string host = with_plain_dots(authority);
  while (host.ends_with('.')) host.pop_back();
  return host;
}

struct PublicSuffixes::List {
  psl_ctx_t* context = nullptr;
  ~List() { psl_free(context); }
};

PublicSuffixes::PublicSuffixes(const std::string& file) : list_(std::make_unique<List>()), file_(file) {
  if (file.empty()) {
    list_->context = psl_latest(nullptr);
    if (psl_dist_filename() != nullptr && std::filesystem::exists(psl_dist_filename())) file_ = psl_dist_filename();
    if (list_->context == nullptr) throw DataError("libpsl has no list of public suffixes: install the package publicsuffix, or name a list (public_suffixes)");
  } else {
    list_->context = psl_load_file(file.c_str());
    if (list_->context == nullptr || psl_suffix_count(list_->context) == 0) throw DataError(file + " is no list of public suffixes (publicsuffix.org)");
  }
}

PublicSuffixes::~PublicSuffixes() = default;

HostNames PublicSuffixes::names(std::string_view host) const {
  std::string lower(host);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  // The longest end of the host that is a suffix; the label before it makes the registered domain.
  std::size_t before = std::string::npos;
  for (std::size_t at = 0; at < lower.size();) {
    if (psl_is_public_suffix2(list_->context, lower.c_str() + at, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE) != 0) {
      if (before == std::string::npos) return {};
      return {.registered = std::string(host.substr(before)), .full = std::string(host)};
    }
    before = at;
    const std::size_t dot = lower.find('.', at);
    if (dot == std::string::npos) break;
    at = dot + 1;
  }
  return {};
}

}  // namespace phidias::data::pipeline
