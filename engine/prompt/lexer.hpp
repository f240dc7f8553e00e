// Cuts an expression's text into tokens, one at a time.
//
// 1. In a template the expression ends at }} or %} outside all brackets, with or without a leading
//    `-`; a }} that closes two dicts is not taken for the end.
// 2. Names, numbers, quoted texts (decoded) and symbols; white space separates.
//
// Internal to engine/prompt.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/message.hpp"

namespace redoubt::prompt {

enum class TokenKind : std::uint8_t { name, integer, real, text, symbol, close, end, bad };

struct Token {
  TokenKind kind = TokenKind::end;
  std::uint32_t at = 0;   ///< offset in the source
  std::string_view raw;   ///< as it stands there
  std::string_view text;  ///< raw, but a quoted text's decoded content; valid until the next one

  bool is(std::string_view symbol) const { return kind == TokenKind::symbol && raw == symbol; }
  bool is_name(std::string_view name) const { return kind == TokenKind::name && raw == name; }
};

class Lexer {
 public:
  /// `in_template`: whether }} and %} end the expression.
  Lexer(std::string_view source, std::size_t from, bool in_template)
      : source_(source), at_(from), in_template_(in_template) {}

  /// A bad token's `text` says what is wrong.
  Token next();
  /// Whether the next token is this symbol of one character.
  bool followed_by(char symbol) const;
  /// Where the last token ended.
  std::size_t position() const { return at_; }

 private:
  Token token(TokenKind kind, std::size_t length);
  Token bad(std::size_t at, const char* what);
  Token quoted(char quote);
  bool escape(std::size_t& at);
  Token number();
  Token symbol();

  std::string_view source_;
  std::size_t at_;
  bool in_template_;
  int brackets_ = 0;
  std::string decoded_;
};

}  // namespace redoubt::prompt
