// No text and no scope makes a template run away; the other laws of the language.
#include <doctest/doctest.h>

#include <cstring>
#include <optional>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/rng.hpp"
#include "engine/prompt/template.hpp"

using namespace redoubt;
using namespace redoubt::prompt;

namespace {

std::string fault(std::string_view text, const Json& scope = Json::object(), Limits limits = {}) {
  const auto compiled = Template::compile(text);
  if (!compiled) return compiled.error().message;
  const auto out = compiled->render(scope, limits);
  if (out) return "rendered " + std::to_string(out->size()) + " bytes";
  CHECK(out.error().code == "over_limit");
  return out.error().message;
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i)
    out += text;
  return out;
}

}  // namespace

TEST_CASE("what would grow without end is refused before it grows") {
  CHECK(fault("{{ 'x' * 9000000000000000000 }}") == "more than text_bytes_max = 1048576 allows");
  CHECK(fault("{{ [1] * 9000000000000000000 }}") == "more than items_max = 20000 allows");
  CHECK(fault("{% for i in range(2000000000) %}{% endfor %}") ==
        "more than items_max = 20000 allows");
  CHECK(
      fault("{% set r = range(10000) %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}") ==
      "more than work_max = 250000 allows");
  CHECK(fault("{% set t = 'x' * 1000000 %}{% for i in range(9) %}{{ t }}{% endfor %}") ==
        "more than output_bytes_max = 1048576 allows");
  CHECK(fault("{{ [['x' * 1000000] * 10000] }}").substr(0, 9) == "more than");
  CHECK(fault("{{ ('a' * 1000)|replace('a', 'b' * 10000) }}") ==
        "more than text_bytes_max = 1048576 allows");
  CHECK(fault("{{ range(20000)|map(attribute='a', default='x' * 100000)|list|length }}") ==
        "more than work_max = 250000 allows");
  CHECK(fault("{{ range(2000)|list|unique|length }}") == "more than work_max = 250000 allows");
}

TEST_CASE("a search takes linear time, whatever it looks for") {
  // A naive search would compare 2.5 * 10^11 bytes here.
  CHECK(fault("{{ ('a' * 500000 ~ 'b') in ('a' * 1000000) }}") == "rendered 5 bytes");
}

TEST_CASE("nesting is bounded in source and in values") {
  CHECK(fault(repeated("{% if true %}", 65)) == "blocks nested deeper than 64");
  CHECK(fault("{{ " + repeated("(", 100) + "1" + repeated(")", 100) + " }}") ==
        "nested deeper than 64 levels");
  CHECK(fault("{{ " + repeated("not ", 100) + "1 }}") == "nested deeper than 64 levels");
  CHECK(fault("{{ 1" + repeated("+1", 1000) + " }}") ==
        "more than 200 operations, each within the next");
  CHECK(fault("{{ 1" + repeated("~1", 1000) + " }}") == "rendered 1001 bytes");
  Json deep = 1;
  for (int i = 0; i < 100; ++i)
    deep = Json::array({std::move(deep)});
  CHECK(fault("{{ x }}", {{"x", deep}}) == "more than json_depth_max = 64 allows");
  CHECK(fault("{{ x == x }}", {{"x", deep}}) == "more than json_depth_max = 64 allows");
}

TEST_CASE("copies share a program, which outlives the first") {
  std::optional<Expression> first = *Expression::compile("state.count < 3");
  const Expression second = *first;
  first.reset();
  CHECK(*second.test({{"state", {{"count", 2}}}}));
  CHECK_FALSE(*second.test({{"state", {{"count", 3}}}}));
  CHECK(second.names() == std::vector<std::string>{"state"});
  CHECK(second.text() == "state.count < 3");
}

TEST_CASE("a lookup of a large value costs no copy") {
  Json scope{{"big", Json::array()}};
  for (int i = 0; i < 100'000; ++i)
    scope["big"].push_back("a text of some length to copy");
  const auto expression = Expression::compile("big[99999] ~ big[-1] is string and big");
  CHECK(*expression->test(scope, {.work_max = 20}));
  REQUIRE_FALSE(expression->evaluate(scope, {.work_max = 1000}).ok());
}

TEST_CASE("what is printed as JSON reads back as the same value") {
  Rng rng(7);
  const auto compiled = Template::compile("{{ x|tojson }}|{{ x|tojson(2) }}");
  for (int i = 0; i < 2000; ++i) {
    const auto bits = rng.next();
    double number = 0;
    static_assert(sizeof(number) == sizeof(bits));
    std::memcpy(&number, &bits, sizeof(number));
    if (number - number != 0) continue;
    const Json value{
        {"n", number}, {"i", static_cast<std::int64_t>(bits)}, {"l", {bits % 7, "é\n"}}};
    const std::string out = *compiled->render({{"x", value}});
    const std::size_t cut = out.find('|');
    CHECK(canonical(*parse_json(out.substr(0, cut))) == canonical(value));
    CHECK(canonical(*parse_json(out.substr(cut + 1))) == canonical(value));
  }
}

TEST_CASE("numbers print alike, whatever type holds them") {
  CHECK(*printed(Json(3.0)) == "3");
  CHECK(*printed(Json(3)) == "3");
  CHECK(*printed(Json(0.1)) == "0.1");
  CHECK(*printed(Json(-0.0)) == "0");
  CHECK(*printed(Json(18446744073709551615u)) == "18446744073709551615");
  CHECK(*printed(Json("as it is")) == "as it is");
  CHECK(*printed(Json({{"b", 1}, {"a", nullptr}})) == R"({"a":null,"b":1})");
}
