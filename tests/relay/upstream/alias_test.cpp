#include "relay/upstream/alias.hpp"

#include <doctest/doctest.h>

namespace redoubt::upstream {
namespace {

AliasOptions options(std::vector<Alias> aliases) {
  return {.aliases = std::move(aliases), .providers = {"anthropic", "openai"}};
}

TEST_CASE("an alias gives its targets in order, engine apart") {
  const auto aliases =
      Aliases::make(options({{"strategist", {"anthropic/a", "openai/b/c", "engine"}}}));
  REQUIRE(aliases.ok());
  const auto route = aliases.value().resolve("strategist");
  REQUIRE(route.ok());
  CHECK(route.value().targets == std::vector<std::string>{"anthropic/a", "openai/b/c"});
  CHECK(route.value().engine);
  CHECK(aliases.value().resolve("other").error().code == "unknown_model");
  CHECK_FALSE(aliases.value().resolve("openai/b").ok());
}

TEST_CASE("a target may be named itself where that is allowed") {
  AliasOptions direct = options({});
  direct.direct_targets = true;
  const auto aliases = Aliases::make(std::move(direct));
  REQUIRE(aliases.ok());
  CHECK(aliases.value().resolve("openai/gpt").value().targets ==
        std::vector<std::string>{"openai/gpt"});
  CHECK_FALSE(aliases.value().resolve("openai/").ok());
  CHECK_FALSE(aliases.value().resolve("nobody/gpt").ok());
  CHECK_FALSE(aliases.value().resolve("engine").ok());
}

TEST_CASE("an alias that cannot be used is refused, and named") {
  struct Case {
    std::vector<Alias> aliases;
    const char* path;
  };
  const std::vector<Case> cases{
      {{{"a", {}}}, "aliases[0].targets"},
      {{{"", {"openai/b"}}}, "aliases[0].name"},
      {{{"engine", {"openai/b"}}}, "aliases[0].name"},
      {{{"a", {"nobody/b"}}}, "aliases[0].targets[0]"},
      {{{"a", {"openai"}}}, "aliases[0].targets[0]"},
      {{{"a", {"openai/b", "openai/b"}}}, "aliases[0].targets[1]"},
      {{{"a", {"engine", "openai/b"}}}, "aliases[0].targets[0]"},
      {{{"a", {"openai/b"}}, {"a", {"openai/c"}}}, "aliases[1].name"},
      {{{"a", std::vector<std::string>(alias_targets_max + 1, "openai/b")}}, "aliases[0].targets"},
  };
  for (const Case& one : cases) {
    const auto aliases = Aliases::make(options(one.aliases));
    REQUIRE_FALSE(aliases.ok());
    CHECK(aliases.error().code == "bad_alias");
    CHECK(aliases.error().path == one.path);
  }
}

}  // namespace
}  // namespace redoubt::upstream
