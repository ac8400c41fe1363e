#include "data/pipeline/quality/c4_paragraphs.h"

#include "data/pipeline/characters.h"
#include "data/pipeline/quality/lines.h"

namespace phidias::data::pipeline {
namespace {

class Worker final : public DocumentWorker {
 public:
  Worker(const C4Paragraphs& stage, const C4Paragraphs::Config& config) : config_(config), name_(stage.qualified("paragraphs")) {}

  void process(Document& document) override {
    std::int64_t paragraphs = 0;
    for_each_newline_part(document.text(),
                          [&](std::string_view line) { paragraphs += static_cast<std::int64_t>(count_characters(line)) >= config_.min_characters; });
    document.annotations().set(name_, static_cast<double>(paragraphs));
    if (paragraphs < config_.min_paragraphs) document.drop("min_paragraphs");
  }

 private:
  C4Paragraphs::Config config_;
  std::string name_;
};

}  // namespace

std::unique_ptr<StageWorker> C4Paragraphs::worker() const { return std::make_unique<Worker>(*this, config_); }

}  // namespace phidias::data::pipeline
