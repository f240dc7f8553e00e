#include "engine/prompt/lexer.hpp"

#include "engine/base/ascii.hpp"

#include <array>

namespace redoubt::prompt {
namespace {

bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool letter(char c) {
  return is_ascii_letter(c) || c == '_';
}

bool digit(char c) {
  return c >= '0' && c <= '9';
}

int hex_digit(char c) {
  if (digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(std::uint32_t code, std::string& out) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

// Longest first, so that `<=` is not read as `<`.
constexpr std::array<std::string_view, 24> symbols{"==", "!=", "<=", ">=", "//", "**", "<", ">",
                                                   "+",  "-",  "*",  "/",  "%",  "~",  "|", ".",
                                                   ",",  ":",  "=",  "(",  ")",  "[",  "]", "{"};

}  // namespace

Token Lexer::token(TokenKind kind, std::size_t length) {
  Token token{kind, static_cast<std::uint32_t>(at_), source_.substr(at_, length), {}};
  token.text = token.raw;
  at_ += length;
  return token;
}

bool Lexer::followed_by(char symbol) const {
  std::size_t at = at_;
  while (at < source_.size() && blank(source_[at]))
    ++at;
  return at < source_.size() && source_[at] == symbol &&
         (at + 1 >= source_.size() || source_[at + 1] != '=');
}

Token Lexer::bad(std::size_t at, const char* what) {
  return Token{TokenKind::bad, static_cast<std::uint32_t>(at), source_.substr(at, 1), what};
}

Token Lexer::next() {
  while (at_ < source_.size() && blank(source_[at_]))
    ++at_;
  if (at_ >= source_.size()) return token(TokenKind::end, 0);
  const char c = source_[at_];
  if (letter(c)) {
    std::size_t end = at_ + 1;
    while (end < source_.size() && (letter(source_[end]) || digit(source_[end])))
      ++end;
    return token(TokenKind::name, end - at_);
  }
  if (digit(c)) return number();
  if (c == '"' || c == '\'') return quoted(c);
  return symbol();
}

Token Lexer::number() {
  std::size_t end = at_;
  const auto digits = [&] {
    while (end < source_.size() && digit(source_[end]))
      ++end;
  };
  const auto digit_at = [&](std::size_t at) { return at < source_.size() && digit(source_[at]); };
  digits();
  bool whole = true;
  if (end < source_.size() && source_[end] == '.' && digit_at(end + 1)) {
    whole = false;
    ++end;
    digits();
  }
  if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
    std::size_t exponent = end + 1;
    if (exponent < source_.size() && (source_[exponent] == '+' || source_[exponent] == '-'))
      ++exponent;
    if (!digit_at(exponent)) return bad(at_, "a number with an exponent of no digits");
    whole = false;
    end = exponent;
    digits();
  }
  if (end < source_.size() && letter(source_[end])) return bad(end, "a letter within a number");
  if (whole && source_[at_] == '0' && end - at_ > 1) return bad(at_, "a number that begins with 0");
  return token(whole ? TokenKind::integer : TokenKind::real, end - at_);
}

// Decodes the escape at `at`, which is its backslash, and moves to what follows it.
bool Lexer::escape(std::size_t& at) {
  const char c = at + 1 < source_.size() ? source_[at + 1] : '\0';
  constexpr std::string_view letters = "nrt\\'\"";
  constexpr std::string_view meaning = "\n\r\t\\'\"";
  const std::size_t found = c == '\0' ? letters.npos : letters.find(c);
  if (found != letters.npos) {
    decoded_.push_back(meaning[found]);
    at += 2;
    return true;
  }
  const std::size_t length = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (length == 0 || at + 2 + length > source_.size()) return false;
  std::uint32_t code = 0;
  for (std::size_t i = 0; i < length; ++i) {
    const int value = hex_digit(source_[at + 2 + i]);
    if (value < 0 || code > 0x10ffff) return false;
    code = code * 16 + static_cast<std::uint32_t>(value);
  }
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
  append_utf8(code, decoded_);
  at += 2 + length;
  return true;
}

Token Lexer::quoted(char quote) {
  decoded_.clear();
  std::size_t end = at_ + 1;
  while (end < source_.size() && source_[end] != quote) {
    if (source_[end] != '\\') {
      decoded_.push_back(source_[end++]);
    } else if (!escape(end)) {
      return bad(end, "an escape other than \\n \\r \\t \\\\ \\' \\\" \\xHH \\uHHHH \\UHHHHHHHH");
    }
  }
  if (end >= source_.size()) return bad(at_, "a quoted text that does not end");
  Token result = token(TokenKind::text, end + 1 - at_);
  result.text = decoded_;
  return result;
}

Token Lexer::symbol() {
  const std::string_view rest = source_.substr(at_);
  if (in_template_ && brackets_ == 0) {
    const std::size_t dash = rest.front() == '-' ? 1 : 0;
    const std::string_view closing = rest.substr(dash, 2);
    if (closing == "}}" || closing == "%}") return token(TokenKind::close, dash + 2);
  }
  if (rest.front() == '}') {
    if (brackets_ > 0) --brackets_;
    return token(TokenKind::symbol, 1);
  }
  for (const std::string_view known : symbols) {
    if (!rest.starts_with(known)) continue;
    if (known == "(" || known == "[" || known == "{") ++brackets_;
    if ((known == ")" || known == "]") && brackets_ > 0) --brackets_;
    return token(TokenKind::symbol, known.size());
  }
  return bad(at_, "a character that no expression has");
}

}  // namespace redoubt::prompt
