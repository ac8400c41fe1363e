// What dump_run_config writes reads back to an equal struct.
#include "configs/writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "configs/enum_names.h"
#include "tests/configs/recipe_text.h"

namespace phidias::configs {

namespace {

// Draws valid configurations; texts are hostile on purpose.
class RandomConfig {
 public:
  explicit RandomConfig(unsigned seed) : random_(seed) {}

  RunConfig draw() {
    RunConfig c;
    c.method = one_of(Method::pretrain, Method::sft);
    c.run = {text(), text(), integer(0), flag()};
    (flag() ? c.model.path : c.model.preset) = "";
    if (flag())
      c.model.path = text();
    else
      c.model.preset = "phi3-tiny";
    if (flag()) c.model.tokenizer = text();
    c.model.dtype = one_of(DType::automatic, DType::float32, DType::bfloat16);
    c.model.recompute = one_of(RecomputePolicy::none, RecomputePolicy::mlp, RecomputePolicy::block);
    c.model.window = one_of(WindowRule::exclusive, WindowRule::inclusive);
    c.model.train_pad_embedding = one_of(AutoBool::automatic, AutoBool::no, AutoBool::yes);
    for (int i = below(3); i > 0; --i) c.model.trainable.push_back(text());
    for (int i = below(3); i > 0; --i) c.model.add_tokens[text()] = 1000 + i;
    draw_adapters(c.model);
    c.model.router = one_of(Router::sparsemixer, Router::deterministic);
    if (flag()) c.model.router_jitter = fraction();
    if (flag()) c.model.input_jitter = fraction();
    if (flag()) c.model.router_aux_loss = number();
    c.model.aux_counts = one_of(AuxCounts::micro_batch, AuxCounts::previous_step);
    c.data.train = sources(1);
    c.data.validation = sources(0);
    if (flag()) c.data.max_length = integer(2) % 100000 + 2;
    c.data.over_length = one_of(OverLength::automatic, OverLength::truncate, OverLength::drop, OverLength::split);
    c.data.packing = flag();
    c.data.chat_template = one_of(std::string("auto"), std::string("phi-3-medium"));
    c.data.train_on = one_of(TrainOn::assistant, TrainOn::last_assistant, TrainOn::all);
    c.data.special_tokens_in_content = one_of(SpecialTokensInContent::text, SpecialTokensInContent::parse, SpecialTokensInContent::error);
    c.data.shuffle = flag();
    c.data.on_error = one_of(OnError::stop, OnError::skip);
    c.data.cache = text();
    (flag() ? c.batch.documents : c.batch.tokens) = integer(1);
    if (flag()) c.batch.micro_tokens = c.data.max_length + integer(1) / 2;
    if (flag()) c.batch.micro_documents = integer(1);
    c.optimizer = {"adamw",
                   number() + 1e-9,
                   {fraction(), fraction()},
                   number() + 1e-12,
                   number(),
                   one_of(Decay::matrices, Decay::all),
                   number(),
                   one_of(StateDType::float32, StateDType::bfloat16),
                   flag()};
    c.schedule.name = one_of(ScheduleName::constant, ScheduleName::linear, ScheduleName::cosine, ScheduleName::inverse_sqrt);
    c.schedule.warmup_steps = below(100);
    c.schedule.min_ratio = fraction();
    if (flag()) c.parallel.data = integer(1);
    c.parallel.expert = integer(1);
    c.parallel.shard = one_of(Shard::none, Shard::optimizer, Shard::gradients, Shard::parameters);
    c.parallel.backend = one_of(Backend::automatic, Backend::nccl, Backend::mpi);
    c.parallel.timeout_seconds = number() + 1;
    c.stop.first = one_of(std::string("steps"), std::string("epochs"), std::string("tokens"));
    if (flag() || c.stop.first == "steps") c.stop.steps = 100 + below(1000);
    if (flag() || c.stop.first == "epochs") c.stop.epochs = number() + 0.1;
    if (flag() || c.stop.first == "tokens") c.stop.tokens = integer(1);
    if (c.schedule.name == ScheduleName::constant && flag()) c.stop.time_seconds = number() + 1;
    c.checkpoint = {integer(0), integer(1), "", one_of(Resume::automatic, Resume::never, Resume::force)};
    c.evaluation.at_start = flag();
    c.evaluation.max_documents = integer(0);
    if (!c.data.validation.empty()) {
      c.evaluation.every_steps = integer(0);
      if (flag()) c.checkpoint.keep_best = text();
    }
    c.log = {integer(1), flag()};
    c.divergence.max_bad_steps = integer(0);
    return c;
  }

 private:
  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }
  bool flag() { return below(2) == 1; }
  template <class T>
  T one_of(const T& a, const T& b) {
    return flag() ? a : b;
  }
  template <class T, class... Rest>
  T one_of(const T& a, const T& b, const Rest&... rest) {
    return below(2 + static_cast<int>(sizeof...(rest))) == 0 ? a : one_of(b, rest...);
  }
  std::int64_t integer(std::int64_t least) {
    return std::uniform_int_distribution<std::int64_t>(least, flag() ? 100 : std::numeric_limits<std::int64_t>::max() / 4)(random_);
  }
  double number() { return std::ldexp(std::uniform_real_distribution<double>(0, 1)(random_), below(60) - 30); }
  double fraction() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  std::string text() {
    static const std::string kOdd[] = {"null",
                                       "true",
                                       "yes",
                                       "10",
                                       "1e5",
                                       "a: b",
                                       "# no comment",
                                       "- dash",
                                       "[x]",
                                       "{y}",
                                       "*alias",
                                       "&anchor",
                                       "!tag",
                                       "'single'",
                                       "\"double\"",
                                       "back\\slash",
                                       "line\nbreak",
                                       "tab\there",
                                       " lead and trail ",
                                       "<<",
                                       "é ü 漢 🙂",
                                       "%",
                                       "@at",
                                       "`tick",
                                       ",",
                                       ":",
                                       "?",
                                       "|",
                                       ">",
                                       "...",
                                       "---",
                                       "\x01\x7f",
                                       "~",
                                       "="};
    std::string text = kOdd[static_cast<std::size_t>(below(static_cast<int>(std::size(kOdd))))];
    for (int i = below(3); i > 0; --i) text += kOdd[static_cast<std::size_t>(below(static_cast<int>(std::size(kOdd))))];
    return text;
  }
  // None, read from a directory, or new; new ones are all that is trained.
  void draw_adapters(ModelSection& model) {
    if (flag()) return;
    if (flag()) {
      model.adapter = text();
      return;
    }
    model.trainable.clear();
    model.lora = {.rank = integer(1), .alpha = number() + 1e-9, .dropout = fraction(), .rslora = flag()};
    if (flag()) model.lora.targets = {text(), text()};
  }
  std::vector<DataSource> sources(int least) {
    std::vector<DataSource> list;
    for (int i = least + below(3); i > 0; --i) list.push_back({text(), number() + 0.001, one_of(std::string("auto"), std::string("chat"))});
    return list;
  }

  std::mt19937 random_;
};

}  // namespace

TEST(DumpRunConfig, ReadsBackToAnEqualStruct) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    const RunConfig config = RandomConfig(seed).draw();
    const std::string yaml = dump_run_config(config);
    ASSERT_EQ(recipe_errors(yaml), Lines{}) << "seed " << seed << "\n" << yaml;
    ASSERT_EQ(read_recipe(yaml), config) << "seed " << seed << "\n" << yaml;
  }
}

TEST(DumpRunConfig, KeepsTheFirstKeyOfStopFirst) {
  RunConfig config = read_recipe(small_recipe_with("stop: {tokens: 100, steps: 5}"));
  ASSERT_EQ(config.stop.first, "tokens");
  const std::string yaml = dump_run_config(config);
  EXPECT_NE(yaml.find("stop:\n  tokens: 100\n  steps: 5\n"), std::string::npos) << yaml;
  EXPECT_EQ(read_recipe(yaml), config);
}

TEST(DumpRunConfig, NamesEveryKey) {
  const std::string yaml = dump_run_config(read_recipe(kSmallRecipe));
  for (const char* line : {"method: sft\n", "\nrun:\n  name: r\n", "  max_length: null\n", "    - {path: chats.jsonl, weight: 1, kind: auto}\n",
                           "  template: auto\n", "  betas: [0.9, 0.95]\n", "  data: auto\n"})
    EXPECT_NE(yaml.find(line), std::string::npos) << line << "in\n" << yaml;
}

TEST(EnumNames, HaveTheWordsOfTheirEnumerators) {
  EXPECT_EQ(enum_name(Method::longrope), "longrope");
  EXPECT_EQ(enum_name(AutoBool::yes), "true");
  EXPECT_EQ(enum_name(AutoBool::no), "false");
  EXPECT_EQ(enum_name(ScheduleName::inverse_sqrt), "inverse_sqrt");
  EXPECT_EQ(enum_name(SpecialTokensInContent::error), "error");
  EXPECT_EQ(enum_name(Shard::parameters), "parameters");
}

}  // namespace phidias::configs
