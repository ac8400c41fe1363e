#include "data/tokenizers/transformers_config.h"

#include <algorithm>
#include <array>
#include <map>

#include "data/tokenizers/added_vocabulary.h"
#include "data/tokenizers/json_fields.h"

namespace phidias::data {
namespace {

constexpr std::int64_t kMaxId = (1 << 24) - 1;
constexpr std::array<const char*, 7> kNamed{"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

struct NamedToken {
  AddedToken token;
  bool has_flags = false;  // written as an object
};

NamedToken read_named(const JsonField& field) {
  if (field.is_object()) {
    NamedToken named{read_added_token(field), true};
    named.token.special = true;
    named.token.normalized = field["normalized"].boolean_or(false);
    return named;
  }
  return {{.content = field.string(), .special = true}, false};
}

std::string base_class(std::string name) {
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  return name;
}

class ConfigReader {
 public:
  ConfigReader(const TransformersFiles& files, TokenizerDefinition& definition) : definition_(definition) {
    static const std::string kEmpty = "{}";
    config_.emplace(files.tokenizer_config ? *files.tokenizer_config : kEmpty, "tokenizer_config.json");
    if (files.special_tokens_map) map_.emplace(*files.special_tokens_map, "special_tokens_map.json");
    if (files.added_tokens) added_.emplace(*files.added_tokens, "added_tokens.json");
    const JsonField written = config_->root()["tokenizer_class"];
    class_ = base_class(written.is_null() ? files.model_class : written.string());
  }

  void apply() {
    read_named_tokens();
    read_added_tokens();
    declare();
    const JsonField root = config_->root();
    if (definition_.prefix_by_config) definition_.prefix = root["add_prefix_space"].boolean_or(false) ? Prefix::always : Prefix::never;
    definition_.clean_up_spaces = root["clean_up_tokenization_spaces"].boolean_or(false);
    const auto name = [&](const char* key) -> std::optional<std::string> {
      const auto found = named_.find(key);
      if (found == named_.end()) return std::nullopt;
      return found->second.token.content;
    };
    definition_.bos_token = name("bos_token");
    definition_.eos_token = name("eos_token");
    definition_.pad_token = name("pad_token");
    if (class_ == "LlamaTokenizer") replace_template(root);
  }

 private:
  bool has_decoder() const { return !config_->root()["added_tokens_decoder"].is_null(); }

  void read_named_tokens() {
    const auto set_default = [&](const char* key, const char* content) { named_[key] = {{.content = content, .special = true}, false}; };
    if (class_ == "LlamaTokenizer") set_default("bos_token", "<s>"), set_default("eos_token", "</s>"), set_default("unk_token", "<unk>");
    if (class_ == "GPT2Tokenizer") {
      for (const char* key : {"bos_token", "eos_token", "unk_token"}) set_default(key, "<|endoftext|>");
    }
    const auto read = [&](const JsonField& root) {
      for (const char* key : kNamed) {
        const JsonField field = root[key];
        if (!field.is_null()) {
          named_[key] = read_named(field);
        } else if (root.has(key)) {
          named_.erase(key);
        }
      }
      const JsonField more = root["additional_special_tokens"];
      if (more.is_null()) return;
      for (const simdjson::dom::element item : more.array()) additional_.push_back(read_named(JsonField(item, more.path())));
    };
    read(config_->root());
    if (map_ && !has_decoder()) read(map_->root());
  }

  void read_added_tokens() {
    const JsonField decoder = config_->root()["added_tokens_decoder"];
    if (!decoder.is_null()) {
      for (const auto [key, value] : decoder.object()) {
        const JsonField token(value, decoder.path() + "." + std::string(key));
        if (key.empty() || key.size() > 8 || key.find_first_not_of("0123456789") != std::string_view::npos) token.fail("the key is not a token id");
        by_id_[std::stol(std::string(key))] = read_added_token(token);
      }
      return;
    }
    if (added_) {
      const JsonField root = added_->root();
      for (const auto [content, id] : root.object()) {
        const std::string text(content);
        const bool special = is_named(text);
        by_id_[JsonField(id, root.path() + text).integer(0, kMaxId)] = {.content = text, .special = special, .normalized = !special};
      }
    }
    // What tokenizer.json says about an id wins over what added_tokens.json cannot say.
    const AddedVocabulary known = declared_so_far();
    for (const auto& [id, token] : known.tokens()) by_id_[id] = token;
  }

  AddedVocabulary declared_so_far() const {
    AddedVocabulary added;
    for (const auto& tokens : definition_.added_tokens) added.add(tokens, definition_.vocabulary, [](std::string_view text) { return std::string(text); });
    return added;
  }

  bool is_named(const std::string& content) const {
    const auto is = [&](const NamedToken& named) { return named.token.content == content; };
    return std::any_of(named_.begin(), named_.end(), [&](const auto& entry) { return is(entry.second); }) ||
           std::any_of(additional_.begin(), additional_.end(), is);
  }

  // One more list of declarations: the config's tokens, then named ones.
  void declare() {
    if (definition_.config_replaces_added && has_decoder()) {
      const auto listed = [&](const AddedToken& token) {
        return std::any_of(by_id_.begin(), by_id_.end(), [&](const auto& entry) { return entry.second.content == token.content; });
      };
      for (auto& earlier : definition_.added_tokens) std::erase_if(earlier, listed);
    }
    const AddedVocabulary before = declared_so_far();
    std::vector<AddedToken> tokens;
    for (auto& [id, token] : by_id_) {
      if (is_named(token.content)) token.special = true;
      tokens.push_back(token);
    }
    const auto add_named = [&](const NamedToken& named) {
      const std::string& content = named.token.content;
      const bool listed = std::any_of(tokens.begin(), tokens.end(), [&](const AddedToken& token) { return token.content == content; });
      const bool flags_known = has_decoder() ? listed : before.find_id(content).has_value();  // then these win over the named token's own
      if (named.has_flags ? !flags_known : !listed && !before.find_id(content)) tokens.push_back(named.token);
    };
    for (const char* key : kNamed) {
      if (const auto named = named_.find(key); named != named_.end()) add_named(named->second);
    }
    for (const NamedToken& named : additional_) add_named(named);
    definition_.added_tokens.push_back(std::move(tokens));
  }

  void replace_template(const JsonField& root) {
    if (!root["add_prefix_space"].is_null()) root["add_prefix_space"].fail("only null is supported for LlamaTokenizer");
    const AddedVocabulary added = declared_so_far();
    const auto id = [&](const char* flag, const char* key) {
      const auto named = named_.find(key);
      if (named == named_.end()) root[flag].fail(std::string("true, but there is no ") + key);
      return TokenizerDefinition::TemplateItem{false, *added.find_id(named->second.token.content)};
    };
    definition_.post_template.clear();
    definition_.trim_offsets = false;
    if (root["add_bos_token"].boolean_or(true)) definition_.post_template.push_back(id("add_bos_token", "bos_token"));
    definition_.post_template.push_back({true, 0});
    if (root["add_eos_token"].boolean_or(false)) definition_.post_template.push_back(id("add_eos_token", "eos_token"));
  }

  TokenizerDefinition& definition_;
  std::optional<JsonFile> config_, map_, added_;
  std::string class_;
  std::map<std::string, NamedToken> named_;
  std::vector<NamedToken> additional_;
  std::map<std::int64_t, AddedToken> by_id_;
};

}  // namespace

void apply_transformers_config(const TransformersFiles& files, TokenizerDefinition& definition) { ConfigReader(files, definition).apply(); }

}  // namespace phidias::data
