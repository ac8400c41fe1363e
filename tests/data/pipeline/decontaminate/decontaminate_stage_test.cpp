#include "data/pipeline/decontaminate/decontaminate_stage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "base/error.h"
#include "data/pipeline/stage_type.h"
#include "parallel/single_process.h"
#include "tests/data/pipeline/decontaminate/golden_cases.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

using Documents = std::deque<Document>;

Documents documents_of(const std::vector<std::string>& texts) {
  Documents documents;
  for (const std::string& text : texts) documents.emplace_back().set_text(text);
  return documents;
}

// As a pipeline does it, in two units.
void resolve(CollectiveStage& stage, Documents& documents) {
  const std::size_t half = documents.size() / 2;
  std::vector<RecordList> records(2), decisions(2);
  for (std::size_t i = 0; i < documents.size(); ++i) {
    std::string record;
    stage.collect(documents[i], record);
    records[i < half ? 0 : 1].add(record);
  }
  const std::string first = records[0].bytes(), second = records[1].bytes();
  const std::vector<CollectedUnit> units = {{0, "", RecordListView(first)}, {static_cast<std::int64_t>(half), "", RecordListView(second)}};
  parallel::SingleProcess group;
  stage.resolve({.units = units, .documents = static_cast<std::int64_t>(documents.size()), .group = &group, .scratch = {}}, decisions);
  ASSERT_EQ(decisions[0].size() + decisions[1].size(), documents.size());
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const std::string bytes = decisions[i < half ? 0 : 1].bytes();
    const std::string_view decision = RecordListView(bytes)[i < half ? i : i - half];
    if (!decision.empty()) stage.apply(documents[i], decision);
  }
}

void run(const DecontaminateConfig& config, Documents& documents, std::vector<std::pair<std::string, std::string>>* notes = nullptr) {
  DecontaminateStage stage(config, {.name = "clean"});
  std::vector<Document*> batch;
  for (Document& document : documents) batch.push_back(&document);
  stage.worker()->process(batch);
  if (CollectiveStage* collective = stage.collective()) resolve(*collective, documents);
  if (notes != nullptr) *notes = stage.notes();
}

DecontaminateConfig golden_config(ContaminationRule rule) {
  DecontaminateConfig config;
  config.evaluation = {{.path = golden_folder() + "evaluation.jsonl", .name = "set", .answers = {"answer"}}};
  config.rule = rule;
  config.short_items = false;  // as the tools themselves
  return config;
}

Documents golden_documents() { return documents_of(golden_cases()["documents"]); }

void expect_texts(ContaminationRule rule, const std::string& name) {
  Documents documents = golden_documents();
  const Documents before = golden_documents();
  run(golden_config(rule), documents);
  const Json& expected = golden_cases()["expected"][name];
  ASSERT_EQ(expected.size(), documents.size());
  std::size_t cut = 0, dropped = 0;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    EXPECT_EQ(!documents[i].dropped(), expected[i]["kept"].get<bool>()) << name << " " << i << " " << documents[i].reason();
    if (documents[i].dropped()) {
      ++dropped;
      continue;
    }
    cut += !expected[i]["text"].is_null();
    EXPECT_EQ(documents[i].text(), expected[i]["text"].is_null() ? before[i].text() : expected[i]["text"].get<std::string>()) << name << " " << i;
  }
  EXPECT_GT(cut, 10U);
  EXPECT_GT(dropped, 5U);
}

TEST(Decontaminate, CutsAsTheRuleOfGpt3Says) { expect_texts(ContaminationRule::gpt3, "gpt3"); }
TEST(Decontaminate, CutsAsLmEvalsJanitor) { expect_texts(ContaminationRule::janitor, "janitor"); }
TEST(Decontaminate, CutsAsTheRuleOfCuratorSays) { expect_texts(ContaminationRule::curator, "curator"); }

TEST(Decontaminate, DropsWhatDatatroveDrops) {
  for (const auto& [splitter, name] : {std::pair{SplitterKind::whitespace, "datatrove_whitespace"}, {SplitterKind::regex, "datatrove_regex"}}) {
    Documents documents = golden_documents();
    DecontaminateConfig config = golden_config(ContaminationRule::datatrove);
    config.splitter = splitter;
    run(config, documents);
    const Json& expected = golden_cases()["expected"][name];
    for (std::size_t i = 0; i < documents.size(); ++i) EXPECT_EQ(!documents[i].dropped(), expected[i].get<bool>()) << name << " " << i;
  }
}

TEST(Decontaminate, MeasuresWhatCosmopediaMeasures) {
  Documents documents = golden_documents();
  run(golden_config(ContaminationRule::cosmopedia), documents);
  const Json& expected = golden_cases()["expected"]["cosmopedia"];
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const double ratio = documents[i].annotations().number("clean.ratio").value_or(0);
    EXPECT_NEAR(ratio, expected[i].get<double>(), 1e-12) << i;  // one division of two integers
    EXPECT_EQ(documents[i].dropped(), ratio > 0.5) << i;
  }
}

class SmallSet : public testing::Test {
 protected:
  DecontaminateConfig config(ContaminationRule rule, const std::string& lines) {
    DecontaminateConfig config;
    config.evaluation = {{.path = directory_.write("school.jsonl", lines)}};
    config.rule = rule;
    return config;
  }
  TemporaryDirectory directory_;
};

const char* const kQuestion = "A farmer has 12 cows and buys 7 more at the market on Monday; how many cows has he got now?";

std::string line(const std::string& question) { return Json({{"question", question}}).dump() + "\n"; }

TEST_F(SmallSet, QuestionsAreFoundWhenReworded) {
  const DecontaminateConfig settings = config(ContaminationRule::questions, line(kQuestion));
  Documents documents = documents_of({std::string("Exercise. ") + kQuestion + " Answer: 19.",
                                      "A farmer has 12 sheep and buys 7 more at the market on Monday. How many sheep has he got now?",     // other animals
                                      "Prices: the grocer buys 7 more at the market on Monday in March, and sells them again on Friday.",  // an n-gram only
                                      "A farmer has many animals on the farm and goes to the market every week."});
  run(settings, documents);
  EXPECT_TRUE(documents[0].dropped());
  EXPECT_EQ(documents[0].reason(), "school");
  EXPECT_EQ(documents[0].annotations().text("clean.items"), "school/1");
  EXPECT_EQ(documents[0].annotations().number("clean.ratio"), 1.0);
  EXPECT_TRUE(documents[1].dropped());
  EXPECT_NEAR(*documents[1].annotations().number("clean.ratio"), 19.0 / 21.0, 1e-12);  // 19 of the question's 21 words
  EXPECT_FALSE(documents[2].dropped());
  EXPECT_GT(*documents[2].annotations().number("clean.ratio"), 0.3);
  EXPECT_FALSE(documents[3].dropped());
  EXPECT_FALSE(documents[3].annotations().has("clean.hits"));
}

TEST_F(SmallSet, ShortItemsCountAsAWholeOrAsALine) {
  DecontaminateConfig settings = config(ContaminationRule::datatrove, line("Which planet of the sun has the largest moon?") +  // 9 words: as a whole
                                                                          line("Name the largest moon.") + line("Why?"));
  settings.splitter = SplitterKind::whitespace;
  const std::vector<std::string> texts = {"He asked which PLANET of the sun has the largest moon, and left.", "List:\n  name the largest moon\nGanymede",
                                          "Can you name the largest moon of Jupiter?", "Why?\n"};
  Documents documents = documents_of(texts);
  std::vector<std::pair<std::string, std::string>> notes;
  run(settings, documents, &notes);
  EXPECT_TRUE(documents[0].dropped());
  EXPECT_TRUE(documents[1].dropped());
  EXPECT_FALSE(documents[2].dropped());
  EXPECT_FALSE(documents[3].dropped());
  EXPECT_EQ(notes.front(), (std::pair<std::string, std::string>{"school", "3 items, 1 looked for as a whole, 1 as a line, 1 too short to look for"}));
  settings.short_items = false;
  documents = documents_of(texts);
  run(settings, documents);
  for (const Document& document : documents) EXPECT_FALSE(document.dropped());
  // The same where places are known.
  settings = config(ContaminationRule::janitor, line("Name the largest moon."));
  documents = documents_of({"List:\n  name the largest moon\nGanymede", "Can you name the largest moon of Jupiter?\nname"});
  settings.action = ContaminationAction::drop;
  run(settings, documents);
  EXPECT_TRUE(documents[0].dropped());
  EXPECT_FALSE(documents[1].dropped());
}

TEST_F(SmallSet, CommonNgramsDoNotCount) {
  const std::string item = "one two three four five six seven eight nine ten eleven twelve thirteen";
  DecontaminateConfig settings = config(ContaminationRule::gpt3, line(item));
  settings.action = ContaminationAction::drop;
  std::vector<std::string> texts(10, "It says " + item + " here and " + item + " again.");
  Documents documents = documents_of(texts);
  std::vector<std::pair<std::string, std::string>> notes;
  run(settings, documents, &notes);
  for (const Document& document : documents) EXPECT_TRUE(document.dropped());  // in ten documents, twice each
  const auto hit = std::find(notes.begin(), notes.end(), std::pair<std::string, std::string>{"school hit", "in 10 documents"});
  EXPECT_NE(hit, notes.end());
  texts.push_back(item);
  documents = documents_of(texts);
  run(settings, documents, &notes);
  for (const Document& document : documents) EXPECT_FALSE(document.dropped());
  EXPECT_EQ(notes.back().second, "1");
  settings.common_limit = 0;  // not a collective stage any more
  EXPECT_EQ(DecontaminateStage(settings, {.name = "clean"}).collective(), nullptr);
  documents = documents_of(texts);
  run(settings, documents);
  for (const Document& document : documents) EXPECT_TRUE(document.dropped());
}

TEST_F(SmallSet, AnnotatesWithoutTouchingTheDocument) {
  DecontaminateConfig settings = config(ContaminationRule::janitor, line(kQuestion));
  settings.action = ContaminationAction::annotate;
  Documents documents = documents_of({kQuestion});
  run(settings, documents);
  EXPECT_FALSE(documents[0].dropped());
  EXPECT_EQ(documents[0].text(), kQuestion);
  EXPECT_EQ(documents[0].annotations().number("clean.hits"), 9.0);  // 21 words, 13-grams
  EXPECT_EQ(documents[0].annotations().number("clean.school"), 1.0);
}

TEST_F(SmallSet, EveryItemThatIsNotReadIsAnError) {
  EXPECT_NE(message_of<DataError>([&] {
              ContaminationFinder{config(ContaminationRule::gpt3, line("a b") + "{\"q\": 1}\n")};
            }).find("school.jsonl:2: no field 'question'"),
            std::string::npos);
  EXPECT_NE(message_of<DataError>([&] { ContaminationFinder{config(ContaminationRule::gpt3, "{\"question\": {}}\n")}; }).find("neither a text"),
            std::string::npos);
  EXPECT_NE(message_of<DataError>([&] { ContaminationFinder{config(ContaminationRule::gpt3, "{\"question\": \"x\n")}; }).find("school.jsonl:1"),
            std::string::npos);
  EXPECT_NE(message_of<DataError>([&] { ContaminationFinder{config(ContaminationRule::gpt3, "\n")}; }).find("without items"), std::string::npos);
  DecontaminateConfig settings = config(ContaminationRule::datatrove, line("x"));
  settings.action = ContaminationAction::remove_spans;
  EXPECT_THROW(ContaminationFinder{settings}, ConfigError);
}

TEST(Decontaminate, IsRegisteredWithItsKeys) {
  const auto types = decontaminate_stages();
  ASSERT_EQ(types.size(), 1U);
  EXPECT_EQ(types[0].key, "decontaminate");
  for (const char* key : {"evaluation", "rule", "action", "common_limit", "short_items"}) EXPECT_NE(types[0].reference().find(key), std::string::npos) << key;
}

}  // namespace
}  // namespace phidias::data::pipeline
