// The words of a command: how exec:COMMAND is split. No shell has a part in it, so nothing in it
// is expanded, and there are no pipes, redirections or variables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"

namespace redoubt::arena {

/// Words are split at blanks. '...' keeps what is in it as it is; "..." too, but \" and \\ stand
/// for " and \; outside quotes a backslash takes the next character as it is. Error bad_use: no
/// word, a quote that does not end, a backslash at the end.
Result<std::vector<std::string>> command_words(std::string_view command);

}  // namespace redoubt::arena
