#include "data/synthetic/prompts.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "data/synthetic/prompts_conditions.h"
#include "data/synthetic/prompts_template.h"
#include "data/tokenizers/utf8.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data {
namespace {

std::vector<Json> lines_of(const std::string& path) {
  std::vector<Json> lines;
  std::istringstream stream(read_file(path));
  for (std::string line; std::getline(stream, line);) lines.push_back(parse_json(line, path));
  return lines;
}

class Prompts : public testing::Test {
 protected:
  PromptSettings settings() const {
    PromptSettings settings;
    settings.output = (directory_.path() / "prompts.jsonl").string();
    settings.templates = {"Explain {topic} to {audience} in {style}.", "Write {style} for {audience}: {topic}!"};
    settings.topics = {"Brüche", "光合成", "levers", "tides"};
    settings.audiences = {"children", "adults"};
    settings.styles = {"a story", "a dialogue", "verse"};
    return settings;
  }
  std::string seeds(int count) const {
    std::string lines;
    for (int i = 0; i < count; ++i) {
      const Json line = {{"id", "d" + std::to_string(i)},
                         {"text", "Passage number " + std::to_string(i) + " about tides and other matters."},
                         {"annotations", {{"edu.score", i % 5}, {"topic", i % 2 == 0 ? "levers" : "tides"}}}};
      lines += line.dump() + "\n";
    }
    return directory_.write("seeds.jsonl", lines);
  }
  TemporaryDirectory directory_;
};

TEST_F(Prompts, CoverTheGridEvenly) {
  PromptSettings grid = settings();
  grid.count = 36;  // 24 cells
  const PromptReport report = make_prompts(grid);
  EXPECT_EQ(report.cells, 24);
  EXPECT_EQ(report.prompts + report.given_up, 36);
  EXPECT_EQ(report.most_per_cell, 2);
  EXPECT_EQ(report.fewest_per_cell, 1);
  std::set<std::string> ids, texts;
  std::map<std::string, int> cells;
  for (const Json& line : lines_of(grid.output)) {
    EXPECT_TRUE(ids.insert(line["id"]).second);
    EXPECT_TRUE(texts.insert(line["messages"][0]["content"]).second);
    EXPECT_EQ(line["messages"][0]["role"], "user");
    ++cells[line["topic"].get<std::string>() + line["audience"].get<std::string>() + line["style"].get<std::string>()];
    EXPECT_NE(line["messages"][0]["content"].get<std::string>().find(line["topic"]), std::string::npos);
  }
  EXPECT_EQ(cells.size(), 24U);
  EXPECT_EQ(read_json(grid.output + ".report.json")["coverage"]["topic"]["光合成"], report.coverage.at("topic").at("光合成"));
}

TEST_F(Prompts, AreTheSameEveryTimeAndDifferWithTheSeed) {
  PromptSettings grid = settings();
  grid.per_cell = 1;
  make_prompts(grid);
  const std::string first = read_file(grid.output);
  make_prompts(grid);
  EXPECT_EQ(read_file(grid.output), first);
  grid.seed = 1;
  make_prompts(grid);
  EXPECT_NE(read_file(grid.output), first);
}

TEST_F(Prompts, TakeNoPromptTwice) {
  PromptSettings grid = settings();
  grid.templates.pop_back();
  grid.per_cell = 3;  // one template without a passage: one prompt per cell is all there is
  const PromptReport report = make_prompts(grid);
  EXPECT_EQ(report.prompts, 24);
  EXPECT_EQ(report.given_up, 48);
}

TEST_F(Prompts, TakePassagesThatMeetTheConditions) {
  PromptSettings grid = settings();
  grid.templates = {"{topic} {audience} {style}: {seed}"};
  grid.topics = {"levers", "tides", "magnets"};
  grid.seed_minimum_characters = 10;
  grid.count = 60;
  grid.seeds = {{.path = seeds(40), .where = {"edu.score >= 3"}, .topic_field = "topic"}};
  const PromptReport report = make_prompts(grid);
  EXPECT_EQ(report.seeds, 16);
  EXPECT_EQ(report.seeds_passed_over, 24);
  EXPECT_EQ(report.without_seed, report.prompts / 2);  // a third of the cells is about magnets
  EXPECT_GT(report.seeds_used, 10);
  for (const Json& line : lines_of(grid.output)) {
    const int number = std::stoi(line["seed_id"].get<std::string>().substr(1));
    EXPECT_GE(number % 5, 3);
    EXPECT_EQ(line["topic"], number % 2 == 0 ? "levers" : "tides");
    EXPECT_NE(line["messages"][0]["content"].get<std::string>().find("Passage number " + std::to_string(number) + " "), std::string::npos);
  }
  grid.seeds[0].where = {"edu.score > 7"};
  EXPECT_NE(message_of<ConfigError>([&] { make_prompts(grid); }).find("40 were passed over"), std::string::npos);
}

TEST_F(Prompts, BarePromptsCarryTheSystemTextInFront) {
  PromptSettings grid = settings();
  grid.form = PromptForm::prompt;
  grid.system = "Be brief.";
  make_prompts(grid);
  const Json line = lines_of(grid.output)[0];
  EXPECT_TRUE(line["prompt"].get<std::string>().starts_with("Be brief.\n\n"));
  EXPECT_FALSE(line.contains("messages"));
}

TEST_F(Prompts, AxesAndTemplatesMustFit) {
  PromptSettings grid = settings();
  grid.styles.clear();
  EXPECT_NE(message_of<ConfigError>([&] { make_prompts(grid); }).find("{style}"), std::string::npos);
  grid = settings();
  grid.templates = {"{topic} for {audience}"};
  EXPECT_NE(message_of<ConfigError>([&] { make_prompts(grid); }).find("`styles` are given"), std::string::npos);
  grid.templates = {"{topic} {audience} {style} {seed}"};
  EXPECT_NE(message_of<ConfigError>([&] { make_prompts(grid); }).find("no `seeds`"), std::string::npos);
}

TEST_F(Prompts, AllMistakesOfTheFileAreToldWithTheirLines) {
  const std::string path =
      directory_.write("p.yaml", "output: x\ncount: 0\ntemplates: ['{subject}']\nseeds:\n  - path: a\n    where: [score is high]\ncuont: 3\n");
  const std::string message = message_of<ConfigError>([&] { read_prompt_settings(path, {"form=poem"}); });
  for (const char* part : {"p.yaml:2:", "p.yaml:3:", "{subject}", "p.yaml:6:", "is no condition", "did you mean count", "override 1: form"})
    EXPECT_NE(message.find(part), std::string::npos) << part << "\n" << message;
}

TEST_F(Prompts, ListsMayStandInFiles) {
  PromptSettings grid = settings();
  grid.topics.clear();
  grid.topics_file = directory_.write("topics.txt", "one\r\n\ntwo  \none\n");
  grid.templates_file = directory_.write("templates.txt", "First line about {topic}\\nSecond for {audience} in {style}\n");
  grid.templates.clear();
  EXPECT_EQ(make_prompts(grid).cells, 12);
  EXPECT_NE(lines_of(grid.output)[0]["messages"][0]["content"].get<std::string>().find("\nSecond"), std::string::npos);
}

TEST(PromptTemplate, FillsPlacesAndKeepsDoubledBraces) {
  const PromptTemplate text("{{\"{topic}\"}} {seed}{topic}");
  EXPECT_EQ(text.fill({.topic = "{style}", .audience = "", .style = "x", .seed = "é"}), "{\"{style}\"} é{style}");
  EXPECT_TRUE(text.uses("seed"));
  EXPECT_FALSE(text.uses("style"));
  for (const char* bad : {"{", "a } b", "{topic", "{Topic}", "{}"}) EXPECT_THROW(PromptTemplate{bad}, ConfigError) << bad;
}

TEST(Condition, ComparesMembersAndAnnotations) {
  const OrderedJson document = OrderedJson::parse(R"({"language": "en", "ok": true, "annotations": {"a.score": 2.5}})");
  const auto is = [&](const char* text) { return holds(parse_condition(text), document); };
  EXPECT_TRUE(is("a.score >= 2.5") && is("a.score<3") && is("language == en") && is("language != de") && is("ok == 1") && is("ok == true"));
  EXPECT_FALSE(is("a.score > 2.5") || is("language == de") || is("missing >= 0") || is("language >= 3") || is("missing != x"));
  for (const char* bad : {"x", ">= 3", "a >=", "a >= b"}) EXPECT_THROW(parse_condition(bad), ConfigError) << bad;
}

TEST(Passage, EndsWithASentenceOrAWordAndNeverInACharacter) {
  EXPECT_EQ(passage_of("  Short one.  ", 100), "Short one.");
  EXPECT_EQ(passage_of("One sentence ends here. And the next goes on", 30), "One sentence ends here.");
  EXPECT_EQ(passage_of("One. And a long sentence that goes on and on", 30), "One. And a long sentence that");
  EXPECT_EQ(passage_of("日本語の文章です。次の文", 10), "日本語の文章です。");
  EXPECT_EQ(find_invalid_utf8(passage_of("éééééééééé", 5)), std::string::npos);
  EXPECT_EQ(passage_of("", 5), "");
}

}  // namespace
}  // namespace phidias::data
