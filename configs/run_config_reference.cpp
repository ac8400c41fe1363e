// docs/configuration.md from the same lists of fields that the reader follows.
#include <string>
#include <string_view>

#include "configs/documenter.h"
#include "configs/presets.h"
#include "configs/run_config.h"
#include "configs/run_config_visit.h"

namespace phidias::configs {

namespace {

constexpr std::string_view kIntroduction = R"(# Configuration

<!-- Generated from configs/run_config_visit.h; tests/configs/reference_test.cpp compares and rewrites it (PHIDIAS_UPDATE=1). -->

A run is described by a YAML file, a recipe: `phidias train RECIPE [key.path=value ...]`. Shipped ones are in `recipes/`.

- Every key below may be set in the file or on the command line; both pass the same checks, and all mistakes are shown at once with their place.
- `key: null` (or nothing) gives the default back. Unknown and duplicate keys, anchors, aliases, tags and merge keys (`<<`) are errors.
- Integers may be written `1000`, `1_000` or `1e3`; leading zeros and hexadecimal are refused. Truth values are `true` and `false`.
- Where a list of sources is expected, a text stands for one `{path: text}`; a single text stands for a list of texts.
- On the command line a value is taken as it stands, so `data.train=my chats.jsonl` needs no inner quotes; one that opens with `[`, `{`, `"` or `'` is read as YAML:
  `'data.train=[a.jsonl, {path: b.jsonl, weight: 0.5}]'`, `'optimizer.betas=[0.9, 0.999]'`.
- Relative paths are relative to the working directory, not to the recipe.
- The resolved configuration, defaults filled in, is written to `config.yaml` in the run directory and can be run again.

Required: `method`, `run.output`, one of `data.train` and `data.mixture`, `optimizer.learning_rate`, one of `model.path` and `model.preset`, one of `batch.documents` and `batch.tokens`, and one key of `stop` (a mixture ends by itself).
)";

std::string presets_section() {
  std::string text =
      "\n## Presets\n\nShapes for `model.preset` and `phidias init --preset`, part of the program (`configs/models/*.yaml`).\n\n| preset | parameters | what "
      "it is |\n|---|---|---|\n";
  for (const std::string& name : preset_names())
    text += "| `" + name + "` | " + std::to_string(read_preset(name).parameter_count()) + " | " + table_cell(preset_summary(name)) + " |\n";
  return text;
}

}  // namespace

std::string run_config_reference() {
  RunConfig defaults;
  Documenter documenter;
  visit(defaults, documenter);
  return std::string(kIntroduction) + "\n## Method\n\n" + std::string(Documenter::kTableHead) + documenter.table() + documenter.sections + presets_section();
}

}  // namespace phidias::configs
