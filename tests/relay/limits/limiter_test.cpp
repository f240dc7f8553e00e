#include "relay/limits/limiter.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>

#include "engine/base/message.hpp"
#include "engine/base/rng.hpp"
#include "relay/limits/refusal_text.hpp"
#include "tests/relay/limits/model_store.hpp"
#include "tests/relay/script.hpp"

namespace redoubt::limits {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t noon_s = 1'795'780'800;  // 2026-11-27T12:00:00Z

Instant at(std::int64_t mono_ns) {
  return {mono_ns, noon_s + mono_ns / second_ns};
}

Scope scope_of(const std::string& name) {
  for (int i = 0; i < 7; ++i)
    if (scope_name(static_cast<Scope>(i)) == name) return static_cast<Scope>(i);
  FAIL("unknown scope ", name);
  return Scope::all;
}

class Script {
 public:
  std::string run(const script::Command& command) {
    now_ns_ = command.number("at", now_ns_);
    if (command.name == "limiter") return reset(command);
    if (command.name == "rules") return rules(command);
    if (command.name == "reserve") return reserve(command);
    if (command.name == "settle") return settle(command);
    if (command.name == "cancel") return cancel(command);
    if (command.name == "expire") return expire();
    if (command.name == "quotas") return quotas(command);
    if (command.name == "store") return store(command);
    if (command.name == "close") return limiter_->close_leases(), std::string("closed\n");
    FAIL("unknown command ", command.name);
    return "";
  }

 private:
  std::string reset(const script::Command& command) {
    limiter_.emplace(
        LimiterOptions{static_cast<std::size_t>(command.number("subjects_max", 100)),
                       static_cast<std::size_t>(command.number("reservations_max", 100))},
        7);
    rules_.clear();
    store_ = {};
    ids_.clear();
    now_ns_ = 0;
    return "";
  }
  std::string rules(const script::Command& command) {
    const auto limit = [&](const char* name) {
      return command.has(name) ? std::optional(command.number(name)) : std::nullopt;
    };
    rules_[command.text("of")] = {.requests_per_minute = limit("requests"),
                                  .tokens_per_minute = limit("tokens"),
                                  .concurrent_max = limit("concurrent"),
                                  .day_picodollars = limit("day"),
                                  .month_picodollars = limit("month")};
    return "";
  }
  std::vector<Share> shares(const script::Command& command, std::deque<std::string>& names) {
    std::vector<Share> shares;
    std::string list = command.text("on");
    while (!list.empty()) {
      const std::size_t comma = std::min(list.find(','), list.size());
      names.push_back(list.substr(0, comma));
      list.erase(0, comma + 1);
      const std::size_t colon = names.back().find(':');
      shares.push_back({.scope = scope_of(names.back().substr(0, colon)),
                        .id = std::string_view(names.back()).substr(colon + 1),
                        .rules = rules_[names.back()],
                        .requests = command.number("requests", 1)});
    }
    return shares;
  }
  std::string quotas(const script::Command& command) {
    std::deque<std::string> names;
    const Quotas quotas = limiter_->quotas(shares(command, names), at(now_ns_));
    return joined({rate_policy_header(quotas), " ", rate_header(quotas), "\n"});
  }
  std::string reserve(const script::Command& command) {
    std::deque<std::string> names;
    const std::vector<Share> shares = this->shares(command, names);
    std::string out;
    for (std::int64_t i = 0; i < command.number("count", 1); ++i) {
      const Outcome outcome =
          limiter_->reserve({.shares = shares,
                             .tokens_upper = command.number("tokens"),
                             .picodollars_upper = command.number("money"),
                             .open_ns_max = command.number("open", 60 * second_ns)},
                            at(now_ns_));
      if (outcome.verdict == Verdict::reserved && command.has("as"))
        ids_[command.text("as")] = outcome.id;
      out = line(outcome);
    }
    return out;
  }
  std::string line(const Outcome& outcome) {
    if (outcome.verdict == Verdict::waiting) return "waiting for the store\n";
    const std::string quotas = rate_header(outcome.quotas);
    if (outcome.verdict == Verdict::reserved)
      return joined({"reserved", quotas.empty() ? "" : " ", quotas, "\n"});
    const Refusal& refusal = outcome.refusal;
    return joined(
        {"refused ", refusal.status, " ", scope_name(refusal.scope), " ", limit_name(refusal.limit),
         " left=", refusal.remaining, " of ", refusal.limit_value,
         " retry-after=", refusal.retry_after_ns < 0 ? "never" : retry_after_header(refusal),
         refusal.promised ? " promised\n" : "\n"});
  }
  std::string settle(const script::Command& command) {
    const auto settled = limiter_->settle(
        ids_[command.text("of")], {command.number("tokens"), command.number("money")}, at(now_ns_));
    if (!settled) return settled.error().code + "\n";
    Result<Settled> copy = settled;
    return joined({"charged tokens=", copy->charged.tokens, " money=", copy->charged.picodollars,
                   " overrun tokens=", copy->overrun.tokens, " money=", copy->overrun.picodollars,
                   "\n"});
  }
  std::string cancel(const script::Command& command) {
    const Result<void> done = limiter_->cancel(ids_[command.text("of")], at(now_ns_));
    return done ? "cancelled\n" : done.error().code + "\n";
  }
  std::string expire() {
    std::vector<Expired> expired;
    limiter_->expire(at(now_ns_), expired);
    std::string out = joined({"expired ", expired.size(), "\n"});
    for (const Expired& one : expired)
      out += joined(
          {"  charged tokens=", one.charged.tokens, " money=", one.charged.picodollars, "\n"});
    return out;
  }
  std::string store(const script::Command& command) {
    std::string out;
    for (const StoreEffect& effect : limiter_->take_effects()) {
      static constexpr const char* names[] = {"draw", "force", "give_back"};
      out += joined({names[static_cast<int>(effect.effect.kind)], " ", effect.subject, " ",
                     period_name(effect.effect.period, effect.effect.index), " ",
                     effect.effect.amount});
      if (command.has("fail") && effect.effect.kind == LeaseEffect::Kind::draw) {
        limiter_->lease_failed(effect.subject, effect.effect.period, effect.effect.index,
                               at(now_ns_));
        out += " failed\n";
        continue;
      }
      const Picodollars granted = store_.carry_out(effect);
      if (effect.effect.kind == LeaseEffect::Kind::draw) {
        out += joined({" granted ", granted});
        limiter_->lease_granted(effect.subject, effect.effect.period, effect.effect.index, granted);
      }
      out += joined({" drawn ", store_.drawn(effect), "\n"});
    }
    return out.empty() ? "nothing to do\n" : out;
  }

  std::optional<Limiter> limiter_;
  std::map<std::string, Rules> rules_;
  std::map<std::string, ReservationId> ids_;
  ModelStore store_;
  std::int64_t now_ns_ = 0;
};

TEST_CASE("limiter: the script") {
  Script script;
  script::run("limits/limiter.txt",
              [&](const script::Command& command) { return script.run(command); });
}

struct World {
  Limiter limiter{{.subjects_max = 8, .reservations_max = 64}, 3};
  ModelStore store;
  Rules rules;
  std::int64_t now_ns = 0;
  std::int64_t utc_offset_s = 0;

  Instant now() const { return {now_ns, noon_s + utc_offset_s + now_ns / second_ns}; }
  Outcome reserve(std::int64_t tokens, Picodollars money) {
    return reserve_as("ada", tokens, money);
  }
  /// Waits for the store as often as it must; more than a draw for each budget and one that was
  /// under way is a caller who is kept waiting for ever.
  Outcome reserve_as(const std::string& name, std::int64_t tokens, Picodollars money) {
    constexpr int waits_max = 4;
    const Share share{.scope = Scope::player, .id = name, .rules = rules};
    Outcome outcome;
    for (int i = 0; i <= waits_max; ++i) {
      outcome = limiter.reserve({.shares = {&share, 1},
                                 .tokens_upper = tokens,
                                 .picodollars_upper = money,
                                 .open_ns_max = 600 * second_ns},
                                now());
      if (outcome.verdict != Verdict::waiting) return outcome;
      store.answer(limiter);
    }
    FAIL("a caller waits for money for ever");
    return outcome;
  }
};

TEST_CASE("a budget that calls use up exactly lets 100 of 100 pass, and not one more") {
  World world;
  world.rules = {.day_picodollars = 100 * picodollars_per_dollar};
  std::vector<ReservationId> open;
  for (int i = 0; i < 100; ++i) {
    const Outcome outcome = world.reserve(0, picodollars_per_dollar);
    REQUIRE(outcome.verdict == Verdict::reserved);
    open.push_back(outcome.id);
    if (open.size() == 64 || i == 99) {
      for (const ReservationId id : open)
        REQUIRE(world.limiter.settle(id, {0, picodollars_per_dollar}, world.now()).ok());
      open.clear();
    }
  }
  const Outcome outcome = world.reserve(0, 1);
  CHECK(outcome.verdict == Verdict::refused);
  CHECK(outcome.refusal.status == 402);
  CHECK(outcome.refusal.promised);
}

TEST_CASE("64 clients at once never pass the budget, and its last picodollar can be spent") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed);
    World world;
    const Picodollars budget = 1'000'003;
    world.rules = {.day_picodollars = budget};
    std::vector<std::pair<ReservationId, Picodollars>> open;
    Picodollars spent = 0;
    Picodollars held = 0;
    for (int i = 0; i < 20'000 && spent < budget; ++i) {
      if (open.size() < 64 && rng.below(2) == 0) {
        const Picodollars upper =
            std::min<Picodollars>(1 + rng.below(40'000), std::max<Picodollars>(1, budget - spent));
        const Outcome outcome = world.reserve(0, upper);
        if (outcome.verdict == Verdict::reserved) {
          open.emplace_back(outcome.id, upper);
          held += upper;
        } else {
          // A refusal is never for want of what nobody holds or has spent.
          CHECK(spent + held + upper > budget);
        }
      } else if (!open.empty()) {
        const std::size_t which = rng.below(static_cast<std::uint32_t>(open.size()));
        const auto [id, upper] = open[which];
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
        const Picodollars used = rng.below(static_cast<std::uint32_t>(upper) + 1);
        REQUIRE(world.limiter.settle(id, {0, used}, world.now()).ok());
        spent += used;
        held -= upper;
      }
      REQUIRE(spent + held <= budget);
      REQUIRE(world.store.most_drawn(Period::day) <= budget);
    }
    CHECK(spent == budget);
  }
}

TEST_CASE("in no 60 s more passes than the limit, and retry-after is true") {
  Rng rng(5);
  World world;
  world.rules = {.requests_per_minute = 20, .tokens_per_minute = 5'000};
  std::deque<std::pair<std::int64_t, std::int64_t>> passed;  // (when, tokens used)
  std::int64_t tokens = 0;
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    world.now_ns += rng.below(4'000'000) * std::int64_t{500};
    const std::int64_t upper = 1 + rng.below(1'200);
    Outcome outcome = world.reserve(upper, 0);
    if (outcome.verdict == Verdict::refused) {
      ++refused;
      REQUIRE(outcome.refusal.promised);
      world.now_ns += outcome.refusal.retry_after_ns - 1;
      REQUIRE(world.reserve(upper, 0).verdict == Verdict::refused);
      world.now_ns += 1;
      outcome = world.reserve(upper, 0);
      REQUIRE(outcome.verdict == Verdict::reserved);
    }
    const std::int64_t used = rng.below(static_cast<std::uint32_t>(upper) + 1);
    REQUIRE(world.limiter.settle(outcome.id, {used, 0}, world.now()).ok());
    passed.emplace_back(world.now_ns, used);
    tokens += used;
    while (passed.front().first <= world.now_ns - 60 * second_ns) {
      tokens -= passed.front().second;
      passed.pop_front();
    }
    REQUIRE(static_cast<std::int64_t>(passed.size()) <= 20);
    REQUIRE(tokens <= 5'000);
  }
  CHECK(refused > 100);
}

TEST_CASE("a wall clock that jumps gives each day's budget once, and no rate anew") {
  const auto passed = [](World& world) {
    int count = 0;
    for (int i = 0; i < 200; ++i) {
      const Outcome outcome = world.reserve(0, picodollars_per_dollar);
      if (outcome.verdict != Verdict::reserved) continue;
      REQUIRE(world.limiter.settle(outcome.id, {0, picodollars_per_dollar}, world.now()).ok());
      ++count;
    }
    return count;
  };
  struct Row {
    int day;  // that the clock shows, from noon of the first
    int passed;
  };
  World budget;
  budget.rules = {.day_picodollars = 100 * picodollars_per_dollar};
  for (const Row& row : {Row{0, 100}, Row{0, 0}, Row{1, 100}, Row{0, 0}, Row{-1, 0}, Row{1, 0},
                         Row{2, 100}, Row{1, 0}, Row{2, 0}}) {
    CAPTURE(row.day);
    budget.utc_offset_s = row.day * std::int64_t{86'400};
    CHECK(passed(budget) == row.passed);
  }
  // Rates are by the other clock, which no one sets.
  World rate;
  rate.rules = {.requests_per_minute = 20};
  for (const Row& row : {Row{0, 20}, Row{1, 0}, Row{-1, 0}, Row{0, 0}}) {
    CAPTURE(row.day);
    rate.utc_offset_s = row.day * std::int64_t{86'400};
    CHECK(passed(rate) == row.passed);
  }
}

TEST_CASE("0 of anything refuses at once and for ever, by the status of its limit") {
  struct Row {
    Rules rules;
    Limit limit;
    int status;
  };
  const Row rows[] = {{{.requests_per_minute = 0}, Limit::requests, 429},
                      {{.tokens_per_minute = 0}, Limit::tokens, 429},
                      {{.concurrent_max = 0}, Limit::concurrency, 429},
                      {{.day_picodollars = 0}, Limit::day_budget, 402},
                      {{.month_picodollars = 0}, Limit::month_budget, 402}};
  for (const Row& row : rows) {
    CAPTURE(limit_name(row.limit));
    World world;
    world.rules = row.rules;
    const Outcome outcome = world.reserve(1, 1);
    REQUIRE(outcome.verdict == Verdict::refused);
    CHECK(outcome.refusal.limit == row.limit);
    CHECK(outcome.refusal.status == row.status);
    CHECK(outcome.refusal.limit_value == 0);
    CHECK(retry_after_header(outcome.refusal).empty());
    CHECK(refusal_text(outcome.refusal).find("lets nothing pass.") != std::string::npos);
    CHECK(world.limiter.take_effects().empty());  // the store is not asked
  }
  World world;  // and none refuses nothing
  CHECK(world.reserve(1'000'000'000, call_cost_max).verdict == Verdict::reserved);
}

TEST_CASE("0 of anything refuses who would be counted as less than a call") {
  const Rules none[] = {
      {.requests_per_minute = 0}, {.tokens_per_minute = 0}, {.concurrent_max = 0}};
  const Rules no_money[] = {{.day_picodollars = 0}, {.month_picodollars = 0}};
  const auto refused = [](const Rules& rules, bool costs) {
    const Share shares[] = {{Scope::all, "all", {}}, {Scope::player, "ada", rules}};
    return refused_by_zero(shares, costs);
  };
  for (const Rules& rules : none) {
    for (const bool costs : {false, true}) {
      const auto refusal = refused(rules, costs);
      REQUIRE(refusal);
      CHECK(refusal->status == 429);
      CHECK(refusal->scope == Scope::player);
      CHECK(retry_after_header(*refusal).empty());
      CHECK(refusal_text(*refusal).find("lets nothing pass.") != std::string::npos);
    }
  }
  for (const Rules& rules : no_money) {
    CHECK_FALSE(refused(rules, false));
    const auto refusal = refused(rules, true);
    REQUIRE(refusal);
    CHECK(refusal->status == 402);
  }
  CHECK_FALSE(refused({}, true));
  CHECK_FALSE(refused({1, 1, 1, 1, 1}, true));
}

TEST_CASE("the longest names that two callers can have are told apart") {
  const std::string subject(256, 's');
  const std::string prefix = "64:" + std::string(64, 't') + ":" + subject;
  World world;
  world.rules = {.requests_per_minute = 1};
  const std::string one = prefix.substr(0, prefix.size() - 1) + "1";
  const std::string two = prefix.substr(0, prefix.size() - 1) + "2";
  REQUIRE(world.reserve_as(one, 1, 0).verdict == Verdict::reserved);
  CHECK(world.reserve_as(two, 1, 0).verdict == Verdict::reserved);
  CHECK(world.reserve_as(one, 1, 0).verdict == Verdict::refused);
}

TEST_CASE("after a crash what was leased counts as spent, and the budget still holds") {
  Rng rng(9);
  World world;
  world.rules = {.day_picodollars = 1'000'000};
  Picodollars really_spent = 0;
  for (int crash = 0; crash < 50; ++crash) {
    for (int i = 0; i < 20; ++i) {
      const Outcome outcome = world.reserve(0, 2'000);
      if (outcome.verdict != Verdict::reserved) break;
      const Picodollars used = rng.below(2'001);
      really_spent += used;  // the provider charges it, whether or not it is settled
      if (rng.below(3) > 0) REQUIRE(world.limiter.settle(outcome.id, {0, used}, world.now()).ok());
    }
    world.limiter = Limiter({.subjects_max = 8, .reservations_max = 64}, 3);
    REQUIRE(really_spent <= world.store.most_drawn(Period::day));
    REQUIRE(world.store.most_drawn(Period::day) <= 1'000'000);
  }
  CHECK(really_spent > 400'000);
}

TEST_CASE("what is engaged of a budget is known after a restart too, and none of yesterday's is") {
  World world;
  world.rules = {.day_picodollars = 1'000'000};
  const std::int32_t today = period_of(Period::day, noon_s);
  const std::string id = "0";
  const auto engaged = [&](std::int32_t day) {
    const Picodollars drawn =
        world.store.drawn_at(budget_subject(Scope::player, id), Period::day, day);
    return world.limiter.engaged(Scope::player, id, Period::day, day, drawn);
  };
  const Outcome outcome = world.reserve_as(id, 0, 2'000);
  REQUIRE(outcome.verdict == Verdict::reserved);
  CHECK(engaged(today) == 2'000);
  REQUIRE(world.limiter.settle(outcome.id, {0, 1'500}, world.now()).ok());
  CHECK(engaged(today) == 1'500);
  CHECK(engaged(today + 1) == 0);
  world.limiter.close_leases();
  world.store.answer(world.limiter);
  CHECK(engaged(today) == 1'500);
  world.limiter = Limiter({.subjects_max = 8, .reservations_max = 64}, 3);
  CHECK(engaged(today) == 1'500);
}

TEST_CASE("who waits for money finds it, however many subjects are looked at meanwhile") {
  World world;
  world.rules = {.day_picodollars = 1'000'000};
  for (int i = 0; i < 4; ++i) {
    const Outcome outcome = world.reserve_as("p" + std::to_string(i), 0, 10);
    CHECK(outcome.verdict == Verdict::reserved);
    REQUIRE(world.limiter.cancel(outcome.id, world.now()).ok());  // its window is empty again
  }
  CHECK(world.limiter.subjects() == 4);
  CHECK(world.store.most_drawn(Period::day) > 0);
}

TEST_CASE("subjects are bounded; a debt is never forgotten") {
  World world;
  world.rules = {.requests_per_minute = 1, .day_picodollars = 1'000};
  for (int i = 0; i < 8; ++i) {
    const Outcome outcome = world.reserve_as("p" + std::to_string(i), 0, 10);
    REQUIRE(outcome.verdict == Verdict::reserved);
    REQUIRE(world.limiter.settle(outcome.id, {0, 10}, world.now()).ok());
  }
  CHECK(world.reserve_as("newcomer", 0, 10).refusal.limit == Limit::subjects);
  CHECK(world.reserve_as("p3", 0, 10).refusal.limit == Limit::requests);
  world.now_ns += 70 * second_ns;
  CHECK(world.reserve_as("newcomer", 0, 10).verdict == Verdict::reserved);
  CHECK(world.limiter.subjects() <= 8);
  world.store.answer(world.limiter);
  // What p0 spent is still known to the store: of 1,000 a day 990 are left.
  world.now_ns += 70 * second_ns;
  CHECK(world.reserve_as("p0", 0, 991).refusal.limit == Limit::day_budget);
}

TEST_CASE("a refusal says whose limit, how much, until when, and what helps") {
  const Refusal spent{.scope = Scope::player,
                      .limit = Limit::day_budget,
                      .status = 402,
                      .retry_after_ns = 71'526'000'000'000,
                      .promised = true,
                      .limit_value = picodollars_per_dollar / 2,
                      .remaining = 123 * picodollars_per_dollar / 10'000};
  CHECK(
      refusal_text(spent) ==
      "The limit of this player, $0.50 a day, has $0.0123 left, and this call may cost more. What "
      "a "
      "call may use at most is reserved: ask for fewer output tokens (max_tokens), or try again in "
      "20 h.");
  Refusal large = spent;
  large.retry_after_ns = -1;
  CHECK(refusal_text(large) ==
        "The limit of this player, $0.50 a day, is less than this call alone may use. What a call "
        "may "
        "use at most is reserved: ask for fewer output tokens (max_tokens).");
  // Fewer output tokens would not help where the model's whole context is reserved for the prompt.
  for (const Refusal& refusal : {spent, large}) {
    const std::string text = refusal_text(refusal, PromptReserved::whole_context);
    CAPTURE(text);
    CHECK(text.find("max_tokens") == std::string::npos);
    CHECK(text.find("counts as the model's whole context: send the picture itself or the file's "
                    "text") != std::string::npos);
  }
  CHECK(
      refusal_text({.scope = Scope::purse,
                    .limit = Limit::requests,
                    .retry_after_ns = 13'100'000'000,
                    .promised = true,
                    .limit_value = 60}) ==
      "The limit of all anonymous callers together, 60 requests a minute, is reached; it passes in "
      "14 s.");
  CHECK(refusal_text({.scope = Scope::token,
                      .limit = Limit::concurrency,
                      .retry_after_ns = 1'000'000'000,
                      .limit_value = 8}) ==
        "The limit of this token, 8 calls at a time, is reached; try again in 1 s.");
}

}  // namespace
}  // namespace redoubt::limits
