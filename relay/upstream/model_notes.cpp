#include "relay/upstream/model_notes.hpp"

#include <utility>

#include "engine/base/message.hpp"
#include "engine/base/utc_date.hpp"
#include "relay/limits/amounts.hpp"

namespace redoubt::upstream {
namespace {

std::string days(std::int64_t count) {
  return joined({count, count == 1 ? " day" : " days"});
}

std::string who_is(const std::string& target, std::span<const std::string> aliases) {
  std::string names;
  for (const std::string& alias : aliases)
    names += joined({names.empty() ? "" : ", ", alias});
  return joined({target, " (", names, "): "});
}

std::string in_its_place(const llm::ModelCard& card) {
  if (card.successor.empty()) return ".";
  return joined({"; in its place it names ", card.successor, "."});
}

}  // namespace

std::string_view note_name(ModelNoteKind kind) {
  switch (kind) {
    case ModelNoteKind::unknown:
      return "model_unknown";
    case ModelNoteKind::shut_off_near:
      return "model_shut_off_near";
    case ModelNoteKind::shut_off_past:
      return "model_shut_off";
    case ModelNoteKind::no_key:
      return "model_without_key";
    case ModelNoteKind::too_dear:
      return "model_over_limits";
  }
  return "";
}

std::optional<ModelNote> note_of(const std::string& target, std::span<const std::string> aliases,
                                 const llm::ModelCard* card, bool price_known, bool needs_bound,
                                 std::int64_t today) {
  const std::string who = who_is(target, aliases);
  if (card == nullptr) {
    std::string text = who + "this model is not known.";
    if (!price_known)
      text +=
          " It is not called where a budget limits the call: a row in models.cards_file tells "
          "its price, `free: true` of its provider says that it has none.";
    if (needs_bound)
      text +=
          " It is not called for a request that names no limit of tokens: "
          "models.unknown_output_tokens_max sets one.";
    if (price_known && !needs_bound) return std::nullopt;
    return ModelNote{ModelNoteKind::unknown, target, std::move(text)};
  }
  if (!card->shut_off_day || *card->shut_off_day - today > shut_off_notice_days)
    return std::nullopt;
  const std::int64_t left = *card->shut_off_day - today;
  const std::string date = date_text(*card->shut_off_day);
  if (left <= 0) {
    const std::string since = left == 0 ? "today" : joined({days(-left), " ago"});
    return ModelNote{ModelNoteKind::shut_off_past, target,
                     joined({who, "its provider says that it is switched off since ", date, " (",
                             since, ")", in_its_place(*card), " It is still called."})};
  }
  return ModelNote{ModelNoteKind::shut_off_near, target,
                   joined({who, "its provider switches it off on ", date, ", in ", days(left),
                           in_its_place(*card)})};
}

ModelNote note_without_key(const std::string& target, std::span<const std::string> aliases,
                           const std::string& provider) {
  return {
      ModelNoteKind::no_key, target,
      joined({who_is(target, aliases), "the relay has no key for ", provider,
              "; it is not called. Add one: redoubt keys add NAME --provider ", provider, "."})};
}

namespace {

bool is_under(std::optional<std::int64_t> limit, std::int64_t needed) {
  return limit && *limit > 0 && *limit < needed;
}

}  // namespace

std::optional<ModelNote> note_of_limits(const std::string& target,
                                        std::span<const std::string> aliases,
                                        const LongestAnswer& longest,
                                        std::span<const NamedRules> rules) {
  const std::int64_t tokens = longest.output_tokens;
  const std::int64_t microusd = limits::microdollars_up(longest.cost);
  std::string under, advice;
  const auto add = [&](std::string_view whose, std::string_view what, const std::string& value,
                       std::int64_t needed) {
    const std::string setting = joined({"models.", whose, what});
    under += joined({under.empty() ? "" : ", ", setting, " (", value, ")"});
    advice += joined({advice.empty() ? "" : ", ", setting, ": ", needed});
  };
  for (const NamedRules& named : rules) {
    const limits::Rules& rule = named.rules;
    if (is_under(rule.day_picodollars, longest.cost))
      add(named.whose, "_day_microusd", limits::dollars_text(*rule.day_picodollars), microusd);
    if (is_under(rule.month_picodollars, longest.cost))
      add(named.whose, "_month_microusd", limits::dollars_text(*rule.month_picodollars), microusd);
    if (is_under(rule.tokens_per_minute, tokens))
      add(named.whose, "_tokens_per_minute", std::to_string(*rule.tokens_per_minute), tokens);
  }
  if (under.empty()) return std::nullopt;
  return ModelNote{
      ModelNoteKind::too_dear, target,
      joined({who_is(target, aliases), "a call that names no limit of tokens (max_tokens) holds ",
              limits::dollars_text(longest.cost), " for the longest answer, ", tokens,
              " tokens, which is more than ", under,
              ": each such call is refused. Let clients name max_tokens, or make room with ",
              advice,
              " and more for the prompt; a row in models.cards_file may bound the answer."})};
}

}  // namespace redoubt::upstream
