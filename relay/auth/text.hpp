// Text of header values: comparing, trimming and taking a Host apart (ASCII only, RFC 9110).
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "engine/base/ascii.hpp"

namespace redoubt::auth {

constexpr char lower(char c) {
  return ascii_lower(c);
}

inline bool equal_no_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

inline std::string to_lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

inline std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

/// Host or authority without its port, lower case and without a final dot; brackets stay:
/// "LOCALHOST:8000" gives "localhost", "[::1]:80" gives "[::1]".
inline std::string host_name(std::string_view host) {
  if (!host.empty() && host.front() == '[') {
    return to_lower(host.substr(0, std::min(host.find(']'), host.size() - 1) + 1));
  }
  std::string name = to_lower(host.substr(0, host.find(':')));
  if (name.size() > 1 && name.back() == '.') name.pop_back();
  return name;
}

}  // namespace redoubt::auth
