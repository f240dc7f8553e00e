#include "relay/config/provider_variables.hpp"

#include <doctest/doctest.h>

#include "engine/base/message.hpp"
#include "engine/llm/dialect.hpp"
#include "engine/llm/models.hpp"

namespace redoubt::config {
namespace {

Loaded loaded(const Environment& environment, std::string_view yaml = "") {
  auto result = load(Source{"relay.yaml", std::string(yaml)}, environment);
  if (const auto* faults = std::get_if<Faults>(&result)) FAIL(faults->front().message);
  return std::get<Loaded>(result);
}

TEST_CASE("provider variables: a key alone is a provider, an alias and a dollar a day") {
  const Loaded one = loaded({{"OPENAI_API_KEY", "taken"}});
  REQUIRE(one.config.providers.size() == 1);
  CHECK(one.config.providers[0].name == "openai");
  CHECK(one.config.providers[0].base_url.empty());
  REQUIRE(one.config.aliases.size() == 1);
  CHECK(one.config.aliases[0].name == "strategist");
  CHECK(one.config.aliases[0].targets == std::vector<std::string>{"openai/gpt-5.4-mini"});
  CHECK(one.config.models.all_day_microusd == 1'000'000);
  CHECK(one.origins.at("providers[0].name") == "OPENAI_API_KEY");
  CHECK(one.origins.at("models.all_day_microusd") == "default with OPENAI_API_KEY");
  CHECK(loaded({{"OPENAI_API_KEY", ""}}).config.providers.empty());
  CHECK(loaded({{"OPENAI_BASE_URL", "http://localhost:1234/v1"}}).config.providers.empty());
}

TEST_CASE("provider variables: several are asked one after the other, in the table's order") {
  const Loaded two = loaded({{"GOOGLE_API_KEY", "taken"},
                             {"GEMINI_API_KEY", "taken"},
                             {"ANTHROPIC_API_KEY", "taken"},
                             {"ANTHROPIC_MODEL", "claude-sonnet-5"}});
  REQUIRE(two.config.providers.size() == 2);
  CHECK(two.config.aliases[0].targets ==
        std::vector<std::string>{"anthropic/claude-sonnet-5", "gemini/gemini-3.5-flash-lite"});
  CHECK(two.origins.at("providers[1].name") == "GEMINI_API_KEY");
}

TEST_CASE("provider variables: what the configuration says is kept") {
  const std::string_view yaml =
      "providers: [{name: openai, base_url: 'https://example.org/v1'}]\n"
      "aliases: [{name: mine, targets: [openai/gpt-5]}]\n";
  const Environment key{{"OPENAI_API_KEY", "taken"}, {"OPENAI_BASE_URL", "https://other.org/v1"}};
  const Loaded named = loaded(key, yaml);
  REQUIRE(named.config.providers.size() == 1);
  CHECK(named.config.providers[0].base_url == "https://example.org/v1");
  REQUIRE(named.config.aliases.size() == 1);
  CHECK(named.config.aliases[0].name == "mine");

  const auto day = [&](const std::string& models) {
    return loaded(key, "models: {" + models + "}").config.models.all_day_microusd;
  };
  CHECK(day("all_day_microusd: 5") == 5);
  CHECK(!day("all_day_microusd: none"));
  CHECK(!day("player_day_microusd: 5"));
  CHECK(day("deadline_s: 60") == 1'000'000);
  CHECK(loaded(key, "vault: {environment_keys: false}").config.providers.empty());
}

TEST_CASE("provider variables: an address is completed as the provider's SDK does") {
  const auto base = [](const Environment& environment) {
    return loaded(environment).config.providers[0].base_url;
  };
  CHECK(base({{"OPENAI_API_KEY", "taken"}, {"OPENAI_BASE_URL", "http://localhost:1234/v1/"}}) ==
        "http://localhost:1234/v1");
  CHECK(base({{"OPENAI_API_KEY", "taken"}, {"OPENAI_API_BASE", "https://b.example/v1"}}) ==
        "https://b.example/v1");
  CHECK(base({{"ANTHROPIC_API_KEY", "taken"}, {"ANTHROPIC_BASE_URL", "https://a.example"}}) ==
        "https://a.example/v1");
  CHECK(base({{"ANTHROPIC_API_KEY", "taken"}, {"ANTHROPIC_BASE_URL", "https://a.example/v1"}}) ==
        "https://a.example/v1");
  CHECK(base({{"GROQ_API_KEY", "taken"}, {"GROQ_BASE_URL", "https://api.groq.com"}}) ==
        "https://api.groq.com/openai/v1");
}

TEST_CASE("provider variables: what looks like one and is not read is told, once") {
  using Texts = std::vector<std::string>;
  const auto told = [](const Environment& environment, std::string_view yaml = "") {
    return loaded(environment, yaml).unread;
  };
  for (const char* name : {"OPENAI_APIKEY", "OPENAI_API_KYE", "OPENAI_KEY", "openai_api_key",
                           "OPENAI_TOKEN", "OPENAI_API_TOKEN"}) {
    CAPTURE(name);
    CHECK(told({{name, "x"}}) ==
          Texts{joined({"the variable ", name, " is not read; did you mean OPENAI_API_KEY?"})});
    CHECK(told({{name, "x"}, {"OPENAI_API_KEY", "taken"}}).empty());
    CHECK(told({{name, "x"}}, "vault: {environment_keys: false}").empty());
  }
  CHECK(told({{"ANTHROPIC_AUTH_TOKEN", "x"}})[0].find("mean ANTHROPIC_API_KEY?") !=
        std::string::npos);
  CHECK(told({{"OPENAI_API_KEY", "taken"}, {"OPENAI_URL", "http://a.example"}})[0].find(
            "mean OPENAI_BASE_URL?") != std::string::npos);
  // An address without a key.
  CHECK(
      told({{"OPENAI_BASE_URL", "http://127.0.0.1:1234/v1"}}) ==
      Texts{"the variable OPENAI_BASE_URL is set and OPENAI_API_KEY is not: no model of openai is "
            "asked. A server that wants no key takes any word for one"});
  CHECK(told({{"OPENAI_BASE_URL", "http://127.0.0.1:1234/v1"}}, "providers: [{name: openai}]")
            .empty());
  for (const char* other : {"PATH", "HOME", "GOOGLE_MAPS_API_KEY", "OPENAI_ORG_ID", "HF_HOME",
                            "AWS_SECRET_KEY", "LS_COLORS", "KUBERNETES_PORT"})
    CHECK_MESSAGE(told({{other, "x"}}).empty(), other);
}

TEST_CASE("provider variables: each row's provider is known, and its model has a price") {
  const auto table = llm::ModelTable::read(llm::default_models_json());
  REQUIRE(table.ok());
  for (const ProviderVariables& row : provider_variables()) {
    CAPTURE(row.provider);
    CHECK(llm::find_dialect(row.provider) != nullptr);
    CHECK(table->find(row.provider, row.model) != nullptr);
    CHECK(!row.keys[0].empty());
  }
}

}  // namespace
}  // namespace redoubt::config
