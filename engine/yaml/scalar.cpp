#include "engine/yaml/scalar.hpp"

#include <algorithm>
#include <array>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::yaml {
namespace {

constexpr std::array<std::string_view, 5> nulls{"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 3> trues{"true", "True", "TRUE"};
constexpr std::array<std::string_view, 3> falses{"false", "False", "FALSE"};
constexpr std::array<std::string_view, 6> beyond{".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};

template <std::size_t N>
bool among(const std::array<std::string_view, N>& all, std::string_view text) {
  return std::find(all.begin(), all.end(), text) != all.end();
}

bool digit(char c) {
  return c >= '0' && c <= '9';
}

std::size_t digits(std::string_view text, std::size_t at) {
  while (at < text.size() && digit(text[at]))
    ++at;
  return at;
}

// A decimal number as JSON writes it, or "" for what is none: no plus, no leading zeros, digits on
// both sides of the point.
std::string as_json(std::string_view text) {
  std::string out = text.starts_with('-') ? "-" : "";
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const std::size_t whole = digits(text, 0);
  std::size_t at = whole;
  std::string fraction;
  if (at < text.size() && text[at] == '.') {
    const std::size_t end = digits(text, at + 1);
    if (whole == 0 && end == at + 1) return "";
    fraction = "." + std::string(text.substr(at + 1, end - at - 1));
    if (end == at + 1) fraction += "0";
    at = end;
  } else if (whole == 0) {
    return "";
  }
  std::string_view leading = text.substr(0, whole);
  while (leading.size() > 1 && leading.front() == '0')
    leading.remove_prefix(1);
  out.append(leading.empty() ? "0" : leading).append(fraction);
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    const std::size_t sign = at + 1 < text.size() && (text[at + 1] == '+' || text[at + 1] == '-');
    const std::size_t end = digits(text, at + 1 + sign);
    if (end == at + 1 + sign) return "";
    out.append(text.substr(at, end - at));
    at = end;
  }
  return at == text.size() ? out : "";
}

// 0x and 0o; false for what is no such number or has over 64 bits.
bool based(std::string_view text, std::uint64_t& out) {
  const bool hexadecimal = text.starts_with("0x");
  if ((!hexadecimal && !text.starts_with("0o")) || text.size() == 2) return false;
  const unsigned shift = hexadecimal ? 4 : 3;
  out = 0;
  for (const char c : text.substr(2)) {
    const std::uint64_t value = digit(c)               ? static_cast<std::uint64_t>(c - '0')
                                : c >= 'a' && c <= 'f' ? static_cast<std::uint64_t>(c - 'a' + 10)
                                : c >= 'A' && c <= 'F' ? static_cast<std::uint64_t>(c - 'A' + 10)
                                                       : 99;
    if (value >> shift != 0 || out >> (64 - shift) != 0) return false;
    out = out << shift | value;
  }
  return true;
}

}  // namespace

Result<Json> plain_scalar(const std::string& text) {
  if (among(nulls, text)) return Json(nullptr);
  if (among(trues, text)) return Json(true);
  if (among(falses, text)) return Json(false);
  std::uint64_t number = 0;
  if (based(text, number))
    return number <= INT64_MAX ? Json(static_cast<std::int64_t>(number)) : Json(number);
  const std::string_view bare =
      text.starts_with('-') || text.starts_with('+') ? std::string_view(text).substr(1) : text;
  if (among(beyond, bare))
    return make_error("bad_yaml", {text, " is a number that JSON has not; quote it for a text"}, {},
                      {"a finite number"}, {text});
  const std::string json = as_json(text);
  if (json.empty()) return Json(text);
  Result<Json> value = parse_json(json);
  if (!value)
    return make_error("bad_yaml", {"a number beyond the range of doubles"}, {},
                      {"a smaller number"}, {std::string_view(text).substr(0, 40)});
  return value;
}

}  // namespace redoubt::yaml
