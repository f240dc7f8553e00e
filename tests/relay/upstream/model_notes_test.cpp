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
