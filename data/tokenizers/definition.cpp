#include "data/tokenizers/definition.h"

namespace phidias::data {

std::string with_plain_spaces(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (true) {
    const std::size_t mark = text.find(kWordMark);
    result.append(text.substr(0, mark));
    if (mark == std::string_view::npos) return result;
    result.push_back(' ');
    text.remove_prefix(mark + kWordMark.size());
  }
}

bool Vocabulary::add(std::string piece, std::int32_t id) {
  if (static_cast<std::size_t>(id) >= pieces.size()) pieces.resize(id + 1);
  if (!pieces[id].empty() || piece.empty() || !ids.emplace(piece, id).second) return false;
  pieces[id] = std::move(piece);
  return true;
}

std::optional<std::int32_t> Vocabulary::find(const std::string& piece) const {
  const auto found = ids.find(piece);
  if (found == ids.end()) return std::nullopt;
  return found->second;
}

}  // namespace phidias::data
