#include "models/hub/safetensors.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "tests/models/golden_case.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace phidias::models {
namespace {

std::string file_with(const std::string& header, std::size_t data_bytes) {
  std::string file;
  for (std::size_t i = 0; i < 8; ++i) file.push_back(static_cast<char>(header.size() >> (8 * i)));
  return file + header + std::string(data_bytes, '\1');
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

std::string refusal(const std::string& file) {
  try {
    parse_safetensors_header(file, "f");
  } catch (const CheckpointError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Safetensors, EntriesAreReadWithTheirPlaceInTheFile) {
  const std::string header = R"({"__metadata__":{"format":"pt"},"b":)" + entry("BF16", "[2,3]", "[4,16]") + R"(,"a":)" + entry("F32", "[]", "[0,4]") +
                             R"(,"e":)" + entry("I64", "[0,7]", "[4,4]") + "}  ";
  const SafetensorsHeader parsed = parse_safetensors_header(file_with(header, 16), "f");
  ASSERT_EQ(parsed.tensors.size(), 3U);
  EXPECT_EQ(parsed.metadata.at("format"), "pt");
  EXPECT_EQ(parsed.tensors[0].name, "a");
  EXPECT_EQ(parsed.tensors[1].name, "e");
  EXPECT_EQ(parsed.tensors[2].name, "b");
  EXPECT_EQ(parsed.tensors[2].dtype, at::kBFloat16);
  EXPECT_EQ(parsed.tensors[2].begin, 8 + header.size() + 4);
  EXPECT_EQ(parsed.tensors[2].shape, (std::vector<std::int64_t>{2, 3}));
}

TEST(Safetensors, EveryDamageOfAHeaderIsNamed) {
  const auto one = [](const std::string& value, std::size_t bytes = 4) { return file_with(R"({"w":)" + value + "}", bytes); };
  const std::pair<std::string, const char*> cases[] = {
      {"abc", "truncated or no safetensors"},
      {std::string("\xff\xff\xff\xff\xff\xff\xff\x7f{", 9), "not a safetensors file"},
      {file_with("{}", 0).substr(0, 9), "truncated"},
      {file_with("[1]", 0), "does not begin with '{'"},
      {file_with("{\"w\":", 0), "header"},
      {file_with(R"({"w":)" + entry("F32", "[1]", "[0,4]") + R"(,"w":)" + entry("F32", "[1]", "[4,8]") + "}", 8), "twice"},
      {one("7"), "not an object"},
      {one(entry("F33", "[1]", "[0,4]")), "unknown dtype"},
      {one(R"({"dtype":"F32","shape":[1]})"), "\"data_offsets\" is missing"},
      {one(R"({"dtype":"F32","data_offsets":[0,4]})"), "\"shape\" is missing"},
      {one(entry("F32", "[-1]", "[0,4]")), "not a natural number"},
      {one(entry("F32", "[1.0]", "[0,4]")), "not a natural number"},
      {one(entry("F32", "{}", "[0,4]")), "not a list"},
      {one(entry("F32", "[1]", "[0]")), "not a pair"},
      {one(entry("F32", "[1]", "[4,0]")), "ends before it begins"},
      {one(entry("F32", "[2]", "[0,4]")), "need 8 bytes"},
      {one(entry("F32", "[4294967296,4294967296]", "[0,4]")), "larger than any memory"},
      {one(entry("F32", "[2]", "[0,8]")), "truncated"},
      {one(entry("F32", "[1]", "[0,4]"), 9), "5 bytes follow"},
      {one(entry("F32", "[1]", "[4,8]"), 8), "after a hole"},
      {file_with(R"({"a":)" + entry("F32", "[2]", "[0,8]") + R"(,"b":)" + entry("F32", "[1]", "[4,8]") + "}", 8), "inside another tensor"},
      {one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":0})"), "unknown field"},
      {file_with(R"({"__metadata__":{"a":1}})", 0), "__metadata__"},
  };
  for (const auto& [file, expected] : cases) EXPECT_NE(refusal(file).find(expected), std::string::npos) << expected << " <> " << refusal(file);
}

TEST(Safetensors, RewritingAFileOfThePackageGivesTheSameBytes) {
  for (const std::string& name : golden_names()) {
    for (const char* file_name : {"model.safetensors", "golden.tensors"}) {
      const TemporaryDirectory directory;
      const SafetensorsFile file(golden_path(name) / file_name);
      std::vector<TensorToWrite> tensors;
      for (const TensorEntry& each : file.header().tensors) tensors.push_back(tensor_to_write(each.name, file.tensor(each.name)));
      write_safetensors(directory.path() / "copy", tensors, file.header().metadata);
      EXPECT_TRUE(read_file(directory.path() / "copy") == read_file(file.path())) << name << "/" << file_name;
    }
  }
}

TEST(Safetensors, ShardsAndTheirIndexHoldEveryTensorOnce) {
  const TemporaryDirectory directory;
  std::vector<TensorToWrite> tensors;
  for (int i = 0; i < 5; ++i) tensors.push_back(tensor_to_write("t" + std::to_string(i), at::full({10}, i, at::kFloat)));
  write_sharded_safetensors(directory.path(), tensors, 80);
  const Json index = read_json(directory.path() / "model.safetensors.index.json");
  EXPECT_EQ(index["metadata"]["total_size"], 200);
  EXPECT_EQ(index["weight_map"]["t4"], "model-00003-of-00003.safetensors");
  for (const auto& [name, file] : index["weight_map"].items()) {
    EXPECT_EQ(SafetensorsFile(directory.path() / file.get<std::string>()).tensor(name)[3].item<int>(), name[1] - '0');
  }
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "model.safetensors"));
}

TEST(Safetensors, EveryTypeSurvivesWritingAndReading) {
  const TemporaryDirectory directory;
  const at::Tensor numbers = at::arange(7, at::kFloat);
  for (const at::ScalarType dtype : {at::kBool, at::kByte, at::kChar, at::kShort, at::kInt, at::kLong, at::kHalf, at::kBFloat16, at::kFloat, at::kDouble}) {
    const at::Tensor tensor = numbers.to(dtype);
    write_safetensors(directory.path() / "f", {tensor_to_write("t", tensor), tensor_to_write("odd", at::full({3}, true, at::kBool))});
    const SafetensorsFile file(directory.path() / "f");
    EXPECT_TRUE(file.tensor("t").equal(tensor)) << c10::toString(dtype);
    EXPECT_EQ(file.tensor("t").scalar_type(), dtype);
  }
}

TEST(Safetensors, ATensorOutlivesTheFileObject) {
  at::Tensor norm;
  {
    const SafetensorsFile file(golden_path("mha_window") / "model.safetensors");
    norm = file.tensor("model.norm.weight");
  }
  EXPECT_GT(norm.sum().item<float>(), 0.0F);
}

// What the fuzz target sees when no fuzzer is there: a real header with bytes changed, removed, doubled. Deterministic.
TEST(SafetensorsFuzz, MutatedFilesAreRefusedOrSound) {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"model.norm.weight":)" + entry("BF16", "[2,3]", "[4,16]") + R"(,"a":)" + entry("F32", "[1]", "[0,4]") + "}";
  const std::string seed = file_with(header, 16);
  std::mt19937 random(17);
  const std::string alphabet = "{}[]\",:0123456789-.eE\\u\x00\xff ";
  for (int round = 0; round < 40000; ++round) {
    std::string mutated = seed;
    for (unsigned change = 0; change < 1 + random() % 4; ++change) {
      const std::size_t at = random() % mutated.size();
      switch (random() % 4) {
        case 0:
          mutated[at] = static_cast<char>(random());
          break;
        case 1:
          mutated[at] = alphabet[random() % alphabet.size()];
          break;
        case 2:
          mutated.erase(at, 1 + random() % 8);
          break;
        default:
          mutated.insert(at, mutated.substr(at, 1 + random() % 8));
          break;
      }
      if (mutated.empty()) mutated = "x";
    }
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(mutated.data()), mutated.size());
  }
}

}  // namespace
}  // namespace phidias::models
