// Stages that choose among all documents, on one rank and on several, against sorting everything in one place.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <sstream>

#include "base/error.h"
#include "data/pipeline/classify/outliers_stage.h"
#include "data/pipeline/classify/quantile_stage.h"
#include "data/pipeline/classify/quota_stage.h"
#include "data/pipeline/classify/ranked_selection.h"
#include "tests/data/temporary_directory.h"
#include "tests/support/mpi_test.h"

namespace phidias::data::pipeline {
namespace {

struct Given {
  std::string source, language, topic;
  std::optional<double> score;
  std::string text = "x";
};

std::vector<Given> corpus(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Given> documents;
  for (std::size_t i = 0; i < count; ++i) {
    Given given;
    given.source = random() % 3 == 0 ? "books" : "web";
    given.language = random() % 4 == 0 ? "de" : "en";
    given.topic = std::vector<std::string>{"stem", "stem", "stem", "business", ""}[random() % 5];
    // Few values: many equal scores, also negative ones and zeros of both signs.
    if (random() % 10 != 0) given.score = static_cast<double>(static_cast<int>(random() % 9) - 4) / 4 * (random() % 2 == 0 ? 1.0 : -1.0);
    given.text = std::string(1 + random() % 50, 'x');
    documents.push_back(given);
  }
  return documents;
}

// Gives the documents in units of seven to the ranks in turn, resolves, and gathers who is dropped, and why.
std::vector<std::string> decide(CollectiveStage& stage, const std::vector<Given>& documents) {
  parallel::Communicator& group = mpi_test::world().host();
  constexpr std::size_t kUnit = 7;
  std::vector<std::string> bytes;
  std::vector<CollectedUnit> units;
  std::vector<std::size_t> first;
  for (std::size_t begin = 0, unit = 0; begin < documents.size(); begin += kUnit, ++unit) {
    if (static_cast<int>(unit) % group.size() != group.rank()) continue;
    RecordList records;
    for (std::size_t i = begin; i < std::min(begin + kUnit, documents.size()); ++i) {
      Document document;
      document.source = documents[i].source;
      document.set_text(documents[i].text);
      document.annotations().set("language", documents[i].language);
      if (!documents[i].topic.empty()) document.annotations().set("topic", documents[i].topic);
      if (documents[i].score) document.annotations().set("educational", *documents[i].score);
      std::string record;
      stage.collect(document, record);
      records.add(record);
    }
    bytes.push_back(records.bytes());
    first.push_back(begin);
  }
  for (std::size_t u = 0; u < bytes.size(); ++u) units.push_back({static_cast<std::int64_t>(first[u]), "", RecordListView(bytes[u])});
  std::vector<RecordList> decisions(units.size());
  stage.resolve({.units = units, .documents = static_cast<std::int64_t>(documents.size()), .group = &group, .scratch = {}}, decisions);
  std::string mine;
  for (std::size_t u = 0; u < units.size(); ++u) {
    const std::string packed = decisions[u].bytes();
    const RecordListView view(packed);
    EXPECT_EQ(view.size(), units[u].records.size());
    for (std::size_t i = 0; i < view.size(); ++i) {
      Document document;
      if (!view[i].empty()) stage.apply(document, view[i]);
      mine += std::to_string(first[u] + i) + " " + document.reason() + "\n";
    }
  }
  std::vector<std::string> reasons(documents.size(), "missing");
  for (const std::string& of_rank : all_gather_strings(group, mine)) {
    std::istringstream lines(of_rank);
    for (std::string line; std::getline(lines, line);) reasons[std::stoul(line)] = line.substr(line.find(' ') + 1);
  }
  return reasons;
}

// Numbers of `documents` that belong to `group`, best first.
template <class In>
std::vector<std::size_t> ranking(const std::vector<Given>& documents, In&& in) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < documents.size(); ++i)
    if (in(documents[i])) order.push_back(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return documents[a].score.value_or(-1e9) > documents[b].score.value_or(-1e9); });
  return order;
}

TEST(RankedSelection, OrdersScoresAsNumbers) {
  const double scores[] = {-INFINITY, -3.5, -1e-300, 0.0, 1e-300, 0.25, 7, INFINITY};
  for (std::size_t i = 0; i < std::size(scores); ++i) {
    EXPECT_EQ(score_from_order(score_order(scores[i])), scores[i]);
    if (i > 0) {
      EXPECT_LT(score_order(scores[i - 1]), score_order(scores[i]));
    }
  }
  EXPECT_EQ(score_order(-0.0), score_order(0.0));
  EXPECT_LT(score_order(NAN), score_order(-INFINITY));
}

TEST(RankedSelection, TakesFromTheTopWhatFits) {
  parallel::Communicator& group = mpi_test::world().host();
  std::mt19937 random(11);
  for (int round = 0; round < 60; ++round) {
    std::vector<RankedEntry> all, mine;
    const std::size_t count = random() % 40;
    for (std::size_t i = 0; i < count; ++i)
      all.push_back(
          {score_order(static_cast<double>(random() % 4)), i * 1000003, static_cast<std::int64_t>(random() % 5), static_cast<std::uint32_t>(random() % 3)});
    const std::vector<std::int64_t> limits{static_cast<std::int64_t>(random() % 30), 0, 1000};
    for (std::size_t i = 0; i < count; ++i)
      if (static_cast<int>(i * 7 / 5) % group.size() == group.rank()) mine.push_back(all[i]);
    const std::vector<SelectionEnd> ends = select_best(mine, limits, group);
    std::vector<RankedEntry> sorted = all;
    std::sort(sorted.begin(), sorted.end(),
              [](const RankedEntry& a, const RankedEntry& b) { return a.score != b.score ? a.score > b.score : a.document < b.document; });
    std::vector<std::int64_t> left = limits;
    std::vector<bool> full(3);
    for (const RankedEntry& entry : sorted) {
      if (entry.weight > left[entry.group]) full[entry.group] = true;
      if (!full[entry.group]) left[entry.group] -= entry.weight;
      EXPECT_EQ(ends[entry.group].keeps(entry), !full[entry.group]);
    }
  }
}

TEST(QuantileStage, KeepsTheExactShareOfEachGroup) {
  const std::vector<Given> documents = corpus(1000, 1);
  QuantileStage stage({.score = "educational", .keep = 0.3, .per = {"language", "source"}}, {.name = "best"});
  const std::vector<std::string> reasons = decide(stage, documents);
  std::vector<std::string> expected(documents.size(), "no_score");
  for (const char* language : {"en", "de"})
    for (const char* source : {"web", "books"}) {
      const auto order = ranking(documents, [&](const Given& given) { return given.score && given.language == language && given.source == source; });
      const auto kept = static_cast<std::size_t>(std::ceil(0.3 * static_cast<double>(order.size()) - 1e-9));
      for (std::size_t i = 0; i < order.size(); ++i) expected[order[i]] = i < kept ? "" : "below_quantile";
    }
  EXPECT_EQ(reasons, expected);
  ASSERT_EQ(stage.notes().size(), 6u);  // four thresholds, ties, documents without a score
  EXPECT_EQ(stage.notes()[0].first, "threshold language=de, source=books");
}

TEST(QuantileStage, KeepsDocumentsWithoutAScoreWhenAsked) {
  const std::vector<Given> documents = corpus(100, 2);
  QuantileStage stage({.score = "educational", .keep = 1, .without_score = WithoutScore::keep}, {.name = "best"});
  EXPECT_EQ(decide(stage, documents), std::vector<std::string>(100));
  QuantileStage of_nothing({.score = "educational", .keep = 0.5}, {.name = "best"});
  EXPECT_TRUE(decide(of_nothing, {}).empty());
}

TEST(QuantileStage, IsNotMisledByFractionsThatAreNoBinaryOnes) {
  std::vector<Given> documents(100, Given{.source = "web", .language = "en", .topic = "", .score = 1.0});
  QuantileStage stage({.score = "educational", .keep = 0.29}, {.name = "best"});  // 0.29 * 100 is 28.999999999999996
  const auto reasons = decide(stage, documents);
  EXPECT_EQ(std::count(reasons.begin(), reasons.end(), ""), 29);
  EXPECT_EQ(std::count(reasons.begin(), reasons.begin() + 29, ""), 29);  // equal scores: the first
}

TEST(QuotaStage, LimitsATopicToItsShareOfWhatIsKept) {
  const std::vector<Given> documents = corpus(1000, 3);
  QuotaStage stage({.score = "educational", .limits = {{.topic = "stem", .share = 0.4}}}, {.name = "mix"});
  const auto reasons = decide(stage, documents);
  const auto order = ranking(documents, [](const Given& given) { return given.topic == "stem"; });
  const std::size_t others = documents.size() - order.size();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    kept += reasons[i].empty();
    if (documents[i].topic != "stem") {
      EXPECT_EQ(reasons[i], "");
    }
  }
  const std::size_t stem = kept - others;
  EXPECT_LE(static_cast<double>(stem), 0.4 * static_cast<double>(kept));
  EXPECT_GT(static_cast<double>(stem + 1), 0.4 * static_cast<double>(kept + 1));  // one more would be too many
  for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(reasons[order[i]], i < stem ? "" : "over_quota");
}

TEST(QuotaStage, LimitsBytesAndAmountsAndDocumentsWithoutATopic) {
  const std::vector<Given> documents = corpus(300, 4);
  QuotaStage stage({.limits = {{.topic = "business", .amount = 500}, {.topic = "(none)", .share = 0.1}}, .unit = QuotaUnit::bytes, .of = QuotaBase::input},
                   {.name = "mix"});
  const auto reasons = decide(stage, documents);
  std::map<std::string, std::size_t> kept;
  std::size_t all = 0;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    all += documents[i].text.size();
    if (reasons[i].empty()) kept[documents[i].topic] += documents[i].text.size();
  }
  EXPECT_LE(kept["business"], 500u);
  EXPECT_GT(kept["business"], 450u);  // the next document of at most 50 bytes did not fit
  EXPECT_LE(kept[""], all / 10);
  EXPECT_GT(kept[""] + 50, all / 10);
}

TEST(QuotaStage, RefusesLimitsThatOnlyNothingFits) {
  const std::vector<Given> documents(50, Given{.source = "web", .language = "en", .topic = "stem", .score = 1.0});
  QuotaStage stage({.limits = {{.topic = "stem", .share = 0.4}}}, {.name = "mix"});
  EXPECT_THROW(decide(stage, documents), DataError);
  QuotaStage of_input({.limits = {{.topic = "stem", .share = 0.4}}, .of = QuotaBase::input}, {.name = "mix"});
  const auto reasons = decide(of_input, documents);
  EXPECT_EQ(std::count(reasons.begin(), reasons.end(), ""), 20);
  EXPECT_THROW(QuotaStage({.limits = {{.topic = "stem"}}}, {.name = "mix"}), ConfigError);
  EXPECT_THROW(QuotaStage({.limits = {{.topic = "a", .share = 0.4}, {.topic = "a", .share = 0.2}}}, {.name = "mix"}), ConfigError);
}

TEST(Outliers, CutBothTailsOfEveryGroupAsASortDoes) {
  const std::vector<Given> documents = corpus(600, 11);
  OutliersStage stage({.annotation = "educational", .lowest = 0.1, .highest = 0.05, .per = {"language"}, .without_value = WithoutScore::drop},
                      {.name = "outliers"});
  const std::vector<std::string> reasons = decide(stage, documents);
  std::map<std::string, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    if (documents[i].score)
      groups[documents[i].language].push_back(i);
    else
      EXPECT_EQ(reasons[i], "no_value");
  }
  for (auto& [language, members] : groups) {
    std::stable_sort(members.begin(), members.end(), [&](std::size_t a, std::size_t b) { return *documents[a].score > *documents[b].score; });
    const std::size_t high = members.size() * 5 / 100, low = members.size() * 10 / 100;
    for (std::size_t place = 0; place < members.size(); ++place)
      EXPECT_EQ(reasons[members[place]], place < high ? "highest" : place >= members.size() - low ? "lowest" : "") << language << " " << place;
  }
  EXPECT_EQ(stage.notes().size(), 2u);
  EXPECT_THROW(OutliersStage({.annotation = "x", .lowest = 0.5, .highest = 0.5}, {.name = "outliers"}), ConfigError);
}

// The note of that name, or nothing.
std::string note_of(const Stage& stage, const std::string& name) {
  for (const auto& [key, value] : stage.notes())
    if (key == name) return value;
  return "";
}

TEST(RankedStages, TellNamesThatNoDocumentCarries) {
  const std::vector<Given> documents = corpus(60, 12);
  QuantileStage quantile({.score = "educ", .keep = 0.5, .without_score = WithoutScore::keep}, {.name = "quantile"});
  decide(quantile, documents);
  EXPECT_EQ(note_of(quantile, "missing everywhere"), "the annotation 'educ'");
  QuantileStage per({.score = "educational", .keep = 0.5, .per = {"langauge", "source"}}, {.name = "quantile"});
  decide(per, documents);
  EXPECT_EQ(note_of(per, "missing everywhere"), "the annotation 'langauge' (per)");
  OutliersStage outliers({.annotation = "educ"}, {.name = "outliers"});
  decide(outliers, documents);
  EXPECT_EQ(note_of(outliers, "missing everywhere"), "the annotation 'educ'");
  QuotaStage by_score({.score = "educ", .limits = {{.topic = "stem", .amount = 5}}}, {.name = "quota"});
  decide(by_score, documents);
  EXPECT_EQ(note_of(by_score, "missing everywhere"), "the annotation 'educ'");
  QuotaStage by_topic({.topic = "topik", .limits = {{.topic = "stem", .amount = 5}}}, {.name = "quota"});
  decide(by_topic, documents);
  EXPECT_EQ(note_of(by_topic, "missing everywhere"), "the annotation 'topik'");
  QuotaStage by_limit({.score = "educational", .limits = {{.topic = "stme", .amount = 5}}}, {.name = "quota"});
  decide(by_limit, documents);
  EXPECT_EQ(note_of(by_limit, "missing everywhere"), "the topic 'stme', which has a limit");
  QuantileStage right({.score = "educational", .keep = 0.5, .per = {"language", "source"}}, {.name = "quantile"});
  decide(right, documents);
  EXPECT_EQ(note_of(right, "missing everywhere"), "");
}

TEST(QuantileStage, SaysWhenTheOrderOfTheInputDecides) {
  std::vector<Given> documents(20, Given{.source = "web", .language = "en", .topic = "stem", .score = 1.0});
  documents[3].score = 0.5;
  QuantileStage tied({.score = "educational", .keep = 0.5}, {.name = "quantile"});
  decide(tied, documents);
  EXPECT_EQ(note_of(tied, "ties"), "19 documents stand exactly at the threshold; the order of the input chose 10 of them");
  QuantileStage grouped({.score = "educational", .keep = 0.5, .per = {"source"}}, {.name = "quantile"});
  decide(grouped, documents);
  EXPECT_EQ(note_of(grouped, "ties"), "19 documents stand exactly at the threshold of their group (in 1 groups); the order of the input chose 10 of them");
  QuantileStage clean({.score = "educational", .keep = 0.95}, {.name = "quantile"});  // all that are equal stay
  decide(clean, documents);
  EXPECT_EQ(note_of(clean, "ties"), "");
}

}  // namespace
}  // namespace phidias::data::pipeline
