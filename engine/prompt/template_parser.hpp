// Reads a template into a program's steps.
//
// Internal to engine/prompt.
#pragma once

#include "engine/prompt/expression_parser.hpp"

namespace redoubt::prompt {

class TemplateParser {
 public:
  explicit TemplateParser(Program& program) : program_(program), source_(program.source) {}
  /// False after a fault, which take_error() then gives.
  bool read();
  Error take_error() { return std::move(*error_); }

 private:
  /// An open {% if %} or {% for %}.
  struct Block {
    bool loop = false;
    bool has_else = false;
    std::uint32_t at = 0;
    std::uint32_t unmet = none;         ///< the step that goes to the next branch, still open
    std::uint32_t body = none;          ///< a loop's first step
    std::size_t names = 0;              ///< how many names were bound before a loop
    std::vector<std::uint32_t> to_end;  ///< jumps to the block's end, still open
  };

  bool fail(std::size_t at, Pieces message, Pieces expected = {}, Pieces got = {});
  /// Moves over the expression's closing mark; a fault where another token stands.
  bool close(ExpressionParser& parser, std::string_view mark);
  bool failed_in(ExpressionParser& parser);
  std::uint32_t add(const Step& step);
  std::uint32_t here() const { return static_cast<std::uint32_t>(program_.steps.size()); }

  void text(std::size_t from, std::size_t to, bool strip_end);
  bool tag(std::size_t at);
  bool comment(std::size_t at);
  bool output(std::size_t at, std::size_t inner);
  bool statement(std::size_t at, std::size_t inner);
  bool raw(std::size_t at);
  bool set(ExpressionParser& parser);
  bool if_begins(ExpressionParser& parser, std::size_t at);
  bool if_goes_on(ExpressionParser& parser, std::size_t at);
  bool for_begins(ExpressionParser& parser, std::size_t at);
  bool else_begins(ExpressionParser& parser, std::size_t at);
  bool block_ends(ExpressionParser& parser, std::size_t at, bool loop);
  void leave_body(Block& block);
  bool open_condition(ExpressionParser& parser, Block& block);
  bool bind(const Token& name, std::size_t from);

  Program& program_;
  std::string_view source_;
  std::size_t at_ = 0;
  bool strip_next_ = false;  ///< the last tag ended in `-`
  Bindings bindings_;
  std::vector<Block> blocks_;
  std::optional<Error> error_;
};

}  // namespace redoubt::prompt
