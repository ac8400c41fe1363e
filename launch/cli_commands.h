// How cli.cpp and data_cli.cpp add commands. Included by the two alone: CLI11 is slow to compile.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "launch/cli.h"

namespace phidias::launch {

// Adds a command whose parsed struct becomes the invocation.
template <class T>
std::pair<CLI::App*, T*> add_command(CLI::App& parent, Invocation& invocation, std::vector<std::unique_ptr<Command>>& storage, const std::string& name,
                                     const std::string& description, const std::string& example) {
  storage.push_back(std::make_unique<Command>(T{}));
  Command* command = storage.back().get();
  CLI::App* app = parent.add_subcommand(name, description);
  app->footer("Example:\n  " + example);
  app->add_flag("--json", invocation.json, "results as JSON");
  app->add_flag("--quiet", invocation.quiet, "warnings and errors only");
  app->final_callback([command, &invocation] { invocation.command = std::move(*command); });
  return {app, &std::get<T>(*command)};
}

inline void add_template(CLI::App* app, std::string& chat_template) {
  app->add_option("--template", chat_template, "chat template: auto (from the directory), phi-3-mini, phi-3-medium, phi-3.5, ...")->capture_default_str();
}

// `phidias data ...` and `phidias tokenize`.
void add_data_commands(CLI::App& app, Invocation& invocation, std::vector<std::unique_ptr<Command>>& storage);

}  // namespace phidias::launch
