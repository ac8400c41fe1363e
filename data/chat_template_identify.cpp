// Which of the known templates a directory carries: its Jinja text, brought to one spelling, against a table of hashes.
#include <array>
#include <cctype>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "data/chat_template.h"

namespace phidias::data {
namespace {

// One spelling for texts that render alike: in tags, no spaces beside punctuation and single ones elsewhere, double quotes become single ones, "\n" in
// a literal is a line end, adjacent literals joined by + are one; white space control is carried out.
std::string canonical(std::string_view jinja) {
  std::string out;
  bool in_tag = false;
  char quote = 0;
  for (std::size_t i = 0; i < jinja.size(); ++i) {
    const char c = jinja[i];
    if (!in_tag) {
      in_tag = c == '{' && i + 1 < jinja.size() && (jinja[i + 1] == '%' || jinja[i + 1] == '{');
      out += c;
      if (!in_tag) continue;
      out += jinja[++i];
      if (i + 1 < jinja.size() && jinja[i + 1] == '-') {  // white space control: the text before the tag loses its white space
        ++i;
        const std::size_t tag = out.size() - 2;
        std::size_t text_end = tag;
        while (text_end > 0 && std::isspace(static_cast<unsigned char>(out[text_end - 1]))) --text_end;
        out.erase(text_end, tag - text_end);
      }
    } else if (quote != 0) {
      if (c == '\\' && i + 1 < jinja.size() && jinja[i + 1] == 'n') {
        out += '\n';
        ++i;
      } else if (c == quote) {
        out += '\'';
        quote = 0;
      } else {
        out += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      if (out.ends_with("'+"))
        out.resize(out.size() - 2);
      else
        out += '\'';
    } else if (std::isspace(static_cast<unsigned char>(c))) {
      if (std::isalnum(static_cast<unsigned char>(out.back()))) out += ' ';
    } else if (c == '-' && i + 2 < jinja.size() && jinja[i + 2] == '}') {
      continue;
    } else {
      if (!out.empty() && out.back() == ' ' && !std::isalnum(static_cast<unsigned char>(c)) && c != '_') out.pop_back();
      out += c;
      in_tag = !(c == '}' && i > 0 && (jinja[i - 1] == '%' || jinja[i - 1] == '}'));
      if (!in_tag && i >= 2 && jinja[i - 2] == '-') {
        while (i + 1 < jinja.size() && std::isspace(static_cast<unsigned char>(jinja[i + 1]))) ++i;
      }
    }
  }
  while (!out.empty() && std::isspace(static_cast<unsigned char>(out.back()))) out.pop_back();
  std::string tight;  // parentheses around a whole condition do not matter
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == '(' && (tight.ends_with("if ") || tight.ends_with("if"))) {
      if (!tight.ends_with(' ')) tight += ' ';
      const std::size_t close = out.find(")%}", i);
      if (close != std::string::npos && out.substr(i + 1, close - i - 1).find_first_of("()") == std::string::npos) {
        tight += out.substr(i + 1, close - i - 1);
        i = close;
        continue;
      }
    }
    tight += out[i];
  }
  return tight;
}

struct Known {
  std::string_view name;
  std::string_view hash;  // of the canonical text
};

constexpr std::array<Known, 6> kKnown = {{
    {"phi-3-mini", "00f237d44ffc01acb25ff6f4deffc17c"},
    {"phi-3-medium", "0af68e49a603e262a3e1e50f865444d2"},
    {"phi-3.5", "3840c390ef46f807e95a28ab9ffe1045"},
    {"phi-3-small", "17fd08fd92f4d678f41795ca580dfdb8"},
    {"phi-3-vision", "a07e510bde974a9da5f65e15f7950952"},
    {"phi-3-mini-2024-04", "03d3340ecb26fbcc1c853fbaac806af5"},
}};

std::optional<std::string> template_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return std::nullopt;
  for (const Json& entry : value) {  // several named templates: "default" is the one apply_chat_template takes
    if (entry.is_object() && entry.value("name", "") == "default" && entry.contains("template")) return template_text(entry["template"]);
  }
  return std::nullopt;
}

std::optional<std::string> find_template(const std::filesystem::path& directory) {
  if (std::filesystem::exists(directory / "chat_template.jinja")) return read_file(directory / "chat_template.jinja");
  for (const char* file : {"chat_template.json", "tokenizer_config.json"}) {
    if (!std::filesystem::exists(directory / file)) continue;
    const Json json = read_json(directory / file);
    if (json.is_object() && json.contains("chat_template")) {
      if (auto text = template_text(json["chat_template"])) return text;
    }
  }
  return std::nullopt;
}

std::string names_for_message() {
  std::string names;
  for (const std::string& name : chat_template_names()) names += (names.empty() ? "" : ", ") + name;
  return names;
}

}  // namespace

std::optional<std::string> identify_chat_template(std::string_view jinja) {
  const std::string hash = hash_string(canonical(jinja)).hex();
  for (const Known& known : kKnown) {
    if (known.hash == hash) return std::string(known.name);
  }
  return std::nullopt;
}

ChatTemplate ChatTemplate::choose(std::string_view name, const std::filesystem::path& directory, const Tokenizer& tokenizer) {
  const auto text = [&](std::optional<std::int32_t> id) { return id ? tokenizer.id_to_token(*id) : std::string(); };
  const std::string bos = text(tokenizer.bos_id()), eos = text(tokenizer.eos_id());
  if (name != "auto") return named(name, bos, eos);
  const std::optional<std::string> jinja = find_template(directory);
  if (!jinja && directory.empty()) throw DataError("there is no tokenizer: set model.tokenizer to a directory that has one");
  if (!jinja) {
    throw DataError(directory.string() + ": no chat template (chat_template.jinja or tokenizer_config.json); set data.template to one of " +
                    names_for_message());
  }
  const std::optional<std::string> found = identify_chat_template(*jinja);
  if (!found) {
    throw DataError(directory.string() + ": unknown chat template (hash " + hash_string(canonical(*jinja)).hex() +
                    "); set data.template to the one that writes the same text: " + names_for_message());
  }
  return named(*found, bos, eos);
}

}  // namespace phidias::data
