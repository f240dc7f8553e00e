#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "relay/config/keys.hpp"
#include "relay/config/load.hpp"

namespace redoubt::config {
namespace {

std::string read(const char* path) {
  std::ifstream file(path);
  REQUIRE_MESSAGE(file.good(), path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("docs/configuration.md is what the table of keys says") {
  // Wrong? Run: redoubt-relay --document-config > docs/configuration.md
  CHECK(read("docs/configuration.md") == document());
}

TEST_CASE("the example file is good and sets what it shows") {
  const auto loaded = load(Source{"redoubt-relay.yaml", read("relay/redoubt-relay.yaml")}, {});
  REQUIRE(std::holds_alternative<Loaded>(loaded));
  const Config& config = std::get<Loaded>(loaded).config;
  CHECK(config.listeners[0].hosts == std::vector<std::string>{"play.example.org"});
  CHECK(config.cors.origins.size() == 3);
}

TEST_CASE("every variable of .env.example is one of the configuration, and its default is true") {
  const std::string text = read(".env.example");
  Environment variables;
  for (std::size_t at = 0; (at = text.find("\n# REDOUBT_", at)) != std::string::npos;) {
    const std::size_t end = text.find('\n', at + 1);
    const std::string line = text.substr(at + 3, end - at - 3);
    variables.emplace_back(line.substr(0, line.find('=')), line.substr(line.find('=') + 1));
    at = end;
  }
  CHECK(variables.size() > 10);
  const auto loaded = load(std::nullopt, variables);
  REQUIRE(std::holds_alternative<Loaded>(loaded));
  Config with = std::get<Loaded>(loaded).config;
  Config defaults;
  for (const Key& key : keys()) {
    CAPTURE(key.name);
    const EntryList* list = list_of(key);
    if (list != nullptr && list->size(with) == 0) continue;
    CHECK(render(target(key, with, 0)) == render(target(key, defaults, 0)));
  }
}

}  // namespace
}  // namespace redoubt::config
