#include "configs/yaml_document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <deque>
#include <exception>
#include <sstream>
#include <vector>

namespace phidias::configs {

namespace {

// Builds the tree from the parser's events. The library's own tree is not used: it resolves aliases (also cyclic ones) and drops the
// position of keys.
class Builder : public YAML::EventHandler {
 public:
  // Without lines every position is `origin` itself.
  Builder(const Position& origin, bool has_lines) : origin_(origin), has_lines_(has_lines) { root.position = origin; }

  Value root;
  Problems problems;

  Position position(const YAML::Mark& mark) const { return has_lines_ && mark.line >= 0 ? Position{origin_.source, mark.line + 1, mark.column + 1} : origin_; }

  void OnDocumentStart(const YAML::Mark& mark) override { root.position = position(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { place(Value::Kind::null, mark, "", anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    problems.add(position(mark), "", "aliases (*name) are not supported: write the value again, or quote the text");
    place(Value::Kind::null, mark, "", 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& text) override {
    if (awaits_key()) {
      refuse_tag_and_anchor(mark, tag, anchor);
      take_key(mark, text);
      return;
    }
    Value& value = place(Value::Kind::scalar, mark, tag, anchor);
    value.text = text;
    value.quoted = tag == "!";
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    levels_.push_back({&place(Value::Kind::list, mark, tag, anchor)});
  }
  void OnSequenceEnd() override { levels_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    levels_.push_back({&place(Value::Kind::map, mark, tag, anchor)});
  }
  void OnMapEnd() override { levels_.pop_back(); }

 private:
  // An open list or map. Only the innermost one grows, so the addresses of the outer ones stay.
  struct Level {
    Value* value;
    bool has_key = false;         // map: a key waits for its value
    bool key_is_refused = false;  // map: and that value is thrown away
  };

  bool awaits_key() const { return !levels_.empty() && levels_.back().value->kind == Value::Kind::map && !levels_.back().has_key; }

  void refuse_tag_and_anchor(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0) problems.add(position(mark), "", "anchors (&name) are not supported");
    if (!tag.empty() && tag != "?" && tag != "!") problems.add(position(mark), "", "tags (!name) are not supported");
  }

  void take_key(const YAML::Mark& mark, const std::string& key) {
    Level& level = levels_.back();
    level.has_key = true;
    level.key_is_refused = true;
    for (std::size_t i = 0; i < level.value->keys.size(); ++i) {
      if (level.value->keys[i] != key) continue;
      problems.add(position(mark), path_of(key), "duplicate key, first given at " + level.value->key_positions[i].text());
      return;
    }
    if (key == "<<") {
      problems.add(position(mark), path_of(key), "merge keys are not supported: write the keys out");
      return;
    }
    level.key_is_refused = false;
    level.value->keys.push_back(key);
    level.value->key_positions.push_back(position(mark));
  }

  // "data.train[1].path" for the key `path` of the innermost section.
  std::string path_of(const std::string& key) const {
    std::string path;
    for (std::size_t i = 0; i + 1 < levels_.size(); ++i) {
      const Value& value = *levels_[i].value;
      if (value.kind == Value::Kind::list)
        path += "[" + std::to_string(value.items.size() - 1) + "]";
      else
        path += (path.empty() ? "" : ".") + (value.keys.empty() ? "?" : value.keys.back());
    }
    return path + (path.empty() ? "" : ".") + key;
  }

  // Makes room for the next value: the root, the end of a list, or beside the waiting key.
  Value& place(Value::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_tag_and_anchor(mark, tag, anchor);
    Value& value = levels_.empty() ? root : next_in(levels_.back(), mark);
    value.kind = kind;
    value.position = position(mark);
    return value;
  }

  Value& next_in(Level& level, const YAML::Mark& mark) {
    if (level.value->kind == Value::Kind::map) {
      const bool is_key = !level.has_key;  // nothing, a list or a section where a key should be
      const bool is_refused = is_key || level.key_is_refused;
      if (is_key) problems.add(position(mark), "", "a key must be plain text");
      level.has_key = is_key;
      level.key_is_refused = is_key;
      if (is_refused) return discarded_.emplace_back();
    }
    return level.value->items.emplace_back();
  }

  Position origin_;
  bool has_lines_;
  std::vector<Level> levels_;
  std::deque<Value> discarded_;
};

// The line (from 0) before whose first word a tab stands: `line` or the one above it; -1 when neither is such a line. The library's own message names anything
// but the tab.
int line_indented_by_tab(const std::string& text, int line) {
  std::istringstream stream(text);
  std::string content;
  int found = -1;
  for (int number = 0; number <= line && std::getline(stream, content); ++number)
    if (number >= line - 1 && content.substr(0, content.find_first_not_of(" \t")).find('\t') != std::string::npos) found = number;
  return found;
}

std::optional<Value> parse(const std::string& text, const Position& origin, bool has_lines, Problems& problems) {
  Builder builder(origin, has_lines);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return std::move(builder.root);
    Builder rest(origin, has_lines);
    if (parser.HandleNextDocument(rest)) builder.problems.add(rest.root.position, "", "a second YAML document (after ---) is not supported");
  } catch (const YAML::Exception& error) {
    const int tab = line_indented_by_tab(text, error.mark.line);
    if (has_lines && tab >= 0)
      problems.add({origin.source, tab + 1, 1}, "", "not valid YAML: tabs cannot indent YAML: use spaces");
    else
      problems.add(builder.position(error.mark), "", "not valid YAML: " + error.msg);
    return std::nullopt;
  } catch (const std::exception& error) {
    problems.add(origin, "", std::string("not valid YAML: ") + error.what());
    return std::nullopt;
  }
  problems.add(builder.problems);
  return std::move(builder.root);
}

}  // namespace

std::optional<Value> parse_yaml(const std::string& text, const std::string& source, Problems& problems) { return parse(text, {source, 0, 0}, true, problems); }

std::optional<Value> parse_yaml_at(const std::string& text, const Position& position, Problems& problems) { return parse(text, position, false, problems); }

}  // namespace phidias::configs
