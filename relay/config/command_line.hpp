// What a command line says that its program does not know, for both programs.
#pragma once

#include <span>
#include <string>

namespace CLI {
class App;
}

namespace redoubt::config {

/// A sentence about the first word of `arguments` that is no command or option where it stands,
/// with the nearest one that is: `there is no command "workflw"; did you mean "workflow"?`. Empty
/// where every word is known. The program's own name is not among the arguments.
std::string unknown_word(const CLI::App& program, std::span<const char* const> arguments);

}  // namespace redoubt::config
