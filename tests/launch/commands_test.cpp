// The commands as a user runs them, on a small model made on the spot.
#include <chrono>
#include <cmath>

#include "tests/launch/program.h"

namespace phidias::launch {
namespace {

using Commands = ProgramTest;

TEST_F(Commands, HelpOfEveryCommandHasAnExample) {
  for (const char* command :
       {"train", "generate", "chat", "score", "tokenize", "export", "init", "data make-tasks", "data inspect", "recipes list", "report"}) {
    const ProgramResult result = phidias(std::string(command) + " --help");
    EXPECT_EQ(result.code, 0) << command;
    EXPECT_NE(result.out.find("Example:"), std::string::npos) << command;
  }
}

TEST_F(Commands, WrongUsageExitsWithTwo) {
  EXPECT_EQ(phidias("").code, 2);
  EXPECT_EQ(phidias("trian recipe.yaml").code, 2);
  EXPECT_EQ(phidias("generate --prompt x").code, 2);
  EXPECT_EQ(phidias("train nowhere.yaml").code, 2);
}

TEST_F(Commands, MissingModelExitsWithThree) {
  const ProgramResult result = phidias("generate --model nowhere --prompt x");
  EXPECT_EQ(result.code, 3);
  EXPECT_NE(result.err.find("nowhere"), std::string::npos) << result.err;
}

TEST_F(Commands, TokenizeEncodesDecodesAndReportsBadLines) {
  const std::string tokenizer = PHIDIAS_SOURCE_DIR "/recipes/quickstart/tokenizer";
  write_text(folder_ / "in.jsonl",
             "{\"id\": \"a\", \"text\": \"red and \\u00e9t\\u00e9 \\ud83d\\ude00\"}\n{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}, {\"role\": "
             "\"assistant\", "
             "\"content\": \"yes\"}]}\n{broken\n{\"messages\": [{\"role\": \"robot\", \"content\": \"hi\"}]}\n");
  const ProgramResult result = phidias("tokenize --offsets --model " + tokenizer + " --input in.jsonl --output ids.jsonl");
  EXPECT_EQ(result.code, 3) << result.err;  // two of the lines are bad
  const std::vector<Json> lines = read_lines(folder_ / "ids.jsonl");
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0]["id"], "a");
  EXPECT_EQ(lines[0]["offsets"].size(), lines[0]["ids"].size());
  EXPECT_EQ(lines[0]["offsets"].back()[1], 13);  // code points of the text
  EXPECT_EQ(lines[1]["id"], 2);
  EXPECT_EQ(lines[1]["mask"].size(), lines[1]["ids"].size());
  EXPECT_EQ(lines[1]["mask"].front(), 0);
  EXPECT_EQ(lines[1]["mask"].back(), 1);  // <|endoftext|> after the answer
  EXPECT_TRUE(lines[2].contains("error"));
  EXPECT_TRUE(lines[3].contains("error"));

  write_text(folder_ / "back.jsonl", Json({{"ids", lines[0]["ids"]}}).dump() + "\n");
  EXPECT_EQ(phidias("tokenize --decode --skip-special --model " + tokenizer + " --input back.jsonl --output text.jsonl").code, 0);
  EXPECT_EQ(read_lines(folder_ / "text.jsonl")[0]["text"], "red and \u00e9t\u00e9 \U0001F600");
}

TEST_F(Commands, ScoreGivesOneLogProbabilityPerToken) {
  make_model();
  write_text(folder_ / "in.jsonl",
             "{\"text\": \"red blue green\"}\n{\"input_ids\": [5, 6, 7, 8], \"labels\": [5, -100, 7, 8]}\n{\"input_ids\": [5, 999999]}\n");
  const ProgramResult result = phidias("score --model model --input in.jsonl --output out.jsonl");
  EXPECT_EQ(result.code, 3) << result.err;
  const std::vector<Json> lines = read_lines(folder_ / "out.jsonl");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_TRUE(lines[0]["token_logprobs"][0].is_null());
  const Json& logs = lines[1]["token_logprobs"];
  ASSERT_EQ(logs.size(), 4u);
  EXPECT_EQ(lines[1]["target_tokens"], 2);
  const double loss = -(logs[2].get<double>() + logs[3].get<double>()) / 2;
  EXPECT_NEAR(lines[1]["loss"].get<double>(), loss, 1e-5 * std::abs(loss));  // both are rounded from float32
  EXPECT_NEAR(lines[1]["perplexity"].get<double>(), std::exp(loss), 1e-4 * std::exp(loss));
  EXPECT_TRUE(lines[2].contains("error"));
}

TEST_F(Commands, GenerateIsReproducibleAndKeepsTheOrder) {
  make_model();
  write_text(
      folder_ / "in.jsonl",
      "{\"id\": 7, \"prompt\": \"red\"}\n{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]}\n{\"input_ids\": []}\n{\"input_ids\": [9, 8, 7]}\n");
  const std::string flags = "generate --model model --input in.jsonl --max-new-tokens 5 --ignore-eos --temperature 0.8 --seed 3 --output ";
  EXPECT_EQ(phidias(flags + "one.jsonl").code, 3);  // an empty prompt is its line's error
  EXPECT_EQ(phidias(flags + "two.jsonl --batch-size 1").code, 3);
  const std::vector<Json> one = read_lines(folder_ / "one.jsonl"), two = read_lines(folder_ / "two.jsonl");
  ASSERT_EQ(one.size(), 4u);
  EXPECT_EQ(one[0]["id"], 7);
  EXPECT_EQ(one[0]["output_ids"].size(), 5u);
  EXPECT_EQ(one[0]["finish"], "length");
  EXPECT_TRUE(one[2].contains("error"));
  for (std::size_t i : {0u, 1u, 3u}) EXPECT_EQ(one[i]["output_ids"], two[i]["output_ids"]) << i;
}

TEST_F(Commands, AFieldOfAnUnexpectedTypeIsItsLinesErrorAlone) {
  make_model();
  const std::string user = "{\"messages\": [{\"role\": \"user\", \"content\": ";
  write_text(folder_ / "in.jsonl", user + "[{\"type\": 5, \"text\": \"a\"}]}]}\n" + user +
                                       "[{\"type\": \"text\", \"text\": 5}]}]}\n{\"input_ids\": \"5\"}\n{\"input_ids\": [5, 6]}\n");
  for (const char* command : {"generate --max-new-tokens 2", "score"}) {
    const ProgramResult result = phidias(std::string(command) + " --model model --input in.jsonl --output out.jsonl");
    EXPECT_EQ(result.code, 3) << result.err;
    const std::vector<Json> lines = read_lines(folder_ / "out.jsonl");
    ASSERT_EQ(lines.size(), 4u) << command;
    for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(lines[i].contains("error")) << lines[i];
    EXPECT_TRUE(lines[3].contains("token_logprobs")) << lines[3];
  }
}

TEST_F(Commands, ChatAnswersLineByLine) {
  make_model();
  write_text(folder_ / "lines.txt", "hello\nagain\n");
  const ProgramResult result = phidias("chat --model model --max-new-tokens 3", "", "lines.txt");
  EXPECT_EQ(result.code, 0) << result.err;
}

TEST_F(Commands, ExportKeepsEveryByteOfTheModel) {
  make_model("--dtype bfloat16");
  std::filesystem::create_directory(folder_ / "copy");  // an empty one is as good as none
  const ProgramResult result = phidias("export --model model --output copy --verify");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(slurp(folder_ / "model/model.safetensors"), slurp(folder_ / "copy/model.safetensors"));
  EXPECT_EQ(slurp(folder_ / "model/tokenizer.json"), slurp(folder_ / "copy/tokenizer.json"));
  EXPECT_EQ(slurp(folder_ / "model/config.json"), slurp(folder_ / "copy/config.json"));
  EXPECT_EQ(phidias("export --model model --output copy").code, 2);  // never overwritten
}

TEST_F(Commands, RecipesAreListedShownCopiedAndValidated) {
  const ProgramResult list = phidias("recipes list");
  EXPECT_NE(list.out.find("sft/phi-3.5-mini"), std::string::npos) << list.err;
  EXPECT_EQ(phidias("recipes copy sft/phi-3.5-mini mine.yaml").code, 0);
  EXPECT_EQ(phidias("recipes copy sft/phi-3.5-mini mine.yaml").code, 2);  // never overwritten
  EXPECT_EQ(phidias("recipes validate mine.yaml model.path=x data.train=y").code, 0);
  EXPECT_EQ(phidias("recipes show nothing").code, 2);
}

TEST_F(Commands, InspectMarksTrainedTokens) {
  make_tasks();
  const ProgramResult result = phidias("data inspect tasks/train.jsonl --model " PHIDIAS_SOURCE_DIR "/recipes/quickstart/tokenizer");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("<|assistant|>"), std::string::npos);
}

}  // namespace
}  // namespace phidias::launch
