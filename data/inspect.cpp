#include "data/inspect.h"

#include <array>

#include "base/error.h"
#include "base/json.h"
#include "data/line_blocks.h"
#include "data/record_encoder.h"

namespace phidias::data {
namespace {

constexpr std::string_view kBegin = "[[", kEnd = "]]";

// The document's text in runs of trained and untrained tokens. Runs are decoded whole, so that bytes of one character stay together.
std::string marked(const Tokenizer& tokenizer, const TokenBlockView& block, const DocumentEntry& entry) {
  std::string text;
  const auto ids = block.ids.subspan(entry.begin, entry.length);
  const auto trained = block.trained.subspan(entry.begin, entry.length);
  for (std::size_t begin = 0; begin < ids.size();) {
    std::size_t end = begin + 1;
    while (end < ids.size() && trained[end] == trained[begin]) ++end;
    std::string run = tokenizer.decode(ids.subspan(begin, end - begin), false);
    text += trained[begin] != 0 ? std::string(kBegin) + run + std::string(kEnd) : run;
    begin = end;
  }
  std::string lines;  // line ends stay visible and keep their effect
  for (const char c : text) lines += c == '\n' ? std::string("⏎\n") : std::string(1, c);
  return lines;
}

// {"line", "kind", "ids", "mask", "text"}: mask has 1 where a token is trained.
void write_json(const Tokenizer& tokenizer, const TokenBlockView& block, const DocumentEntry& entry, std::int64_t line, const std::string& kind,
                std::ostream& out) {
  const auto ids = block.ids.subspan(entry.begin, entry.length);
  const auto trained = block.trained.subspan(entry.begin, entry.length);
  const OrderedJson object = {{"line", line},
                              {"kind", kind},
                              {"ids", std::vector<std::int32_t>(ids.begin(), ids.end())},
                              {"mask", std::vector<int>(trained.begin(), trained.end())},
                              {"text", tokenizer.decode(ids, false)}};
  out << object.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) << '\n';
}

void show_counters(const PrepareCounters& counters, std::ostream& out) {
  const std::array<std::pair<std::int64_t, const char*>, 6> notes = {{{counters.split, "split at max_length"},
                                                                      {counters.truncated, "cut at max_length"},
                                                                      {counters.dropped_long, "dropped: longer than max_length"},
                                                                      {counters.dropped_no_target, "dropped: nothing in it is trained"},
                                                                      {counters.forged_specials, "special tokens written inside contents"},
                                                                      {counters.system_left_out, "system messages left out by the template"}}};
  for (const auto& [count, what] : notes) {
    if (count > 0) out << "  (" << what << ": " << count << ")\n";
  }
}

}  // namespace

void inspect_file(const std::string& path, const Tokenizer& tokenizer, const InspectOptions& options, std::ostream& out) {
  EncoderOptions encoder{.tokenizer = &tokenizer, .chat_template = {}, .no_template_reason = {}};
  encoder.train_on = options.data.train_on;
  encoder.over_length = options.data.over_length;
  encoder.inside = inside_content(options.data.special_tokens_in_content);
  encoder.max_length = options.max_length;
  try {
    encoder.chat_template = ChatTemplate::choose(options.data.chat_template, options.tokenizer_directory, tokenizer);
  } catch (const DataError& error) {
    encoder.no_template_reason = error.what();
  }
  RecordParser parser;
  RecordEncoder records(encoder);
  LineBlocks blocks(path, 1 << 20);
  std::int64_t shown = 0;
  if (encoder.chat_template && !options.json)
    out << "chat template: " << encoder.chat_template->name() << "; trained tokens stand in " << kBegin << ' ' << kEnd << "\n";
  while (shown < options.documents) {
    const std::optional<LineBlock> lines = blocks.next();
    if (!lines) break;
    for_each_line(*lines, [&](std::int64_t line, std::string_view text) {
      if (shown >= options.documents) return;
      ++shown;
      TokenBlock block;
      std::string kind;
      try {
        const Record record = parser.parse(text, RecordKind::automatic);
        kind = to_string(record.kind);
        records.encode(record, line, block);
      } catch (const DataError& error) {
        throw DataError(path + ":" + std::to_string(line) + ": " + error.what());
      }
      if (options.json) {
        for (const DocumentEntry& entry : block.view().entries) write_json(tokenizer, block.view(), entry, line, kind, out);
        return;
      }
      out << '\n';
      if (block.view().entries.empty()) out << path << ':' << line << "  " << kind << '\n';
      for (const DocumentEntry& entry : block.view().entries) {
        out << path << ':' << line << "  " << kind << ", " << entry.length << " tokens, " << entry.targets << " trained\n"
            << marked(tokenizer, block.view(), entry) << '\n';
      }
      show_counters(block.counters, out);
    });
  }
}

}  // namespace phidias::data
