#include "data/tokenizers/definition.h"

namespace phidias::data {

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
