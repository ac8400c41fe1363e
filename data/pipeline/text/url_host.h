// Host of an address and the domain that its owner registered, by the Public Suffix List (ICANN section), as tldextract reads both.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace phidias::data::pipeline {

// "user@Forums.BBC.co.uk:80" of any address: "Forums.BBC.co.uk", as written, ideographic full stops as dots, without dots at the end.
std::string url_host(std::string_view url);

struct HostNames {
  std::string registered;  // bbc.co.uk; empty: an IP address, a name without a known suffix, a suffix itself
  std::string full;        // forums.bbc.co.uk; empty where `registered` is
};

class PublicSuffixes {
 public:
  // `file`: a list in the format of publicsuffix.org; empty: the newest that libpsl has (of the package publicsuffix, else its own).
  // Throws DataError when there is none.
  explicit PublicSuffixes(const std::string& file = {});
  ~PublicSuffixes();
  HostNames names(std::string_view host) const;
  // The file that was read; empty: the library's own list.
  const std::filesystem::path& file() const { return file_; }

 private:
  struct List;
  std::unique_ptr<List> list_;
  std::filesystem::path file_;
};

}  // namespace phidias::data::pipeline
