// Any bytes as a store of signatures, as a list of records and as a MinHash record: records within the bytes, or DataError.
//   clang: libFuzzer target signature_store_fuzz; elsewhere tests/data/pipeline/dedup/mutated_stores_test.cpp calls the same function.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "data/pipeline/dedup/candidate_pairs.h"
#include "data/pipeline/dedup/signature_store.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace phidias::data::pipeline;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto attempt = [](auto&& call) {
    try {
      call();
    } catch (const phidias::DataError&) {
    }
  };
  const auto read_all = [&](const RecordListView& records) {
    for (std::size_t i = 0; i < records.size(); ++i) {
      const std::string_view record = records[i];
      if (!record.empty() && (record.data() < text.data() || record.data() + record.size() > text.data() + text.size())) std::abort();
      attempt([&] {
        const MinhashRecordView view(record, 2);
        if (view.band_key(1) == 0 && view.id().size() + view.shingles().size() > record.size()) std::abort();
      });
    }
  };
  attempt([&] { read_all(read_store(text, "fuzz", "parameters")); });
  attempt([&] { read_all(RecordListView(text)); });
  attempt([&] { read_all(RecordListView(text.substr(text.size() < 64 ? 0 : 64))); });
  return 0;
}
