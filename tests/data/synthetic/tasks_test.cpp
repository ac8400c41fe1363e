#include "data/synthetic/tasks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "data/tokenizers/tokenizer.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data {
namespace {

// Every prompt that a conversation shows the model: the messages before each answer.
std::set<std::string> prompts(const std::vector<Task>& tasks) {
  std::set<std::string> result;
  for (const Task& task : tasks) {
    for (std::size_t i = 1; i < task.messages.size(); ++i) {
      if (task.messages[i].role == "assistant")
        result.insert(Task{task.family, {task.messages.begin(), task.messages.begin() + static_cast<std::ptrdiff_t>(i) + 1}}.prompt());
    }
  }
  return result;
}

TEST(Tasks, TestPromptsDoNotOccurInTraining) {
  const TaskSets sets = draw_tasks({.train = 12000, .test = 500});
  ASSERT_EQ(sets.train.size(), 12000U);
  ASSERT_EQ(sets.test.size(), 500U);
  const std::set<std::string> trained = prompts(sets.train);
  std::set<std::string> tested;
  for (const Task& task : sets.test) {
    EXPECT_FALSE(trained.contains(task.prompt())) << task.prompt();
    EXPECT_TRUE(tested.insert(task.prompt()).second) << "twice: " << task.prompt();
  }
}

TEST(Tasks, EveryDictionaryAnswerOfTheTestIsTrainedInAnotherWording) {
  const TaskSets sets = draw_tasks({.train = 12000, .test = 500});
  std::set<std::string> trained;
  for (const Task& task : sets.train) {
    if (task.family == "dictionary") trained.insert(task.messages[1].content);
  }
  for (const Task& task : sets.test) {
    if (task.family == "dictionary") {
      EXPECT_TRUE(trained.contains(task.messages[1].content)) << task.prompt();
    }
  }
}

TEST(Tasks, AnswersAreRight) {
  for (const Task& task : draw_tasks({.train = 2000, .test = 1, .families = {"sort", "repeat", "compare"}}).train) {
    const std::string& question = task.messages[0].content;
    const std::string& answer = task.messages[1].content;
    if (task.family == "sort") {
      const auto words = [](std::string text) {
        std::vector<std::string> list;
        std::replace(text.begin(), text.end(), ',', ' ');
        std::istringstream stream(text);
        for (std::string word; stream >> word;) list.push_back(word);
        return list;
      };
      std::vector<std::string> asked = words(question.substr(question.find(':') + 1));
      EXPECT_FALSE(std::is_sorted(asked.begin(), asked.end()) && asked != words(answer));
      std::sort(asked.begin(), asked.end());
      EXPECT_EQ(words(answer), asked) << question;
    } else if (task.family == "repeat") {
      EXPECT_TRUE(question.ends_with(": " + answer)) << question;
    } else {
      const std::string pair = question.substr(question.find(", ") + 2);
      const std::string a = pair.substr(0, pair.find(' ')), b = pair.substr(pair.rfind(' ') + 1, pair.size() - pair.rfind(' ') - 2);
      EXPECT_TRUE(answer == a || answer == b) << question;
      const std::string& other = answer == a ? b : a;
      if (question.find("larger") != std::string::npos)
        EXPECT_GT(std::stoi(answer), std::stoi(other));
      else if (question.find("longer") != std::string::npos)
        EXPECT_GT(answer.size(), other.size());
      else
        EXPECT_LT(answer, other);
    }
  }
}

TEST(Tasks, FilesAreTheSameEveryTimeAndDifferWithTheSeed) {
  const TemporaryDirectory directory;
  const TaskReport report = make_tasks({.train = 300, .test = 50}, directory.path() / "a");
  make_tasks({.train = 300, .test = 50}, directory.path() / "b");
  make_tasks({.train = 300, .test = 50, .seed = 1}, directory.path() / "c");
  EXPECT_EQ(report.test_by_family.size(), task_families().size());
  EXPECT_EQ(read_file(directory.path() / "a/train.jsonl"), read_file(directory.path() / "b/train.jsonl"));
  EXPECT_EQ(read_file(directory.path() / "a/test.jsonl"), read_file(directory.path() / "b/test.jsonl"));
  EXPECT_NE(read_file(directory.path() / "a/test.jsonl"), read_file(directory.path() / "c/test.jsonl"));
  std::istringstream lines(read_file(directory.path() / "a/test.jsonl"));
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  const Json first = parse_json(line, "test.jsonl:1");
  EXPECT_EQ(first["answer"], first["messages"].back()["content"]);
}

TEST(Tasks, TooManyTestsAndUnknownFamiliesAreErrors) {
  EXPECT_THROW(draw_tasks({.train = 1, .test = 5000, .families = {"dictionary"}}), ConfigError);
  EXPECT_NE(message_of<ConfigError>([] { draw_tasks({.train = 1, .test = 1, .families = {"chess"}}); }).find("sort, repeat"), std::string::npos);
}

TEST(Tasks, QuickstartTokenizerHasEveryWordAsOneToken) {
  const auto tokenizer = Tokenizer::load(std::string(PHIDIAS_SOURCE_DIR) + "/recipes/quickstart/tokenizer");
  EXPECT_LE(tokenizer->vocab_size(), 1024);
  for (const Task& task : draw_tasks({.train = 500, .test = 1, .families = {"sort", "dictionary"}}).train) {
    std::istringstream words(task.messages.back().content);
    for (std::string word; words >> word;) {
      word.erase(word.find_last_not_of(',') + 1);
      EXPECT_EQ(tokenizer->encode(word).size(), 1U) << word;
    }
  }
}

}  // namespace
}  // namespace phidias::data
