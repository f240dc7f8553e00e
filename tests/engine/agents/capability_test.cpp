#include "engine/agents/capability.hpp"

#include <doctest/doctest.h>

#include "engine/base/json.hpp"

using namespace redoubt;
using namespace redoubt::agents;

TEST_SUITE("agents/capability") {
  TEST_CASE("three are built in") {
    const CapabilityRegistry registry = CapabilityRegistry::built_in();
    REQUIRE(registry.all().size() == 3);
    CHECK(registry.find("text_generation")->category == "text");
    CHECK(registry.find("conversation")->required_frameworks.size() == 4);
    CHECK(registry.find("code_generation")->version == "1.0.0");
  }

  TEST_CASE("attaching twice says so; frameworks and dependencies are seen to") {
    CapabilityRegistry registry = CapabilityRegistry::built_in();
    CHECK(*registry.attach("a", "openai", "text_generation"));
    CHECK_FALSE(*registry.attach("a", "openai", "text_generation"));
    CHECK(registry.attach("a", "openai", "flying").error().code == "unknown_capability");
    CHECK(registry.attach("b", "openai", "code_generation").error().code == "missing_dependency");
    CHECK(*registry.attach("b", "crewai", "text_generation"));
    CHECK(registry.attach("b", "crewai", "code_generation").error().code == "wrong_framework");
    CHECK(*registry.attach("a", "openai", "code_generation"));
    CHECK(registry.attached("a") == std::vector<std::string>{"text_generation", "code_generation"});
    CHECK(registry.detach("a", "code_generation"));
    CHECK_FALSE(registry.detach("a", "code_generation"));
  }

  TEST_CASE("a use needs the capability and good parameters, and is counted") {
    CapabilityRegistry registry = CapabilityRegistry::built_in();
    const Json prompt{{"prompt", "Hello"}};
    CHECK(registry.prepare("a", "text_generation", prompt).error().code == "not_attached");
    REQUIRE(registry.attach("a", "openai", "text_generation"));
    const auto filled = registry.prepare("a", "text_generation", prompt);
    REQUIRE(filled);
    CHECK((*filled)["max_tokens"] == 1000);
    CHECK((*filled)["temperature"] == 0.7);
    CHECK(registry.prepare("a", "text_generation", Json::object()).error().code ==
          "bad_parameters");
    CHECK(registry.prepare("a", "text_generation", 3).error().code == "bad_parameters");
    CHECK(registry.usage_count("a", "text_generation") == 1);
    CHECK(registry.usage_count("b", "text_generation") == 0);
  }

  TEST_CASE("a definition of one's own is checked") {
    CapabilityRegistry registry = CapabilityRegistry::built_in();
    const auto own = read_capability(*parse_json(
        R"({"name": "digging", "parameters": {"type": "object", "required": ["depth"]}})"));
    REQUIRE(own);
    REQUIRE(registry.define(*own));
    CHECK(registry.define(*own).error().code == "bad_capability");
    CHECK_FALSE(read_capability(*parse_json(R"({"description": "no name"})")));
    CHECK_FALSE(read_capability(*parse_json(R"({"name": "x", "parameters": {"type": 3}})")));
    CHECK_FALSE(read_capability(*parse_json(R"({"name": "x", "tags": "no list"})")));
    Capability needy;
    needy.name = "flying";
    needy.dependencies = {"wings"};
    CHECK_FALSE(registry.define(needy));
  }
}
