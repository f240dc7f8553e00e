#include "engine/llm/models.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "engine/base/utc_date.hpp"

using namespace redoubt;
using namespace redoubt::llm;

namespace {

const ModelTable& shipped() {
  static const ModelTable table = [] {
    auto read = ModelTable::read(default_models_json());
    REQUIRE_MESSAGE(read.ok(), (read.ok() ? "" : read.error().message));
    return std::move(read).value();
  }();
  return table;
}

std::int64_t at(std::string_view date, std::int64_t hour = 0, std::int64_t minute = 0) {
  return *parse_date(date) * seconds_per_day + hour * 3'600 + minute * 60;
}

Price price_of(std::string_view dialect, std::string_view model, std::int64_t at_s,
               std::int64_t prompt_tokens = 1'000) {
  const ModelCard* card = shipped().find(dialect, model);
  REQUIRE_MESSAGE(card != nullptr, std::string(model));
  return price_at(card->tariff, at_s, prompt_tokens);
}

std::string with_row(std::string_view row) {
  return R"({"models": [)" + std::string(row) + "]}";
}

}  // namespace

TEST_SUITE("llm models") {
  TEST_CASE("a name is a card's own, or one that the card lists: nothing stands for another") {
    const ModelTable& table = shipped();
    const ModelCard* card = table.find("anthropic", "claude-haiku-4-5-20251001");
    REQUIRE(card != nullptr);
    CHECK(card->model == "claude-haiku-4-5");
    REQUIRE(table.find("openai", "gpt-4o-2024-08-06") != nullptr);
    CHECK(table.find("openai", "gpt-4o-2024-08-06")->model == "gpt-4o");
    CHECK(table.find("openai", "gpt-5.6")->model == "gpt-5.6-sol");
    // What a prefix would have taken for a model that costs up to 25 times less, or more.
    for (const auto& other : std::initializer_list<std::pair<const char*, const char*>>{
             {"anthropic", "claude-opus-4"},
             {"anthropic", "claude-opus-4-20250514"},
             {"anthropic", "claude-opus-4-1"},
             {"anthropic", "claude-haiku-4-5-20990101"},
             {"openai", "o3-mini"},
             {"openai", "o3-pro"},
             {"openai", "o3-deep-research"},
             {"openai", "gpt-4o-audio-preview"},
             {"openai", "gpt-4o-2024-05-13"},
             {"openai", "gpt-4o-realtime-preview"},
             {"openai", "gpt-5-mini:ft"},
             {"openai", "ft:gpt-4o-2024-08-06"},
             {"openai", "gpt-4omega"},
             {"openai", ""},
             {"gemini", "gemini-2.5-flash-image"},
             {"gemini", "gemini-2.5-flash-preview-tts"},
             {"gemini", "gemini-2.5-pro-preview-tts"},
             {"ollama", "gpt-4o"},
             {"openrouter", "openai/gpt-4o"}}) {
      CHECK_MESSAGE(table.find(other.first, other.second) == nullptr, std::string(other.second));
    }
    // It has a card of its own, with the dialect that serves it.
    REQUIRE(table.find("openai-responses", "o3-pro") != nullptr);
    CHECK(table.find("openai-responses", "o3-pro")->tariff.rates.front().price.input == 20'000'000);
  }

  TEST_CASE("each shipped card says where its figures stand, and prices every kind of token") {
    CHECK(shipped().cards().size() > 90);
    for (const ModelCard& card : shipped().cards()) {
      INFO(card.model);
      CHECK(card.as_of.size() == 10);
      CHECK(card.source.rfind("https://", 0) == 0);
      CHECK(!card.operators_own);
      CHECK(card.output_tokens_max <= card.context_tokens);
      const Price price = resolved(price_at(card.tariff, at("2026-11-30"), 1));
      CHECK(price.output >= price.input);
      CHECK(*price.cached_read <= price.input);
      CHECK(*price.cache_write >= price.input);
    }
    for (const EmbeddingCard& card : shipped().embeddings()) {
      CHECK(card.source.rfind("https://", 0) == 0);
      // A chat at an embedding's price would cost nothing for its output.
      CHECK(shipped().find(card.dialect, card.model) == nullptr);
    }
  }

  TEST_CASE("the documents' and the recordings' models have the prices of their day") {
    const std::int64_t today = at("2026-11-30");
    CHECK(price_of("openai", "gpt-5.4-mini", today).output == 4'500'000);
    CHECK(price_of("anthropic", "claude-opus-5-5", today) == Price{.input = 4'000'000,
                                                                   .output = 20'000'000,
                                                                   .cached_read = 200'000,
                                                                   .cache_write = 5'000'000,
                                                                   .cache_write_long = 8'000'000});
    CHECK(price_of("gemini", "gemini-3-flash-preview", today).audio_input == 1'000'000);
    CHECK(shipped().find("openai", "gpt-5-mini")->shut_off_day == parse_date("2026-12-11"));
    CHECK(shipped().find("openai", "gpt-4.1")->tariff.fees.web_search == 25'000);
  }

  TEST_CASE("prices that change on a day") {
    CHECK(price_of("gemini", "gemini-4-argon", at("2026-11-30", 23, 59)).output == 10'000'000);
    CHECK(price_of("gemini", "gemini-4-argon", at("2026-12-01")).output == 20'000'000);
    CHECK(price_of("gemini", "gemini-flash-latest", at("2026-12-31", 23)).input == 750'000);
    CHECK(price_of("gemini", "gemini-flash-latest", at("2027-01-01")).input == 1'500'000);
    CHECK(price_of("anthropic", "claude-sonnet-5-5", at("2026-10-06")).cached_read == 200'000);
    CHECK(price_of("anthropic", "claude-sonnet-5-5", at("2026-10-07")).cached_read == 100'000);
  }

  TEST_CASE("prices by the hour, on weekdays") {
    const auto input = [](std::int64_t at_s) {
      return price_of("deepseek", "deepseek-v4-pro", at_s).input;
    };
    CHECK(input(at("2026-11-30", 0, 59)) == 660'000);  // a Monday
    CHECK(input(at("2026-11-30", 1)) == 1'320'000);
    CHECK(input(at("2026-11-30", 3, 59)) == 1'320'000);
    CHECK(input(at("2026-11-30", 4)) == 660'000);
    CHECK(input(at("2026-11-30", 9, 59)) == 1'320'000);
    CHECK(input(at("2026-11-30", 10)) == 660'000);
    CHECK(input(at("2026-11-29", 2)) == 660'000);    // a Sunday
    CHECK(input(at("1969-12-29", 2)) == 1'320'000);  // a Monday before the count begins
  }

  TEST_CASE("a long prompt has the whole request at the higher price") {
    const std::int64_t today = at("2026-11-30");
    CHECK(price_of("openai", "gpt-5.4", today, 272'000).input == 2'500'000);
    CHECK(price_of("openai", "gpt-5.4", today, 272'001).input == 5'000'000);
    const Tariff& tariff = shipped().find("openai", "gpt-5.4")->tariff;
    Usage usage;
    usage.input = 300'000;
    usage.output = 10;
    CHECK(cost_picodollars(usage, tariff, {today, today}) ==
          300'000 * 5'000'000LL + 10 * 22'500'000LL);
  }

  TEST_CASE("the bound takes the dearest that may come: length, day and hour") {
    const Tariff& long_prompts = shipped().find("openai", "gpt-5.4")->tariff;
    const std::int64_t today = at("2026-11-30");
    CHECK(cost_bound_picodollars(272'000, 1, {}, long_prompts, {today, today}) ==
          272'000 * 2'500'000LL + 15'000'000);
    CHECK(cost_bound_picodollars(272'001, 1, {}, long_prompts, {today, today}) ==
          272'001 * 5'000'000LL + 22'500'000);

    const Tariff& by_day = shipped().find("gemini", "gemini-4-argon")->tariff;
    const std::int64_t change = at("2026-12-01");
    CHECK(cost_bound_picodollars(1, 1, {}, by_day, {change - 600, change - 1}) == 12'000'000);
    CHECK(cost_bound_picodollars(1, 1, {}, by_day, {change - 600, change}) == 24'000'000);

    const Tariff& by_hour = shipped().find("deepseek", "deepseek-v4-pro")->tariff;
    const std::int64_t peak = at("2026-11-30", 1);
    CHECK(cost_bound_picodollars(1, 1, {}, by_hour, {peak - 600, peak - 1}) == 2'640'000);
    CHECK(cost_bound_picodollars(1, 1, {}, by_hour, {peak - 600, peak}) == 5'280'000);
    CHECK(cost_bound_picodollars(1, 1, {}, by_hour, {peak, peak + 4 * 3'600}) == 5'280'000);
    // What was under way as the price changed costs the dearer, too.
    Usage usage;
    usage.input = usage.output = 1;
    CHECK(cost_picodollars(usage, by_hour, {peak - 600, peak + 1}) == 5'280'000);
    CHECK(cost_picodollars(usage, by_hour, {peak - 600, peak - 1}) == 2'640'000);
  }

  TEST_CASE("no charge is over its bound, whatever the tokens and the time") {
    std::uint64_t state = 7;
    const auto next = [&state](std::int64_t below) {
      state = state * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
      return static_cast<std::int64_t>((state >> 33) % static_cast<std::uint64_t>(below));
    };
    for (int i = 0; i < 2'000; ++i) {
      const auto cards = shipped().cards();
      const ModelCard& card = cards[static_cast<std::size_t>(next(std::ssize(cards)))];
      const std::int64_t begun = at("2026-11-27") + next(40 * seconds_per_day);
      const std::int64_t may_last = next(1'800);
      Usage usage;
      usage.input = next(400'000);
      usage.cached_read = next(400'000);
      usage.cache_write = next(400'000);
      usage.cache_write_long = next(400'000);
      usage.audio_input = next(2) * next(400'000);
      usage.output = next(100'000);
      usage.reasoning = next(100'000);
      usage.audio_output = next(2) * next(100'000);
      usage.web_searches = next(4);
      usage.file_searches = next(4);
      const std::int64_t searches = usage.web_searches + usage.file_searches;
      const ToolUses uses[] = {
          {.web_searches = usage.web_searches, .file_searches = usage.file_searches},
          {.web_searches = 90, .file_searches = 90, .all_max = searches},
          {.others = searches}};
      const std::int64_t bound =
          cost_bound_picodollars(usage.input + next(100'000), usage.output + next(1'000),
                                 uses[next(3)], card.tariff, {begun, begun + may_last});
      INFO(card.model, " ", begun);
      REQUIRE(cost_picodollars(usage, card.tariff, {begun, begun + next(may_last + 1)}) <= bound);
    }
  }

  TEST_CASE("fees by the use") {
    Usage usage;
    usage.web_searches = 3;
    usage.file_searches = 2;
    const Fees fees{.web_search = 10'000, .file_search = 2'500};
    CHECK(fees_picodollars(usage, fees) == (3 * 10'000 + 2 * 2'500) * 1'000'000LL);
    CHECK(fees_bound_picodollars({.web_searches = 5}, fees) == 5 * 10'000 * 1'000'000LL);
    CHECK(fees_bound_picodollars({.file_searches = 5}, fees) == 5 * 2'500 * 1'000'000LL);
    CHECK(fees_bound_picodollars({.others = 5}, fees) == 5 * 10'000 * 1'000'000LL);
    CHECK(fees_bound_picodollars({.web_searches = 16, .file_searches = 2, .all_max = 3}, fees) ==
          3 * 10'000 * 1'000'000LL);
    CHECK(fees_bound_picodollars({.file_searches = 2, .all_max = 300}, fees) ==
          2 * 2'500 * 1'000'000LL);
    CHECK(fees_bound_picodollars({.web_searches = INT64_MAX, .all_max = -1}, fees) == 0);
    usage.web_searches = -1;
    usage.file_searches = INT64_MAX;
    CHECK(fees_picodollars(usage, fees) == tool_uses_max * 2'500 * 1'000'000LL);
  }

  TEST_CASE("how a model thinks, as the encoders are told") {
    const auto style = [](std::string_view dialect, std::string_view model) {
      return shipped().find(dialect, model)->reasoning();
    };
    CHECK(style("anthropic", "claude-opus-5-5") == ReasoningStyle::adaptive_always);
    CHECK(style("anthropic", "claude-opus-4-8") == ReasoningStyle::adaptive);
    CHECK(style("anthropic", "claude-haiku-4-5") == ReasoningStyle::budget);
    CHECK(style("anthropic", "claude-opus-4-6") == ReasoningStyle::budget_or_adaptive);
    CHECK(style("gemini", "gemini-3.8-flash") == ReasoningStyle::effort);
    CHECK(style("gemini", "gemini-2.5-pro") == ReasoningStyle::budget_always);
    CHECK(style("openai", "gpt-4o") == ReasoningStyle::none);
    CHECK(style("openai", "gpt-5.4-mini") == ReasoningStyle::effort);
    const ModelCard* card = shipped().find("openai", "gpt-5.4-mini");
    CHECK(card->effort_default == "none");
    CHECK(card->temperature == TakesTemperature::without_thinking);
    CHECK(shipped().find("anthropic", "claude-opus-5-5")->temperature == TakesTemperature::never);

    const auto takes = [](std::string_view dialect, std::string_view model, std::string effort,
                          std::optional<std::int64_t> budget = {}) {
      ReasoningSetting asked;
      asked.effort = std::move(effort);
      asked.budget_tokens = budget;
      return shipped().find(dialect, model)->takes_sampling(asked);
    };
    CHECK(takes("openai", "gpt-5.4-mini", ""));  // by default it does not think
    CHECK(!takes("openai", "gpt-5.4-mini", "low"));
    CHECK(!takes("openai", "gpt-6-luna", ""));
    CHECK(takes("openai", "gpt-6-luna", "none"));
    CHECK(!takes("openai", "gpt-5-mini", ""));
    CHECK(takes("openai", "gpt-4o", ""));
    CHECK(takes("anthropic", "claude-haiku-4-5", ""));
    CHECK(!takes("anthropic", "claude-haiku-4-5", "", 2'000));
    CHECK(!takes("anthropic", "claude-opus-5-5", "none"));
    CHECK(takes("gemini", "gemini-3.8-flash", "high"));
  }

  TEST_CASE("a card prices sound where it says what a token of it costs") {
    const auto prices = [](std::string_view dialect, std::string_view model) {
      return shipped().find(dialect, model)->prices_sound();
    };
    CHECK(prices("openai", "gpt-audio-1.5"));
    CHECK(prices("gemini", "gemini-3.5-flash"));
    CHECK(prices("gemini", "gemini-2.5-pro"));  // as a token of text
    CHECK(!prices("openai", "gpt-5.4-mini"));
    CHECK(!prices("mistral", "voxtral-small-2507"));  // by the minute
    CHECK(!prices("anthropic", "claude-opus-5-5"));
  }

  TEST_CASE("an operator's rows go before the shipped ones, and may lean on one") {
    const auto table = shipped().with(R"({"models": [
      {"dialect": "openai", "model": "gpt-5.4-mini", "like": "openai/gpt-5.4-mini",
       "rates": [{"input": 1, "output": 2}]},
      {"dialect": "azure", "model": "our-deployment", "like": "openai/gpt-6-luna"},
      {"dialects": ["vllm", "ollama"], "model": "qwen", "context_tokens": 32768,
       "output_tokens_max": 8192, "rates": [{"input": 0, "output": 0}]}]})");
    REQUIRE_MESSAGE(table.ok(), (table.ok() ? "" : table.error().message));
    const ModelCard* mini = table.value().find("openai", "gpt-5.4-mini");
    CHECK(mini->operators_own);
    CHECK(mini->tariff.rates.front().price.output == 2);
    CHECK(mini->tariff.fees.web_search == 10'000);
    CHECK(mini->context_tokens == 272'000);
    CHECK(table.value().find("openai", "gpt-5.4-mini-2026-03-17")->operators_own == false);
    const ModelCard* deployment = table.value().find("azure", "our-deployment");
    REQUIRE(deployment != nullptr);
    CHECK(deployment->tariff.rates.size() == 2);
    CHECK(deployment->aliases.empty());
    CHECK(table.value().find("vllm", "qwen") == table.value().find("ollama", "qwen"));
    CHECK(table.value().embeddings().size() == shipped().embeddings().size());
  }

  TEST_CASE("faults are told with their place") {
    const auto fault = [](std::string_view row) {
      const auto table = shipped().with(with_row(row));
      REQUIRE(!table.ok());
      CHECK(table.error().code == "bad_models");
      CHECK(!table.error().expected.empty());
      return table.error().path;
    };
    const std::string begin =
        R"({"dialect": "openai", "model": "m", "context_tokens": 9, "output_tokens_max": 9, )";
    const std::string rate = R"("rates": [{"input": 1, "output": 1}], )";
    CHECK(fault(R"({"dialect": "openai"})") == "models[0].model");
    CHECK(fault(R"({"model": "m"})") == "models[0].dialect");
    CHECK(fault(R"({"dialect": "opnai", "model": "m"})") == "models[0].dialect");
    CHECK(fault(begin + R"("rates": []})") == "models[0].rates");
    CHECK(fault(begin + R"("rates": [{"input": -1, "output": 1}]})") == "models[0].rates[0].input");
    CHECK(fault(begin + R"("rates": [{"input": 1, "output": 1, "outptu": 1}]})") ==
          "models[0].rates[0].outptu");
    CHECK(fault(begin + R"("rates": [{"input": 1, "output": 1, "until": "2026-12-01"}]})") ==
          "models[0].rates[0]");
    CHECK(fault(begin + R"("rates": [{"input": 1, "output": 1}, {"input": 1, "output": 1}]})") ==
          "models[0].rates[1]");
    CHECK(fault(begin +
                R"("rates": [{"input": 1, "output": 1},
                   {"input": 1, "output": 1, "from": "2026-02-30"}]})") ==
          "models[0].rates[1].from");
    CHECK(fault(begin +
                R"("rates": [{"input": 1, "output": 1}, {"input": 1, "output": 1,
                   "hours": {"days": ["mon"], "utc": ["4-1"]}}]})") ==
          "models[0].rates[1].hours.utc");
    CHECK(fault(begin + rate + R"("thinking": "hard"})") == "models[0].thinking");
    CHECK(fault(begin + rate + R"("takes": ["smell"]})") == "models[0].takes");
    CHECK(fault(begin + rate + R"("shut_off": "soon"})") == "models[0].shut_off");
    CHECK(fault(begin + rate + R"("fees": {"web_search": -1}})") == "models[0].fees.web_search");
    CHECK(fault(begin + rate + R"("like": "openai/nothing"})") == "models[0].like");
    CHECK(fault(begin + rate + R"("aliases": ["n", "n"]}, )" + begin + rate +
                R"("aliases": ["n"]})") == "models[1]");

    const auto broken = shipped().with("{\"models\": [\n  {\"dialect\": }\n]}");
    REQUIRE(!broken.ok());
    CHECK(broken.error().code == "bad_json");
    CHECK(broken.error().line == 2);
  }

  TEST_CASE("cost in picodollars: each kind of token at its own price, none twice") {
    Price price{.input = 3'000'000,
                .output = 15'000'000,
                .cached_read = 300'000,
                .cache_write = 3'750'000,
                .cache_write_long = 6'000'000};
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

  TEST_CASE("audio is priced apart, and as fresh as far as it can be") {
    const Price price{.input = 1,
                      .output = 10,
                      .cached_read = 0,
                      .audio_input = 100,
                      .audio_cached_read = 50,
                      .audio_output = 1'000};
    Usage usage;
    usage.input = 100;
    usage.audio_input = 40;
    usage.output = 20;
    usage.audio_output = 5;
    CHECK(cost_picodollars(usage, price) == 60 + 40 * 100 + 15 * 10 + 5 * 1'000);
    usage.cached_read = 70;  // 30 fresh at most
    CHECK(cost_picodollars(usage, price) == 30 * 100 + 10 * 50 + 15 * 10 + 5 * 1'000);
    CHECK(cost_bound_picodollars(100, 20, price) == 100 * 100 + 20 * 1'000);
  }

  TEST_CASE("nonsense counts neither overflow nor become a credit") {
    Usage usage;
    usage.input = INT64_MAX;
    usage.cached_read = -5;
    usage.output = INT64_MIN;
    const Price price{.input = price_max, .output = price_max};
    CHECK(cost_picodollars(usage, price) == tokens_max * price_max);
    usage.output = INT64_MAX;
    usage.web_searches = usage.file_searches = INT64_MAX;
    const Tariff dear{.rates = {{.price = price}},
                      .fees = {.web_search = fee_max, .file_search = fee_max}};
    CHECK(cost_picodollars(usage, dear, {}) ==
          2 * tokens_max * price_max + 2 * tool_uses_max * fee_max * 1'000'000);
  }

  TEST_CASE("tokens that only the total has are billed") {
    Usage usage;
    usage.input = 10;
    usage.output = 5;
    add_hidden_tokens(usage, 15, false);
    CHECK(usage.output == 5);
    add_hidden_tokens(usage, 0, false);
    CHECK(usage.output == 5);
    add_hidden_tokens(usage, 115, false);
    CHECK(usage.output == 105);
    add_hidden_tokens(usage, 375, true);
    CHECK(usage.output == 105);
    CHECK(usage.input == 270);
    CHECK(usage.audio_input == 260);
    usage = {};
    add_hidden_tokens(usage, INT64_MAX, false);
    CHECK(usage.output == tokens_max);
  }

  TEST_CASE("a cost that the provider tells in dollars") {
    CHECK(picodollars_of(0.00001815) == 18'150'000);
    CHECK(picodollars_of(0.1) == 100'000'000'000);
    CHECK(picodollars_of(1.5e-12) == 2);
    CHECK(picodollars_of(0) == 0);
    CHECK(picodollars_of(1e300) == reported_cost_max);
    CHECK(!picodollars_of(-1));
    CHECK(!picodollars_of(std::numeric_limits<double>::quiet_NaN()));
    CHECK(!picodollars_of(std::numeric_limits<double>::infinity()));
  }
}
