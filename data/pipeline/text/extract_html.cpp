#include "data/pipeline/text/extract_html.h"

#include "data/pipeline/text/html_extraction.h"

namespace phidias::data::pipeline {
namespace {

class Worker final : public DocumentWorker {
 public:
  Worker(const ExtractHtml::Config& config, const Stage& stage)
      : config_(config), html_(stage.qualified("html")), share_(stage.qualified("share")), fallback_(stage.qualified("fallback")) {
    options_ = {
        .main_content = config.main_content,
        .style = {.headings = config.headings, .tables = config.tables, .code = config.code, .links = config.keep_links, .images = config.keep_image_text}};
  }

  void process(Document& document) override {
    const bool is_page = config_.input == PageDetection::always || is_html(document.text());
    document.annotations().set(html_, is_page);
    if (!is_page) return;
    if (document.text().size() > static_cast<std::size_t>(config_.max_bytes)) return document.drop("too_large");
    HtmlExtraction page = extractor_.extract(document.text(), options_);
    if (page.is_too_complex) return document.drop("too_complex");
    if (!page.title.empty()) document.annotations().set("title", page.title);
    if (!page.language.empty()) document.annotations().set("html_lang", page.language);
    document.annotations().set(share_, page.share);
    if (page.is_fallback) document.annotations().set(fallback_, true);
    if (page.text.empty()) return document.drop("empty");
    document.set_text(std::move(page.text));
  }

 private:
  ExtractHtml::Config config_;
  std::string html_, share_, fallback_;
  HtmlOptions options_;
  HtmlExtractor extractor_;
};

}  // namespace

ExtractHtml::ExtractHtml(const Config& config, const StageSetup& setup) : Stage(setup), config_(config) {}

std::unique_ptr<StageWorker> ExtractHtml::worker() const { return std::make_unique<Worker>(config_, *this); }

std::vector<std::pair<std::string, std::string>> ExtractHtml::notes() const {
  return {{"memory_bytes_per_thread_at_most", std::to_string(HtmlTree::memory_bound(static_cast<std::size_t>(config_.max_bytes)))}};
}

}  // namespace phidias::data::pipeline
