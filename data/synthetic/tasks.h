// The quickstart's conversations: small tasks that a model of a few million parameters learns in minutes, and a disjoint test.
//
//   sort        "Sort these words: pear, cat, moon" -> "cat, moon, pear"
//   repeat      "Repeat: fox table sun" -> "fox table sun"
//   compare     the larger of two numbers, the longer word, the word that comes first in the alphabet
//   dictionary  opposites, plurals, colors, capitals, sounds: every entry is trained in other wordings than it is tested in
//   follow-up   two turns: "Now in upper case.", "Now sort them.", "Only the last word." ...
//
// Deterministic: conversation i of a file is drawn with Philox keyed by (seed, file, i, attempt).
//
//   TaskReport report = make_tasks({.train = 12000, .test = 500}, "runs/quickstart-data");
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "data/chat_template.h"

namespace phidias::data {

struct TaskOptions {
  std::int64_t train = 48000, test = 500;  // conversations
  std::int64_t seed = 0;
  std::vector<std::string> families;  // empty: all of them
};

struct Task {
  std::string family;
  std::vector<Message> messages;  // ends with the expected answer
  // Everything before the last answer, as one text: what must not occur in training.
  std::string prompt() const;
};

struct TaskReport {
  std::int64_t train = 0, test = 0;
  std::map<std::string, std::int64_t> test_by_family;
};

std::vector<std::string> task_families();
// Train and test conversations. No prompt of `test` is a prompt of `train`, or a prefix of one of its conversations that ends before an answer. Throws
// ConfigError: an unknown family, or more test conversations than the families have distinct prompts.
struct TaskSets {
  std::vector<Task> train, test;
};
TaskSets draw_tasks(const TaskOptions& options);

// Writes train.jsonl and test.jsonl into `directory` (created): {"family", "messages"}; in test.jsonl also "answer", the last message's content.
TaskReport make_tasks(const TaskOptions& options, const std::filesystem::path& directory);

}  // namespace phidias::data
