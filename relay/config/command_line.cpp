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

std::string command_fault(const CLI::App& command, std::string_view word) {
  std::vector<std::string> names;
  for (const CLI::App* known : command.get_subcommands(nullptr))
    names.push_back(known->get_name());
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const std::string meant = did_you_mean(word, candidates);
  std::string all;
  for (const std::string& name : names)
    all.append(all.empty() ? "; it has " : ", ").append(name);
  return joined(
      {"there is no command \"", word, "\" of ", command.get_name(), meant.empty() ? all : meant});
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
  return "";
}

}  // namespace redoubt::config
