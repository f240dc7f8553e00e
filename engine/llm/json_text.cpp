#include "engine/llm/json_text.hpp"

#include <algorithm>

#include "engine/base/json.hpp"
#include "engine/base/plain_text.hpp"
#include "engine/llm/wire.hpp"

namespace redoubt::llm {
namespace {

constexpr std::size_t long_text_bytes = 4096;
constexpr std::string_view replacement = "\xEF\xBF\xBD";

void append_control(std::string& out, char c) {
  constexpr char digits[] = "0123456789abcdef";
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += digits[(c >> 4) & 15];
      out += digits[c & 15];
  }
}

void append_quoted(std::string& out, std::string_view value) {
  // A prompt: once, instead of growing to it.
  if (value.size() >= long_text_bytes) out.reserve(out.size() + value.size() + value.size() / 16);
  out += '"';
  std::size_t plain = 0;  // where the run that needs no change began
  std::size_t at = 0;
  while (at < value.size()) {
    at = plain_end(value, at);
    if (at == value.size()) break;
    const auto c = static_cast<unsigned char>(value[at]);
    const std::size_t length = utf8_length(value, at);
    if (length > 1) {
      at += length;
      continue;
    }
    out.append(value, plain, at - plain);
    if (length == 0) {
      out += replacement;
    } else if (c < 0x20) {
      append_control(out, value[at]);
    } else {
      out += '\\';
      out += value[at];
    }
    plain = ++at;
  }
  out.append(value, plain, at - plain);
  out += '"';
}

// Within a JSON text a line's end stands between values alone.
void append_in_line(std::string& out, std::string_view json) {
  for (std::size_t at = 0; at < json.size();) {
    const std::size_t end = std::min(json.find_first_of("\r\n", at), json.size());
    out.append(json, at, end - at);
    if (end == json.size()) return;
    out += ' ';
    at = end + 1;
  }
}

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

std::size_t skip_space(std::string_view s, std::size_t at) {
  while (at < s.size() && is_space(s[at]))
    ++at;
  return at;
}

// By quotes, which are few: one is the end unless an odd number of backslashes stands before it.
std::size_t skip_string(std::string_view s, std::size_t at) {
  const std::size_t begin = at + 1;
  for (at = s.find('"', begin); at != s.npos; at = s.find('"', at + 1)) {
    std::size_t plain = at;
    while (plain > begin && s[plain - 1] == '\\')
      --plain;
    if ((at - plain) % 2 == 0) return at + 1;
  }
  return s.size();
}

// Past the value that starts at `at`.
std::size_t skip_value(std::string_view s, std::size_t at) {
  if (at >= s.size()) return at;
  if (s[at] == '"') return skip_string(s, at);
  if (s[at] != '{' && s[at] != '[') {
    while (at < s.size() && s[at] != ',' && s[at] != '}' && s[at] != ']' && !is_space(s[at]))
      ++at;
    return at;
  }
  int depth = 0;
  while (at < s.size()) {
    if (s[at] == '"') {
      at = skip_string(s, at);
      continue;
    }
    if (s[at] == '{' || s[at] == '[') ++depth;
    if (s[at] == '}' || s[at] == ']') --depth;
    ++at;
    if (depth == 0) break;
  }
  return at;
}

}  // namespace

void JsonWriter::separate() {
  if (comma_) out_ += ',';
  comma_ = true;
}

void JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  comma_ = false;
}

void JsonWriter::close(char bracket) {
  out_ += bracket;
  comma_ = true;
}

void JsonWriter::key(std::string_view name) {
  separate();
  append_quoted(out_, name);
  out_ += ':';
  comma_ = false;
}

void JsonWriter::text(std::string_view value) {
  separate();
  append_quoted(out_, value);
}

void JsonWriter::integer(std::int64_t value) {
  raw(std::to_string(value));
}
void JsonWriter::number(double value) {
  raw(dump(Json(value)));
}
void JsonWriter::boolean(bool value) {
  raw(value ? "true" : "false");
}
void JsonWriter::null() {
  raw("null");
}

void JsonWriter::raw(std::string_view json) {
  separate();
  append_in_line(out_, json);
}

void JsonWriter::members(std::string_view object_text) {
  const std::size_t first = skip_space(object_text, 0);
  if (first >= object_text.size() || object_text[first] != '{') return;
  const std::size_t last = object_text.rfind('}');
  if (last == std::string_view::npos || skip_space(object_text, first + 1) >= last) return;
  raw(object_text.substr(first + 1, last - first - 1));
}

void JsonWriter::members_but(std::string_view object_text,
                             std::initializer_list<std::string_view> named) {
  for (const MemberText& member : member_texts(object_text)) {
    bool left_out = false;
    for (const std::string_view name : named)
      left_out = left_out || name == member.key;
    if (!left_out) this->member(member.key, member.value);
  }
}

void JsonWriter::members_beside(std::string_view object_text, std::string_view other) {
  const std::vector<MemberText> taken = member_texts(other);
  for (const MemberText& member : member_texts(object_text)) {
    const bool twice = std::any_of(taken.begin(), taken.end(),
                                   [&](const MemberText& its) { return its.key == member.key; });
    if (!twice) this->member(member.key, member.value);
  }
}

void JsonWriter::escaped_key(std::string_view name) {
  separate();
  out_ += '"';
  out_ += name;
  out_ += "\":";
  comma_ = false;
}

void JsonWriter::member(std::string_view key, std::string_view value) {
  escaped_key(key);
  raw(value);
}

std::vector<MemberText> member_texts(std::string_view s) {
  std::vector<MemberText> members;
  std::size_t at = skip_space(s, 0);
  if (at >= s.size() || s[at] != '{') return members;
  at = skip_space(s, at + 1);
  while (at < s.size() && s[at] == '"') {
    const std::size_t key_end = skip_string(s, at);
    const std::size_t value = skip_space(s, skip_space(s, key_end) + 1);  // past the colon
    if (value >= s.size()) break;
    const std::size_t value_end = skip_value(s, value);
    members.push_back({s.substr(at + 1, key_end - at - 2), s.substr(value, value_end - value)});
    at = skip_space(s, value_end);
    if (at < s.size() && s[at] == ',') at = skip_space(s, at + 1);
  }
  return members;
}

std::string_view member_text(std::string_view object_text, std::string_view key) {
  for (const MemberText& member : member_texts(object_text)) {
    if (member.key == key) return member.value;
  }
  return {};
}

std::vector<std::string_view> element_texts(std::string_view s) {
  std::vector<std::string_view> elements;
  std::size_t at = skip_space(s, 0);
  if (at >= s.size() || s[at] != '[') return elements;
  at = skip_space(s, at + 1);
  while (at < s.size() && s[at] != ']') {
    const std::size_t end = skip_value(s, at);
    if (end == at) break;
    elements.push_back(s.substr(at, end - at));
    at = skip_space(s, end);
    if (at < s.size() && s[at] == ',') at = skip_space(s, at + 1);
  }
  return elements;
}

namespace {

// Past the escape at `at` (a backslash), which may be half of a pair; `whole` says whether it is
// good.
std::size_t escape_end(std::string_view json, std::size_t at, bool& whole) {
  constexpr std::size_t unit_bytes = 6;  // \uXXXX
  whole = true;
  if (json.substr(at, 2) != "\\u" || at + unit_bytes > json.size()) return at + 2;
  const auto half = [&](std::size_t place, std::string_view second_digits) {
    return json.substr(place, 2) == "\\u" && place + unit_bytes <= json.size() &&
           (json[place + 2] == 'd' || json[place + 2] == 'D') &&
           second_digits.find(json[place + 3]) != second_digits.npos;
  };
  constexpr std::string_view high = "89abAB";
  constexpr std::string_view low = "cdefCDEF";
  if (half(at, high) && half(at + unit_bytes, low)) return at + 2 * unit_bytes;
  whole = !half(at, high) && !half(at, low);
  return at + unit_bytes;
}

}  // namespace

std::string mended_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t at = 0; at < json.size();) {
    bool whole = true;
    std::size_t end = at + 1;
    if (json[at] == '\\') {
      end = std::min(escape_end(json, at, whole), json.size());
    } else if (static_cast<unsigned char>(json[at]) >= 0x80) {
      const std::size_t length = utf8_length(json, at);
      whole = length > 0;
      end = at + std::max<std::size_t>(length, 1);
    }
    out += whole ? json.substr(at, end - at) : replacement;
    at = end;
  }
  return out;
}

std::string_view nth_text(const std::vector<std::string_view>& texts, std::size_t n) {
  return n < texts.size() ? texts[n] : std::string_view();
}

std::string text_or_dump(std::string_view text, const Json& value) {
  return text.empty() ? dump(value) : std::string(text);
}

const Json* member_of(const Json& value, const char* key) {
  if (!value.is_object()) return nullptr;
  const auto found = value.find(key);
  return found == value.end() || found->is_null() ? nullptr : &*found;
}

const Json* member_of(const Json* value, const char* key) {
  return value == nullptr ? nullptr : member_of(*value, key);
}

std::string_view text_of(const Json* value) {
  if (value == nullptr || !value->is_string()) return {};
  return value->get_ref<const std::string&>();
}

std::string_view text_in(const Json& value, const char* key) {
  return text_of(member_of(value, key));
}

std::int64_t integer_of(const Json* value, std::int64_t fallback) {
  constexpr double exact_max = 9007199254740992.0;  // 2^53
  if (value == nullptr) return fallback;
  if (value->is_number_unsigned()) {
    const auto number = value->get<std::uint64_t>();
    return number > INT64_MAX ? fallback : static_cast<std::int64_t>(number);
  }
  if (value->is_number_integer()) return value->get<std::int64_t>();
  if (!value->is_number_float()) return fallback;
  const double number = value->get<double>();
  if (!(number >= -exact_max && number <= exact_max)) return fallback;
  const auto whole = static_cast<std::int64_t>(number);
  return static_cast<double>(whole) == number ? whole : fallback;
}

std::int64_t integer_in(const Json& value, const char* key, std::int64_t fallback) {
  return integer_of(member_of(value, key), fallback);
}

bool counts_in(const Json& value, std::initializer_list<const char*> keys) {
  bool any = false;
  for (const char* key : keys) {
    const Json* member = member_of(value, key);
    if (member == nullptr || member->is_null()) continue;
    if (integer_of(member, -1) < 0) return false;
    any = true;
  }
  return any;
}

bool true_in(const Json& value, const char* key) {
  const Json* member = member_of(value, key);
  return member != nullptr && member->is_boolean() && member->get<bool>();
}

std::string dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string rest_of(const Json& object, std::initializer_list<const char*> named) {
  if (!object.is_object()) return {};
  JsonWriter rest;
  rest.open_object();
  bool any = false;
  for (auto it = object.begin(); it != object.end(); ++it) {
    bool known = false;
    for (const char* name : named)
      known = known || it.key() == name;
    if (known) continue;
    rest.raw(it.key(), dump(*it));
    any = true;
  }
  if (!any) return {};
  rest.close_object();
  return rest.take();
}

bool is_object_text(std::string_view text) {
  JsonLimits limits = wire_json_limits;
  limits.depth_max = arguments_depth_max;
  const auto parsed = parse_json(text, limits);
  return parsed.ok() && parsed.value().is_object();
}

}  // namespace redoubt::llm
