#include "report/data_report.h"

#include <gtest/gtest.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "tests/data/temporary_directory.h"

namespace phidias::report {
namespace {

constexpr const char* kManifest = R"({
 "format": "phidias-pipeline-1", "name": "web", "pipeline": "output: out\n",
 "documents": {"read": {"documents": 1500, "bytes": 3000000, "tokens": null}, "failed": 2, "kept": {"documents": 1000, "bytes": 2000000, "tokens": null},
               "dropped": {"documents": 500, "bytes": 1000000, "tokens": null}},
 "sources": {"crawl": {"read": {"documents": 1500, "bytes": 3000000, "tokens": null}, "failed": 2,
                       "kept": {"documents": 1000, "bytes": 2000000, "tokens": null}, "dropped": {"documents": 500, "bytes": 1000000, "tokens": null}}},
 "stages": [{"name": "read", "stage": "read", "mode": "drop", "rules": [], "notes": {}},
            {"name": "quality", "stage": "gopher_quality", "mode": "drop", "notes": {"splitter": "icu"},
             "rules": [{"rule": "short", "documents": 500, "bytes": 1000000, "tokens": null, "samples": [{"id": "d<7>", "source": "crawl", "text": "buy & sell"}]}]}],
 "distributions": {"quality.words": {"count": 1500, "not_finite": 0, "mean": 41.5, "deviation": 3, "minimum": 1, "maximum": 90,
                                     "bins": [[1, 2, 0, 500], [64, 69.8, 1000, 0]]}},
 "outputs": [{"path": "kept/crawl/00000.jsonl.zst", "bytes": 5, "hash": "00"}],
 "problems": [{"file": "crawl.jsonl", "line": 17, "error": "not <valid> JSON"}, {"file": "cut.gz", "line": 0, "error": "truncated"}],
 "timing": {"seconds": 2.5, "ranks": 1, "threads": 2, "stages": [{"name": "read", "seconds": 1, "bytes_per_second": 3e6},
            {"name": "minhash", "seconds": 1, "comparing_seconds": 7.25, "bytes_per_second": 3e6}]}})";

TEST(DataReport, ShowsCountsRulesAndSamples) {
  const data::TemporaryDirectory folder;
  folder.write("manifest.json", kManifest);
  const std::string page = read_file(write_data_report(folder.path()));
  for (const char* part : {"1 500", "66.67 %", "quality", "short", "33.33 %", "d&lt;7&gt;", "quality.words: mean 41.5", "kept/crawl/00000.jsonl.zst",
                           "splitter", "Documents after each stage"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
  EXPECT_NE(page.find("buy &amp; sell"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos);
}

TEST(DataReport, TellsWhatIsLeftAfterAStageNotWhatEntersIt) {
  const data::TemporaryDirectory folder;
  folder.write("manifest.json", kManifest);
  const std::string page = read_file(write_data_report(folder.path()));
  EXPECT_NE(page.find(">1 500 left<"), std::string::npos) << "reading dropped none";
  EXPECT_NE(page.find(">1 000 left, 500 dropped<"), std::string::npos);
}

TEST(DataReport, ListsWhatCouldNotBeReadAndNamesTheFileOfAll) {
  const data::TemporaryDirectory folder;
  folder.write("manifest.json", kManifest);
  const std::string page = read_file(write_data_report(folder.path()));
  for (const char* part : {"all of them are in errors.jsonl", "<td>crawl.jsonl</td><td>17</td><td>not &lt;valid&gt; JSON</td>", "<td>cut.gz</td><td></td>"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
}

TEST(DataReport, CountsTheSecondsOfComparingAndSpeaksOfOneRank) {
  const data::TemporaryDirectory folder;
  folder.write("manifest.json", kManifest);
  const std::string page = read_file(write_data_report(folder.path()));
  for (const char* part : {"1 rank of 2 threads", "<td>minhash</td><td>1</td><td>7.25</td>", "<h4>Notes</h4>"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
}

TEST(DataReport, RefusesWhatIsNoManifest) {
  const data::TemporaryDirectory folder;
  EXPECT_THROW(write_data_report(folder.path()), DataError);
  folder.write("manifest.json", "{\"format\": \"other\"}");
  EXPECT_THROW(write_data_report(folder.path()), DataError);
  folder.write("manifest.json", "{\"format\": \"phidias-pipeline-1\", \"name\": 7}");
  EXPECT_THROW(write_data_report(folder.path()), DataError);
}

}  // namespace
}  // namespace phidias::report
