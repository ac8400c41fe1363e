// Byte-pair encoding against the definition, written down naively, and its cost on words of any length.
#include "data/tokenizers/bpe_model.h"

#include <gtest/gtest.h>

#include <ctime>
#include <map>
#include <random>

#include "data/tokenizers/bpe_tokenizer.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data {
namespace {

// A vocabulary grown by random merges over a small alphabet, with byte fallback, in the Llama form (spaces stand for U+2581).
TokenizerDefinition random_definition(std::mt19937& random, int merges) {
  TokenizerDefinition definition;
  definition.unk_token = "<unk>";
  definition.byte_fallback = definition.fuse_unk = definition.replace_spaces = definition.has_normalizer = true;
  definition.prefix = Prefix::normalizer;
  const auto add = [&](const std::string& piece) {
    const auto id = static_cast<std::int32_t>(definition.vocabulary.pieces.size());
    return definition.vocabulary.add(piece, id) ? id : -1;
  };
  add("<unk>");
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    add(name);
  }
  std::vector<std::int32_t> parts;
  for (const char* letter : {"a", "b", "c", "\u00e9", "\u4e2d", "\u2581"}) parts.push_back(add(letter));
  for (int tries = 0; static_cast<int>(definition.merges.size()) < merges && tries < merges * 20; ++tries) {
    const std::int32_t left = parts[random() % parts.size()], right = parts[random() % parts.size()];
    const std::string piece = definition.vocabulary.pieces[left] + definition.vocabulary.pieces[right];
    if (piece.size() > 12) continue;
    std::int32_t result = definition.vocabulary.find(piece).value_or(-1);
    if (result < 0) parts.push_back(result = add(piece));
    definition.merges.push_back({static_cast<std::uint32_t>(definition.merges.size()), left, right, result});
  }
  return definition;
}

// The definition: merge the adjacent pair of lowest rank, leftmost on ties, until none is left.
std::vector<std::int32_t> naive(const TokenizerDefinition& definition, const std::string& text) {
  std::map<std::pair<std::int32_t, std::int32_t>, MergeRule> rules;
  for (const MergeRule& rule : definition.merges) rules[{rule.left, rule.right}] = rule;
  std::vector<std::int32_t> ids;
  for (std::size_t at = 0; at < text.size(); at += utf8_length(text[at])) {
    const std::string character = text[at] == ' ' ? std::string(kWordMark) : text.substr(at, utf8_length(text[at]));
    if (const auto id = definition.vocabulary.find(character)) {
      ids.push_back(*id);
      continue;
    }
    for (const char byte : character) ids.push_back(1 + static_cast<unsigned char>(byte));
  }
  while (true) {
    const MergeRule* best = nullptr;
    std::size_t where = 0;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto rule = rules.find({ids[i], ids[i + 1]});
      if (rule != rules.end() && (!best || rule->second.rank < best->rank)) best = &rule->second, where = i;
    }
    if (!best) return ids;
    ids[where] = best->result;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(where) + 1);
  }
}

TEST(BpeModel, ShortAndLongWordsEqualTheDefinition) {
  std::mt19937 random(11);
  for (int round = 0; round < 60; ++round) {
    const TokenizerDefinition definition = random_definition(random, 1 + round * 2);
    const BpeModel model(definition);
    ASSERT_TRUE(model.can_cut());
    MergeScratch scratch;
    for (int i = 0; i < 60; ++i) {
      std::string text;
      const std::size_t length = 1 + random() % (i % 3 == 0 ? 200 : 30);
      static const char* kLetters[] = {"a", "b", "c", " ", "\u00e9", "\u4e2d", "x", "a", "b", " "};
      while (text.size() < length) text += kLetters[random() % (2 + random() % 9)];
      const std::vector<std::int32_t> expected = naive(definition, text);
      model.encode_word(text, scratch);
      std::vector<std::int32_t> whole, cut;
      for (const Symbol& symbol : scratch.symbols) whole.push_back(symbol.id);
      ASSERT_EQ(whole, expected) << text;
      for (const char *at = text.data(), *end = at + text.size(); at < end;) {
        const char* word_end = model.word_end(at, end);
        model.encode_word({at, static_cast<std::size_t>(word_end - at)}, scratch);
        for (const Symbol& symbol : scratch.symbols) cut.push_back(symbol.id);
        at = word_end;
      }
      ASSERT_EQ(cut, expected) << "cut where no rule can merge across: " << text;
    }
  }
}

TEST(BpeModel, UnknownCharactersMustNotBeCutApart) {
  TokenizerDefinition definition;
  definition.vocabulary.add("<unk>", 0);
  definition.vocabulary.add("a", 1);
  definition.unk_token = "<unk>";
  definition.fuse_unk = true;
  const BpeModel model(definition);
  EXPECT_FALSE(model.can_cut()) << "a run of unknown characters is one token";
  const BpeTokenizer tokenizer(definition, {});
  EXPECT_EQ(tokenizer.encode("axya"), (std::vector<std::int32_t>{1, 0, 1}));
}

// Of this thread: what else the machine does is left out.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// CPU seconds to encode `bytes` of a text without a place to cut, best of three.
double seconds(const BpeTokenizer& tokenizer, const std::string& unit, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += unit;
  double best = 1e9;
  for (int i = 0; i < 3; ++i) {
    const double start = cpu_seconds();
    std::vector<std::int32_t> ids;
    tokenizer.encode(text, {}, ids);
    best = std::min(best, cpu_seconds() - start);
    EXPECT_FALSE(ids.empty());
  }
  return best;
}

TEST(BpeModel, LongWordsAreNotQuadratic) {
  std::mt19937 random(3);
  TokenizerDefinition definition = random_definition(random, 0);
  // Powers of one letter, and a rule for every pair of letters: nothing can be cut.
  const auto add = [&](const std::string& left, const std::string& right) {
    const auto id = static_cast<std::int32_t>(definition.vocabulary.pieces.size());
    definition.vocabulary.add(left + right, id);
    definition.merges.push_back(
        {static_cast<std::uint32_t>(definition.merges.size()), *definition.vocabulary.find(left), *definition.vocabulary.find(right), id});
  };
  std::string power = "a";
  for (int i = 0; i < 5; ++i, power += power) add(power, power);
  for (const char* pair : {"ab", "bc", "ca", "cb", "ba"}) add(std::string(1, pair[0]), std::string(1, pair[1]));
  const BpeTokenizer tokenizer(definition, {});
  for (const char* unit : {"a", "abcacb"}) {
    const double small = seconds(tokenizer, unit, 250'000), large = seconds(tokenizer, unit, 4'000'000);
    // Sixteen times the text: n log n gives 20, quadratic 256.
    EXPECT_LT(large / small, 60) << unit << ": " << small << " s and " << large << " s";
  }
}

}  // namespace
}  // namespace phidias::data
