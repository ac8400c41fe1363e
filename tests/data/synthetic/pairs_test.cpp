#include "data/synthetic/pairs.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "data/record.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data {
namespace {

Json candidates(const std::string& id, const std::vector<std::pair<std::string, double>>& list) {
  Json line = {{"id", id}, {"prompt", "Question " + id}, {"candidates", Json::array()}};
  for (const auto& [text, score] : list) line["candidates"].push_back({{"text", text}, {"score", score}});
  return line;
}

class Pairs : public testing::Test {
 protected:
  PairSettings settings(const std::vector<Json>& lines) const {
    PairSettings settings;
    settings.input = {write("candidates.jsonl", lines)};
    settings.output = (directory_.path() / "pairs.jsonl").string();
    return settings;
  }
  std::string write(const std::string& name, const std::vector<Json>& lines) const {
    std::string text;
    for (const Json& line : lines) text += line.dump() + "\n";
    return directory_.write(name, text);
  }
  static std::vector<Json> records(const PairSettings& settings) {
    std::vector<Json> lines;
    std::istringstream stream(read_file(settings.output));
    for (std::string line; std::getline(stream, line);) lines.push_back(parse_json(line, settings.output));
    return lines;
  }
  static std::vector<std::string> chosen_and_rejected(const PairSettings& settings) {
    std::vector<std::string> list;
    for (const Json& record : records(settings)) list.push_back(record["chosen"].get<std::string>() + ">" + record["rejected"].get<std::string>());
    return list;
  }
  TemporaryDirectory directory_;
};

using Strings = std::vector<std::string>;

TEST_F(Pairs, FollowTheRule) {
  PairSettings pairs = settings({candidates("q", {{"c", 0.5}, {"a", 0.9}, {"d", 0.1}, {"b", 0.75}})});
  make_pairs(pairs);
  EXPECT_EQ(chosen_and_rejected(pairs), (Strings{"a>d"}));
  pairs.pairs_per_prompt = 9;
  make_pairs(pairs);
  EXPECT_EQ(chosen_and_rejected(pairs), (Strings{"a>d", "b>c"}));
  pairs.rule = PairRule::best_all;
  make_pairs(pairs);
  EXPECT_EQ(chosen_and_rejected(pairs), (Strings{"a>d", "a>c", "a>b"}));
  pairs.minimum_margin = 0.3;
  make_pairs(pairs);
  EXPECT_EQ(chosen_and_rejected(pairs), (Strings{"a>d", "a>c"}));
  EXPECT_DOUBLE_EQ(records(pairs)[1]["margin"].get<double>(), 0.9 - 0.5);
  EXPECT_EQ(records(pairs)[0]["prompt"], "Question q");
}

TEST_F(Pairs, RandomRejectedDependsOnTheSeedAlone) {
  std::vector<Json> lines;
  for (int i = 0; i < 40; ++i) lines.push_back(candidates(std::to_string(i), {{"a", 4}, {"b", 3}, {"c", 2}, {"d", 1}}));
  PairSettings pairs = settings(lines);
  pairs.rule = PairRule::best_random;
  make_pairs(pairs);
  const Strings first = chosen_and_rejected(pairs);
  std::map<std::string, int> counts;
  for (const std::string& pair : first) ++counts[pair];
  ASSERT_EQ(counts.size(), 3U);
  for (const auto& [pair, count] : counts) EXPECT_GE(count, 5) << pair;
  make_pairs(pairs);
  EXPECT_EQ(chosen_and_rejected(pairs), first);
  pairs.seed = 1;
  make_pairs(pairs);
  EXPECT_NE(chosen_and_rejected(pairs), first);
}

TEST_F(Pairs, PromptsWithoutPairsHaveAReason) {
  Json broken = candidates("few", {{"a", 1}});
  broken["candidates"].push_back({{"text", "no score"}});
  broken["candidates"].push_back({{"text", "failed"}, {"score", 0}, {"error", "x"}});
  PairSettings pairs = settings({candidates("tie", {{"a", 1}, {"b", 1}}), candidates("near", {{"a", 1}, {"b", 0.95}}), candidates("same", {{"a", 1}, {"a", 0}}),
                                 broken, candidates("good", {{"a", 1}, {"b", 0}})});
  pairs.minimum_margin = 0.1;
  const PairReport report = make_pairs(pairs);
  const std::map<std::string, std::int64_t> expected = {{"equal_scores", 1}, {"small_margin", 1}, {"equal_texts", 1}, {"too_few_candidates", 1}};
  EXPECT_EQ(report.without_pairs, expected);
  EXPECT_EQ(report.prompts, 5);
  EXPECT_EQ(report.prompts_with_pairs, 1);
  EXPECT_EQ(report.candidates, 11);
  EXPECT_EQ(report.unusable_candidates, 2);
}

TEST_F(Pairs, PivotalPromptsAreThoseThatSucceedSometimes) {
  std::vector<Json> lines;
  for (int solved = 0; solved <= 5; ++solved) {
    Json line = candidates("s" + std::to_string(solved), {});
    for (int i = 0; i < 5; ++i)
      line["candidates"].push_back({{"text", "t" + std::to_string(i)}, {"score", i < solved ? 1.0 - 0.01 * i : 0.0}, {"passed", i < solved}});
    lines.push_back(line);
  }
  lines.push_back(candidates("unknown", {{"a", 1}, {"b", 0}}));
  PairSettings pairs = settings(lines);
  pairs.success_field = "passed";
  const PairReport report = make_pairs(pairs);
  EXPECT_EQ(report.prompts_with_pairs, 4);  // 0.2, 0.4, 0.6, 0.8: the bounds belong to it
  EXPECT_EQ(report.without_pairs.at("not_pivotal"), 3);
}

TEST_F(Pairs, FlatLinesAreGatheredAndPromptsJoined) {
  PairSettings pairs =
      settings({{{"id", "x"}, {"text", "good"}, {"score", 2}}, candidates("y", {{"a", 1}, {"b", 0}}), {{"id", "x"}, {"text", "bad"}, {"score", 1}}});
  EXPECT_NE(message_of<DataError>([&] { make_pairs(pairs); }).find("no prompt for the id 'x'"), std::string::npos);
  pairs.prompts = {write("prompts.jsonl", {{{"id", "x"}, {"messages", {{{"role", "user"}, {"content", "Hi"}}}}}})};
  make_pairs(pairs);
  const std::vector<Json> lines = records(pairs);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["prompt"][0]["content"], "Hi");
  EXPECT_EQ(lines[0]["chosen"], Json::parse(R"([{"role": "assistant", "content": "good"}])"));
  for (const Json& line : lines) EXPECT_EQ(RecordParser().parse(line.dump(), RecordKind::automatic).kind, RecordKind::preference);
  Json other = candidates("y", {{"c", 1}});
  other["prompt"] = "Another question";
  pairs.input.push_back(write("more.jsonl", {other}));
  EXPECT_NE(message_of<DataError>([&] { make_pairs(pairs); }).find("another prompt for the id 'y'"), std::string::npos);
}

TEST_F(Pairs, BalanceLeavesAsManyLongerWinnersAsLosers) {
  std::vector<Json> lines;
  for (int i = 0; i < 10; ++i) lines.push_back(candidates("l" + std::to_string(i), {{"a long answer", 1 + 0.1 * i}, {"short", 0}}));
  for (int i = 0; i < 3; ++i) lines.push_back(candidates("s" + std::to_string(i), {{"short", 1}, {"a long answer", 0}}));
  lines.push_back(candidates("e", {{"same", 1}, {"size", 0}}));
  PairSettings pairs = settings(lines);
  PairReport report = make_pairs(pairs);
  EXPECT_EQ(report.pairs, 14);
  EXPECT_DOUBLE_EQ(report.bias.longer_wins, 10.0 / 13);
  EXPECT_GT(report.bias.correlation, 0.3);
  pairs.balance_lengths = true;
  report = make_pairs(pairs);
  EXPECT_EQ(report.pairs, 7);
  EXPECT_EQ(report.left_out_for_balance, 7);
  EXPECT_DOUBLE_EQ(report.bias.longer_wins, 0.5);
  EXPECT_EQ(records(pairs)[0]["id"], "l7");  // the smallest margins went
  EXPECT_EQ(read_json(pairs.output + ".report.json")["length_bias"]["longer_wins"], 0.5);
}

TEST(LengthBias, IsMeasuredByHand) {
  const std::vector<PairLengths> pairs = {{100, 50, 1}, {10, 50, 1}, {30, 30, 1}, {300, 50, 1}};
  const std::vector<std::pair<double, double>> points = {{1, 10}, {2, 20}, {3, 30}};
  const LengthBias bias = length_bias(pairs, points);
  EXPECT_DOUBLE_EQ(bias.mean_chosen, 110);
  EXPECT_DOUBLE_EQ(bias.mean_rejected, 45);
  EXPECT_DOUBLE_EQ(bias.longer_wins, 2.0 / 3);
  EXPECT_NEAR(bias.correlation, 1, 1e-15);  // a few roundings of doubles
  EXPECT_EQ(bias.ratios, (std::vector<std::int64_t>{1, 0, 0, 1, 0, 1, 1}));
  EXPECT_DOUBLE_EQ(length_bias({}, {}).longer_wins, 0);
}

TEST_F(Pairs, AllMistakesOfTheFileAreTold) {
  const std::string path = directory_.write("p.yaml", "output: x\nrule: best\nsuccess_range: [0.9, 0.1]\nmargin: 1\n");
  const std::string message = message_of<ConfigError>([&] { read_pair_settings(path, {}); });
  for (const char* part : {"p.yaml:2:", "p.yaml:3:", "p.yaml:4:", "input: required"})
    EXPECT_NE(message.find(part), std::string::npos) << part << "\n" << message;
}

}  // namespace
}  // namespace phidias::data
