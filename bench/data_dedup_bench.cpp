// Speed of the duplicate stages on one core: MB of text per CPU second for what is collected from documents of about 4 KB, keys and documents per CPU second
// for what is resolved. bench/data_dedup.sh runs it beside datatrove.
//   data_dedup_bench TEXT_FILE [KEYS]
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <random>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"
#include "bench/measure.h"
#include "data/pipeline/dedup/exact_dedup.h"
#include "data/pipeline/dedup/key_sort.h"
#include "data/pipeline/dedup/minhash_dedup.h"
#include "data/pipeline/dedup/minhash_signature.h"
#include "data/pipeline/dedup/passage_dedup.h"
#include "data/pipeline/dedup/repeated_windows.h"
#include "parallel/single_process.h"

namespace {

using namespace phidias;
using namespace phidias::data::pipeline;

std::vector<Document> documents_of(std::string_view text) {
  std::vector<Document> documents;
  for (const std::string_view part : phidias::bench::documents_of(text)) {
    documents.emplace_back().set_text(std::string(part));
    documents.back().id = "document-" + std::to_string(documents.size());
  }
  return documents;
}

void bench_collect(const char* name, const CollectiveStage& stage, const std::vector<Document>& documents, double megabytes) {
  std::string record;
  std::size_t bytes = 0;
  const double seconds = phidias::bench::best_of(5, [&] {
    bytes = 0;
    for (const Document& document : documents) {
      record.clear();
      stage.collect(document, record);
      bytes += record.size();
    }
  });
  std::printf("%-28s %9.1f MB/s, %7.0f bytes a document\n", name, megabytes / seconds, static_cast<double>(bytes) / static_cast<double>(documents.size()));
}

void bench_kernels(const std::vector<Document>& documents, double megabytes) {
  const TextNormaliser normaliser;
  NormalisedText text;
  const double normalising = phidias::bench::best_of(5, [&] {
    for (const Document& document : documents) normaliser.normalise(document.text(), text);
  });
  std::printf("%-28s %9.1f MB/s\n", "normalisation alone", megabytes / normalising);
  std::vector<std::vector<std::uint64_t>> shingles(documents.size());
  for (std::size_t i = 0; i < documents.size(); ++i) {
    normaliser.normalise(documents[i].text(), text);
    hash_shingles(text, 5, shingles[i]);
  }
  const Permutations permutations(112, 1);
  std::vector<std::uint64_t> minima;
  for (int level = 0; level <= static_cast<int>(vector_level()); ++level) {
    const double seconds = phidias::bench::best_of(3, [&] {
      for (const auto& list : shingles) minhash_minima(permutations, list, minima, static_cast<VectorLevel>(level));
    });
    const char* names[] = {"112 permutations, plain", "112 permutations, AVX2", "112 permutations, AVX-512"};
    std::printf("%-28s %9.1f MB/s\n", names[level], megabytes / seconds);
  }
}

// One rank: `count` documents, every tenth a copy.
void bench_resolve(const char* name, CollectiveStage& stage, const std::vector<std::string>& records, std::size_t count) {
  std::mt19937_64 generator(1);
  RecordList list;
  for (std::size_t i = 0; i < count; ++i) list.add(records[i % 10 == 0 ? generator() % (i + 1) % records.size() : i % records.size()]);
  const std::string bytes = list.bytes();
  list = {};
  const std::vector<CollectedUnit> units{{0, "bench", RecordListView(bytes)}};
  parallel::SingleProcess alone;
  const auto scratch = std::filesystem::temp_directory_path() / ("phidias-dedup-bench-" + std::to_string(getpid()));
  std::filesystem::create_directories(scratch);
  std::vector<RecordList> decisions(1);
  const double start = phidias::bench::cpu_seconds();
  stage.resolve({.units = units, .documents = static_cast<std::int64_t>(count), .group = &alone, .scratch = scratch}, decisions);
  std::printf("%-28s %9.2f M documents/s (%zu)\n", name, static_cast<double>(count) / (phidias::bench::cpu_seconds() - start) / 1e6, count);
  std::filesystem::remove_all(scratch);
}

struct Key {
  std::uint64_t key;
  std::int64_t document;
  bool operator<(const Key& other) const { return key != other.key ? key < other.key : document < other.document; }
};

void bench_sort(std::size_t count) {
  std::mt19937_64 generator(1);
  std::vector<Key> keys(count), sorted;
  for (std::size_t i = 0; i < count; ++i) keys[i] = {generator(), static_cast<std::int64_t>(i)};
  double seconds = 1e9;
  for (int round = 0; round < 3; ++round) {
    sorted = keys;
    seconds = std::min(seconds, phidias::bench::best_of(1, [&] { sort_by_key(sorted); }));
  }
  std::printf("%-28s %9.1f M keys/s (%zu)\n", "sort of keys", static_cast<double>(count) / seconds / 1e6, count);
}

// Records of exact_dedup for documents that need not exist.
std::vector<std::string> exact_records(const ExactDedup& stage, std::size_t count) {
  std::vector<std::string> records(count);
  Document document;
  for (std::size_t i = 0; i < count; ++i) {
    document.set_text(std::to_string(i));
    stage.collect(document, records[i]);
  }
  return records;
}

void bench_resolve(const char* path, std::size_t keys) {
  const std::string text = read_file(path);
  const std::vector<Document> documents = documents_of(text);
  const double megabytes = static_cast<double>(text.size()) / 1e6;
  std::printf("%.1f MB in %zu documents\n", megabytes, documents.size());
  ExactDedup exact({}, {.name = "exact_dedup"}), normalised({.by = ExactKey::normalised_text}, {.name = "exact_dedup"});
  MinhashDedup minhash({}, {.name = "minhash"}), fineweb({.preset = MinhashPreset::fineweb}, {.name = "minhash"});
  bench_collect("exact_dedup text", exact, documents, megabytes);
  bench_collect("exact_dedup normalised_text", normalised, documents, megabytes);
  bench_collect("line_dedup", LineDedup({}, {.name = "lines"}), documents, megabytes);
  bench_collect("line_dedup cc_net", LineDedup({{.normalise = LineNormalisation::cc_net}}, {.name = "lines"}), documents, megabytes);
  bench_collect("minhash 20 x 5, checked", minhash, documents, megabytes);
  bench_collect("minhash 14 x 8, fineweb", fineweb, documents, megabytes);
  bench_kernels(documents, megabytes);
  bench_sort(keys);
  bench_resolve("exact_dedup resolve", exact, exact_records(exact, keys), keys);
  std::vector<std::string> records(documents.size());
  for (std::size_t i = 0; i < documents.size(); ++i) minhash.collect(documents[i], records[i]);
  bench_resolve("minhash resolve", minhash, records, documents.size());
  const double suffixes = phidias::bench::best_of(1, [&] { repeated_spans(text, 100, false); });
  std::printf("%-28s %9.2f MB/s\n", "substring_dedup", megabytes / suffixes);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "data_dedup_bench TEXT_FILE [KEYS]\n");
    return 2;
  }
  try {
    bench_resolve(argv[1], argc > 2 ? std::stoul(argv[2]) : 10'000'000);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
