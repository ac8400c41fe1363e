// `phidias plan` as a user calls it.
#include <sys/resource.h>

#include <chrono>

#include "tests/launch/program.h"

namespace phidias::launch {
namespace {

class Plan : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    write_text(folder_ / "recipe.yaml",
               "method: sft\nrun: {output: run}\nmodel: {preset: phi-3-medium-4k, dtype: bfloat16, recompute: block}\n"
               "data: {train: nowhere.jsonl, max_length: 2048}\nbatch: {documents: 64}\noptimizer: {learning_rate: 1.0e-5}\nstop: {steps: 10}\n");
  }
};

TEST_F(Plan, PrintsAPageThatEndsInAVerdict) {
  const ProgramResult result = phidias("plan recipe.yaml parallel.shard=parameters --gpus 8 --gpu h100-80");
  ASSERT_EQ(result.code, 0) << result.err;
  for (const char* part :
       {"13,960,238,080 parameters", "data 8 x expert 1 x context 1, shard parameters, recompute block", "weights", "gradients", "masters", "moments",
        "activations", "logits", "communication", "reserve", "reduce_scatter", "tokens/s", "batch.micro_tokens: ", "verdict     fits"})
    EXPECT_NE(result.out.find(part), std::string::npos) << part << "\n" << result.out;
}

TEST_F(Plan, JsonSumsUp) {
  const ProgramResult result = phidias("plan recipe.yaml parallel.shard=gradients --gpus 16 --gpu b200-192 --json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json plan = Json::parse(result.out);
  const Json& memory = plan["memory_bytes_per_rank"];
  std::int64_t sum = 0;
  for (const char* name : {"weights", "gradients", "masters", "moments", "activations", "logits", "communication", "reserve"})
    sum += memory[name].get<std::int64_t>();
  EXPECT_EQ(sum, memory["total"].get<std::int64_t>());
  EXPECT_TRUE(plan["fits"].get<bool>());
  EXPECT_GE(plan["largest_micro_tokens"].get<std::int64_t>(), 2048);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run"));
}

TEST_F(Plan, AModelTooLargeIsOneErrorThatSaysWhatHelps) {
  const ProgramResult result = phidias("plan recipe.yaml --gpus 8 --gpu h100-80");
  EXPECT_EQ(result.code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_NE(result.err.find("phi-3-medium-4k cannot train on 8 x h100-80"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("parallel.shard: "), std::string::npos) << result.err;
}

TEST_F(Plan, MistakesAreThoseOfTrain) {
  for (const auto& [arguments, message] :
       {std::pair("plan recipe.yaml optimizer.learning_rat=1", "did you mean optimizer.learning_rate"),
        std::pair("plan recipe.yaml parallel.data=3 --gpus 4", "does not fit 4 ranks"),
        std::pair("plan recipe.yaml data.max_length=8192", "more than the model's 4096 positions"),
        std::pair("plan recipe.yaml parallel.expert=2 --gpus 2", "no experts"), std::pair("plan recipe.yaml --gpu h100", "h100-80")}) {
    const ProgramResult result = phidias(arguments);
    EXPECT_EQ(result.code, 2) << arguments;
    EXPECT_NE(result.err.find(message), std::string::npos) << arguments << "\n" << result.err;
  }
}

// 42 billion parameters declared, not allocated. The bound on time is generous for a machine that does other things; on an idle one it is 2 s.
TEST_F(Plan, TheLargestModelIsPlannedWithoutItsMemory) {
  const auto start = std::chrono::steady_clock::now();
  const ProgramResult result = phidias("plan recipe.yaml model.preset=phi-3.5-moe parallel.shard=parameters parallel.expert=8 --gpus 64 --gpu h100-80 --json");
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(Json::parse(result.out)["parameters"].get<std::int64_t>(), 41'873'153'344);
  EXPECT_GT(Json::parse(result.out)["sent_bytes_per_step"]["per_rank"]["all_to_all"].get<std::int64_t>(), 0);
  EXPECT_LT(seconds, 10.0);
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);  // the largest child
  EXPECT_LT(usage.ru_maxrss, 500 * 1024);
}

}  // namespace
}  // namespace phidias::launch
