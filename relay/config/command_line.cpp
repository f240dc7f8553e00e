#include "relay/config/command_line.hpp"

#include <CLI/CLI.hpp>
#include <string_view>
#include <vector>

#include "engine/base/message.hpp"
#include "engine/base/nearest.hpp"

namespace redoubt::config {
namespace {

bool has_commands(const CLI::App& command) {
  return !command.get_subcommands(nullptr).empty();
}

// Those that are shown.
std::vector<std::string> commands_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* known : command.get_subcommands(nullptr))
    if (!known->get_group().empty()) names.push_back(known->get_name());
  return names;
}

std::string listed(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names)
    all.append(all.empty() ? "" : ", ").append(name);
  return all;
}

std::string command_fault(const CLI::App& command, std::string_view word) {
  const std::vector<std::string> names = commands_of(command);
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  std::string advice = did_you_mean(word, candidates);
  if (word == "help") advice = "; did you mean --help?";
  if (advice.empty()) advice = "; it has " + listed(names);
  return joined({"there is no command \"", word, "\" of ", command.get_name(), advice});
}

std::string option_fault(const CLI::App& command, std::string_view word) {
  std::vector<std::string> names;
  for (const CLI::Option* known : command.get_options())
    for (const std::string& name : known->get_lnames())
      names.push_back("--" + name);
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  return joined({"there is no option \"", word, "\" of ", command.get_name(),
                 did_you_mean(word, candidates)});
}

}  // namespace

std::string unknown_word(const CLI::App& program, std::span<const char* const> arguments) {
  const CLI::App* command = &program;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view word = arguments[i];
    if (word == "--") return "";
    if (word.starts_with("--")) {
      const std::string name(word.substr(0, word.find('=')));
      const CLI::Option* option = command->get_option_no_throw(name);
      if (option == nullptr) return option_fault(*command, name);
      const bool takes_value = option->get_items_expected_min() > 0;
      if (takes_value && name.size() == word.size()) ++i;
    } else if (!word.starts_with('-') && has_commands(*command)) {
      const std::vector<const CLI::App*> next = command->get_subcommands(
          [&](const CLI::App* known) { return known->get_name() == word; });
      if (next.empty()) return command_fault(*command, word);
      command = next.front();
    }
  }
  if (command->get_require_subcommand_min() > 0)
    return joined({command->get_name(), " needs a command: ", listed(commands_of(*command))});
  return "";
}

}  // namespace redoubt::config
