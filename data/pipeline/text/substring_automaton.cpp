#include "data/pipeline/text/substring_automaton.h"

namespace phidias::data::pipeline {

SubstringAutomaton::SubstringAutomaton(std::span<const std::string> words) {
  const auto add_state = [&] {
    states_.emplace_back();
    states_.back().next.fill(-1);
  };
  add_state();
  for (const std::string& word : words) {
    std::int32_t state = 0;
    for (const char c : word) {
      const int s = symbol(c);
      if (s < 0) continue;
      if (states_[static_cast<std::size_t>(state)].next[static_cast<std::size_t>(s)] < 0) {
        const auto fresh = static_cast<std::int32_t>(states_.size());
        add_state();
        states_[static_cast<std::size_t>(state)].next[static_cast<std::size_t>(s)] = fresh;
      }
      state = states_[static_cast<std::size_t>(state)].next[static_cast<std::size_t>(s)];
    }
    if (state != 0) states_[static_cast<std::size_t>(state)].is_end = true;
  }
  // Breadth first: a missing transition is that of the longest proper suffix which is a start of a word.
  std::vector<std::int32_t> suffix(states_.size(), 0), order{0};
  for (std::size_t k = 0; k < order.size(); ++k) {
    const auto at = static_cast<std::size_t>(order[k]);
    const auto shorter = static_cast<std::size_t>(suffix[at]);
    for (std::size_t s = 0; s < 36; ++s) {
      std::int32_t& next = states_[at].next[s];
      const std::int32_t fallback = at == 0 ? 0 : states_[shorter].next[s];
      if (next < 0) {
        next = fallback;
        continue;
      }
      suffix[static_cast<std::size_t>(next)] = fallback;
      states_[static_cast<std::size_t>(next)].is_end |= states_[static_cast<std::size_t>(fallback)].is_end;
      order.push_back(next);
    }
  }
}

bool SubstringAutomaton::finds_in(std::string_view text) const {
  std::int32_t state = 0;
  for (const char c : text) {
    const int s = symbol(c);
    if (s < 0) continue;
    state = states_[static_cast<std::size_t>(state)].next[static_cast<std::size_t>(s)];
    if (states_[static_cast<std::size_t>(state)].is_end) return true;
  }
  return false;
}

}  // namespace phidias::data::pipeline
