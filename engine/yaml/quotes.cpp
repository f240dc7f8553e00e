#include "engine/yaml/quotes.hpp"

#include <algorithm>

namespace redoubt::yaml {
namespace {

constexpr std::string_view before_tokens = " \t\n[{,(";

bool begins_token(std::string_view source, std::size_t at) {
  return at == 0 || before_tokens.find(source[at - 1]) != std::string_view::npos;
}

}  // namespace

std::size_t quote_end(std::string_view source, std::size_t open) {
  const char quote = source[open];
  for (std::size_t at = open + 1; at < source.size(); ++at) {
    const bool escaped = quote == '"' ? source[at] == '\\' : source.substr(at).starts_with("''");
    if (escaped) {
      ++at;
    } else if (source[at] == quote) {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

std::optional<int> line_outdented(std::string_view quoted, int indent) {
  int line = 0;
  for (std::size_t at = quoted.find('\n'); at != quoted.npos; at = quoted.find('\n', at + 1)) {
    ++line;
    const std::string_view rest = quoted.substr(at + 1);
    const std::size_t text = rest.find_first_not_of(" \t\r");
    if (text == rest.npos || rest[text] == '\n') continue;
    const std::size_t spaces = rest.find_first_not_of(' ');
    if (static_cast<int>(spaces) <= indent) return line;
  }
  return std::nullopt;
}

std::size_t next_quote(std::string_view source, std::size_t at) {
  for (; at < source.size(); ++at) {
    if (!begins_token(source, at)) continue;
    if (source[at] == '"' || source[at] == '\'') return at;
    if (source[at] == '#') at = std::min(source.find('\n', at), source.size() - 1);
  }
  return std::string_view::npos;
}

}  // namespace redoubt::yaml
