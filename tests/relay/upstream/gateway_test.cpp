// Calls of the gateway over real sockets: where large requests are encoded, and what they hold.
#include "relay/upstream/gateway.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <future>

#include "relay/services/models/prompt_list.hpp"
#include "relay/storage/memory_ledger.hpp"
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
                 if (status != 200) return http::Response::json(status, "{}");
                 return http::Response::json(200, answer);
               },
               {.body_bytes_max = std::size_t{16} << 20});
    running.emplace(router);
  }
  std::vector<std::string> asked() {
    const std::lock_guard guard(lock);
    return bodies;
  }

  std::string answer = std::string(good_answer);  ///< of 200
  std::vector<int> statuses;
  std::mutex lock;
  std::vector<std::string> bodies;
  http::Router router;
  std::optional<net::test::Running> running;
};

struct RecordingClient final : CallClient {
  void on_begun(const CallSummary& summary) override {
    CHECK_FALSE(begun);
    CHECK(streamed.empty());
    begun = summary;
  }
  void on_event(const llm::ChatEvent& event, llm::WireFormat) override {
    streamed += event.text;
    if (counted) most_counted = std::max(most_counted, counted->bytes());
  }
  std::size_t kept_bytes() const override { return keeps ? streamed.size() : 0; }
  void on_memory(std::shared_ptr<AnswerMemory::Hold> hold) override { memory = std::move(hold); }
  void on_answer(std::shared_ptr<const llm::ChatAnswer> answer, llm::WireFormat,
                 const CallSummary&) override {
    answered = llm::answer_text(*answer);
    if (keeps) kept = answer;
    if (counted) most_counted = std::max(most_counted, counted->bytes());
    if (memory) memory->settle(answered.size());
  }
  void on_refusal(const CallRefusal& why, const CallSummary&) override { refusal = why; }
  void on_end() override { over = true; }
  std::shared_ptr<AnswerMemory> counted;  ///< looked at whenever it is told something
  std::size_t most_counted = 0;
  bool keeps = false;  ///< what it was told, until the end
  std::shared_ptr<const llm::ChatAnswer> kept;
  std::optional<CallSummary> begun;
  std::string streamed;
  std::string answered;
  std::shared_ptr<AnswerMemory::Hold> memory;
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
  explicit Fixture(Provider& provider, int queue_max = 8,
                   std::shared_ptr<AnswerMemory> answers = nullptr, bool share_answers = false)
      : shares(share_answers), pool(1, queue_max) {
    GatewayOptions options;
    options.share_answers = share_answers;
    options.answers = std::move(answers);
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
    REQUIRE(pool.post("holder", [wait = gate.get_future().share()] { wait.wait(); }));
    held = true;
  }
  void release_pool() {
    if (std::exchange(held, false)) gate.set_value();
  }

  std::shared_ptr<RecordingClient> start(std::string text, Memory& memory,
                                         Delivery delivery = Delivery::whole) {
    Order order;
    order.request.model = "mini";
    order.request.messages.push_back(llm::text_message(llm::Role::user, std::move(text)));
    order.hold_memory = memory.holder();
    order.shared = shares;
    order.identity = asks;
    auto recorder = std::make_shared<RecordingClient>();
    auto started = gateway->start(io.get_executor(), std::move(order), delivery, recorder);
    if (started) {
      call = *started;
    } else {
      error = started.error();
    }
    return recorder;
  }
  void until(const std::function<bool()>& done) {
    const auto give_up = std::chrono::steady_clock::now() + net::test::patience;
    while (!done() && std::chrono::steady_clock::now() < give_up)
      io.run_one_until(give_up);
    REQUIRE(done());
  }
  void until_over(const std::shared_ptr<RecordingClient>& recorder) {
    until([&] { return recorder->over; });
    call.reset();
    io.poll();
  }

  auth::CurrentKeys keys{nullptr};
  storage::MemoryLedger ledger;
  observe::Metrics metrics;
  std::unique_ptr<Gateway> gateway;
  std::promise<void> gate;
  bool held = false;
  bool shares;
  auth::Identity asks = auth::anonymous_identity({});  ///< of what is started next
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
  const auto recorder = f.start(large_text, memory);
  f.until_over(recorder);
  CHECK(recorder->answered == "Here.");
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
  const auto recorder = f.start(large_text, memory);
  f.call->leave();
  CHECK(recorder->over);
  f.until_over(recorder);
  f.release_pool();
  // The pool's thread is done with all of it once it has done what was posted after it.
  std::promise<void> idle;
  REQUIRE(f.pool.post(auth::Identity{}.key(), [&] { idle.set_value(); }));
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
  const auto recorder = f.start(large_text, memory);
  f.until_over(recorder);
  REQUIRE(recorder->refusal);
  CHECK(recorder->refusal->status == 503);
  CHECK(recorder->refusal->retry_after_ms > 0);
  CHECK(recorder->refusal->failure.message.find("too many large requests") != std::string::npos);
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
    const auto recorder = f.start(large_text, memory);
    f.until_over(recorder);
    REQUIRE(recorder->refusal);
    CHECK(recorder->refusal->status == 503);
  }
  CHECK(provider.asked().empty());
  CHECK(*memory.held == 0);
}

namespace {

const std::string large_words(1'000'000, 'b');

std::string whole_answer() {
  std::string answer(good_answer);
  return answer.replace(answer.find("Here."), 5, large_words);
}

/// A large event, with others before and after.
std::string streamed_answer() {
  const auto event = [](const std::string& choice) {
    return R"(data: {"choices":[{"index":0,)" + choice + "}]}\n\n";
  };
  const auto said = [&](const std::string& words) {
    return event(R"("delta":{"content":")" + words + R"("})");
  };
  return said("<") + said(large_words) + said(">") + event(R"("delta":{},"finish_reason":"stop")") +
         "data: [DONE]\n\n";
}

/// A call whose answer the connection has brought, while the pool is held.
struct Brought {
  Brought(std::string answer, Delivery delivery) {
    provider.answer = std::move(answer);
    f.hold_pool();
    recorder = f.start("Where to?", memory, delivery);
    if (delivery == Delivery::whole) {
      // The connection waits for the next call.
      f.until([&] { return net::HttpClient::of(f.io.get_executor()).idle_connections() == 1; });
    } else {
      // What is before the large event was told; it is read no further than the pool is.
      f.until([&] { return recorder->streamed == "<"; });
    }
    CHECK_FALSE(recorder->over);
  }
  Provider provider;
  Fixture f{provider};
  Memory memory;
  std::shared_ptr<RecordingClient> recorder;
};

}  // namespace

TEST_CASE("a large answer is decoded in the compute pool, and told in its order") {
  Brought whole(whole_answer(), Delivery::whole);
  whole.f.release_pool();
  whole.f.until_over(whole.recorder);
  CHECK((whole.recorder->answered == large_words));

  Brought streamed(streamed_answer(), Delivery::stream);
  streamed.f.release_pool();
  streamed.f.until_over(streamed.recorder);
  CHECK((streamed.recorder->streamed == "<" + large_words + ">"));
  // Nobody else is to have it: what was told is not kept.
  CHECK(streamed.recorder->answered.empty());
}

TEST_CASE("a stream tells who answers before its first piece, and an answer in one does not") {
  Brought streamed(streamed_answer(), Delivery::stream);
  REQUIRE(streamed.recorder->begun);  // it has told no more than its first piece
  CHECK(streamed.recorder->begun->target == "openai/m");
  CHECK(streamed.recorder->begun->attempts == 1);

  Provider provider({500});
  provider.answer = streamed_answer();
  Fixture f(provider);
  Memory memory;
  const auto recorder = f.start("Where to?", memory, Delivery::stream);
  f.until_over(recorder);
  REQUIRE(recorder->begun);
  CHECK(recorder->begun->attempts == 2);

  provider.answer = good_answer;
  const auto whole = f.start("Where to?", memory);
  f.until_over(whole);
  CHECK_FALSE(whole->begun);
}

TEST_CASE("who leaves while the pool decodes is told nothing more") {
  for (const Delivery delivery : {Delivery::whole, Delivery::stream}) {
    Brought brought(delivery == Delivery::whole ? whole_answer() : streamed_answer(), delivery);
    brought.f.call->leave();
    brought.f.until_over(brought.recorder);
    brought.f.release_pool();
    std::promise<void> idle;
    brought.f.pool.post_begun(auth::Identity{}.key(), [&] { idle.set_value(); });
    idle.get_future().wait();
    brought.f.io.poll();
    CHECK(brought.recorder->answered.empty());
    CHECK(brought.recorder->streamed.size() <= 1);
  }
}

// Readers that keep what they were told, as connections do whose client does not read.
TEST_CASE("answers for which there is no room wait for others to be read, and come whole") {
  const std::string words(200'000, 'b');
  for (const Delivery delivery : {Delivery::whole, Delivery::stream}) {
    Provider provider;
    provider.answer = std::string(good_answer);
    provider.answer.replace(provider.answer.find("Here."), 5, words);
    const AnswerBudget::Options options{.bytes_max = AnswerBudget::bytes_min(256 * 1024),
                                        .answer_bytes_max = 256 * 1024};
    const auto answers = std::make_shared<AnswerMemory>(options);
    Fixture f(provider, 64, answers);
    Memory memory;
    struct Reader {
      std::shared_ptr<RecordingClient> recorder;
      std::shared_ptr<GatewayCall> call;
    };
    std::vector<Reader> waiting;
    for (int i = 0; i < 8; ++i) {
      auto recorder = f.start("Where to?", memory, delivery);
      waiting.push_back({std::move(recorder), std::exchange(f.call, nullptr)});
    }
    const auto is_over = [](const Reader& reader) { return reader.recorder->over; };
    for (std::size_t left = waiting.size(); left > 0; --left) {
      f.until([&] { return std::any_of(waiting.begin(), waiting.end(), is_over); });
      REQUIRE(answers->bytes() <= options.bytes_max);
      const auto reader = std::find_if(waiting.begin(), waiting.end(), is_over);
      const RecordingClient& recorder = *reader->recorder;
      CHECK_FALSE(recorder.refusal);
      const std::string& text = delivery == Delivery::whole ? recorder.answered : recorder.streamed;
      CHECK((text.find(words) != text.npos));
      waiting.erase(reader);  // it has read all of it
    }
    std::promise<void> idle;
    f.pool.post_begun("p", [&] { idle.set_value(); });
    idle.get_future().wait();
    f.io.poll();
    CHECK(answers->bytes() == 0);
  }
}

TEST_CASE("an answer that is longer than one may be is given up, and not asked for again") {
  Provider provider;
  provider.answer = whole_answer();
  const auto answers = std::make_shared<AnswerMemory>(AnswerBudget::Options{
      .bytes_max = AnswerBudget::bytes_min(256 * 1024), .answer_bytes_max = 256 * 1024});
  Fixture f(provider, 8, answers);
  Memory memory;
  const auto recorder = f.start("Where to?", memory);
  f.until_over(recorder);
  REQUIRE(recorder->refusal);
  CHECK(recorder->refusal->status == 502);
  CHECK(provider.asked().size() == 1);
  CHECK(answers->bytes() == 0);
}

namespace {

/// What a stream of `bytes` keeps, by what it keeps it for.
enum class Keeps { beginning, whole, client, waiting };

std::string stream_that_keeps(Keeps what, std::size_t bytes) {
  const auto data = [](const std::string& json) { return "data: " + json + "\n\n"; };
  const auto choice = [&](const std::string& more) {
    return data(R"({"choices":[{"index":0,)" + more + "}]}");
  };
  const auto said = [&](const std::string& words) {
    return choice(R"("delta":{"content":")" + words + R"("})");
  };
  std::string stream;
  if (what == Keeps::waiting)
    stream = choice(R"("delta":{"tool_calls":[{"index":0,"id":"1","function":)"
                    R"({"name":"f","arguments":"{"}}]})");
  constexpr std::size_t piece_bytes = 500;
  for (std::size_t made = 0; made < bytes; made += piece_bytes) {
    const std::string words = std::to_string(made) + std::string(piece_bytes, 'b');
    stream += what == Keeps::beginning
                  ? data(R"({"choices":[{"index":0,"delta":{}}],"told":")" + words + R"("})")
                  : said(words);
  }
  return stream + said("!") + choice(R"("delta":{},"finish_reason":"stop")") + "data: [DONE]\n\n";
}

}  // namespace

TEST_CASE("whatever is kept of a stream is counted, and is no longer than an answer may be") {
  constexpr std::size_t answer_bytes_max = 256 * 1024;
  for (const Keeps what : {Keeps::beginning, Keeps::whole, Keeps::client, Keeps::waiting}) {
    for (const std::size_t bytes : {std::size_t{100'000}, std::size_t{400'000}}) {
      CAPTURE(static_cast<int>(what));
      CAPTURE(bytes);
      Provider provider;
      provider.answer = stream_that_keeps(what, bytes);
      const auto answers = std::make_shared<AnswerMemory>(
          AnswerBudget::Options{.bytes_max = AnswerBudget::bytes_min(answer_bytes_max),
                                .answer_bytes_max = answer_bytes_max});
      Fixture f(provider, 8, answers);
      Memory memory;
      const bool whole = what == Keeps::whole;
      const auto recorder =
          f.start("Where to?", memory, whole ? Delivery::whole : Delivery::stream);
      recorder->keeps = what == Keeps::client;
      recorder->counted = answers;
      f.until_over(recorder);
      CHECK(recorder->refusal.has_value() == (bytes > answer_bytes_max));
      if (recorder->refusal) CHECK(recorder->refusal->status == 502);
      if (!recorder->refusal) CHECK(recorder->most_counted >= bytes / 2);
      CHECK(provider.asked().size() == 1);
      recorder->memory.reset();
      CHECK(answers->bytes() == 0);
    }
  }
}

TEST_CASE("an answer that several wait for is one, and is counted until the last has written it") {
  Provider provider;
  provider.answer = whole_answer();
  const auto answers = std::make_shared<AnswerMemory>(AnswerBudget::Options{});
  Fixture f(provider, 8, answers, true);
  Memory memory;
  std::vector<std::shared_ptr<RecordingClient>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(f.start("Where to?", memory));
    clients.back()->keeps = true;
  }
  for (const auto& client : clients)
    f.until([&] { return client->over; });
  f.call.reset();
  CHECK(provider.asked().size() == 1);
  for (const auto& client : clients) {
    REQUIRE(client->kept);
    CHECK(client->kept.get() == clients.front()->kept.get());
  }
  const auto last = std::move(clients.back());
  clients.clear();
  f.io.poll();
  CHECK(answers->bytes() >= large_words.size());
  last->kept.reset();
  CHECK(answers->bytes() == 0);
}

TEST_CASE("what is kept of a list's first answers is not in line before its next ones") {
  Provider provider;
  const std::string words(200'000, 'b');
  provider.answer = std::string(good_answer);
  provider.answer.replace(provider.answer.find("Here."), 5, words);
  const auto answers = std::make_shared<AnswerMemory>(AnswerBudget::Options{
      .bytes_max = AnswerBudget::bytes_min(256 * 1024), .answer_bytes_max = 256 * 1024});
  Fixture f(provider, 8, answers);
  Order common;
  common.request.model = "mini";
  common.request.messages.push_back(llm::text_message(llm::Role::user, ""));
  const auto recorder = std::make_shared<RecordingClient>();
  const auto list = std::make_shared<services::PromptList>(
      *f.gateway, f.io.get_executor(), std::move(common),
      std::vector<std::string>{"Where to?", "And then?"}, Delivery::whole, recorder);
  REQUIRE(list->start());
  f.until_over(recorder);
  CHECK_FALSE(recorder->refusal);
  CHECK((recorder->answered == words));
  CHECK(provider.asked().size() == 2);
}

// A player whose part of the memory is full of answers that they do not read asks first.
TEST_CASE("who follows a call waits for nothing that its opener keeps") {
  const std::string words(200'000, 'b');
  Provider provider;
  provider.answer = std::string(good_answer);
  provider.answer.replace(provider.answer.find("Here."), 5, words);
  const AnswerBudget::Options options{.bytes_max = AnswerBudget::bytes_min(256 * 1024),
                                      .answer_bytes_max = 256 * 1024};
  const auto answers = std::make_shared<AnswerMemory>(options);
  Fixture f(provider, 64, answers, true);
  f.shares = false;
  Memory memory;
  f.asks = {"default", "ada"};
  std::vector<std::shared_ptr<RecordingClient>> unread;
  std::vector<std::shared_ptr<GatewayCall>> calls;
  for (int i = 0; i < 4; ++i) {
    unread.push_back(f.start("What nobody reads.", memory));
    calls.push_back(std::exchange(f.call, nullptr));
  }
  const auto is_over = [](const auto& recorder) { return recorder->over; };
  f.until([&] { return std::any_of(unread.begin(), unread.end(), is_over); });
  f.until([&] { return provider.asked().size() == unread.size(); });
  // Others join before anything came of the answer, or when it was asked for.
  f.shares = true;
  for (const Delivery delivery : {Delivery::whole, Delivery::stream}) {
    for (const bool joins_late : {false, true}) {
      CAPTURE(static_cast<int>(delivery));
      CAPTURE(joins_late);
      const std::string question = std::to_string(provider.asked().size()) + " or more?";
      f.asks = {"default", "ada"};
      const std::size_t before = provider.asked().size();
      const auto first = f.start(question, memory, delivery);
      calls.push_back(std::exchange(f.call, nullptr));
      if (joins_late) f.until([&] { return provider.asked().size() > before; });
      f.asks = {"default", "bob"};
      const auto second = f.start(question, memory, delivery);
      f.until_over(second);
      CHECK_FALSE(second->refusal);
      const std::string& text = delivery == Delivery::whole ? second->answered : second->streamed;
      CHECK((text.find(words) != text.npos));
      CHECK(provider.asked().size() == before + 1);
    }
  }
  CHECK_FALSE(std::all_of(unread.begin(), unread.end(), is_over));
}

TEST_CASE("who follows a call is not refused for want of its opener's memory") {
  Provider provider;
  Fixture f(provider, 8, nullptr, true);
  Memory little{.bytes_max = large_text.size() * 3 / 2};  // not for the encoded copy
  Memory enough;
  f.hold_pool();
  f.asks = {"default", "ada"};
  const auto first = f.start(large_text, little);
  f.asks = {"default", "bob"};
  const auto second = f.start(large_text, enough);
  f.release_pool();
  f.until([&] { return first->over && second->over; });
  REQUIRE(first->refusal);
  CHECK(first->refusal->status == 503);
  CHECK_FALSE(second->refusal);
  CHECK(second->answered == "Here.");
}

TEST_CASE("what those keep who follow a stream is counted on each, and over it they are refused") {
  Provider provider;
  provider.answer = stream_that_keeps(Keeps::client, 200'000);
  Fixture f(provider, 8, nullptr, true);
  Memory enough;
  Memory little{.bytes_max = 100'000};
  const auto first = f.start("Where to?", enough, Delivery::stream);
  const auto second = f.start("Where to?", little, Delivery::stream);
  first->keeps = second->keeps = true;
  f.until([&] { return first->over && second->over; });
  f.call.reset();
  CHECK(provider.asked().size() == 1);
  CHECK_FALSE(first->refusal);
  CHECK(enough.most >= 128 * 1024);
  REQUIRE(second->refusal);
  CHECK(second->refusal->status == 503);
  CHECK(*enough.held == 0);
  CHECK(*little.held == 0);
}

TEST_CASE("an answer that was kept needs memory of who is told it again") {
  Provider provider;
  provider.answer = std::string(good_answer);
  provider.answer.replace(provider.answer.find("Here."), 5, std::string(50'000, 'b'));
  Fixture f(provider, 8, nullptr, true);
  Memory memory;
  f.until_over(f.start("Where to?", memory));
  const auto again = f.start("Where to?", memory);
  again->keeps = true;
  f.until_over(again);
  Memory little{.bytes_max = 10'000};
  const auto refused = f.start("Where to?", little);
  f.until_over(refused);
  CHECK(provider.asked().size() == 1);
  REQUIRE(refused->refusal);
  CHECK(refused->refusal->status == 503);
  again->kept.reset();
  CHECK(*memory.held == 0);
}

TEST_CASE("what a list's prompts share is counted once, until the last prompt's turn") {
  Provider provider;
  Fixture f(provider);
  Order common;
  common.request.model = "mini";
  common.request.messages.push_back(llm::text_message(llm::Role::user, ""));
  common.request.metadata.reserve(600);
  for (int i = 0; i < 600; ++i)
    common.request.metadata.emplace_back("k", "");
  const std::size_t shared_bytes = request_size(common.request);
  const std::vector<std::string> prompts{"Where to?", "And then?", "At last?"};
  for (const bool enough : {true, false}) {
    Memory memory{.bytes_max = enough ? 2 * shared_bytes : shared_bytes};
    common.hold_memory = memory.holder();
    const auto recorder = std::make_shared<RecordingClient>();
    const auto list = std::make_shared<services::PromptList>(
        *f.gateway, f.io.get_executor(), common, prompts, Delivery::whole, recorder);
    const Result<void> started = list->start();
    CHECK(started.ok() == enough);
    if (!enough) {
      CHECK(started.error().code == "overloaded");
      continue;
    }
    CHECK(*memory.held >= shared_bytes);
    f.until_over(recorder);
    CHECK_FALSE(recorder->refusal);
    CHECK(memory.most < 2 * shared_bytes);
    CHECK(*memory.held == 0);
  }
  CHECK(provider.asked().size() == prompts.size());
}

TEST_CASE("the size of a request of many small parts is what their objects take") {
  constexpr std::size_t count = 1'000;
  const auto size_with = [](const auto& add) {
    llm::ChatRequest request;
    for (std::size_t i = 0; i < count; ++i)
      add(request);
    return request_size(request) - request_size(llm::ChatRequest{});
  };
  CHECK(size_with([](auto& to) { to.sampling.stop.emplace_back("a"); }) >=
        count * sizeof(std::string));
  CHECK(size_with([](auto& to) { to.metadata.emplace_back("a", ""); }) >=
        count * 2 * sizeof(std::string));
  CHECK(size_with([](auto& to) { to.tools.push_back({.name = "a"}); }) >=
        count * sizeof(llm::ToolDefinition));
  CHECK(size_with([](auto& to) { to.messages.push_back(llm::text_message({}, "a")); }) >=
        count * (sizeof(llm::ChatMessage) + sizeof(llm::ChatPart)));
  // The room of a list counts whether or not it is used.
  CHECK(size_with([](auto& to) { to.sampling.stop.reserve(5 * count); }) >=
        5 * count * sizeof(std::string));
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
