#include "engine/llm/models.hpp"

#include <doctest/doctest.h>

using namespace redoubt;
using namespace redoubt::llm;

TEST_SUITE("llm models") {
  TEST_CASE("the shipped table reads, and names the longest name that fits") {
    const auto table = ModelTable::read(default_models_json());
    if (!table.ok()) MESSAGE(table.error().message);
    REQUIRE(table.ok());
    const ModelCard* card = table.value().find("anthropic", "claude-sonnet-4-5-20250929");
    REQUIRE(card != nullptr);
    CHECK(card->model == "claude-sonnet-4-5");
    CHECK(table.value().find("anthropic", "claude-sonnet-4-20250514")->model == "claude-sonnet-4");
    CHECK(table.value().find("openai", "gpt-4o-mini-2024-07-18")->model == "gpt-4o-mini");
    CHECK(table.value().find("openai", "gpt-4omega") == nullptr);
    CHECK(table.value().find("ollama", "gpt-4o") == nullptr);
    for (const ModelCard& one : table.value().cards()) {
      CHECK(one.as_of.size() == 10);
      CHECK(one.source.rfind("https://", 0) == 0);
    }
  }

  TEST_CASE("faults are told with their place") {
    const auto table = ModelTable::read(R"({"models":[{"dialect":"openai"}]})");
    REQUIRE(!table.ok());
    CHECK(table.error().code == "bad_models");
    CHECK(table.error().path == "models[0].model");
  }

  TEST_CASE("cost in picodollars: each kind of token at its own price, none twice") {
    Price price{.input = 3'000'000,
                .output = 15'000'000,
                .cached_read = 300'000,
                .cache_write = 3'750'000,
                .cache_write_long = 6'000'000,
                .reasoning = {}};
    Usage usage;
    usage.input = 1000;
    usage.cached_read = 600;
    usage.cache_write = 300;
    usage.cache_write_long = 100;
    usage.output = 50;
    usage.reasoning = 20;
    CHECK(cost_picodollars(usage, price) == 100 * 3'000'000LL + 600 * 300'000LL +
                                                200 * 3'750'000LL + 100 * 6'000'000LL +
                                                50 * 15'000'000LL);
    price.reasoning = 1;
    CHECK(cost_picodollars(usage, price) == 100 * 3'000'000LL + 600 * 300'000LL +
                                                200 * 3'750'000LL + 100 * 6'000'000LL +
                                                30 * 15'000'000LL + 20);
    CHECK(cost_bound_picodollars(1000, 50, price) == 1000 * 6'000'000LL + 50 * 15'000'000LL);
    CHECK(cost_bound_picodollars(1000, 50, price) >= cost_picodollars(usage, price));
  }

  TEST_CASE("nonsense counts neither overflow nor become a credit") {
    Usage usage;
    usage.input = INT64_MAX;
    usage.cached_read = -5;
    usage.output = INT64_MIN;
    const Price price{.input = price_max,
                      .output = price_max,
                      .cached_read = {},
                      .cache_write = {},
                      .cache_write_long = {},
                      .reasoning = {}};
    CHECK(cost_picodollars(usage, price) == tokens_max * price_max);
  }
}
