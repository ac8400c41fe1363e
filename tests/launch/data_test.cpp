// `phidias data ...` as a user meets it: progress, messages, the reference of stages.
#include "tests/launch/program.h"

namespace phidias::launch {
namespace {

class Data : public ProgramTest {
 protected:
  void write_pipeline(const std::string& more = "") {
    std::string lines;
    for (int i = 0; i < 30; ++i) lines += "{\"id\": \"" + std::to_string(i) + "\", \"text\": \"a text of number " + std::to_string(i % 20) + "\"}\n";
    write_text(folder_ / "in.jsonl", lines);
    write_text(folder_ / "web.yaml", "output: out\nread: in.jsonl\n" + more);
  }
};

TEST_F(Data, ProgressOfEverySegmentEndsAtAHundred) {
  write_pipeline("stages: [exact_dedup, minhash]\n");
  const ProgramResult result = phidias("data run web.yaml");
  ASSERT_EQ(result.code, 0) << result.err;
  for (const char* segment : {"web 1/3  100 %", "web 2/3  100 %", "web 3/3  100 %"}) EXPECT_NE(result.err.find(segment), std::string::npos) << result.err;
}

TEST_F(Data, QuietPrintsNothing) {
  write_pipeline("stages: [exact_dedup]\n");
  const ProgramResult result = phidias("data run --quiet web.yaml");
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out, "");
}

TEST_F(Data, IdsOfClustersAreNotDrawnAndComparingIsTimed) {
  write_pipeline("stages: [{exact_dedup: {mode: annotate}}]\n");
  const ProgramResult result = phidias("data run --json web.yaml");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json manifest = Json::parse(result.out);
  EXPECT_FALSE(manifest.at("distributions").contains("exact_dedup.cluster"));
  EXPECT_GT(manifest.at("timing").at("stages").at(1).at("comparing_seconds").get<double>(), 0);
  EXPECT_FALSE(manifest.at("timing").at("stages").at(0).contains("comparing_seconds"));
}

TEST_F(Data, NamesTheFileOfWhatCouldNotBeRead) {
  write_pipeline("on_error: skip\n");
  write_text(folder_ / "in.jsonl", "{\"text\": \"good\"}\nbroken\n");
  const ProgramResult result = phidias("data run web.yaml");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("1 document could not be read: out/errors.jsonl"), std::string::npos) << result.err;
}

TEST_F(Data, WarnsOfAnInputWithoutDocumentsAndOfUnknownEndings) {
  write_pipeline();
  write_text(folder_ / "in.jsonl", "");
  EXPECT_NE(phidias("data run web.yaml").err.find("no document"), std::string::npos);
  write_text(folder_ / "table.csv", "id,text\n1,one\n");
  const ProgramResult result = phidias("data run web.yaml read=table.csv output=other");
  EXPECT_NE(result.err.find("table.csv is read as plain text"), std::string::npos) << result.err;
}

TEST_F(Data, SuggestsTheCommandThatWasMeant) {
  write_pipeline();
  const ProgramResult result = phidias("data rnu web.yaml");
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("phidias data: no command 'rnu'; did you mean run?"), std::string::npos) << result.err;
  EXPECT_NE(phidias("trian recipe.yaml").err.find("did you mean train?"), std::string::npos);
  EXPECT_EQ(phidias("data --help").code, 0);
}

TEST_F(Data, PrintsOneStageOrAllAsJson) {
  const ProgramResult one = phidias("data stages minhash");
  ASSERT_EQ(one.code, 0) << one.err;
  EXPECT_TRUE(one.out.starts_with("## minhash\n")) << one.out;
  EXPECT_EQ(one.out.find("## exact_dedup"), std::string::npos);
  const ProgramResult wrong = phidias("data stages minhahs");
  EXPECT_EQ(wrong.code, 2);
  EXPECT_NE(wrong.err.find("did you mean minhash?"), std::string::npos) << wrong.err;

  const Json all = Json::parse(phidias("data stages --json").out).at("stages");
  EXPECT_GT(all.size(), 10U);
  const Json minhash = Json::parse(phidias("data stages --json minhash").out).at("stages");
  ASSERT_EQ(minhash.size(), 1U);
  EXPECT_EQ(minhash[0].at("key"), "minhash");
  EXPECT_FALSE(minhash[0].at("needs_model").get<bool>());
  const auto keys = minhash[0].at("keys").get<std::vector<std::string>>();
  ASSERT_FALSE(keys.empty());
  for (const std::string& key : keys) EXPECT_NE(one.out.find("\n| `" + key + "` |"), std::string::npos) << key;
}

TEST_F(Data, ReportOfAMissingFolderSaysSo) {
  const ProgramResult result = phidias("report nowhere");
  EXPECT_NE(result.code, 0);
  EXPECT_NE(result.err.find("nowhere: no such folder"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace phidias::launch
