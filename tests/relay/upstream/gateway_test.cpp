// Calls of the gateway over real sockets: where large requests are encoded, and what they hold.
#include "relay/upstream/gateway.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <future>

#include "relay/upstream/request_size.hpp"
#include "tests/relay/net/loopback.hpp"

using namespace redoubt;
using namespace redoubt::upstream;

namespace {

constexpr std::string_view good_answer =
    R"({"id":"1","object":"chat.completion","model":"m","choices":[{"index":0,"message":)"
    R"({"role":"assistant","content":"Here."},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}})";

/// A provider that keeps what it is asked and answers with the statuses in turn, then with 200.
struct Provider {
  explicit Provider(std::vector<int> answers = {}) : statuses(std::move(answers)) {
    router.add(http::Method::post, "/v1/chat/completions",
               [this](http::Request& request) {
                 const std::lock_guard guard(lock);
                 bodies.emplace_back(request.body);
                 const std::size_t nth = bodies.size() - 1;
                 const int status = nth < statuses.size() ? statuses[nth] : 200;
                 return http::Response::json(status,
                                             std::string(status == 200 ? good_answer : "{}"));
               },
               {.body_bytes_max = std::size_t{16} << 20});
    running.emplace(router);
  }
  std::vector<std::string> asked() {
    const std::lock_guard guard(lock);
    return bodies;
  }

  std::vector<int> statuses;
  std::mutex lock;
  std::vector<std::string> bodies;
  http::Router router;
  std::optional<net::test::Running> running;
};

struct Told final : CallClient {
  void on_event(const llm::ChatEvent&, llm::WireFormat) override {}
  void on_answer(const llm::ChatAnswer& answer, llm::WireFormat, const CallSummary&) override {
    answered = llm::answer_text(answer);
  }
  void on_refusal(const CallRefusal& why, const CallSummary&) override { refusal = why; }
  void on_end() override { over = true; }
  std::string answered;
  std::optional<CallRefusal> refusal;
  bool over = false;
};

/// Memory that is counted: at most `bytes_max` at a time.
struct Memory {
  std::size_t bytes_max = std::size_t{64} << 20;
  std::shared_ptr<std::size_t> held = std::make_shared<std::size_t>(0);
  std::size_t most = 0;

  http::HoldMemory holder() {
    return [this](std::size_t bytes) -> std::shared_ptr<const void> {
      if (*held + bytes > bytes_max) return nullptr;
      *held += bytes;
      most = std::max(most, *held);
      return std::shared_ptr<const void>(
          held.get(), [counted = held, bytes](const void*) { *counted -= bytes; });
    };
  }
};

struct Fixture {
  explicit Fixture(Provider& provider, int queue_max = 8) : pool(1, queue_max) {
    GatewayOptions options;
    ProviderOptions to{.name = "openai", .free = true};
    to.base_url = "http://127.0.0.1:" + std::to_string(provider.running->port()) + "/v1";
    options.providers = {to};
    options.aliases = {{.name = "mini", .targets = {"openai/m"}}};
    options.pool = &pool;
    auto made =
        Gateway::make(std::move(options), *llm::ModelTable::read(llm::default_models_json()), keys,
                      ledger, metrics, 1);
    REQUIRE(made);
    gateway = std::move(*made);
  }
  ~Fixture() { release_pool(); }

  /// What is posted to the pool waits until release_pool().
  void hold_pool() {
    REQUIRE(pool.post([wait = gate.get_future().share()] { wait.wait(); }));
    held = true;
  }
  void release_pool() {
    if (std::exchange(held, false)) gate.set_value();
  }

  std::shared_ptr<Told> start(std::string text, Memory& memory) {
    Order order;
    order.request.model = "mini";
    order.request.messages.push_back(llm::text_message(llm::Role::user, std::move(text)));
    order.hold_memory = memory.holder();
    auto told = std::make_shared<Told>();
    auto started = gateway->start(io.get_executor(), std::move(order), Delivery::whole, told);
    if (started) {
      call = *started;
    } else {
      error = started.error();
    }
    return told;
  }
  void until_over(const std::shared_ptr<Told>& told) {
    const auto give_up = std::chrono::steady_clock::now() + net::test::patience;
    while (!told->over && std::chrono::steady_clock::now() < give_up)
      io.run_one_until(give_up);
    REQUIRE(told->over);
    call.reset();
    io.poll();
  }

  auth::CurrentKeys keys{nullptr};
  limits::Ledger ledger{nullptr};
  observe::Metrics metrics;
  std::unique_ptr<Gateway> gateway;
  std::promise<void> gate;
  bool held = false;
  boost::asio::io_context io{1};
  boost::asio::executor_work_guard<net::Executor> io_stays{io.get_executor()};
  std::shared_ptr<GatewayCall> call;
  std::optional<Error> error;
  net::ComputePool pool;  // ends before all that its work comes back to
};

const std::string large_text(1'000'000, 'a');

}  // namespace

TEST_CASE("a large request is encoded in the compute pool, and a small one is not") {
  Provider provider;
  Fixture f(provider);
  Memory memory;
  f.hold_pool();
  const auto small = f.start("Where to?", memory);
  f.until_over(small);
  CHECK(small->answered == "Here.");
  CHECK(memory.most == 0);

  const auto large = f.start(large_text, memory);
  f.io.poll();
  CHECK(provider.asked().size() == 1);
  f.release_pool();
  f.until_over(large);
  CHECK(large->answered == "Here.");
  REQUIRE(provider.asked().size() == 2);
  CHECK(provider.asked()[1].find(large_text) != std::string::npos);
  CHECK(memory.most > 2 * large_text.size());  // the request, and its encoded copy
  CHECK(*memory.held == 0);
}

TEST_CASE("each attempt of a large request sends all of it") {
  Provider provider({500});
  Fixture f(provider);
  Memory memory;
  const auto told = f.start(large_text, memory);
  f.until_over(told);
  CHECK(told->answered == "Here.");
  const auto asked = provider.asked();
  REQUIRE(asked.size() == 2);
  CHECK(asked[0] == asked[1]);
  CHECK(memory.most < 3 * large_text.size());  // never two encoded copies
  CHECK(*memory.held == 0);
}

TEST_CASE("who leaves while the pool encodes leaves nothing behind") {
  Provider provider;
  Fixture f(provider);
  Memory memory;
  f.hold_pool();
  const auto told = f.start(large_text, memory);
  f.call->leave();
  CHECK(told->over);
  f.until_over(told);
  f.release_pool();
  // The pool's thread is done with all of it once it has done what was posted after it.
  std::promise<void> idle;
  REQUIRE(f.pool.post([&] { idle.set_value(); }));
  idle.get_future().wait();
  f.io.poll();
  CHECK(provider.asked().empty());
  CHECK(*memory.held == 0);
  // Neither the target's place nor its breaker's ticket is kept.
  const auto next = f.start("Where to?", memory);
  f.until_over(next);
  CHECK(next->answered == "Here.");
}

TEST_CASE("a large request that finds the pool full is refused, and may come again") {
  Provider provider;
  Fixture f(provider, 1);
  Memory memory;
  f.hold_pool();
  const auto told = f.start(large_text, memory);
  f.until_over(told);
  REQUIRE(told->refusal);
  CHECK(told->refusal->status == 503);
  CHECK(told->refusal->retry_after_ms > 0);
  CHECK(told->refusal->failure.message.find("too many large requests") != std::string::npos);
  CHECK(provider.asked().empty());
  CHECK(*memory.held == 0);
}

TEST_CASE("a large request that finds no memory is refused before it is encoded, or after") {
  Provider provider;
  Fixture f(provider);
  Memory memory;
  SUBCASE("for itself") {
    memory.bytes_max = large_text.size() / 2;
    (void)f.start(large_text, memory);
    REQUIRE(f.error);
    CHECK(f.error->code == "overloaded");
  }
  SUBCASE("for its encoded copy") {
    memory.bytes_max = large_text.size() * 3 / 2;
    const auto told = f.start(large_text, memory);
    f.until_over(told);
    REQUIRE(told->refusal);
    CHECK(told->refusal->status == 503);
  }
  CHECK(provider.asked().empty());
  CHECK(*memory.held == 0);
}

TEST_CASE("the size of a request is all that it holds") {
  llm::ChatRequest request;
  const std::size_t empty = request_size(request);
  llm::ChatPart result{.kind = llm::PartKind::tool_result};
  result.content.push_back({.text = std::string(1'000, 'a')});
  request.messages.push_back({.parts = {result}});
  request.tools.push_back({.name = "t", .parameters = std::string(2'000, 'b')});
  request.extra = std::string(4'000, 'c');
  request.metadata.emplace_back("k", std::string(8'000, 'd'));
  const std::size_t size = request_size(request);
  CHECK(size > empty + 15'000);
  CHECK(size < empty + 17'500);
}
