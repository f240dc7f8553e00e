#include "engine/base/variables.hpp"

#include <doctest/doctest.h>

using namespace redoubt;

namespace {

const Variables& some() {
  static const Variables variables{
      {{"HOST", "db"}, {"EMPTY", ""}, {"TRICK", "${HOST} $${HOST}"}, {"_a1", "x"}}, {}, {}};
  return variables;
}

std::string expanded(std::string_view text, const Variables& variables = some()) {
  const auto done = expand_variables(text, variables);
  return done ? done->text : done.error().code + " " + done.error().got;
}

}  // namespace

TEST_CASE("a variable's value stands where the variable is named") {
  CHECK(expanded("http://${HOST}:80/${_a1}") == "http://db:80/x");
  CHECK(expanded("${HOST:-other}") == "db");
  CHECK(expanded("${NONE:-other}${NONE:-}") == "other");
  CHECK(expanded("${EMPTY:-other}|${EMPTY}|") == "other||");
  CHECK(expanded("${NONE:-\"a b\"} ${NONE:-'c'} ${NONE:-http://x:1/?a=b}") ==
        "a b c http://x:1/?a=b");
  CHECK(expanded("plain") == "plain");
}

TEST_CASE("what is no variable stays, and a value is not looked at again") {
  CHECK(expanded("$${HOST} costs $5 or ${{ input.price }}, $HOST, $$ $") ==
        "${HOST} costs $5 or ${{ input.price }}, $HOST, $$ $");
  CHECK(expanded("${TRICK}") == "${HOST} $${HOST}");
}

TEST_CASE("a variable that is not set or not written well is an error that names it") {
  CHECK(expanded("a ${NONE} b") == "unset_variable ${NONE");
  CHECK(expanded("${}") == "bad_variable ${}");
  CHECK(expanded("${1X}") == "bad_variable ${1X}");
  CHECK(expanded("${HOST:?must}") == "bad_variable ${HOST:?must}");
  CHECK(expanded("${HOST") == "bad_variable ${HOST");
  CHECK(expanded("${NONE:-{{ x }}}") == "bad_variable ${NONE:-{{ x }");
  CHECK(expand_variables("${NONE}", some()).error().message ==
        "the variable NONE is not set: set it, or write ${NONE:-default}; $${ is the text ${");
}

TEST_CASE("where only some variables are allowed, no other one is seen, nor its default taken") {
  Variables few = some();
  few.allowed = {"HOST", "NONE"};
  few.allowed_by = "workflows.variables";
  CHECK(expanded("${HOST}", few) == "db");
  CHECK(expanded("${NONE:-x}", few) == "x");
  CHECK(expanded("${EMPTY:-x}", few) == "bad_variable ${EMPTY");
  CHECK(expand_variables("${EMPTY}", few).error().message ==
        "the variable EMPTY is not for this file: workflows.variables names those that are");
}

TEST_CASE("a text that is one variable is told from one with more in it") {
  CHECK(expand_variables("${HOST}", some())->whole);
  CHECK(!expand_variables("${HOST}${HOST}", some())->whole);
  CHECK(!expand_variables(" ${HOST}", some())->whole);
  CHECK(expand_variables("${NONE:-'5'}", some())->quoted);
  CHECK(!expand_variables("${HOST:-'5'}", some())->quoted);
  CHECK(variables_in("${A} ${B:-x}")->names == std::vector<std::string>{"A", "B"});
}

TEST_CASE("names of secrets") {
  for (const char* name : {"NIM_API_KEY", "api_key", "GITHUB_TOKEN", "token", "Db-Password",
                           "AWS_SECRET_ACCESS_KEY", "authorization", "KEY"})
    CHECK_MESSAGE(names_secret(name), name);
  for (const char* name : {"MODEL_NAME", "MAX_TOKENS", "max_tokens", "monkey", "KEYBOARD", "", "_"})
    CHECK_MESSAGE(!names_secret(name), name);
}
