#include "engine/prompt/template_parser.hpp"

#include <algorithm>
#include <array>

namespace redoubt::prompt {
namespace {

constexpr const char* code = "bad_template";

// What Jinja has and this subset has not, so that the error says so.
constexpr std::array<std::string_view, 13> unsupported{
    "macro", "call", "filter",     "include", "import", "from",    "extends",
    "block", "with", "autoescape", "do",      "break",  "continue"};

constexpr std::array<std::string_view, 16> unbindable{
    "true", "True", "false", "False", "none", "None", "null", "loop",
    "and",  "or",   "not",   "in",    "is",   "if",   "else", "elif"};

bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

template <std::size_t N>
bool among(const std::array<std::string_view, N>& all, std::string_view name) {
  return std::find(all.begin(), all.end(), name) != all.end();
}

}  // namespace

bool TemplateParser::fail(std::size_t at, Pieces message, Pieces expected, Pieces got) {
  if (!error_) {
    error_ = make_error(code, message, {}, expected, got);
    locate(source_, at, *error_);
  }
  return false;
}

bool TemplateParser::failed_in(ExpressionParser& parser) {
  if (parser.failed() && !error_) error_ = parser.take_error();
  return error_.has_value();
}

std::uint32_t TemplateParser::add(const Step& step) {
  program_.steps.push_back(step);
  return here() - 1;
}

bool TemplateParser::read() {
  while (at_ < source_.size()) {
    std::size_t open = at_;
    // The next { that begins a tag.
    while ((open = source_.find('{', open)) != source_.npos) {
      const char second = open + 1 < source_.size() ? source_[open + 1] : '\0';
      if (second == '{' || second == '%' || second == '#') break;
      ++open;
    }
    if (open == source_.npos) {
      text(at_, source_.size(), false);
      break;
    }
    const bool strip = open + 2 < source_.size() && source_[open + 2] == '-';
    text(at_, open, strip);
    if (!tag(open)) return false;
  }
  if (blocks_.empty()) return true;
  const char* const end = blocks_.back().loop ? "{% endfor %}" : "{% endif %}";
  return fail(blocks_.back().at, {"this block does not end: ", end, " is missing"}, {end});
}

void TemplateParser::text(std::size_t from, std::size_t to, bool strip_end) {
  while (strip_next_ && from < to && blank(source_[from]))
    ++from;
  while (strip_end && to > from && blank(source_[to - 1]))
    --to;
  if (from == to) return;
  add({.action = Action::text,
       .a = static_cast<std::uint32_t>(from),
       .b = static_cast<std::uint32_t>(to - from)});
}

bool TemplateParser::tag(std::size_t at) {
  const std::size_t inner = at + (at + 2 < source_.size() && source_[at + 2] == '-' ? 3 : 2);
  switch (source_[at + 1]) {
    case '#':
      return comment(at);
    case '{':
      return output(at, inner);
    default:
      return statement(at, inner);
  }
}

bool TemplateParser::comment(std::size_t at) {
  const std::size_t end = source_.find("#}", at + 2);
  if (end == source_.npos) return fail(at, {"this comment does not end: #} is missing"}, {"#}"});
  strip_next_ = end > at + 2 && source_[end - 1] == '-';
  at_ = end + 2;
  return true;
}

bool TemplateParser::close(ExpressionParser& parser, std::string_view mark) {
  if (failed_in(parser)) return false;
  const Token& token = parser.current();
  if (token.kind != TokenKind::close || !token.raw.ends_with(mark)) {
    const std::string_view got = token.kind == TokenKind::end ? "the end" : token.raw;
    return fail(token.at, {"expected ", mark, ", got ", got}, {mark}, {got});
  }
  strip_next_ = token.raw.front() == '-';
  at_ = parser.position();
  return true;
}

bool TemplateParser::output(std::size_t, std::size_t inner) {
  ExpressionParser parser(program_, bindings_, code, inner, true);
  const std::uint32_t node = parser.expression();
  if (!close(parser, "}}")) return false;
  add({.action = Action::print, .a = node});
  return true;
}

bool TemplateParser::statement(std::size_t at, std::size_t inner) {
  ExpressionParser parser(program_, bindings_, code, inner, true);
  if (failed_in(parser)) return false;
  const Token word = parser.current();
  if (word.kind != TokenKind::name)
    return fail(word.at, {"expected a statement, got ", word.raw}, {"a statement"}, {word.raw});
  parser.advance();
  if (word.raw == "raw") return close(parser, "%}") && raw(at);
  if (word.raw == "set") return set(parser);
  if (word.raw == "if") return if_begins(parser, at);
  if (word.raw == "elif") return if_goes_on(parser, at);
  if (word.raw == "else") return else_begins(parser, at);
  if (word.raw == "endif") return block_ends(parser, at, false);
  if (word.raw == "for") return for_begins(parser, at);
  if (word.raw == "endfor") return block_ends(parser, at, true);
  const bool known = among(unsupported, word.raw);
  return fail(
      word.at,
      {known ? "this subset of Jinja has no {% " : "there is no statement {% ", word.raw, " %}"},
      {"if, for, set or raw"}, {word.raw});
}

// Everything up to {% endraw %}, as it stands.
bool TemplateParser::raw(std::size_t at) {
  const std::size_t from = at_;
  for (std::size_t open = source_.find("{%", from); open != source_.npos;
       open = source_.find("{%", open + 2)) {
    const bool strip = open + 2 < source_.size() && source_[open + 2] == '-';
    Lexer lexer(source_, open + (strip ? 3 : 2), true);
    if (!lexer.next().is_name("endraw")) continue;
    const Token end = lexer.next();
    if (end.kind != TokenKind::close || !end.raw.ends_with("%}")) continue;
    text(from, open, strip);
    strip_next_ = end.raw.front() == '-';
    at_ = lexer.position();
    return true;
  }
  return fail(at, {"this block does not end: {% endraw %} is missing"}, {"{% endraw %}"});
}

// Makes a name known from here to the end of its block, which began with `from` names.
bool TemplateParser::bind(const Token& token, std::size_t from) {
  const std::string_view name = token.raw;
  if (among(unbindable, name))
    return fail(token.at, {name, " is a word of the language"}, {"a name"}, {name});
  const auto begin = bindings_.names.begin() + static_cast<std::ptrdiff_t>(from);
  if (std::find(begin, bindings_.names.end(), name) != bindings_.names.end()) return true;
  if (bindings_.names.size() >= variables_max)
    return fail(token.at, {"more than ", variables_max, " names set at once"});
  bindings_.names.push_back(name);
  program_.variables_max = std::max(program_.variables_max, bindings_.names.size());
  return true;
}

bool TemplateParser::set(ExpressionParser& parser) {
  if (failed_in(parser)) return false;
  const Token name = parser.current();
  if (name.kind != TokenKind::name) return parser.unexpected("a name"), failed_in(parser), false;
  parser.advance();
  if (!parser.current().is("="))
    return parser.unexpected("= and a value"), failed_in(parser), false;
  parser.advance();
  const std::uint32_t node = parser.expression();
  if (!close(parser, "%}")) return false;
  std::size_t from = 0;
  for (const Block& block : blocks_) {
    if (block.loop && block.body != none) from = block.names;
  }
  if (!bind(name, from)) return false;
  add({.action = Action::set, .a = parser.name_id(name.raw), .b = node});
  return true;
}

bool TemplateParser::open_condition(ExpressionParser& parser, Block& block) {
  const std::uint32_t node = parser.expression();
  if (!close(parser, "%}")) return false;
  block.unmet = add({.action = Action::jump_unless, .a = node});
  return true;
}

bool TemplateParser::if_begins(ExpressionParser& parser, std::size_t at) {
  if (blocks_.size() >= static_cast<std::size_t>(nesting_max))
    return fail(at, {"blocks nested deeper than ", nesting_max});
  Block block{.at = static_cast<std::uint32_t>(at)};
  if (!open_condition(parser, block)) return false;
  blocks_.push_back(std::move(block));
  return true;
}

bool TemplateParser::if_goes_on(ExpressionParser& parser, std::size_t at) {
  if (blocks_.empty() || blocks_.back().loop || blocks_.back().has_else)
    return fail(at, {"{% elif %} without its {% if %}"});
  Block& block = blocks_.back();
  block.to_end.push_back(add({.action = Action::jump}));
  program_.steps[block.unmet].target = here();
  return open_condition(parser, block);
}

bool TemplateParser::for_begins(ExpressionParser& parser, std::size_t at) {
  if (blocks_.size() >= static_cast<std::size_t>(nesting_max))
    return fail(at, {"blocks nested deeper than ", nesting_max});
  std::array<Token, 2> names;
  std::size_t count = 0;
  do {
    if (count > 0) parser.advance();
    if (count == names.size() || parser.current().kind != TokenKind::name)
      return parser.unexpected("one or two names"), failed_in(parser), false;
    names[count++] = parser.current();
    parser.advance();
  } while (parser.current().is(","));
  if (!parser.current().is_name("in"))
    return parser.unexpected("`in` and a list"), failed_in(parser), false;
  parser.advance();
  // Not `expression`, which would take a filter of Jinja's, `for x in xs if ...`, for a
  // conditional.
  const std::uint32_t node = parser.iterable();
  if (parser.current().is_name("if"))
    return fail(parser.current().at,
                {"a loop has no condition here: use selectattr, or {% if %} within"});
  if (!close(parser, "%}")) return false;
  Block block{.loop = true, .at = static_cast<std::uint32_t>(at), .names = bindings_.names.size()};
  for (std::size_t i = 0; i < count; ++i) {
    if (!bind(names[i], block.names)) return false;
  }
  if (bindings_.names.size() != block.names + count)
    return fail(names[1].at, {"one name twice in a loop"});
  Step step{.action = Action::for_begin, .a = parser.name_id(names[0].raw), .c = node};
  if (count == 2) step.b = parser.name_id(names[1].raw);
  block.unmet = add(step);
  block.body = here();
  ++bindings_.loops;
  blocks_.push_back(std::move(block));
  return true;
}

// A loop's body ends: what it named is gone.
void TemplateParser::leave_body(Block& block) {
  add({.action = Action::for_next, .target = block.body});
  bindings_.names.resize(block.names);
  --bindings_.loops;
  block.body = none;
}

bool TemplateParser::else_begins(ExpressionParser& parser, std::size_t at) {
  if (blocks_.empty() || blocks_.back().has_else)
    return fail(at, {"{% else %} without its {% if %} or {% for %}"});
  if (!close(parser, "%}")) return false;
  Block& block = blocks_.back();
  if (block.loop) leave_body(block);
  block.to_end.push_back(add({.action = Action::jump}));
  program_.steps[block.unmet].target = here();
  block.unmet = none;
  block.has_else = true;
  return true;
}

bool TemplateParser::block_ends(ExpressionParser& parser, std::size_t at, bool loop) {
  const char* const begin = loop ? "{% for %}" : "{% if %}";
  if (blocks_.empty() || blocks_.back().loop != loop)
    return fail(at, {"this end has no ", begin, " to end"});
  if (!close(parser, "%}")) return false;
  Block& block = blocks_.back();
  if (block.loop && block.body != none) leave_body(block);
  if (block.unmet != none) program_.steps[block.unmet].target = here();
  for (const std::uint32_t jump : block.to_end)
    program_.steps[jump].target = here();
  blocks_.pop_back();
  return true;
}

}  // namespace redoubt::prompt
