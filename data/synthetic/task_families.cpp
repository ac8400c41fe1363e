#include "data/synthetic/task_families.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "data/synthetic/task_words.h"

namespace phidias::data {
namespace {

using Words = std::vector<std::string_view>;

Message user(std::string content) { return {"user", std::move(content), {}}; }
Message assistant(std::string content) { return {"assistant", std::move(content), {}}; }

std::string join(const Words& words, std::string_view separator) {
  std::string text;
  for (const std::string_view word : words) text.append(text.empty() ? "" : separator).append(word);
  return text;
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

Words sorted(Words words) {
  std::sort(words.begin(), words.end());
  return words;
}

// Different words, in random order.
Words draw_words(Draw& draw, std::size_t count) {
  Words words;
  while (words.size() < count) {
    const std::string_view word = draw.one_of(kTaskWords);
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  return words;
}

Task sort_task(Draw& draw) {
  constexpr std::array<std::string_view, 3> wordings = {"Sort these words: ", "Put in order: ", "Sort: "};
  const Words words = draw_words(draw, 3 + draw.below(2));
  return {"sort", {user(std::string(draw.one_of(wordings)) + join(words, ", ")), assistant(join(sorted(words), ", "))}};
}

Task repeat_task(Draw& draw) {
  constexpr std::array<std::string_view, 3> wordings = {"Repeat: ", "Say after me: ", "Please repeat: "};
  const Words words = draw_words(draw, 2 + draw.below(4));
  return {"repeat", {user(std::string(draw.one_of(wordings)) + join(words, " ")), assistant(join(words, " "))}};
}

Task compare_task(Draw& draw) {
  switch (draw.below(3)) {
    case 0: {
      const std::size_t a = 10 + draw.below(90);
      std::size_t b = 10 + draw.below(89);
      if (b >= a) ++b;
      return {"compare", {user("Which number is larger, " + std::to_string(a) + " or " + std::to_string(b) + "?"), assistant(std::to_string(std::max(a, b)))}};
    }
    case 1: {
      Words words = draw_words(draw, 2);
      while (words[0].size() == words[1].size()) words = draw_words(draw, 2);
      return {"compare",
              {user("Which word is longer, " + join(words, " or ") + "?"), assistant(std::string(words[0].size() > words[1].size() ? words[0] : words[1]))}};
    }
    default: {
      const Words words = draw_words(draw, 2);
      return {"compare", {user("Which word comes first in the alphabet, " + join(words, " or ") + "?"), assistant(std::string(std::min(words[0], words[1])))}};
    }
  }
}

Task dictionary_task(Draw& draw, bool for_test) {
  struct Dictionary {
    std::span<const DictionaryEntry> entries;
    std::span<const std::string_view> wordings;
  };
  const std::array<Dictionary, 5> dictionaries = {
      {{kOpposites, kOppositeWordings}, {kPlurals, kPluralWordings}, {kColors, kColorWordings}, {kCapitals, kCapitalWordings}, {kSounds, kSoundWordings}}};
  const Dictionary& dictionary = dictionaries[draw.below(dictionaries.size())];
  const std::size_t entry = draw.below(dictionary.entries.size());
  std::size_t wording = draw.below(kWordings);
  while (((entry + wording) % 3 == 0) != for_test) wording = (wording + 1) % kWordings;
  std::string question(dictionary.wordings[wording]);
  question.replace(question.find('X'), 1, dictionary.entries[entry].question);
  return {"dictionary", {user(std::move(question)), assistant(std::string(dictionary.entries[entry].answer))}};
}

Task follow_up_task(Draw& draw) {
  const Words words = draw_words(draw, 2 + draw.below(2));
  const std::string phrase = join(words, " ");
  std::vector<Message> messages = {user("Repeat: " + phrase), assistant(phrase)};
  switch (draw.below(5)) {
    case 0:
      messages.insert(messages.end(), {user("Now in upper case."), assistant(upper(phrase))});
      break;
    case 1:
      messages.insert(messages.end(), {user("Now sort them."), assistant(join(sorted(words), " "))});
      break;
    case 2:
      messages.insert(messages.end(), {user("Only the first word."), assistant(std::string(words.front()))});
      break;
    case 3:
      messages.insert(messages.end(), {user("Only the last word."), assistant(std::string(words.back()))});
      break;
    default:
      messages.insert(messages.end(), {user("Say that again."), assistant(phrase)});
      break;
  }
  return {"follow-up", std::move(messages)};
}

}  // namespace

Task draw_task(std::string_view family, Draw& draw, bool for_test) {
  if (family == "sort") return sort_task(draw);
  if (family == "repeat") return repeat_task(draw);
  if (family == "compare") return compare_task(draw);
  if (family == "dictionary") return dictionary_task(draw, for_test);
  if (family == "follow-up") return follow_up_task(draw);
  std::string names;
  for (const std::string& name : task_families()) names += (names.empty() ? "" : ", ") + name;
  throw ConfigError("unknown family of tasks '" + std::string(family) + "'; the families are " + names);
}

}  // namespace phidias::data
