// Runs the literate cases: tests/engine/prompt/*.txt, and the examples in the language's README.
//
// A case is
//     render SCOPE     (or: evaluate SCOPE, reads; SCOPE is JSON, or nothing for {})
//     the template's or the expression's text
//     ----
//     what comes out, or `error LINE:COLUMN CODE: MESSAGE`
// and ends at a line `====` (in the README: at the end of its fence). Lines that begin with #
// before the command say why the case exists. REDOUBT_REWRITE=1 writes what came out into the
// files, whose diff is then to be read.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/prompt/template.hpp"
#include "tests/engine/prompt/literate.hpp"

using namespace redoubt;
using namespace redoubt::prompt;

namespace {

std::string shown(const Error& error) {
  return "error " + std::to_string(error.line) + ":" + std::to_string(error.column) + " " +
         error.code + ": " + error.message;
}

std::string listed(const std::vector<Read>& reads) {
  std::string out;
  for (const Read& read : reads)
    out += (out.empty() ? "" : "\n") + std::to_string(read.line) + ":" +
           std::to_string(read.column) + " " + read.path() + (read.optional ? " optional" : "");
  return out;
}

std::string answer(const std::string& command, const std::string& text) {
  const std::size_t space = command.find(' ');
  const std::string verb = command.substr(0, space);
  const Result<Json> scope =
      parse_json(space == std::string::npos ? "{}" : command.substr(space + 1));
  REQUIRE_MESSAGE(scope.ok(), command);
  if (verb == "evaluate") {
    const auto expression = Expression::compile(text);
    if (!expression) return shown(expression.error());
    const auto value = expression->evaluate(*scope);
    return value ? canonical(*value) : shown(value.error());
  }
  const auto compiled = Template::compile(text);
  if (!compiled) return shown(compiled.error());
  if (verb == "reads") return listed(compiled->reads());
  REQUIRE_MESSAGE(verb == "render", command);
  const auto out = compiled->render(*scope);
  return out ? *out : shown(out.error());
}

void run_file(const std::string& path, bool fenced) {
  const Literate file = walk_literate(
      path, fenced,
      [](const std::string& command, const std::string& text, const std::string& expected) {
        const std::string got = answer(command, text);
        CHECK_MESSAGE(got == expected, command, "\n", text);
        return got;
      });
  CHECK(file.cases > 0);
  if (std::getenv("REDOUBT_REWRITE") != nullptr)
    std::ofstream(path, std::ios::binary) << file.rewritten;
}

}  // namespace

TEST_CASE("expressions: literate cases") {
  run_file("tests/engine/prompt/expressions.txt", false);
}
TEST_CASE("filters: literate cases") {
  run_file("tests/engine/prompt/filters.txt", false);
}
TEST_CASE("templates: literate cases") {
  run_file("tests/engine/prompt/templates.txt", false);
}
TEST_CASE("the language's README shows what it says") {
  run_file("engine/prompt/README.md", true);
}
