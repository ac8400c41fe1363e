#include "data/synthetic/tasks.h"

#include <unordered_set>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "data/synthetic/task_families.h"

namespace phidias::data {
namespace {

enum class File : std::uint64_t { train = 0, test = 1 };

std::string text_of(const std::vector<Message>& messages, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += messages[i].role + '\x1f' + messages[i].content + '\x1e';
  return text;
}

Draw stream(const TaskOptions& options, File file, std::int64_t index, std::int64_t attempt) {
  return Draw(philox_key(static_cast<std::uint64_t>(options.seed), RandomSite::task_generator, static_cast<std::uint64_t>(file),
                         static_cast<std::uint64_t>(index), static_cast<std::uint64_t>(attempt)));
}

std::string to_line(const Task& task, bool with_answer) {
  OrderedJson messages = OrderedJson::array();
  for (const Message& message : task.messages) messages.push_back({{"role", message.role}, {"content", message.content}});
  OrderedJson line = {{"family", task.family}, {"messages", std::move(messages)}};
  if (with_answer) line["answer"] = task.messages.back().content;
  return line.dump() + '\n';
}

}  // namespace

std::vector<std::string> task_families() { return {"sort", "repeat", "compare", "dictionary", "follow-up"}; }

std::string Task::prompt() const { return text_of(messages, messages.size() - 1); }

TaskSets draw_tasks(const TaskOptions& options) {
  const std::vector<std::string> families = options.families.empty() ? task_families() : options.families;
  const auto family = [&](std::int64_t index) -> const std::string& { return families[static_cast<std::size_t>(index) % families.size()]; };
  constexpr std::int64_t kAttempts = 1000;
  TaskSets sets;
  std::unordered_set<std::string> test_prompts;
  for (std::int64_t i = 0; i < options.test; ++i) {
    for (std::int64_t attempt = 0;; ++attempt) {
      if (attempt == kAttempts) {
        throw ConfigError("the task families have no " + std::to_string(options.test) + " different prompts for the test; ask for fewer (" + std::to_string(i) +
                          " were found)");
      }
      Draw draw = stream(options, File::test, i, attempt);
      // After many draws of a family with few prompts, another one takes its place.
      Task task = draw_task(family(i + attempt / 100), draw, true);
      if (!test_prompts.insert(task.prompt()).second) continue;
      sets.test.push_back(std::move(task));
      break;
    }
  }
  const auto occurs_in_test = [&](const Task& task) {
    for (std::size_t count = 1; count < task.messages.size(); ++count) {
      if (task.messages[count].role == "assistant" && test_prompts.contains(text_of(task.messages, count))) return true;
    }
    return false;
  };
  for (std::int64_t i = 0; i < options.train; ++i) {
    for (std::int64_t attempt = 0;; ++attempt) {
      if (attempt == kAttempts) throw ConfigError("the task families have too few prompts beside those of the test; ask for a smaller test");
      Draw draw = stream(options, File::train, i, attempt);
      Task task = draw_task(family(i), draw, false);
      if (occurs_in_test(task)) continue;
      sets.train.push_back(std::move(task));
      break;
    }
  }
  return sets;
}

TaskReport make_tasks(const TaskOptions& options, const std::filesystem::path& directory) {
  const TaskSets sets = draw_tasks(options);
  TaskReport report{static_cast<std::int64_t>(sets.train.size()), static_cast<std::int64_t>(sets.test.size()), {}};
  std::string train, test;
  for (const Task& task : sets.train) train += to_line(task, false);
  for (const Task& task : sets.test) {
    test += to_line(task, true);
    ++report.test_by_family[task.family];
  }
  std::filesystem::create_directories(directory);
  write_file_atomic(directory / "train.jsonl", train);
  write_file_atomic(directory / "test.jsonl", test);
  return report;
}

}  // namespace phidias::data
