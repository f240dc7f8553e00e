#include "engine/prompt/expression.hpp"

#include "engine/base/ascii.hpp"
#include "engine/base/canonical_json.hpp"
#include "engine/prompt/evaluator.hpp"
#include "engine/prompt/expression_parser.hpp"

namespace redoubt::prompt {

Result<Expression> Expression::compile(std::string_view text) {
  constexpr const char* code = "bad_expression";
  if (text.size() > source_bytes_max)
    return make_error(code, {"the expression has more than ", source_bytes_max, " bytes"}, {}, {},
                      {});
  auto program = std::make_shared<Program>();
  program->source = text;
  const Bindings nothing_bound;
  ExpressionParser parser(*program, nothing_bound, code, 0, false);
  program->root = parser.expression();
  if (!parser.failed() && parser.current().kind != TokenKind::end)
    parser.unexpected("an operator or the end");
  if (parser.failed()) return parser.take_error();
  ExpressionParser::settle_reads(*program);
  return Expression(std::move(program));
}

namespace {

Result<Json> evaluated(const Program& program, Evaluator& run) {
  Value value;
  Json out;
  if (!run.need(program.root, value) || !run.take(0, value, out)) return run.take_error();
  return out;
}

}  // namespace

Result<Json> Expression::evaluate(const Json& scope, const Limits& limits) const {
  Evaluator run(*program_, scope, limits);
  return evaluated(*program_, run);
}

Result<Json> Expression::evaluate(Lookup& names, const Limits& limits, std::uint64_t& work) const {
  Evaluator run(*program_, names, limits);
  auto out = evaluated(*program_, run);
  work += run.work();
  return out;
}

Result<bool> Expression::test(const Json& scope, const Limits& limits) const {
  Evaluator run(*program_, scope, limits);
  bool truth = false;
  if (!run.condition(program_->root, truth)) return run.take_error();
  return truth;
}

std::vector<std::string> Expression::names() const {
  return program_->free_names();
}

const std::vector<Read>& Expression::reads() const {
  return program_->reads;
}

std::uint64_t Expression::bytes() const {
  return program_->bytes();
}

std::string_view Expression::text() const {
  return program_->source;
}

bool Expression::is_dotted_name() const {
  const Node& root = program_->nodes[program_->root];
  if (root.kind != Kind::path) return false;
  for (const char c : program_->source) {
    const bool part = is_ascii_alnum(c);
    if (!part && c != '_' && c != '.') return false;
  }
  return true;
}

std::string Read::path() const {
  std::string text;
  for (const std::string& part : parts)
    text.append(&part == &parts.front() ? "" : ".").append(part);
  return text;
}

bool truthy(const Json& value) {
  switch (value.type()) {
    case Json::value_t::boolean:
      return *value.get_ptr<const bool*>();
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return *value.get_ptr<const std::int64_t*>() != 0;
    case Json::value_t::number_float:
      return *value.get_ptr<const double*>() != 0;
    case Json::value_t::string:
      return !value.get_ptr<const std::string*>()->empty();
    case Json::value_t::array:
    case Json::value_t::object:
      return !value.empty();
    default:
      return false;
  }
}

Result<std::string> printed(const Json& value, const Limits& limits) {
  const Program nothing;
  Evaluator run(nothing, value, limits);
  std::string out;
  if (!run.print(0, value, out)) return run.take_error();
  return out;
}

}  // namespace redoubt::prompt
