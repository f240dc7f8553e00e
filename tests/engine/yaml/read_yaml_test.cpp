#include "engine/yaml/read_yaml.hpp"

#include <doctest/doctest.h>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"

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
  CHECK(read("a: \"x").find("not valid YAML") != std::string::npos);
  CHECK(read("a: \xff").substr(0, 18) == "1:4 not UTF-8 text");
  CHECK(read(std::string_view("a\0b", 3)) == "1:2 not UTF-8 text");
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
