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
#include <iterator>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/prompt/template.hpp"

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
           std::to_string(read.column) + " " + read.path + (read.optional ? " optional" : "");
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

/// Walks a file's lines, runs its cases and gathers the file as it should be.
struct Script {
  std::string rewritten;
  int cases = 0;

  void run(const std::string& text, bool fenced) {
    const std::string end = fenced ? "```" : "====";
    std::string command, input, expected;
    enum { outside, before, in_input, in_output } state = fenced ? outside : before;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t stop = std::min(text.find('\n', at), text.size());
      const std::string line = text.substr(at, stop - at);
      at = stop + 1;
      if (state == in_output && line == end) {
        finish(command, input, expected);
        state = fenced ? outside : before;
      } else if (state == in_output) {
        expected += line + "\n";
        continue;
      } else if (state == outside) {
        if (line == "```prompt") state = before;
      } else if (state == before && !line.empty() && line.front() != '#') {
        command = line;
        input.clear();
        expected.clear();
        state = in_input;
      } else if (state == in_input && line == "----") {
        state = in_output;
      } else if (state == in_input) {
        input += line + "\n";
      }
      rewritten += line + "\n";
    }
    CHECK_MESSAGE(state == (fenced ? outside : before), "the last case has no end: ", command);
  }

  void finish(const std::string& command, std::string input, std::string expected) {
    if (!input.empty()) input.pop_back();
    if (!expected.empty()) expected.pop_back();
    const std::string got = answer(command, input);
    CHECK_MESSAGE(got == expected, command, "\n", input);
    rewritten += got + "\n";
    ++cases;
  }
};

void run_file(const std::string& path, bool fenced) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), path);
  Script script;
  script.run({std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()}, fenced);
  CHECK(script.cases > 0);
  if (std::getenv("REDOUBT_REWRITE") != nullptr)
    std::ofstream(path, std::ios::binary) << script.rewritten;
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
