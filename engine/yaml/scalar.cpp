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

namespace {

constexpr std::array<std::string_view, 12> old_bools{"yes", "Yes", "YES", "no",  "No",  "NO",
                                                     "on",  "On",  "ON",  "off", "Off", "OFF"};

// Digits in groups, each after its separator: 12:30, 1_000, 2001-01-01.
std::size_t groups(std::string_view text, char separator) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++at, ++count) {
    const std::size_t end = digits(text, at);
    if (end == at || (end < text.size() && text[end] != separator)) return 0;
    if (end + 1 == text.size()) return 0;
    at = end;
  }
  return count;
}

// 12:30 or 1:02:03, as YAML 1.1 counts in base 60.
bool is_base_60(std::string_view text) {
  if (groups(text, ':') < 2) return false;
  for (std::size_t at = text.find(':'); at < text.size(); at = digits(text, at + 1)) {
    const std::size_t length = digits(text, at + 1) - at - 1;
    if (length > 2 || (length == 2 && text[at + 1] > '5')) return false;
  }
  return true;
}

bool is_date(std::string_view text) {
  if (text.size() > 10 && (text[10] == 'T' || text[10] == ' ')) text = text.substr(0, 10);
  return text.size() >= 8 && text.size() <= 10 && text[4] == '-' && groups(text, '-') == 3;
}

std::string text_note(std::string_view text, std::string_view other) {
  return joined(
      {text, " is the text \"", text, "\" here, which tools of YAML 1.1 read as ", other});
}

}  // namespace

std::string note_of_older_reading(std::string_view text) {
  if (among(old_bools, text)) {
    const bool truth = (text[0] | 0x20) == 'y' || (text[1] | 0x20) == 'n';
    return joined({text_note(text, truth ? "true" : "false"), "; write ", truth ? "true" : "false",
                   ", or \"", text, "\" for the text"});
  }
  const std::string_view bare =
      text.starts_with('-') || text.starts_with('+') ? text.substr(1) : text;
  if (bare.size() > 1 && bare[0] == '0' && digits(bare, 0) == bare.size())
    return joined({text,
                   " is a decimal number here, which tools of YAML 1.1 read in base 8; leave "
                   "the leading 0 out, or write 0o for base 8 or quotes for a text"});
  if (bare.starts_with("0o") && bare.size() > 2 && digits(bare, 2) == bare.size())
    return joined({text,
                   " is a number in base 8 here, and a text for tools of YAML 1.1; write it "
                   "in base 10, or in quotes for a text"});
  if (bare.starts_with("0b") && bare.size() > 2 &&
      bare.find_first_not_of("01", 2) == std::string_view::npos)
    return joined({text_note(text, "a number in base 2"), "; write it in base 10, or in quotes"});
  if (is_base_60(bare))
    return joined({text_note(text, "a number in base 60"),
                   "; write a number, a duration such as 90s, or quote the text"});
  if (groups(bare, '_') > 1)
    return joined({text_note(text, "a number"), "; write it without _, or in quotes"});
  if (is_date(text))
    return joined({text_note(text, "a date"), "; quote it, so that it is a text everywhere"});
  return "";
}

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
