// The words of the quickstart's tasks: few, common, short, so that a small tokenizer has each as one token.
#pragma once

#include <array>
#include <string_view>

namespace phidias::data {

inline constexpr std::array<std::string_view, 44> kTaskWords = {"apple", "bear", "bird",  "boat", "book",   "cake", "cat",  "chair", "cloud", "cow",   "dog",
                                                                "door",  "duck", "egg",   "fish", "flower", "fox",  "frog", "goat",  "grape", "hat",   "horse",
                                                                "house", "key",  "lamp",  "leaf", "lion",   "milk", "moon", "mouse", "nut",   "owl",   "pear",
                                                                "pig",   "plum", "river", "rose", "ship",   "snow", "star", "stone", "sun",   "table", "wolf"};

struct DictionaryEntry {
  std::string_view question, answer;
};

inline constexpr std::array<DictionaryEntry, 16> kOpposites = {{{"hot", "cold"},
                                                                {"cold", "hot"},
                                                                {"big", "small"},
                                                                {"small", "big"},
                                                                {"up", "down"},
                                                                {"down", "up"},
                                                                {"fast", "slow"},
                                                                {"slow", "fast"},
                                                                {"day", "night"},
                                                                {"night", "day"},
                                                                {"old", "new"},
                                                                {"new", "old"},
                                                                {"open", "closed"},
                                                                {"closed", "open"},
                                                                {"left", "right"},
                                                                {"right", "left"}}};
inline constexpr std::array<DictionaryEntry, 14> kPlurals = {{{"cat", "cats"},
                                                              {"dog", "dogs"},
                                                              {"mouse", "mice"},
                                                              {"leaf", "leaves"},
                                                              {"fox", "foxes"},
                                                              {"wolf", "wolves"},
                                                              {"fish", "fish"},
                                                              {"book", "books"},
                                                              {"tooth", "teeth"},
                                                              {"foot", "feet"},
                                                              {"child", "children"},
                                                              {"man", "men"},
                                                              {"goose", "geese"},
                                                              {"key", "keys"}}};
inline constexpr std::array<DictionaryEntry, 12> kColors = {{{"snow", "white"},
                                                             {"milk", "white"},
                                                             {"grass", "green"},
                                                             {"a frog", "green"},
                                                             {"the sun", "yellow"},
                                                             {"a banana", "yellow"},
                                                             {"blood", "red"},
                                                             {"a tomato", "red"},
                                                             {"the sky", "blue"},
                                                             {"the sea", "blue"},
                                                             {"coal", "black"},
                                                             {"a raven", "black"}}};
inline constexpr std::array<DictionaryEntry, 14> kCapitals = {{{"France", "Paris"},
                                                               {"Italy", "Rome"},
                                                               {"Spain", "Madrid"},
                                                               {"Germany", "Berlin"},
                                                               {"Japan", "Tokyo"},
                                                               {"Egypt", "Cairo"},
                                                               {"Greece", "Athens"},
                                                               {"Norway", "Oslo"},
                                                               {"Peru", "Lima"},
                                                               {"Cuba", "Havana"},
                                                               {"Kenya", "Nairobi"},
                                                               {"Austria", "Vienna"},
                                                               {"Poland", "Warsaw"},
                                                               {"Portugal", "Lisbon"}}};
inline constexpr std::array<DictionaryEntry, 8> kSounds = {
    {{"cat", "meow"}, {"dog", "woof"}, {"cow", "moo"}, {"duck", "quack"}, {"pig", "oink"}, {"lion", "roar"}, {"bird", "tweet"}, {"bee", "buzz"}}};

// Wordings of a question; X stands for the entry. Every dictionary has the same number of them.
inline constexpr std::size_t kWordings = 6;
inline constexpr std::array<std::string_view, kWordings> kOppositeWordings = {"What is the opposite of X?", "Opposite of X?",
                                                                              "Give me the opposite of X.", "Tell me the opposite of X.",
                                                                              "The opposite of X is what?", "Please say the opposite of X."};
inline constexpr std::array<std::string_view, kWordings> kPluralWordings = {"What is the plural of X?", "Plural of X?",     "Give me the plural of X.",
                                                                            "Tell me the plural of X.", "One X, two what?", "Please say the plural of X."};
inline constexpr std::array<std::string_view, kWordings> kColorWordings = {"What color is X?",        "Color of X?",       "Give me the color of X.",
                                                                           "Tell me the color of X.", "Which color is X?", "Please say the color of X."};
inline constexpr std::array<std::string_view, kWordings> kCapitalWordings = {"What is the capital of X?",       "Capital of X?",
                                                                             "Give me the capital of X.",       "Tell me the capital of X.",
                                                                             "Which city is the capital of X?", "Please say the capital of X."};
inline constexpr std::array<std::string_view, kWordings> kSoundWordings = {"What does a X say?",         "Sound of a X?",
                                                                           "Give me the sound of a X.",  "Tell me the sound of a X.",
                                                                           "Which sound does a X make?", "Please say the sound of a X."};

}  // namespace phidias::data
