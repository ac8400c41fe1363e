#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "base/atomic_file.h"
#include "data/pipeline/dedup/connected_components.h"
#include "data/pipeline/dedup/exact_dedup.h"
#include "data/pipeline/dedup/exchange.h"
#include "data/pipeline/dedup/minhash_dedup.h"
#include "data/pipeline/dedup/passage_dedup.h"
#include "data/pipeline/dedup/substring_dedup.h"
#include "tests/data/pipeline/dedup/generated_corpus.h"
#include "tests/support/mpi_test.h"

namespace phidias::data::pipeline {
namespace {

// One directory for all ranks, made and removed by rank 0.
class SharedDirectory {
 public:
  SharedDirectory() : group_(mpi_test::world().host()) {
    path_ = std::filesystem::temp_directory_path() / ("phidias-dedup-ranks-" + parallel::broadcast_string(group_, std::to_string(getpid())));
    if (group_.rank() == 0) std::filesystem::create_directories(path_);
    group_.barrier();
  }
  ~SharedDirectory() {
    group_.barrier();
    if (group_.rank() == 0) std::filesystem::remove_all(path_);
  }
  const std::filesystem::path& path() const { return path_; }
  // Of this rank alone.
  std::filesystem::path own(const std::string& name) const { return path_ / (name + "." + std::to_string(group_.rank())); }

 private:
  parallel::Communicator& group_;
  std::filesystem::path path_;
};

// Near-duplicates in two sources, some documents twice, with lines and scores.
std::vector<Sample> corpus() {
  std::vector<Sample> samples = edited_corpus(25, {0.01, 0.05}, 21);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i].score = static_cast<double>(i * 7 % 13);
    samples[i].source = i < samples.size() / 3 ? "web" : "books";
    samples[i].url = "http://" + std::to_string(i % 40);
    if (i % 9 == 0) samples[i].text = samples[i / 2].text;
    samples[i].text = "Menu\nHome\n\n" + samples[i].text + "\n\nFooter " + std::to_string(i % 4) + "\n";
  }
  return samples;
}

// Compares every dealing of units to ranks, and two sizes of units, with one process.
template <class S>
std::vector<Outcome> expect_as_alone(const typename S::Config& config) {
  const SharedDirectory directory;
  const std::vector<Sample> samples = corpus();
  const std::vector<Outcome> expected = run_stage<S>(config, samples, {.scratch = directory.own("alone")});
  const std::vector<std::function<int(std::size_t)>> deals{[](std::size_t unit) { return static_cast<int>(unit); }, [](std::size_t) { return 0; },
                                                           [](std::size_t) { return 1; }, [](std::size_t unit) { return static_cast<int>(mixed(unit) % 7); },
                                                           [](std::size_t unit) { return unit < 10 ? 1 : 0; }};
  for (const std::size_t unit_documents : {3u, 10u})
    for (const auto& deal : deals)
      EXPECT_EQ(run_stage<S>(config, samples,
                             {.group = &mpi_test::world().host(), .scratch = directory.path() / "scratch", .unit_documents = unit_documents, .deal = deal}),
                expected);
  return expected;
}

std::size_t touched(const std::vector<Outcome>& outcomes) {
  return static_cast<std::size_t>(std::count_if(outcomes.begin(), outcomes.end(), [](const Outcome& outcome) { return !outcome.annotations.empty(); }));
}

TEST(DedupRanks, ExactDedupIsThatOfOneProcess) {
  EXPECT_GT(touched(expect_as_alone<ExactDedup>({.by = ExactKey::url})), 20u);
  EXPECT_GT(touched(expect_as_alone<ExactDedup>({.by = ExactKey::normalised_text, .scope = DedupScope::source, .keep = KeepRule::best, .score = "score"})), 4u);
}

TEST(DedupRanks, MinhashIsThatOfOneProcess) {
  EXPECT_GT(touched(expect_as_alone<MinhashDedup>({.jaccard = 0.6})), 30u);
  EXPECT_GT(touched(expect_as_alone<MinhashDedup>({.keep = KeepRule::best, .score = "score", .alarm_cluster = 3, .largest_cluster = 5})), 20u);
  EXPECT_GT(touched(expect_as_alone<MinhashDedup>({.preset = MinhashPreset::fineweb, .scope = DedupScope::source})), 20u);
}

TEST(DedupRanks, PassagesAreThoseOfOneProcess) {
  EXPECT_GT(touched(expect_as_alone<LineDedup>({})), 70u);
  EXPECT_GT(touched(expect_as_alone<ParagraphDedup>({{.normalise = LineNormalisation::cc_net, .scope = DedupScope::source}})), 70u);
}

TEST(DedupRanks, SubstringsAreThoseOfOneProcess) {
  EXPECT_GT(touched(expect_as_alone<SubstringDedup>({.minimum_bytes = 60})), 20u);
  EXPECT_GT(touched(expect_as_alone<SubstringDedup>({.minimum_bytes = 40, .remove = RemovedCopies::all, .cut_at = CutAt::words, .scope = DedupScope::source})),
            20u);
}

TEST(DedupRanks, StoresAreByteEqualAndActAlike) {
  const SharedDirectory directory;
  parallel::Communicator& group = mpi_test::world().host();
  const std::vector<Sample> samples = corpus();
  const std::vector<Sample> first(samples.begin(), samples.begin() + 40), second(samples.begin() + 40, samples.end());
  const std::string alone = directory.own("store"), shared = directory.path() / "store";
  run_stage<MinhashDedup>({.jaccard = 0.6, .write_signatures = alone}, first, {.scratch = directory.own("alone")});
  const RunOptions ranks{.group = &group, .scratch = directory.path() / "scratch", .deal = [](std::size_t unit) { return static_cast<int>(unit); }};
  run_stage<MinhashDedup>({.jaccard = 0.6, .write_signatures = shared}, first, ranks);
  EXPECT_EQ(read_file(store_path(alone, "dedup")), read_file(store_path(shared, "dedup")));
  const auto expected = run_stage<MinhashDedup>({.jaccard = 0.6, .against = {alone}}, second, {.scratch = directory.own("alone")});
  EXPECT_EQ(run_stage<MinhashDedup>({.jaccard = 0.6, .against = {shared}}, second, ranks), expected);
  EXPECT_GT(std::count_if(expected.begin(), expected.end(), [](const Outcome& outcome) { return outcome.reason == "earlier_dump"; }), 5);
}

TEST(DedupRanks, ComponentsOfLongChainsOverRanksAreWhole) {
  parallel::Communicator& group = mpi_test::world().host();
  constexpr std::int64_t kVertices = 3000;  // a path whose edges lie on all ranks in turn, and a ring apart from it
  std::vector<Edge> edges;
  for (std::int64_t i = 1; i < kVertices; ++i)
    if (i % group.size() == group.rank()) edges.push_back({i, i - 1});
  for (std::int64_t i = 1; i < 100; ++i)
    if (i % group.size() == group.rank()) edges.push_back({kVertices + i, kVertices + i - 1});
  if (group.rank() == 0) edges.push_back({kVertices + 99, kVertices});
  std::vector<Edge> stars = gather_all<Edge>(group, connected_components(group, edges));
  std::sort(stars.begin(), stars.end());
  ASSERT_EQ(stars.size(), static_cast<std::size_t>(kVertices - 1 + 99));
  for (std::int64_t i = 1; i < kVertices; ++i) EXPECT_EQ(stars[static_cast<std::size_t>(i - 1)], (Edge{i, 0}));
  for (std::int64_t i = 1; i < 100; ++i) EXPECT_EQ(stars[static_cast<std::size_t>(kVertices + i - 2)], (Edge{kVertices + i, kVertices}));
}

}  // namespace
}  // namespace phidias::data::pipeline
