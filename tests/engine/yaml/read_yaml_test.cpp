#include "engine/yaml/read_yaml.hpp"

#include <doctest/doctest.h>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

using namespace redoubt;
using namespace redoubt::yaml;

namespace {

std::string read(std::string_view text, YamlLimits limits = {}) {
  const auto document = read_yaml(text, limits);
  if (document) return canonical(document->value());
  const Error& e = document.error();
  CHECK(e.code == "bad_yaml");
  return std::to_string(e.line) + ":" + std::to_string(e.column) + " " + e.message;
}

std::string at(Position place) {
  return std::to_string(place.line) + ":" + std::to_string(place.column);
}

}  // namespace

TEST_CASE("plain scalars have the types of the core schema") {
  CHECK(read("[yes, no, on, off, y, True, FALSE, null, ~, ]") ==
        R"(["yes","no","on","off","y",true,false,null,null])");
  CHECK(read("[1, -2, +3, 007, 0x1F, 0o17, 0b1, 1_000, 12:30]") ==
        R"([1,-2,3,7,31,15,"0b1","1_000","12:30"])");
  CHECK(read("[1.5, .5, 5., -1e3, 1e-2, +2.50, 1.2.3, 1e, .]") ==
        R"([1.5,0.5,5,-1000,0.01,2.5,"1.2.3","1e","."])");
  CHECK(read("[18446744073709551615, 0xffffffffffffffff]") ==
        "[18446744073709551615,18446744073709551615]");
  CHECK(read("[\"1\", '2', \"true\", 2001-01-01]") == R"(["1","2","true","2001-01-01"])");
  CHECK(read(R"(["\N\_\L\0", "caf\u00e9\N", "é\_é"])") ==
        "[\"\u0085\u00a0\u2028\\u0000\",\"caf\u00e9\u0085\",\"\u00e9\u00a0\u00e9\"]");
  CHECK(read("a: |\n  1\nb: >-\n  2\nc:") == R"({"a":"1\n","b":"2","c":null})");
  CHECK(read("") == "null");
}

TEST_CASE("what JSON cannot say is refused where it stands") {
  CHECK(read("a: .inf") == "1:4 .inf is a number that JSON has not; quote it for a text");
  CHECK(read("- 1\n- -.nan").substr(0, 4) == "2:3 ");
  CHECK(read("[1e999]").substr(0, 4) == "1:2 ");
  CHECK(read("a: '.inf'") == R"({"a":".inf"})");
}

TEST_CASE("each key once, and only texts as keys") {
  CHECK(read("a: 1\nb: 2\na: 3") == "3:1 the key \"a\" appears twice in one mapping");
  CHECK(read("{a: 1, 'a': 2}") == "1:8 the key \"a\" appears twice in one mapping");
  CHECK(read("? [1]\n: 2") == "1:3 a key that is a list or a mapping");
  CHECK(read("1: one\ntrue: yes") == R"({"1":"one","true":"yes"})");
}

TEST_CASE("tags of the core schema only") {
  CHECK(read("[!!str 5, !!int 5, !!float 5, !!null ~, !!seq [], !!map {}, ! 7]") ==
        R"(["5",5,5,null,[],{},"7"])");
  CHECK(read("a: !include x").substr(0, 4) == "1:4 ");
  CHECK(read("!!int x") == "1:1 the tag tag:yaml.org,2002:int does not fit here");
  CHECK(read("!!set {a}").substr(0, 4) == "1:1 ");
}

TEST_CASE("aliases stand for values, and are paid for in full") {
  CHECK(read("a: &x {b: [1]}\nc: *x\nd: &y 5\ne: *y") ==
        R"({"a":{"b":[1]},"c":{"b":[1]},"d":5,"e":5})");
  CHECK(read("a: &x [*x]") == "1:8 an alias within what it stands for");
  CHECK(read("a: *nothing").substr(0, 2) == "1:");
  std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string below = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + below;
    for (int j = 0; j < 8; ++j)
      laughs += "," + below;
    laughs += "]\n";
  }
  CHECK(read(laughs).find("more than nodes_max = 100000 values") != std::string::npos);
  // Depth counts through aliases, too.
  CHECK(read("a: &x [[1]]\nb: &y [[*x]]\nc: [[*y]]", {.depth_max = 6}) ==
        "3:6 nested deeper than 6 levels");
}

TEST_CASE("an alias is paid for by its bytes, not only by its number") {
  // 700 KB of text and 20,000 aliases of it would be 14 GB.
  std::string text = "text: &t " + std::string(700'000, 'x') + "\nall:\n";
  for (int i = 0; i < 20'000; ++i)
    text += "- *t\n";
  CHECK(text.size() < 1u << 20);
  CHECK(read(text) == "6:3 more than expanded_bytes_max = 4194304 bytes when aliases are expanded");
  // Keys count, and so does what an anchor of a list or a mapping keeps.
  text = "a: &a {? " + std::string(300'000, 'k') + " : 1}\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c]";
  CHECK(read(text).find("expanded_bytes_max") != std::string::npos);
  CHECK(read(text).substr(0, 2) == "3:");
  CHECK(read("a: &a xx\nb: [*a, *a]", {.expanded_bytes_max = 9}) ==
        "2:9 more than expanded_bytes_max = 9 bytes when aliases are expanded");
  CHECK(read("a: &a xx\nb: [*a, *a]", {.expanded_bytes_max = 10}) ==
        R"({"a":"xx","b":["xx","xx"]})");
}

TEST_CASE("a long key is not in the place of everything below it") {
  std::string text = "? " + std::string(200'000, 'k') + "\n:\n";
  for (int i = 0; i < 40'000; ++i)
    text += " - 1\n";
  const auto document = read_yaml(text);
  REQUIRE(document);
  const std::string key = "/" + std::string(200'000, 'k');
  CHECK(at(document->value_at(key + "/7")) == "1:1");
}

TEST_CASE("every bound is kept") {
  CHECK(read("[1, 2, 3]", {.bytes_max = 5}) ==
        "1:1 the YAML text has more than bytes_max = 5 bytes");
  CHECK(read("[1, 2, 3]", {.nodes_max = 3}) == "1:8 more than nodes_max = 3 values");
  CHECK(read("[[[1]]]", {.depth_max = 2}) == "1:3 nested deeper than 2 levels");
  CHECK(read(std::string(100, '[') + std::string(100, ']')) == "1:33 nested deeper than 32 levels");
  CHECK(read(std::string(100'000, '[')).substr(0, 2) == "1:");
  CHECK(read("a: 1\n---\nb: 2").find("a second document") != std::string::npos);
}

TEST_CASE("what is no YAML says where") {
  CHECK(read("a: [1,\nb: }").substr(0, 2) == "2:");
  CHECK(read("a: [1").find("not valid YAML") != std::string::npos);
  CHECK(read("a: \xff").substr(0, 18) == "1:4 not UTF-8 text");
  CHECK(read(std::string_view("a\0b", 3)) == "1:2 not UTF-8 text");
}

TEST_CASE("a quote that nobody closes is told where it opens") {
  const std::string never = "the quote that opens here is never closed";
  CHECK(read("a: 1\nb: \"x") == "2:4 " + never);
  CHECK(read("www: \"dist\nlog:\n  level: info\n") == "1:6 " + never);
  CHECK(read("a: 'it is # \"said\"'\nb: \"don't\" # \"no\nc: [d, 'e") == "3:8 " + never);
  CHECK(read("a: don't\n- 'x").substr(0, 2) == "2:");
  CHECK(read("- \"a\n- b") == "1:3 " + never);
  CHECK(read("a: !!str &x 'b\n---\nc: 1") == "1:13 " + never);
  const auto before = [](std::string_view place, int line) {
    return joined({place, " the quote that opens here is not closed before line ", line,
                   ", which is not indented as a part of its text would be"});
  };
  // Another quote ends it, as if it had been meant.
  CHECK(read("a: \"x\nb: 1\nc: \"\nd: 2") == before("1:4", 2));
  CHECK(read("www: \"dist\nlog:\n  level: \"info\"\n") == before("1:6", 2));
  CHECK(read("p:\n- name: \"x\n  free: true\n- name: \"y\"\n") == before("2:9", 3));
  CHECK(read("a: [\"x, y]\n\nb: [\"z\"]\n") == before("1:5", 3));
  CHECK(read("a:\n- 'x\n- y'") == before("2:3", 3));
  CHECK(read("a: 'x\nb: don't") == before("1:4", 2));
  // What is indented as its text is its text.
  CHECK(read("a: \"x\n\n  y\"\nb: 'z\n w'") == R"({"a":"x\ny","b":"z w"})");
  CHECK(read("a: &k\n  b: 'x\n    y'\nc: &l\n- 'x\n  y'\n") == R"({"a":{"b":"x y"},"c":["x y"]})");
  CHECK(read("{a: \"x\ny\"}") == R"({"a":"x y"})");
  CHECK(read("\"x\ny\"") == R"("x y")");
  CHECK(read("a: |\n  \"x\nb: 'it''s'\nc: \"\\\"\"") == R"({"a":"\"x\n","b":"it's","c":"\""})");
  CHECK(read("a: 'it's'").find("within '...' a ' is written ''") != std::string::npos);
  CHECK(read("a: \"a \"b\" c\"").find("within \"...\" a \" is written \\\"") != std::string::npos);
}

TEST_CASE("a YAML document knows where each part stands") {
  const auto document =
      read_yaml("steps:\n  - id: plan\n    model: big\n  - &a {id: 2}\nmore: *a\n");
  REQUIRE(document.ok());
  CHECK(at(document->key_at("/steps")) == "1:1");
  CHECK(at(document->value_at("/steps/0")) == "2:5");
  CHECK(at(document->key_at("/steps/0/model")) == "3:5");
  CHECK(at(document->value_at("/steps/0/model")) == "3:12");
  CHECK(at(document->value_at("/steps/1/id")) == "4:13");
  CHECK(at(document->value_at("/more/id")) == "5:7");
  CHECK(at(document->value_at("/steps/1/model")) == at(document->value_at("/steps/1")));
}

namespace {

// What a file gives with some variables: the value, its notes, or the fault.
std::string read_file(std::string_view text, Variables variables = {}) {
  if (variables.values.empty())
    variables.values = {{"N", "12"},        {"FLAG", "true"}, {"NAME", "a: [b]"},
                        {"EMPTY", ""},      {"BIG", ".inf"},  {"NIM_API_KEY", "sk-hidden"},
                        {"SECRET_ONE", "x"}};
  const auto file = read_yaml_file(text, variables);
  std::string out;
  if (!file) {
    const Error& e = file.error();
    CHECK(e.message.find("sk-hidden") == std::string::npos);
    return joined({e.line, ":", e.column, " ", e.code, ": ", e.message});
  }
  out = canonical(file->document.value());
  for (const Error& note : file->notes)
    out += joined({"\n", note.line, ":", note.column, " ", note.message});
  CHECK(out.find("sk-hidden") == std::string::npos);
  return out;
}

}  // namespace

TEST_CASE("a variable's value is typed as if it stood there, and is never structure") {
  CHECK(read_file("a: ${N}\nb: \"${N}\"\nc: ${FLAG}\nd: n${N}\ne: '${N}'") ==
        R"({"a":12,"b":"12","c":true,"d":"n12","e":"12"})");
  CHECK(read_file("a: ${NAME}\nb: \"${NAME}\"\nc: !!str ${N}") ==
        R"({"a":"a: [b]","b":"a: [b]","c":"12"})");
  CHECK(read_file("a: ${NO:-0.5}\nb: ${NO:-\"0.5\"}\nc: ${NO:-}\nd: ${EMPTY}\ne: ${EMPTY:-7}") ==
        R"({"a":0.5,"b":"0.5","c":"","d":"","e":7})");
  CHECK(read_file("a: |\n  one ${N}\n  $${N} ${{ input }}\n") ==
        R"({"a":"one 12\n${N} ${{ input }}\n"})");
  CHECK(
      read_file("a: ${BIG}") ==
      "1:4 bad_yaml: a variable's value makes this a number that JSON has not; write \"${BIG}\" in "
      "quotes for a text");
  // Where nobody gave variables, nothing is expanded.
  CHECK(read("a: ${N} $${N}") == R"({"a":"${N} $${N}"})");
}

TEST_CASE("a variable that is not set is told at its place, also within a long text") {
  CHECK(
      read_file("a: 1\nb: x ${NO}") ==
      "2:6 unset_variable: the variable NO is not set: set it, or write ${NO:-default}; $${ is the "
      "text ${");
  CHECK(read_file("a: |\n  one\n  two ${NO}\n").substr(0, 4) == "3:7 ");
  CHECK(read_file("a: \"é ${NO}\"").substr(0, 4) == "1:8 ");
  CHECK(read_file("a: ${N:?}").substr(0, 17) == "1:4 bad_variable:");
  CHECK(read_file("${N}: 1") == "1:1 bad_yaml: a key holds no ${...}");
  CHECK(read_file("a: {b: ${N}}") ==
        "1:9 bad_yaml: not valid YAML: end of map flow not found; within {...} and [...] write "
        "\"${NAME}\" in quotes");
}

TEST_CASE("no secret gets into a value") {
  const auto left = [](const std::string& member, const std::string& variable) {
    return member + " is left out, and ${" + variable +
           "} is not read: keys are no part of a workflow; the relay takes them from its vault or "
           "its "
           "own environment, a program from its environment";
  };
  CHECK(read_file("a: 1\napi_key: ${NIM_API_KEY}") ==
        "{\"a\":1}\n2:10 " + left("api_key", "NIM_API_KEY"));
  CHECK(read_file("auth: ${NIM_API_KEY:-none}") == "{}\n1:7 " + left("auth", "NIM_API_KEY"));
  CHECK(read_file("token: ${N}") == "{}\n1:8 " + left("token", "N"));
  CHECK(read_file("key: ${N}\nmax_tokens: ${N}") == R"({"key":12,"max_tokens":12})");
  // Nobody is told to set what nobody reads.
  CHECK(read_file("api_key: ${OTHER_KEY}") == "{}\n1:10 " + left("api_key", "OTHER_KEY"));
  CHECK(read_file("a: Bearer ${NIM_API_KEY}").substr(0, 19) == "1:11 bad_variable: ");
  CHECK(read_file("- ${NIM_API_KEY}").substr(0, 18) == "1:3 bad_variable: ");
  CHECK(read_file("authorization: Bearer ${N}").substr(0, 19) == "1:23 bad_variable: ");
  // Where only some variables may be seen, nobody looks whether the secret is there.
  Variables few{{{"A", "1"}}, std::vector<std::string>{"A"}, "workflows.variables"};
  CHECK(read_file("a: ${A}\napi_key: ${OTHER_KEY}", few) ==
        "{\"a\":1}\n2:10 " + left("api_key", "OTHER_KEY"));
  CHECK(
      read_file("a: ${B:-2}", few) ==
      "1:4 bad_variable: the variable B is not for this file: workflows.variables names those that "
      "are");
}

TEST_CASE("what tools of YAML 1.1 read otherwise is noted with the way to write it") {
  CHECK(read_file("a: yes\nb: 'no'\nc: Off") ==
        "{\"a\":\"yes\",\"b\":\"no\",\"c\":\"Off\"}\n"
        "1:4 yes is the text \"yes\" here, which tools of YAML 1.1 read as true; write true, or "
        "\"yes\" for the text\n"
        "3:4 Off is the text \"Off\" here, which tools of YAML 1.1 read as false; write false, or "
        "\"Off\" for the text");
  const auto notes = [](std::string_view scalar) {
    const std::string said = read_file("- " + std::string(scalar));
    const std::size_t line = said.find('\n');
    return line == std::string::npos ? "" : said.substr(line + 1);
  };
  CHECK(notes("012") ==
        "1:3 012 is a decimal number here, which tools of YAML 1.1 read in base 8; "
        "leave the leading 0 out, or write 0o for base 8 or quotes for a text");
  CHECK(notes("1:30") ==
        "1:3 1:30 is the text \"1:30\" here, which tools of YAML 1.1 read as a number "
        "in base 60; write a number, a duration such as 90s, or quote the text");
  CHECK(notes("2001-01-01") ==
        "1:3 2001-01-01 is the text \"2001-01-01\" here, which tools of YAML 1.1 "
        "read as a date; quote it, so that it is a text everywhere");
  for (const char* one :
       {"1_000", "0b11", "0o17", "2001-1-1", "2001-12-14T21:59:43Z", "1:02:03", "NO", "-012"})
    CHECK_MESSAGE(!notes(one).empty(), one);
  for (const char* one :
       {"0",    "10",    "1.5",  "y",    "none",      "8000:8000", "a:b",  "1:",      ":1", "1-2",
        "0x1f", "'yes'", "true", "null", "127.0.0.1", "0.5",       "1__0", "2001-01", "_",  "-"})
    CHECK_MESSAGE(notes(one).empty(), one);
}

TEST_CASE("what tools of YAML 1.1 take and this reader does not says how to write it") {
  CHECK(read("a: &x {b: 1}\nc:\n  <<: *x") ==
        "3:3 << merges mappings in YAML 1.1 only: write the members of the other mapping out here");
  CHECK(read("\"<<\": 1") == R"({"<<":1})");
  CHECK(read("a:\n\t- 1") ==
        "2:2 not valid YAML: illegal block entry; a tab in the indentation: indent with spaces");
  CHECK(read("a: @b") ==
        "1:4 not valid YAML: unknown token; a text that begins with @, ` or % is quoted");
  CHECK(read("a: b: c") ==
        "1:5 not valid YAML: illegal map value; a text with a colon and a space in it is quoted");
  CHECK(read("a: !env X") == "1:4 the tag !env is not of the core schema: write the value itself");
  CHECK(read("a: !!timestamp 2001-01-01").substr(0, 4) == "1:4 ");
}
