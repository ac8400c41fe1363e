// export and inference of adapters, on PEFT directories of tests/golden/lora.
#include "tests/launch/program.h"

namespace phidias::launch {
namespace {

using Export = ProgramTest;

const std::string kGolden = PHIDIAS_SOURCE_DIR "/tests/golden";
const std::string kAdapter = kGolden + "/lora/all_linear", kBase = kGolden + "/phi3/mha_window";

TEST_F(Export, AnAdapterIsMergedIntoItsBaseAndIntoAGivenOne) {
  ASSERT_EQ(phidias("export --model " + kAdapter + " --output merged --verify").code, 0) << slurp(folder_ / "err.txt");
  ASSERT_EQ(phidias("export --model " + kBase + " --adapter " + kAdapter + " --output again --verify").code, 0) << slurp(folder_ / "err.txt");
  EXPECT_EQ(slurp(folder_ / "merged/model.safetensors"), slurp(folder_ / "again/model.safetensors"));
  EXPECT_NE(slurp(folder_ / "merged/model.safetensors"), slurp(kBase + "/model.safetensors"));
  EXPECT_EQ(slurp(folder_ / "merged/config.json"), slurp(kBase + "/config.json"));
}

TEST_F(Export, AnAdapterIsScoredAsItsMergedModel) {
  write_text(folder_ / "in.jsonl", "{\"input_ids\": [5, 6, 7, 8, 9]}\n");
  ASSERT_EQ(phidias("export --model " + kAdapter + " --output merged").code, 0) << slurp(folder_ / "err.txt");
  ASSERT_EQ(phidias("score --dtype float32 --model merged --input in.jsonl --output merged.jsonl").code, 0) << slurp(folder_ / "err.txt");
  ASSERT_EQ(phidias("score --dtype float32 --model " + kAdapter + " --input in.jsonl --output adapter.jsonl").code, 0) << slurp(folder_ / "err.txt");
  ASSERT_EQ(phidias("score --dtype float32 --model " + kBase + " --input in.jsonl --output base.jsonl").code, 0) << slurp(folder_ / "err.txt");
  EXPECT_EQ(slurp(folder_ / "merged.jsonl"), slurp(folder_ / "adapter.jsonl"));
  EXPECT_NE(slurp(folder_ / "merged.jsonl"), slurp(folder_ / "base.jsonl"));
}

TEST_F(Export, TheAdapterAloneIsCopiedByteForByte) {
  ASSERT_EQ(phidias("export --model " + kAdapter + " --format peft --output copy --verify").code, 0) << slurp(folder_ / "err.txt");
  for (const char* file : {"adapter_config.json", "adapter_model.safetensors"})
    EXPECT_EQ(slurp(folder_ / "copy" / file), slurp(std::filesystem::path(kAdapter) / file)) << file;
}

TEST_F(Export, WhatDoesNotFitTogetherIsRefused) {
  EXPECT_EQ(phidias("export --model " + kBase + " --format peft --output out").code, 2);
  EXPECT_EQ(phidias("export --model " + kAdapter + " --adapter " + kAdapter + " --output out").code, 2);
  const ProgramResult other = phidias("export --model " + kGolden + "/phi3/head_96 --adapter " + kAdapter + " --output out");
  EXPECT_EQ(other.code, 3);
  EXPECT_NE(other.err.find("does not fit"), std::string::npos) << other.err;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
}

}  // namespace
}  // namespace phidias::launch
