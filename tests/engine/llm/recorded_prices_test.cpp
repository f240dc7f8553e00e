// What recorded calls would have cost: every token of a provider's total is billed, and how many of
// the recorded models have a card.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "engine/base/utc_date.hpp"
#include "engine/llm/models.hpp"
#include "tests/engine/llm/recorded.hpp"

using namespace redoubt;
using namespace redoubt::llm;
using namespace redoubt::llm::testing;

namespace {

struct Provider {
  const char* file;
  const char* path;
  const char* dialect;
};

constexpr Provider providers[] = {
    {"openai", "/v1/chat/completions", "openai"},  {"openai", "/v1/responses", "openai-responses"},
    {"anthropic", "/v1/messages", "anthropic"},    {"google", "enerateContent", "gemini"},
    {"groq", "/chat/completions", "groq"},         {"mistral", "/chat/completions", "mistral"},
    {"deepseek", "/chat/completions", "deepseek"},
};

std::string asked_model(const Exchange& exchange) {
  const std::string_view named = text_in(exchange.request, "model");
  if (!named.empty()) return std::string(named);
  const std::size_t at = exchange.url.find("models/");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + 7;
  return exchange.url.substr(begin, exchange.url.find_first_of(":?/", begin) - begin);
}

Usage usage_of(const char* dialect, const Exchange& exchange) {
  Decoder decoder(*find_dialect(dialect));
  ChatEvents events;
  decoder.head(exchange.status, exchange.headers, 0);
  decoder.feed(exchange.body, events);
  if (!decoder.over()) decoder.end(events);
  ChatAnswer answer;
  for (const ChatEvent& event : events)
    fold(answer, event, decoder.format());
  return answer.failure ? Usage{} : answer.usage;
}

/// The last total that the body tells; 0 where it tells none.
std::int64_t told_total(const std::string& body) {
  std::int64_t total = 0;
  for (const std::string_view key : {"\"total_tokens\":", "\"totalTokenCount\":"}) {
    const std::size_t at = body.rfind(key);
    if (at != std::string::npos)
      total = std::max<std::int64_t>(total, std::atoll(&body[at + key.size()]));
  }
  return total;
}

struct Count {
  int with = 0;
  int without = 0;
};

}  // namespace

TEST_SUITE("llm recordings") {
  TEST_CASE("no recorded call costs less than its tokens, and recent ones have a card") {
    const auto read = ModelTable::read(default_models_json());
    REQUIRE(read.ok());
    const ModelTable& table = read.value();
    std::map<std::string, Count> counts;
    int calls = 0;
    for (const Provider& provider : providers) {
      for (const Exchange& exchange : recorded(provider.file)) {
        if (exchange.url.find(provider.path) == std::string::npos || exchange.status != 200)
          continue;
        const Usage usage = usage_of(provider.dialect, exchange);
        if (!usage.reported) continue;
        ++calls;
        CAPTURE(exchange.id);
        const std::int64_t total = told_total(exchange.body);
        CHECK(usage.input + usage.output >= total);
        const ModelCard* card = table.find(provider.dialect, asked_model(exchange));
        ++(card ? counts[provider.file].with : counts[provider.file].without);
        if (card == nullptr) continue;
        const std::int64_t day_s = *parse_date("2026-11-30") * seconds_per_day;
        const Price price = resolved(price_at(card->tariff, day_s, usage.input));
        const std::int64_t cheapest = std::min({price.input, *price.cached_read, price.output});
        CHECK(cost_picodollars(usage, card->tariff, {day_s, day_s}) >= total * cheapest);
        CHECK(cost_picodollars(usage, card->tariff, {day_s, day_s}) >= usage.output * price.output);
      }
    }
    if (calls == 0) {
      MESSAGE("skipped: no recordings (../shared/recordings, or REDOUBT_RECORDINGS)");
      return;
    }
    for (const auto& [name, count] : counts)
      MESSAGE(name, ": ", count.with, " calls of models with a card, ", count.without, " without");
    // What is left without one is shut off, or by preview names that are gone.
    CHECK(counts["google"].with > 100);
    CHECK(counts["openai"].with > 200);
    CHECK(counts["anthropic"].with > 130);
    CHECK(counts["mistral"].with > 30);
  }
}
