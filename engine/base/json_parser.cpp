#include "engine/base/json_parser.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "engine/base/json.hpp"
#include "engine/base/plain_text.hpp"

namespace redoubt {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

bool JsonParser::refuse(std::string why) {
  fault_ = std::move(why);
  return false;
}

bool JsonParser::expected(std::string_view what) {
  std::string why = "not valid JSON: expected " + std::string(what);
  if (at_ >= text_.size()) why += ", got the end of the text";
  return refuse(std::move(why));
}

/// Memory for the value, in bytes by json_weights.
bool JsonParser::take(std::size_t bytes) {
  taken_ += bytes;
  return taken_ <= memory_max_ || refuse("a value of so many parts that it takes more than " +
                                         std::to_string(memory_max_) + " bytes of memory");
}

void JsonParser::skip_space() {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
    ++at_;
}

bool JsonParser::read(Json& root) {
  if (text_.starts_with(byte_order_mark)) at_ = byte_order_mark.size();
  Json* slot = &root;
  while (slot != nullptr) {
    skip_space();
    if (!value(*slot) || !next(slot)) return false;
  }
  skip_space();
  return at_ == text_.size() || expected("nothing after the value");
}

/// A scalar, or the opening of a container.
bool JsonParser::value(Json& slot) {
  switch (peek()) {
    case '{':
    case '[':
      return open(slot, peek());
    case '"': {
      std::string_view text;
      if (!string(text) || !take(json_weights::text + json_weights::bytes(text.size())))
        return false;
      if (text.data() == unescaped_.data()) {
        slot = std::exchange(unescaped_, {});
      } else {
        slot = text;
      }
      return true;
    }
    case 't':
      slot = true;
      return literal("true");
    case 'f':
      slot = false;
      return literal("false");
    case 'n':
      slot = nullptr;
      return literal("null");
    default:
      return number(slot);
  }
}

bool JsonParser::open(Json& slot, char bracket) {
  if (static_cast<int>(stack_.size()) >= depth_max_)
    return refuse("nested deeper than " + std::to_string(depth_max_) + " levels");
  if (!take(json_weights::container)) return false;
  ++at_;
  slot = bracket == '{' ? Json::object() : Json::array();
  stack_.push_back(&slot);
  fresh_ = true;
  return true;
}

/// After a value or an opening: where the next value goes, null where there is none.
bool JsonParser::next(Json*& slot) {
  while (!stack_.empty()) {
    const bool first = std::exchange(fresh_, false);
    const bool in_object = stack_.back()->is_object();
    skip_space();
    if (peek() == (in_object ? '}' : ']')) {
      ++at_;
      stack_.pop_back();
      continue;
    }
    if (!first) {
      if (peek() != ',') return expected(in_object ? "a comma or }" : "a comma or ]");
      ++at_;
      skip_space();
    }
    return member(slot);
  }
  slot = nullptr;
  return true;
}

bool JsonParser::member(Json*& slot) {
  Json& parent = *stack_.back();
  if (auto* array = parent.get_ptr<Json::array_t*>()) {
    slot = &array->emplace_back();
    return take(json_weights::item);
  }
  if (peek() != '"') return expected("a key in quotes");
  const std::size_t begin = at_;
  std::string_view key;
  if (!string(key) || !take(json_weights::member + json_weights::bytes(key.size()))) return false;
  auto* object = parent.get_ptr<Json::object_t*>();
  const auto [place, is_new] = object->try_emplace(std::string(key));
  if (!is_new) {
    at_ = begin;
    return refuse("the key \"" + std::string(key) + "\" appears twice in one object");
  }
  slot = &place->second;
  skip_space();
  if (peek() != ':') return expected("a colon");
  ++at_;
  return true;
}

bool JsonParser::literal(std::string_view word) {
  if (text_.substr(at_, word.size()) != word) return expected("a value");
  at_ += word.size();
  return true;
}

/// One digit or more.
bool JsonParser::digits() {
  if (!is_digit(peek())) return expected("a digit");
  while (is_digit(peek()))
    ++at_;
  return true;
}

bool JsonParser::number(Json& slot) {
  const std::size_t begin = at_;
  const bool negative = peek() == '-';
  if (negative) ++at_;
  if (!is_digit(peek())) return expected(negative ? "a digit" : "a value");
  if (peek() == '0') {
    ++at_;
  } else {
    (void)digits();
  }
  const std::size_t whole_end = at_;
  if (peek() == '.') {
    ++at_;
    if (!digits()) return false;
  }
  if (peek() == 'e' || peek() == 'E') {
    ++at_;
    if (peek() == '+' || peek() == '-') ++at_;
    if (!digits()) return false;
  }
  const std::string_view whole = text_.substr(begin, whole_end - begin);
  if (at_ == whole_end && integer(slot, whole.substr(negative ? 1 : 0), negative)) return true;
  // The whole program runs in the C locale, in which strtod wants a point.
  const std::string terminated(text_.substr(begin, at_ - begin));
  const double number = std::strtod(terminated.c_str(), nullptr);
  if (!std::isfinite(number)) {
    at_ = begin;
    return refuse("a number that is too large");
  }
  slot = number;
  return true;
}

/// False where it does not fit into 64 bits.
bool JsonParser::integer(Json& slot, std::string_view digits, bool negative) const {
  constexpr std::uint64_t lowest_magnitude = std::uint64_t{1} << 63;
  std::uint64_t magnitude = 0;
  for (const char c : digits) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (magnitude > (UINT64_MAX - digit) / 10) return false;
    magnitude = magnitude * 10 + digit;
  }
  if (!negative) {
    slot = magnitude;
    return true;
  }
  if (magnitude > lowest_magnitude) return false;
  slot = magnitude == lowest_magnitude ? INT64_MIN : -static_cast<std::int64_t>(magnitude);
  return true;
}

/// Past the closing quote. `out` is good until the next string.
bool JsonParser::string(std::string_view& out) {
  std::size_t begin = ++at_;  // of what is not in unescaped_ yet
  bool escaped = false;
  while (true) {
    at_ = plain_end(text_, at_);
    const char c = peek();
    if (at_ < text_.size() && static_cast<unsigned char>(c) >= 0x80) {
      const std::size_t length = utf8_length(text_, at_);
      if (length == 0 && !any_text_) return expected("UTF-8");
      at_ += std::max<std::size_t>(length, 1);
      continue;
    }
    if (c != '"' && c != '\\')
      return expected(at_ < text_.size() ? "an escape in place of a control character" : "a quote");
    if (!escaped && c == '\\') {
      escaped = true;
      unescaped_.clear();
      // A prompt has many escapes: room for it at once, up to where it seems to end.
      unescaped_.reserve(std::min(text_.find('"', at_ + 2), text_.size()) - begin);
    }
    if (escaped) unescaped_.append(text_, begin, at_ - begin);
    if (c == '"') break;
    ++at_;
    if (!escape()) return false;
    begin = at_;
  }
  out = escaped ? std::string_view(unescaped_) : text_.substr(begin, at_ - begin);
  ++at_;
  return true;
}

/// After the backslash.
bool JsonParser::escape() {
  constexpr std::string_view names = "\"\\/bfnrt";
  constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
  if (peek() != 'u') {
    const std::size_t which = at_ < text_.size() ? names.find(peek()) : std::string_view::npos;
    if (which == std::string_view::npos)
      return expected("one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u");
    unescaped_ += meanings[which];
    ++at_;
    return true;
  }
  unsigned code = 0;
  if (!code_unit(code)) return false;
  if (code >= 0xDC00 && code <= 0xDFFF && !any_text_)
    return expected("the first half of a surrogate pair");
  if (code >= 0xD800 && code <= 0xDBFF) return second_half(code);
  append_code_point(code);
  return true;
}

/// After the first half of a surrogate pair.
bool JsonParser::second_half(unsigned high) {
  const std::size_t after_high = at_;
  unsigned low = 0;
  bool follows = text_.substr(at_, 2) == "\\u";
  if (follows) {
    ++at_;
    if (!code_unit(low)) return false;
    follows = low >= 0xDC00 && low <= 0xDFFF;
  }
  if (follows) {
    append_code_point(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
    return true;
  }
  if (!any_text_) return expected("the second half of a surrogate pair");
  at_ = after_high;
  append_code_point(high);
  return true;
}

/// From the u on.
bool JsonParser::code_unit(unsigned& unit) {
  constexpr int hex_digits = 4;
  ++at_;
  unit = 0;
  for (int i = 0; i < hex_digits; ++i, ++at_) {
    const char c = peek();
    unsigned digit = 0;
    if (is_digit(c)) {
      digit = static_cast<unsigned>(c - '0');
    } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
      digit = static_cast<unsigned>((c | 0x20) - 'a') + 10;
    } else {
      return expected("four hexadecimal digits");
    }
    unit = unit * 16 + digit;
  }
  return true;
}

void JsonParser::append_code_point(unsigned code) {
  const auto tail = [&](unsigned shift) {
    unescaped_ += static_cast<char>(0x80 | ((code >> shift) & 0x3F));
  };
  if (code < 0x80) {
    unescaped_ += static_cast<char>(code);
  } else if (code < 0x800) {
    unescaped_ += static_cast<char>(0xC0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    unescaped_ += static_cast<char>(0xE0 | (code >> 12));
    tail(6);
    tail(0);
  } else {
    unescaped_ += static_cast<char>(0xF0 | (code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace redoubt
