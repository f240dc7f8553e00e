// Reads a request's body for the checks: a member that is absent or of another type reads as
// nothing. Pure.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.hpp"

namespace redoubt::mock {

using Words = std::initializer_list<std::string_view>;
constexpr std::size_t any_number = 1 << 30;

inline bool starts(std::string_view text, Words beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view each) { return text.substr(0, each.size()) == each; });
}

inline bool is_one_of(std::string_view word, Words words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

inline bool has(const Json& json, const char* key) {
  const auto found = json.find(key);
  return json.is_object() && found != json.end() && !found->is_null();
}

inline const Json& in(const Json& json, const char* key) {
  static const Json nothing;
  if (!json.is_object()) return nothing;
  const auto found = json.find(key);
  return found == json.end() ? nothing : *found;
}

inline std::string text_of(const Json& json) {
  return json.is_string() ? json.get<std::string>() : std::string();
}
inline std::string text_in(const Json& json, const char* key) {
  return text_of(in(json, key));
}

inline bool is_word(const std::string& text, std::size_t bytes_max, std::string_view also = "_-") {
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && also.find(c) == also.npos) return false;
  }
  return !text.empty() && text.size() <= bytes_max;
}

inline bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == text.npos;
}

inline bool between(const Json& body, const char* key, double low, double high) {
  if (!has(body, key)) return true;
  const Json& value = in(body, key);
  return value.is_number() && value.get<double>() >= low && value.get<double>() <= high;
}

inline bool is_listed(std::string_view word, const std::vector<std::string_view>& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

inline bool is_base64(const std::string& text) {
  const std::size_t end = text.find_last_not_of('=') + 1;
  return !text.empty() && text.size() % 4 == 0 && is_word(text.substr(0, end), any_number, "+/");
}

}  // namespace redoubt::mock
