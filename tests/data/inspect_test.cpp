#include "data/inspect.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/error.h"
#include "base/json.h"
#include "tests/data/byte_tokenizer.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data {
namespace {

TEST(Inspect, ShowsDocumentsWithTrainedTokensMarked) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("a.jsonl",
                                           "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}, {\"role\": \"assistant\", \"content\": "
                                           "\"a\\nb<|end|>\"}]}\n\n{\"text\": \"abc\"}\n{\"text\": \"not shown\"}\n");
  std::ostringstream out;
  InspectOptions options;
  options.data.chat_template = "phi-3-mini";
  options.documents = 2;
  inspect_file(path, ByteTokenizer(), options, out);
  const std::string text = out.str();
  EXPECT_NE(text.find("chat template: phi-3-mini"), std::string::npos) << text;
  EXPECT_NE(text.find(path + ":1  chat, "), std::string::npos) << text;
  EXPECT_NE(text.find("<|user|>q<|end|><|assistant|>[[a⏎\nb<|end|><|end|><|endoftext|>]]"), std::string::npos) << text;
  EXPECT_NE(text.find("special tokens written inside contents: 1"), std::string::npos) << text;
  EXPECT_NE(text.find(path + ":3  text, 4 tokens, 3 trained\na[[bc<|endoftext|>]]"), std::string::npos) << text;
  EXPECT_EQ(text.find("not shown"), std::string::npos);
}

TEST(Inspect, GivesMachinesOneObjectPerDocument) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("a.jsonl", "\n{\"text\": \"abc\"}\n");
  std::ostringstream out;
  inspect_file(path, ByteTokenizer(), {.data = {.chat_template = "phi-3-mini"}, .json = true}, out);
  const Json object = Json::parse(out.str());
  EXPECT_EQ(object["line"], 2);
  EXPECT_EQ(object["kind"], "text");
  EXPECT_EQ(object["ids"].size(), 4u);
  EXPECT_EQ(object["mask"], (std::vector<int>{0, 1, 1, 1}));
  EXPECT_EQ(object["text"], "abc<|endoftext|>");
}

TEST(Inspect, NamesTheBadLine) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("a.jsonl", "{\"text\": \"abc\"}\n{\n");
  std::ostringstream out;
  EXPECT_TRUE(message_of<DataError>([&] { inspect_file(path, ByteTokenizer(), {.data = {.chat_template = "phi-3-mini"}}, out); }).starts_with(path + ":2: "));
}

}  // namespace
}  // namespace phidias::data
