#include "engine/base/canonical_json.hpp"

#include "engine/base/hash64.hpp"
#include "engine/base/json.hpp"
#include "engine/base/plain_text.hpp"

namespace redoubt {
namespace {

constexpr double kIntegerBound = 9007199254740992.0;  // 2^53

void write_unsigned(std::uint64_t number, std::string& out) {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0);
  while (count > 0)
    out.push_back(digits[--count]);
}

void write_integer(std::int64_t number, std::string& out) {
  if (number < 0) {
    out.push_back('-');
    write_unsigned(0 - static_cast<std::uint64_t>(number), out);
  } else {
    write_unsigned(static_cast<std::uint64_t>(number), out);
  }
}

void write_double(double number, std::string& out) {
  if (number != number || number - number != 0) {  // not a number, infinity
    out += "null";
  } else if (number > -kIntegerBound && number < kIntegerBound &&
             static_cast<double>(static_cast<std::int64_t>(number)) == number) {
    write_integer(static_cast<std::int64_t>(number), out);
  } else {
    char text[64];
    const char* end = nlohmann::detail::to_chars(text, text + sizeof(text), number);
    out.append(text, static_cast<std::size_t>(end - text));
  }
}

// Where the text has to be escaped: control characters, the quote and the backslash.
bool plain(unsigned char c) {
  return c >= 0x20 && c != '"' && c != '\\';
}

void write_escape(unsigned char c, std::string& out) {
  static const char hex[] = "0123456789abcdef";
  out.push_back('\\');
  switch (c) {
    case '"':
    case '\\':
      out.push_back(static_cast<char>(c));
      return;
    case '\b':
      out.push_back('b');
      return;
    case '\t':
      out.push_back('t');
      return;
    case '\n':
      out.push_back('n');
      return;
    case '\f':
      out.push_back('f');
      return;
    case '\r':
      out.push_back('r');
      return;
    default:
      out += "u00";
      out.push_back(hex[c >> 4]);
      out.push_back(hex[c & 15]);
  }
}

}  // namespace

void write_canonical_text(std::string_view text, std::string& out) {
  out.push_back('"');
  std::size_t from = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (plain(c)) continue;
    out.append(text.substr(from, at - from));
    write_escape(c, out);
    from = at + 1;
  }
  out.append(text.substr(from));
  out.push_back('"');
}

void write_canonical(const Json& value, std::string& out) {
  switch (value.type()) {
    case Json::value_t::object: {
      char before = '{';
      if (value.empty()) out.push_back('{');
      for (auto member = value.begin(); member != value.end(); ++member) {
        out.push_back(before);
        before = ',';
        write_canonical_text(member.key(), out);
        out.push_back(':');
        write_canonical(*member, out);
      }
      out.push_back('}');
      return;
    }
    case Json::value_t::array: {
      char before = '[';
      if (value.empty()) out.push_back('[');
      for (const Json& item : value) {
        out.push_back(before);
        before = ',';
        write_canonical(item, out);
      }
      out.push_back(']');
      return;
    }
    case Json::value_t::string:
      write_canonical_text(*value.get_ptr<const std::string*>(), out);
      return;
    case Json::value_t::boolean:
      out += *value.get_ptr<const bool*>() ? "true" : "false";
      return;
    case Json::value_t::number_unsigned:
      write_unsigned(*value.get_ptr<const std::uint64_t*>(), out);
      return;
    case Json::value_t::number_integer:
      write_integer(*value.get_ptr<const std::int64_t*>(), out);
      return;
    case Json::value_t::number_float:
      write_double(*value.get_ptr<const double*>(), out);
      return;
    default:
      out += "null";
  }
}

std::string canonical(const Json& value) {
  std::string out;
  write_canonical(value, out);
  return out;
}

std::string canonical_utf8(const Json& value) {
  const std::string text = canonical(value);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length > 0)
      out.append(text, at, length);
    else
      out += "\xEF\xBF\xBD";
    at += length > 0 ? length : 1;
  }
  return out;
}

std::uint64_t canonical_hash(const Json& value) {
  Hash64 hash;
  hash.add_bytes(canonical(value));
  return hash.value();
}

}  // namespace redoubt
