#include "tools/arena/command_words.hpp"

namespace redoubt::arena {
namespace {

Error bad_command(std::string_view command, std::string_view what) {
  return {.code = "bad_use",
          .message = "exec:" + std::string(command) + ": " + std::string(what),
          .path = "player",
          .expected = "exec:PROGRAM ARGUMENT...",
          .got = std::string(command)};
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n';
}

}  // namespace

Result<std::vector<std::string>> command_words(std::string_view command) {
  std::vector<std::string> words;
  bool within = false;
  char quote = 0;
  for (std::size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (quote == 0 && is_blank(c)) {
      within = false;
      continue;
    }
    if (!within) words.emplace_back();
    within = true;
    if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else if (c == '\\' && quote != '\'') {
      if (i + 1 == command.size()) return bad_command(command, "ends with a backslash");
      const char next = command[i + 1];
      const bool taken = quote == 0 || next == '"' || next == '\\';
      words.back() += taken ? next : c;
      i += taken ? 1 : 0;
    } else {
      words.back() += c;
    }
  }
  if (quote != 0) return bad_command(command, std::string("a quote ") + quote + " does not end");
  if (words.empty() || words[0].empty()) return bad_command(command, "names no program");
  return words;
}

}  // namespace redoubt::arena
