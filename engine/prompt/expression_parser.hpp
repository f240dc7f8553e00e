// Reads one expression into a program's nodes, by the precedence of Jinja:
// if-else < or < and < not < comparisons, in < + - < ~ < * / // % < unary - < filters, is < . [].
//
// Internal to engine/prompt.
#pragma once

#include <optional>

#include "engine/prompt/lexer.hpp"
#include "engine/prompt/program.hpp"

namespace redoubt::prompt {

/// The names that a template binds, innermost last, and how deep in loops a place is.
struct Bindings {
  std::vector<std::string_view> names;
  int loops = 0;

  bool has(std::string_view name) const;
};

class ExpressionParser {
 public:
  /// Reads from offset `from` of program.source.
  ExpressionParser(Program& program, const Bindings& bindings, const char* code, std::size_t from,
                   bool in_template);

  /// The expression's node, or none after a fault. What follows it is the current token.
  std::uint32_t expression();

  /// As expression(), without a conditional: what a loop goes over.
  std::uint32_t iterable() { return logic(true); }

  const Token& current() const { return token_; }
  bool advance();
  /// Where the current token ends.
  std::size_t position() const { return lexer_.position(); }
  std::uint32_t name_id(std::string_view name);
  /// A fault at the current token; always none.
  std::uint32_t unexpected(const char* expected);
  std::uint32_t fail(std::size_t at, Pieces message, Pieces expected = {}, Pieces got = {});
  bool failed() const { return error_.has_value(); }
  /// REQUIRES: failed()
  Error take_error() { return std::move(*error_); }
  /// Once all is read: a read is optional where its path, or a beginning of it, is asked for.
  static void settle_reads(Program& program);

 private:
  struct Depth;
  static void place_reads(Program& program);
  bool eat(const char* symbol);
  bool expect(const char* symbol);
  std::uint32_t add(const Node& node);
  std::uint32_t deeper(const Node& node, std::initializer_list<std::uint32_t> operands);
  std::uint32_t add_constant(std::uint32_t at, Json value);
  std::uint32_t add_links(const std::vector<std::uint32_t>& links);
  std::uint16_t depth_of(std::uint32_t node) const;

  std::uint32_t logic(bool is_or);
  std::uint32_t negation();
  std::uint32_t comparison();
  std::uint32_t comparison_with(std::uint32_t left);
  std::uint32_t sum();
  std::uint32_t concatenation();
  std::uint32_t product();
  std::uint32_t unary();
  std::uint32_t filtered(std::uint32_t subject);
  std::uint32_t filter(std::uint32_t subject);
  std::uint32_t fallback(std::uint32_t subject, std::uint32_t at);
  bool arguments(const char* parameters, std::size_t required, std::string_view of,
                 std::vector<std::uint32_t>& out);
  bool argument_place(const char* parameters, std::string_view of, std::size_t& place);
  std::uint32_t test(std::uint32_t subject);
  std::uint32_t postfix(std::uint32_t base);
  std::uint32_t attribute(std::uint32_t base);
  std::uint32_t subscript(std::uint32_t base);
  std::uint32_t slice(std::uint32_t base, std::uint32_t from, std::uint32_t at);
  std::uint32_t primary();
  std::uint32_t name();
  std::uint32_t loop_field();
  std::uint32_t number();
  std::uint32_t list();
  std::uint32_t folded(std::uint32_t at, const std::vector<std::uint32_t>& items);
  std::uint32_t dict();
  std::uint32_t extend_path(std::uint32_t base, std::string_view name);
  void ask(std::uint32_t subject);

  Program& program_;
  const Bindings& bindings_;
  const char* code_;
  Lexer lexer_;
  Token token_;
  int nesting_ = 0;
  std::vector<std::uint16_t> depths_;  ///< of the nodes, from first_ on
  std::size_t first_;
  std::optional<Error> error_;
};

}  // namespace redoubt::prompt
