#include "data/synthetic/answers.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "data/record.h"
#include "data/synthetic/answers_checks.h"
#include "data/synthetic/near_duplicates.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data {
namespace {

std::string reason_of(const AnswerSettings& settings, const std::string& question, const Json& answer, const Json& prompt = Json::object()) {
  return AnswerChecks(settings).reason(question, OrderedJson(prompt), OrderedJson(answer), answer.value("text", ""));
}

TEST(AnswerChecks, NameWhatIsWrong) {
  AnswerSettings settings;
  settings.minimum_characters = 5;
  settings.maximum_characters = 400;
  settings.execution_field = "execution.passed";
  const Json passed = {{"passed", true}};
  const auto reason = [&](Json answer) {
    if (!answer.contains("execution")) answer["execution"] = passed;
    return reason_of(settings, "Name the four seasons of the year in the order of the calendar, please, and say when each begins.", answer);
  };
  EXPECT_EQ(reason({{"text", "Winter, spring, summer and autumn."}}), "");
  EXPECT_EQ(reason({{"text", " \n "}}), "empty");
  EXPECT_EQ(reason({{"text", "Winter, spr"}, {"finish", "length"}}), "truncated");
  EXPECT_EQ(reason({{"text", "Winter<|end|><|user|>"}}), "special_token");
  EXPECT_EQ(reason({{"text", "Yes"}}), "too_short");
  std::string long_text;
  for (int i = 0; i < 120; ++i) long_text += "w" + std::to_string(i) + " ";
  EXPECT_EQ(reason({{"text", long_text}}), "too_long");
  std::string loop = "Start. ";
  for (int i = 0; i < 6; ++i) loop += "The summer is warm and the winter is cold here. ";
  EXPECT_EQ(reason({{"text", loop}}), "repetition");
  EXPECT_EQ(reason({{"text", "Yes: lelelelelelelelelelele"}}), "repetition");
  EXPECT_EQ(reason({{"text", "Name the four seasons of the year in the order of the calendar, please, and say when each begins."}}), "echo");
  EXPECT_EQ(reason({{"text", "Winter, spring."}, {"execution", {{"passed", false}}}}), "execution_failed");
  EXPECT_EQ(reason({{"text", "Winter, spring."}, {"execution", nullptr}}), "execution_missing");
}

TEST(AnswerChecks, KnowRefusalsOfManyLanguages) {
  const AnswerSettings settings;
  for (const char* refusal :
       {"I'm sorry, but I can't help with that.", "I cannot assist with this request.", "As an AI language model, I do not have opinions.",
        "**Sorry, I can't do that.**", "I’m unable to provide that information.", "Es tut mir leid, aber das geht nicht.", "Als KI kann ich das nicht.",
        "Je suis désolé, mais je ne peux pas.", "En tant qu'IA, je n'ai pas d'avis.", "Lo siento, pero no puedo ayudarte.", "Mi dispiace, ma non posso.",
        "Sinto muito, mas não posso ajudar.", "Het spijt me, maar dat kan ik niet.", "Przykro mi, ale nie mogę.", "Извините, но я не могу помочь.",
        "很抱歉，我无法回答。", "作为一个人工智能，我不能。", "申し訳ありませんが、お答えできません。"})
    EXPECT_EQ(reason_of(settings, "", {{"text", refusal}}), "refusal") << refusal;
  for (const char* answer : {"I can help: first, add the numbers.", "The word 'cannot' is written as one word.", "Sorry is spelled s-o-r-r-y.",
                             "As an aircraft climbs, the air gets thinner.", "Als Kind lebte er in Bonn.", "Como ia dizendo, o rio corre para o mar.",
                             "Lo siento mucho es una frase de cortesía.", "To be sorry, but not ashamed, is a theme of the play: I can't help admiring it."})
    EXPECT_EQ(reason_of(settings, "", {{"text", answer}}), "") << answer;
  AnswerSettings own = settings;
  own.refusals = false;
  own.refusal_patterns = {"(?i)^no comment"};
  EXPECT_EQ(reason_of(own, "", {{"text", "No comment on this."}}), "refusal");
  EXPECT_EQ(reason_of(own, "", {{"text", "I cannot assist with this request."}}), "");
  own.refusal_patterns = {"(open"};
  EXPECT_THROW(AnswerChecks{own}, ConfigError);
}

TEST(AnswerChecks, CompareTheLanguage) {
  AnswerSettings settings;
  settings.language = "de";
  EXPECT_EQ(reason_of(settings, "", {{"text", "Ein Satz."}, {"language", "de"}}), "");
  EXPECT_EQ(reason_of(settings, "", {{"text", "A sentence."}, {"language", "en"}}), "language");
  settings.language = "prompt";
  EXPECT_EQ(reason_of(settings, "", {{"text", "A sentence."}, {"language", "en"}}, {{"language", "en"}}), "");
  const std::string english = "The river rises in the hills behind the town and reaches the sea after forty miles.";
  const std::string german = "Der Fluss entspringt in den Bergen hinter der Stadt und erreicht nach vierzig Meilen das Meer.";
  EXPECT_EQ(reason_of(settings, "", {{"text", english}}, {{"language", "en"}}), "") << "without the member the text itself tells";
  EXPECT_EQ(reason_of(settings, "", {{"text", german}}, {{"language", "en"}}), "language");
  EXPECT_EQ(reason_of(settings, "", {{"text", german}}, {{"language", "de"}}), "");
  EXPECT_EQ(reason_of(settings, "", {{"text", "Ja."}}, {{"language", "en"}}), "") << "too short to tell";
}

TEST(AnswerChecks, MeasureRepetition) {
  EXPECT_DOUBLE_EQ(periodic_part("abcabcabcabcabcabc"), 1.0);
  EXPECT_DOUBLE_EQ(periodic_part("No piece comes again in this text."), 0.0);
  EXPECT_DOUBLE_EQ(periodic_part("aaa"), 0.0);
  std::vector<std::string> words;
  for (int i = 0; i < 20; ++i) words.push_back(std::to_string(i % 10));
  EXPECT_DOUBLE_EQ(repetition(words), 3.0 / 13);  // 13 runs of eight, the last three have been there
}

TEST(ResultPattern, TakesTheLastMatchOrTheLastLine) {
  EXPECT_EQ(ResultPattern("Answer:\\s*(.+)").find("Answer: 3\nNo, wrong.\nAnswer:  4 \n"), "4");
  EXPECT_EQ(ResultPattern("Answer:\\s*(.+)").find("none"), std::nullopt);
  EXPECT_EQ(ResultPattern("").find("Some steps.\n  42  \n\n"), "42");
  EXPECT_EQ(ResultPattern("").find("  \n"), std::nullopt);
  EXPECT_EQ(ResultPattern("(x*)").find("axxb"), std::nullopt);  // ends, though it matches nothing
  EXPECT_THROW(ResultPattern("no group"), ConfigError);
}

class Answers : public testing::Test {
 protected:
  AnswerSettings settings(const std::vector<Json>& prompts, const std::vector<Json>& answers) const {
    AnswerSettings settings;
    settings.prompts = {write("prompts.jsonl", prompts)};
    settings.answers = {write("answers.jsonl", answers)};
    settings.output = (directory_.path() / "train.jsonl").string();
    return settings;
  }
  std::string write(const std::string& name, const std::vector<Json>& lines) const {
    std::string text;
    for (const Json& line : lines) text += line.dump() + "\n";
    return directory_.write(name, text);
  }
  std::vector<Json> records(const AnswerSettings& settings) const {
    std::vector<Json> lines;
    std::istringstream stream(read_file(settings.output));
    for (std::string line; std::getline(stream, line);) lines.push_back(parse_json(line, settings.output));
    return lines;
  }
  static Json question(const std::string& id) { return {{"id", id}, {"prompt", "Question " + id + "?"}, {"topic", "t" + id}}; }
  TemporaryDirectory directory_;
};

TEST_F(Answers, BecomeRecordsOfEveryKindThatTrainingReads) {
  AnswerSettings import = settings({{{"id", 7}, {"messages", {{{"role", "system"}, {"content", "S"}}, {{"role", "user"}, {"content", "Q"}}}}, {"topic", "x"}}},
                                   {{{"id", 7}, {"text", "An answer."}, {"finish", "stop"}}});
  RecordParser parser;
  const AnswerReport report = import_answers(import);
  EXPECT_EQ(report.kept, 1);
  EXPECT_DOUBLE_EQ(report.mean_characters, 10);
  Json record = records(import)[0];
  EXPECT_EQ(record["id"], "7");
  EXPECT_EQ(record["topic"], "x");
  const Record chat = parser.parse(record.dump(), RecordKind::automatic);
  EXPECT_EQ(chat.kind, RecordKind::chat);
  ASSERT_EQ(chat.messages.size(), 3U);
  EXPECT_EQ(chat.messages[2].content, "An answer.");
  import.form = AnswerForm::completion;
  import_answers(import);
  const Record completion = parser.parse(records(import)[0].dump(), RecordKind::automatic);
  EXPECT_EQ(completion.kind, RecordKind::completion);
  EXPECT_EQ(completion.prompt + "|" + completion.completion, "S\n\nQ|An answer.");
  import.form = AnswerForm::text;
  import_answers(import);
  EXPECT_EQ(parser.parse(records(import)[0].dump(), RecordKind::automatic).text, "An answer.");
}

TEST_F(Answers, AreKeptOrDroppedForOneReason) {
  AnswerSettings import = settings({question("a"), question("b"), question("c")}, {{{"id", "a"}, {"text", "Good answer."}},
                                                                                   {{"id", "a"}, {"text", "Another good one."}},
                                                                                   {{"id", "b"}, {"error", "too long"}},
                                                                                   {{"id", "b"}, {"text", 3}},
                                                                                   {{"id", "z"}, {"text", "Nobody asked."}}});
  import.dropped = (directory_.path() / "dropped.jsonl").string();
  const AnswerReport report = import_answers(import);
  EXPECT_EQ(report.answers, 5);
  EXPECT_EQ(report.kept, 1);
  EXPECT_EQ(report.unanswered, 1);
  const std::map<std::string, std::int64_t> expected = {{"surplus", 1}, {"generator_error", 1}, {"schema", 1}, {"unknown_prompt", 1}};
  EXPECT_EQ(report.dropped, expected);
  EXPECT_EQ(read_json(import.output + ".report.json")["dropped_by_reason"]["surplus"], 1);
  EXPECT_NE(read_file(import.dropped).find("{\"id\":\"z\",\"reason\":\"unknown_prompt\",\"text\":\"Nobody asked.\"}"), std::string::npos);
  import.per_prompt = 2;
  EXPECT_EQ(import_answers(import).kept, 2);
  EXPECT_EQ(records(import)[1]["id"], "a-2");
}

TEST_F(Answers, TellNamesInKeepThatNoPromptHas) {
  AnswerSettings import = settings({question("a")}, {{{"id", "a"}, {"text", "Good answer."}}});
  EXPECT_TRUE(import_answers(import).keep_not_found.empty()) << "what stands there by default may be missing";
  import.keep = {"topik", "topic"};
  const AnswerReport report = import_answers(import);
  EXPECT_EQ(report.keep_not_found, std::vector<std::string>{"topik"});
  EXPECT_EQ(report.members_seen, (std::vector<std::string>{"id", "prompt", "topic"}));
  EXPECT_EQ(read_json(import.output + ".report.json")["keep_not_found"][0], "topik");
}

TEST_F(Answers, VoteKeepsThePlurality) {
  std::vector<Json> answers;
  const auto sample = [&](const std::string& id, const std::string& result) {
    answers.push_back({{"id", id}, {"text", "Thoughts number " + std::to_string(answers.size()) + " on it.\n" + result}});
  };
  for (const char* result : {"4", "4", "5"}) sample("mostly", result);
  for (const char* result : {"4", "4", "4"}) sample("all", result);
  for (const char* result : {"4", "5", "6"}) sample("none", result);
  for (const char* result : {"4", "4", "5", "5"}) sample("tie", result);
  sample("one", "4");
  std::vector<Json> prompts;
  for (const char* id : {"mostly", "all", "none", "tie", "one"}) prompts.push_back(question(id));
  AnswerSettings import = settings(prompts, answers);
  import.vote.enabled = true;
  import.per_prompt = 5;
  AnswerReport report = import_answers(import);
  const std::map<std::string, std::int64_t> expected = {{"minority", 1}, {"too_easy", 3}, {"too_hard", 7}, {"too_few_samples", 1}};
  EXPECT_EQ(report.dropped, expected);
  EXPECT_EQ(report.kept, 2);
  import.vote.drop_unanimous = false;
  import.vote.minimum_agreement = 0.7;
  report = import_answers(import);
  EXPECT_EQ(report.kept, 3);  // two of three are below 0.7
  EXPECT_EQ(report.dropped.at("too_hard"), 10);
}

TEST_F(Answers, DuplicatesGoAndShortOnesMayBeEqual) {
  const std::string text = "Water boils at a lower temperature on a mountain because the pressure of the air is lower there than it is at the sea.";
  std::string near = text;
  near.replace(near.find("than it is at the sea"), 21, "than it is at the shore");
  AnswerSettings import = settings({question("a"), question("b"), question("c"), question("d"), question("e")}, {{{"id", "a"}, {"text", text}},
                                                                                                                 {{"id", "b"}, {"text", text}},
                                                                                                                 {{"id", "c"}, {"text", near}},
                                                                                                                 {{"id", "d"}, {"text", "42"}},
                                                                                                                 {{"id", "e"}, {"text", "42"}}});
  const AnswerReport report = import_answers(import);
  const std::map<std::string, std::int64_t> expected = {{"duplicate", 1}, {"near_duplicate", 1}};
  EXPECT_EQ(report.dropped, expected);
  EXPECT_EQ(report.kept, 3);
}

TEST_F(Answers, BrokenLinesAndPromptsAreErrorsWithTheirPlaces) {
  AnswerSettings import = settings({question("a")}, {{{"id", "a"}, {"text", "Fine."}}});
  directory_.write("answers.jsonl", "{\"id\": \"a\", \"text\": \"Fine.\"}\n{\"id\": \"a\", \"te\n");
  EXPECT_NE(message_of<DataError>([&] { import_answers(import); }).find("answers.jsonl:2: not valid JSON"), std::string::npos);
  import.on_error = configs::OnError::skip;
  EXPECT_EQ(import_answers(import).dropped.at("broken_line"), 1);
  const auto prompt_error = [&](const Json& line) {
    import.prompts = {write("prompts.jsonl", {question("a"), line})};
    return message_of<DataError>([&] { import_answers(import); });
  };
  EXPECT_NE(prompt_error(question("a")).find("stands already at"), std::string::npos);
  EXPECT_NE(prompt_error({{"id", "b"}, {"messages", {{{"role", "robot"}, {"content", "x"}}}}}).find("message 1: the role"), std::string::npos);
  EXPECT_NE(prompt_error({{"id", "b"}, {"messages", {{{"role", "assistant"}, {"content", "x"}}}}}).find("not the user's"), std::string::npos);
  EXPECT_NE(prompt_error({{"id", "b"}, {"messages", "x"}}).find("no list"), std::string::npos);
  EXPECT_NE(prompt_error({{"id", "b"}}).find("prompts.jsonl:2: neither"), std::string::npos);
}

TEST_F(Answers, AllMistakesOfTheFileAreTold) {
  const std::string path =
      directory_.write("i.yaml", "output: x\nprompts: [a]\nrefusal_patterns: ['(']\nvote: {enabled: yes, pattern: 'x', minimum_samples: 1}\n");
  const std::string message = message_of<ConfigError>([&] { read_answer_settings(path, {"form=poem"}); });
  for (const char* part : {"answers: required", "i.yaml:3:", "i.yaml:4:", "has no group", "minimum_samples", "override 1: form"})
    EXPECT_NE(message.find(part), std::string::npos) << part << "\n" << message;
}

}  // namespace
}  // namespace phidias::data
