// What a definition may cost when it is loaded: bounds of one part say little where there may be
// thousands of them.
#include <doctest/doctest.h>

#include "engine/base/json.hpp"
#include "engine/workflow/loader.hpp"
#include "engine/workflow/run.hpp"

using namespace redoubt;
using namespace redoubt::workflow;

namespace {

Json steps_with(int count, const Json& schema) {
  Json steps = Json::array();
  for (int i = 0; i < count; ++i) {
    Json own = schema;
    // No two are the same text.
    if (own.contains("pattern"))
      own["pattern"] = own["pattern"].get<std::string>() + std::to_string(i);
    steps.push_back({{"tool", "t"}, {"output", own}});
  }
  return {{"name", "many"}, {"functions", {{"t", {{"class", "pure"}}}}}, {"workflow", steps}};
}

}  // namespace

TEST_SUITE("workflow/definition bounds") {
  TEST_CASE("the patterns of all schemas of a definition have one bound") {
    const Loaded loaded = load(Document(steps_with(1900, {{"pattern", "(?:a{90}){80}"}})), {});
    REQUIRE_FALSE(loaded.ok());
    const Error& fault = loaded.faults.front();
    CHECK(fault.code == "bad_schema");
    CHECK(fault.path.find("].output.pattern") != std::string::npos);
    CHECK(fault.message.find("bytes together") != std::string::npos);
    CHECK(load(Document(steps_with(100, {{"pattern", "^[a-z]{1,20}$"}})), {}).ok());
  }

  TEST_CASE("and so have their subschemas") {
    Json wide = Json::object();
    for (int i = 0; i < 30; ++i)
      wide["p" + std::to_string(i)] = Json::object();
    const Loaded loaded = load(Document(steps_with(1000, {{"properties", wide}})), {});
    REQUIRE_FALSE(loaded.ok());
    CHECK(loaded.faults.front().message.find("subschemas") != std::string::npos);
  }

  TEST_CASE("a tool's parameters are compiled once, whichever agents have it") {
    Json wide = Json::object();
    for (int i = 0; i < 200; ++i)
      wide["p" + std::to_string(i)] = {{"type", "string"}};
    Json agents = Json::object();
    Json steps = Json::array();
    for (int i = 0; i < 200; ++i) {
      const std::string name = "a" + std::to_string(i);
      agents[name] = {{"llm", "m"}, {"tools", {"t"}}};
      if (i < 5) steps.push_back({{"agent", name}, {"prompt", "x"}});
    }
    const Json file{
        {"name", "many"},
        {"llms", {{"m", Json::object()}}},
        {"functions",
         {{"t", {{"class", "pure"}, {"parameters", {{"type", "object"}, {"properties", wide}}}}}}},
        {"agents", agents},
        {"workflow", steps}};
    const Loaded loaded = load(Document(file), {});
    for (const Error& fault : loaded.faults)
      MESSAGE(fault.path << ": " << fault.message);
    CHECK(loaded.ok());
  }

  TEST_CASE("expressions without names cost a load no more than their bound together") {
    struct Nothing : Resolver, Names {
      Result<Reference> resolve(const std::vector<std::string>&) override { return Reference{}; }
      const Json* find(const Reference&) override { return nullptr; }
    } nothing;
    Bindings bindings;
    std::vector<Error> faults;
    std::vector<std::uint32_t> added;
    for (int i = 0; i < 20; ++i)
      added.push_back(bindings.add_value("{{ range(20000) | map('string') | join | length }}", "x",
                                         nothing, faults));
    CHECK(faults.empty());
    CHECK(bindings.constant(added.front()) != nullptr);
    CHECK(bindings.constant(added.back()) == nullptr);
    Cost cost{.bytes_max = kStateBytesMax};
    const auto late = bindings.evaluate(added.back(), nothing, cost);
    REQUIRE(late);
    CHECK(**late == *bindings.constant(added.front()));
    CHECK(cost.work > 20'000);
    // What goes over an expression's own bound is a fault of the file as ever.
    Bindings fresh;
    fresh.add_value("{{ range(20000) | map('string') | join | length * 0 + (range(20000)|sum) }}",
                    "x", nothing, faults);
    CHECK(faults.empty());
  }

  TEST_CASE("a definition tells what it takes in memory, not what its text does") {
    const auto bytes_of = [](const Json& file) {
      const Loaded loaded = load(Document(file), {});
      REQUIRE(loaded.ok());
      return loaded.definition->memory_bytes;
    };
    Json file{{"name", "small"}, {"workflow", {{{"emit", "x"}}}}, {"result", "done"}};
    const std::uint64_t small = bytes_of(file);
    CHECK(small < 16'384);
    Json patterns = file;
    patterns["input"] = {{"type", "string"}, {"pattern", "^[a-m]{1000}[b-y]{1000}[c-x]{1000}$"}};
    CHECK(bytes_of(patterns) > small + 3'000 * 12);
    Json subschemas = file;
    for (int i = 0; i < 10'000; ++i)
      subschemas["input"]["allOf"].push_back(Json::object());
    // A node with its entry in the index, and the schema's own copy of its document.
    CHECK(bytes_of(subschemas) > small + 10'000 * 250);
    std::string items = "state.a";
    for (int i = 1; i < 900; ++i)
      items += ",state.a";
    Json expressions = file;
    expressions["state"] = {{"a", {{"initial", 1}}}};
    for (int i = 0; i < 20; ++i)
      expressions["workflow"].push_back({{"set", {{"a", "{{[" + items + "]}}"}}}});
    // Each read with its parts, as the program and as the binding have it.
    CHECK(bytes_of(expressions) > small + 20 * 900 * 300);
    // What takes more than its bound is refused, and is not there any more.
    for (int i = 0; i < 80; ++i)
      expressions["workflow"].push_back({{"set", {{"a", "{{[" + items + "]}}"}}}});
    const Loaded loaded = load(Document(expressions), {});
    REQUIRE(loaded.faults.size() == 1);
    CHECK(loaded.faults[0].code == "too_large");
    CHECK(loaded.faults[0].expected == "at most 16 MiB");
    CHECK(!loaded.definition);
  }

  TEST_CASE("a long key is not in the place of every value below it") {
    Json list = Json::array();
    for (int i = 0; i < 50'000; ++i)
      list.push_back(1);
    list.push_back("{{ nothing }}");
    const Json file{{"name", "long"},
                    {"workflow", {{{"emit", "e"}, {"with", {{std::string(300'000, 'k'), list}}}}}}};
    const Loaded loaded = load(Document(file), {});
    REQUIRE(loaded.faults.size() == 1);
    CHECK(loaded.faults[0].path.size() < 1000);
  }
}
