#include "data/tokenizers/tokenizer_json.h"

#include "data/tokenizers/json_fields.h"
#include "data/tokenizers/word_patterns.h"

namespace phidias::data {
namespace {

constexpr std::int64_t kMaxId = (1 << 24) - 1;  // a vocabulary of 16 million: beyond is a damaged file

std::string type_of(const JsonField& part) { return part["type"].string(); }
[[noreturn]] void unsupported(const JsonField& part) { part["type"].fail("'" + type_of(part) + "' is not supported"); }

template <typename Visit>
void each(const JsonField& list, Visit visit) {
  std::size_t i = 0;
  for (const simdjson::dom::element item : list.array()) visit(JsonField(item, list.path() + "[" + std::to_string(i++) + "]"));
}

// The text of {"String": text}; a regular expression is refused.
std::string literal_pattern(const JsonField& pattern) {
  if (pattern["String"].is_null()) pattern.fail("only a {\"String\": ...} pattern is supported");
  return pattern["String"].string();
}

void read_vocabulary(const JsonField& vocabulary, Vocabulary& out) {
  const auto object = vocabulary.object();
  std::int64_t count = 0;
  for (const auto [piece, id] : object)
    count = std::max<std::int64_t>(count, JsonField(id, vocabulary.path() + "." + std::string(piece)).integer(0, kMaxId) + 1);
  out.pieces.reserve(count);
  out.ids.reserve(object.size());
  for (const auto [piece, id] : object) {
    if (piece.empty()) vocabulary.fail("an empty piece");
    const auto number = static_cast<std::int32_t>(id.get_int64().value_unsafe());
    if (!out.add(std::string(piece), number))
      vocabulary.fail("piece '" + std::string(piece) + "' with id " + std::to_string(number) + ": the piece or its id appears twice");
  }
}

void read_merges(const JsonField& merges, const Vocabulary& vocabulary, std::vector<MergeRule>& out) {
  std::uint32_t rank = 0;
  std::string left, right;
  const auto array = merges.array();
  out.reserve(array.size());
  const auto fail = [&](const std::string& what) { merges.fail("rule " + std::to_string(rank + 1) + ": " + what); };
  for (const simdjson::dom::element item : array) {
    if (item.is_string()) {
      const std::string_view line = item.get_string().value_unsafe();
      if (line.starts_with("#version")) continue;
      const std::size_t space = line.find(' ');
      if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos) fail("two pieces with one space between were expected");
      left = line.substr(0, space);
      right = line.substr(space + 1);
    } else {
      simdjson::dom::array pair;
      if (item.get(pair) != simdjson::SUCCESS || pair.size() != 2 || !pair.at(0).is_string() || !pair.at(1).is_string()) fail("two pieces were expected");
      left = pair.at(0).get_string().value_unsafe();
      right = pair.at(1).get_string().value_unsafe();
    }
    const auto find = [&](const std::string& piece) {
      const auto id = vocabulary.find(piece);
      if (!id) fail("piece '" + piece + "' is not in the vocabulary");
      return *id;
    };
    out.push_back({rank, find(left), find(right), find(left + right)});
    ++rank;
  }
}

void read_model(const JsonField& model, TokenizerDefinition& definition) {
  if (!model["type"].is_null() && type_of(model) != "BPE") unsupported(model);
  if (!model["dropout"].is_null() && model["dropout"].number() != 0) model["dropout"].fail("random merges are not supported");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!model[key].is_null() && !model[key].string().empty()) model[key].fail("not supported");
  }
  definition.byte_fallback = model["byte_fallback"].boolean_or(false);
  definition.fuse_unk = model["fuse_unk"].boolean_or(false);
  definition.ignore_merges = model["ignore_merges"].boolean_or(false);
  if (!model["unk_token"].is_null()) definition.unk_token = model["unk_token"].string();
  read_vocabulary(model["vocab"], definition.vocabulary);
  read_merges(model["merges"], definition.vocabulary, definition.merges);
}

void read_normalizer(const JsonField& part, TokenizerDefinition& definition) {
  if (part.is_null()) return;
  definition.has_normalizer = true;
  const std::string type = type_of(part);
  if (type == "Sequence") {
    each(part["normalizers"], [&](const JsonField& step) { read_normalizer(step, definition); });
  } else if (type == "Prepend") {
    if (part["prepend"].string() != kWordMark || definition.prefix != Prefix::never) part["prepend"].fail("only one U+2581 is supported");
    definition.prefix = Prefix::normalizer;
  } else if (type == "Replace") {
    if (literal_pattern(part["pattern"]) != " " || part["content"].string() != kWordMark) part.fail("only \" \" to U+2581 is supported");
    definition.replace_spaces = true;
  } else {
    unsupported(part);
  }
}

void read_byte_level(const JsonField& part, TokenizerDefinition& definition, bool may_split) {
  definition.byte_level = true;
  if (part["add_prefix_space"].boolean_or(true)) {
    if (!may_split) part["add_prefix_space"].fail("true after a split (a space before every word) is not supported");
    definition.prefix = Prefix::always;
  }
  if (!part["use_regex"].boolean_or(true)) return;
  if (!may_split) part["use_regex"].fail("true after another split is not supported");
  definition.word_pattern = WordPattern::gpt2;
}

void read_split(const JsonField& part, TokenizerDefinition& definition) {
  if (definition.byte_level || definition.word_pattern != WordPattern::none) part.fail("only one Split, before ByteLevel, is supported");
  const JsonField regex = part["pattern"]["Regex"];
  if (regex.is_null()) part["pattern"].fail("only a {\"Regex\": ...} pattern is supported");
  const auto pattern = find_word_pattern(regex.string());
  if (!pattern) regex.fail("this regular expression is not one of those supported (GPT-2, cl100k, o200k)");
  definition.word_pattern = *pattern;
  // The words cover the text without gaps, so keeping matches and removing the rest is the same as splitting at them.
  const std::string behavior = part["behavior"].string();
  const bool invert = part["invert"].boolean_or(false);
  if (!(behavior == "Isolated" || (behavior == "Removed" && invert))) part["behavior"].fail("'" + behavior + "' is not supported");
}

void read_pre_tokenizer(const JsonField& part, TokenizerDefinition& definition) {
  if (part.is_null()) return;
  const std::string type = type_of(part);
  if (type == "ByteLevel") {
    read_byte_level(part, definition, true);
    definition.prefix_by_config = true;
  } else if (type == "Sequence") {
    each(part["pretokenizers"], [&](const JsonField& step) {
      if (definition.byte_level) step.fail("nothing may follow ByteLevel");
      if (type_of(step) == "Split") {
        read_split(step, definition);
      } else if (type_of(step) == "ByteLevel") {
        read_byte_level(step, definition, definition.word_pattern == WordPattern::none);
      } else {
        unsupported(step);
      }
    });
    if (!definition.byte_level) part["pretokenizers"].fail("a sequence must end with ByteLevel");
  } else if (type == "Metaspace") {
    const std::string scheme = part["prepend_scheme"].is_null() ? "always" : part["prepend_scheme"].string();
    if (part["replacement"].string() != kWordMark) part["replacement"].fail("only U+2581 is supported");
    if (part["split"].boolean_or(true)) part["split"].fail("true is not supported");
    definition.replace_spaces = true;
    definition.prefix = scheme == "always" ? Prefix::always : scheme == "first" ? Prefix::first : Prefix::never;
    if (scheme != "always" && scheme != "first" && scheme != "never") part["prepend_scheme"].fail("'" + scheme + "' is not supported");
  } else {
    unsupported(part);
  }
}

void read_template(const JsonField& part, TokenizerDefinition& definition) {
  if (!definition.post_template.empty()) part.fail("a second template is not supported");
  bool has_text = false;
  each(part["single"], [&](const JsonField& item) {
    if (!item["Sequence"].is_null()) {
      if (has_text || item["Sequence"]["id"].string() != "A") item["Sequence"].fail("one sequence A was expected");
      has_text = true;
      definition.post_template.push_back({true, 0});
      return;
    }
    const std::string name = item["SpecialToken"]["id"].string();
    const JsonField ids = part["special_tokens"][name]["ids"];
    each(ids, [&](const JsonField& id) { definition.post_template.push_back({false, static_cast<std::int32_t>(id.integer(0, kMaxId))}); });
  });
  if (!has_text) part["single"].fail("no sequence A");
}

void read_post_processor(const JsonField& part, TokenizerDefinition& definition) {
  if (part.is_null()) return;
  const std::string type = type_of(part);
  if (type == "TemplateProcessing") {
    read_template(part, definition);
  } else if (type == "ByteLevel") {
    if (!definition.post_template.empty()) part.fail("after a template is not supported");
    definition.trim_offsets = part["trim_offsets"].boolean_or(true);
    definition.trim_keeps_prefix = part["add_prefix_space"].boolean_or(true);
  } else if (type == "Sequence") {
    each(part["processors"], [&](const JsonField& step) { read_post_processor(step, definition); });
  } else {
    unsupported(part);
  }
}

void read_decoder(const JsonField& part, std::vector<DecoderStep>& steps) {
  const std::string type = type_of(part);
  if (type == "Sequence") {
    each(part["decoders"], [&](const JsonField& step) { read_decoder(step, steps); });
  } else if (type == "Replace") {
    steps.push_back({.kind = DecoderStep::replace, .pattern = literal_pattern(part["pattern"]), .content = part["content"].string()});
  } else if (type == "ByteFallback") {
    steps.push_back({.kind = DecoderStep::byte_fallback});
  } else if (type == "Fuse") {
    steps.push_back({.kind = DecoderStep::fuse});
  } else if (type == "Strip") {
    DecoderStep step{.kind = DecoderStep::strip, .content = part["content"].string()};
    step.strip_start = part["start"].integer(0, 1 << 20);
    step.strip_stop = part["stop"].integer(0, 1 << 20);
    if (step.content.empty()) part["content"].fail("one character was expected");
    steps.push_back(std::move(step));
  } else if (type == "ByteLevel") {
    steps.push_back({.kind = DecoderStep::byte_level});
  } else {
    unsupported(part);
  }
}

}  // namespace

TokenizerDefinition read_tokenizer_json(std::string_view json, std::string_view name) {
  const JsonFile file(json, name);
  const JsonField root = file.root();
  TokenizerDefinition definition;
  read_model(root["model"], definition);
  read_normalizer(root["normalizer"], definition);
  if (definition.prefix == Prefix::normalizer && !definition.replace_spaces) root["normalizer"].fail("Prepend without Replace is not supported");
  if (definition.has_normalizer && !root["pre_tokenizer"].is_null()) root["pre_tokenizer"].fail("beside a normalizer is not supported");
  read_pre_tokenizer(root["pre_tokenizer"], definition);
  read_post_processor(root["post_processor"], definition);
  if (!root["decoder"].is_null()) read_decoder(root["decoder"], definition.decoder.emplace());
  std::vector<AddedToken>& added = definition.added_tokens.emplace_back();
  if (!root["added_tokens"].is_null()) {
    each(root["added_tokens"], [&](const JsonField& token) { added.push_back(read_added_token(token)); });
  }
  return definition;
}

}  // namespace phidias::data
