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
 "outputs": [{"path": "kept/crawl/00000.jsonl.zst", "bytes": 5, "hash": "00"}], "problems": [],
 "timing": {"seconds": 2.5, "ranks": 1, "threads": 2, "stages": [{"name": "read", "seconds": 1, "bytes_per_second": 3e6}]}})";

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
