#include "relay/upstream/model_notes.hpp"

#include <doctest/doctest.h>

#include "engine/base/utc_date.hpp"

using namespace redoubt;
using namespace redoubt::upstream;

namespace {

std::optional<ModelNote> note(std::optional<std::string_view> shut_off, std::string_view today,
                              bool price_known = true, bool needs_bound = false) {
  const std::vector<std::string> aliases{"strategist", "chat"};
  llm::ModelCard card;
  card.successor = "gpt-6-luna";
  if (shut_off && !shut_off->empty()) card.shut_off_day = parse_date(*shut_off);
  return note_of("openai/m", aliases, shut_off ? &card : nullptr, price_known, needs_bound,
                 *parse_date(today));
}

bool says(const std::optional<ModelNote>& note, std::string_view words) {
  return note && note->text.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("a model note: a known model that lasts needs none") {
  CHECK(!note("", "2026-11-30"));
  CHECK(!note("2027-01-30", "2026-11-30"));
}

TEST_CASE("a model note: a shut-off is told from 60 days before, and after it") {
  const auto near = note("2027-01-29", "2026-11-30");
  REQUIRE(near);
  CHECK(near->kind == ModelNoteKind::shut_off_near);
  CHECK(says(near, "openai/m (strategist, chat): "));
  CHECK(says(near, "on 2027-01-29, in 60 days; in its place it names gpt-6-luna."));
  CHECK(says(note("2026-12-01", "2026-11-30"), "in 1 day;"));
  const auto today = note("2026-11-30", "2026-11-30");
  REQUIRE(today);
  CHECK(today->kind == ModelNoteKind::shut_off_past);
  CHECK(says(today, "It is still called."));
  CHECK(says(note("2026-11-29", "2026-11-30"), "(1 day ago)"));
}

TEST_CASE("a model note: an unknown model says what will not work, and what to do") {
  const auto unknown = note(std::nullopt, "2026-11-30", false);
  REQUIRE(unknown);
  CHECK(unknown->kind == ModelNoteKind::unknown);
  CHECK(says(unknown, "models.cards_file"));
  CHECK(!says(unknown, "unknown_output_tokens_max"));
  CHECK(says(note(std::nullopt, "2026-11-30", false, true), "unknown_output_tokens_max"));
  // A server of one's own, free of charge, needs no word.
  CHECK(!note(std::nullopt, "2026-11-30", true));
  CHECK(says(note(std::nullopt, "2026-11-30", true, true), "unknown_output_tokens_max"));
}

TEST_CASE("a model note: limits that no call without max_tokens fits are told with what fits") {
  const std::vector<std::string> aliases{"strategist"};
  const LongestAnswer longest{.output_tokens = 128'000,
                              .cost = 23'040'000 * limits::picodollars_per_microdollar};
  const auto told = [&](limits::Rules all, limits::Rules player = {}) {
    const NamedRules rules[] = {{"all", all}, {"player", player}};
    return note_of_limits("openai/m", aliases, longest, rules);
  };
  const limits::Picodollars dollar = limits::picodollars_per_dollar;
  const auto small = told({.day_picodollars = dollar});
  REQUIRE(small);
  CHECK(small->kind == ModelNoteKind::too_dear);
  CHECK(note_name(small->kind) == "model_over_limits");
  CHECK(says(small,
             "openai/m (strategist): a call that names no limit of tokens (max_tokens) holds "
             "$23.04 for the longest answer, 128000 tokens, which is more than "
             "models.all_day_microusd ($1.00): each such call is refused."));
  CHECK(says(small, "make room with models.all_day_microusd: 23040000 and more for the prompt"));
  const auto more = told({.month_picodollars = 2 * dollar}, {.tokens_per_minute = 1'000});
  CHECK(says(more, "models.all_month_microusd ($2.00), models.player_tokens_per_minute (1000)"));
  CHECK(!told({.day_picodollars = 24 * dollar}, {.tokens_per_minute = 128'000}));
  CHECK(!told({}));
  CHECK(!told({.day_picodollars = 0}));  // lets nothing pass: told as such
}
