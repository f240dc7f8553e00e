#include "relay/upstream/call_limits.hpp"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>

using namespace redoubt;
using namespace redoubt::upstream;

namespace {

/// Draws wait until the test answers them.
class SlowLedger final : public limits::Ledger {
 public:
  void carry_out(const limits::StoreEffect& effect, limits::Granted granted) override {
    if (effect.effect.kind != limits::LeaseEffect::Kind::draw) return;
    asked.push_back({effect.effect.amount, std::move(granted)});
  }
  void write(limits::LedgerLine line) override { written.push_back(std::move(line)); }
  void note(const limits::LedgerLine&) override { ++noted; }
  void forget(std::uint64_t) override { --noted; }
  void write_lost(std::function<void(const Result<limits::LostCalls>&)>) override {}
  void usage(auth::Identity, std::int64_t,
             std::function<void(Result<std::vector<limits::UsageRow>>)>) override {}
  void drawn(std::string, std::int64_t, std::function<void(Result<limits::Drawn>)>) override {}
  std::uint64_t lines_lost() const override { return 0; }

  void answer(std::optional<limits::Picodollars> amount) {
    const auto draws = std::exchange(asked, {});
    for (const auto& [wanted, granted] : draws)
      granted(amount ? std::optional(std::min(wanted, *amount)) : std::nullopt);
  }
  std::vector<std::pair<limits::Picodollars, limits::Granted>> asked;
  std::vector<limits::LedgerLine> written;
  int noted = 0;
};

struct Waiter final : MoneyWaiter {
  explicit Waiter(const net::Executor& shard) : shard_(shard) {}
  const net::Executor& shard() const override { return shard_; }
  void money_came() override { ++told; }
  int told = 0;

 private:
  net::Executor shard_;
};

struct Fixture {
  Fixture() {
    // Any model with a price.
    auto read = llm::ModelTable::read(llm::default_models_json());
    REQUIRE(read);
    ProviderOptions openai{.name = "openai"};
    openai.base_url = "http://127.0.0.1:9/v1";
    options.providers = {openai};
    options.aliases = {{.name = "mini", .targets = {"openai/gpt-5-mini"}}};
    options.player.day_picodollars = 1'000'000'000'000;
    auto aliases = Aliases::make({.aliases = options.aliases, .providers = {"openai"}});
    REQUIRE(aliases);
    auto made = RoutePlans::make(options, std::move(*read), std::move(*aliases), keys, metrics);
    REQUIRE(made);
    plans = std::move(*made);
    limits.emplace(options, *plans, keys, ledger, 1);
  }
  Asked asked() const {
    return {.request_id = "r",
            .identity = &ada,
            .player = player,
            .part = player,
            .own = &own,
            .target = 0,
            .bound = {.input_tokens = 1'000, .output_tokens = 1'000},
            .open_ns_max = 1'000'000'000'000};
  }
  const auth::Identity ada{.tenant = "default", .subject = "ada"};
  const std::string player = ada.key();
  const auth::CallerLimits own;
  GatewayOptions options;
  auth::CurrentKeys keys{nullptr};
  observe::Metrics metrics;
  SlowLedger ledger;
  std::unique_ptr<RoutePlans> plans;
  std::optional<CallLimits> limits;
  boost::asio::io_context io{1};
};

}  // namespace

TEST_CASE("limits of calls: who waits for money is told on its shard, and reserves then") {
  Fixture f;
  const auto waiter = std::make_shared<Waiter>(f.io.get_executor());
  CHECK(f.limits->reserve(f.asked(), waiter).verdict == limits::Verdict::waiting);
  REQUIRE(f.ledger.asked.size() == 1);
  CHECK(f.ledger.noted == 0);
  f.ledger.answer(1'000'000'000'000);
  CHECK(waiter->told == 0);  // it is another thread's
  f.io.poll();
  CHECK(waiter->told == 1);
  const limits::Outcome outcome = f.limits->reserve(f.asked(), waiter);
  REQUIRE(outcome.verdict == limits::Verdict::reserved);
  CHECK(f.ledger.noted == 1);
  const auto settled = f.limits->settle(outcome.id, {.tokens = 10, .picodollars = 5});
  REQUIRE(settled);
  CHECK(settled->charged.picodollars == 5);
  CHECK_FALSE(f.limits->settle(outcome.id, {.tokens = 10, .picodollars = 5}));
}

TEST_CASE("limits of calls: a draw that fails refuses who waited, and does not keep who is gone") {
  Fixture f;
  auto gone = std::make_shared<Waiter>(f.io.get_executor());
  const auto waiter = std::make_shared<Waiter>(f.io.get_executor());
  CHECK(f.limits->reserve(f.asked(), gone).verdict == limits::Verdict::waiting);
  CHECK(f.limits->reserve(f.asked(), waiter).verdict == limits::Verdict::waiting);
  const std::weak_ptr<Waiter> of_gone = std::exchange(gone, nullptr);
  CHECK(of_gone.expired());
  f.ledger.answer(std::nullopt);
  f.io.poll();
  CHECK(waiter->told == 1);
  const limits::Outcome outcome = f.limits->reserve(f.asked(), waiter);
  REQUIRE(outcome.verdict == limits::Verdict::refused);
  CHECK(outcome.refusal.limit == limits::Limit::store);
  CHECK(outcome.refusal.status == 503);
}

TEST_CASE("limits of calls: what is open at the end is written down at its bound") {
  Fixture f;
  const auto waiter = std::make_shared<Waiter>(f.io.get_executor());
  (void)f.limits->reserve(f.asked(), waiter);
  f.ledger.answer(1'000'000'000'000);
  REQUIRE(f.limits->reserve(f.asked(), waiter).verdict == limits::Verdict::reserved);
  f.limits->close();
  REQUIRE(f.ledger.written.size() == 1);
  CHECK(f.ledger.written[0].target == "openai/gpt-5-mini");
  CHECK(f.ledger.written[0].estimated);
  CHECK(f.ledger.written[0].cost > 0);
}

TEST_CASE("limits of calls: the stricter of the operator's rules and the token's own holds") {
  auth::CallerLimits own;
  own.requests_per_minute = 3;
  own.cost_microusd_per_day = 2;
  const limits::Rules rules =
      with_own({.requests_per_minute = 10, .day_picodollars = 1'000'000}, own);
  CHECK(rules.requests_per_minute == 3);
  CHECK(rules.day_picodollars == 1'000'000);
  CHECK_FALSE(rules.month_picodollars);
  CHECK(with_own({}, own).day_picodollars == 2'000'000);
}
