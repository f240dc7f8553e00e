#include "relay/upstream/gateway.hpp"

#include <algorithm>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "engine/base/message.hpp"
#include "engine/base/nearest.hpp"
#include "engine/llm/context_overflow.hpp"
#include "engine/llm/decoder.hpp"
#include "engine/llm/failure.hpp"
#include "relay/limits/open_lines.hpp"
#include "relay/net/turns.hpp"
#include "relay/upstream/answer_decoding.hpp"
#include "relay/upstream/attempt_request.hpp"
#include "relay/upstream/failure_log.hpp"
#include "relay/upstream/failure_words.hpp"
#include "relay/upstream/gateway_metrics.hpp"
#include "relay/upstream/provider_address.hpp"
#include "relay/upstream/request_size.hpp"
#include "relay/upstream/resting_words.hpp"
#include "relay/upstream/shared_answers.hpp"

namespace redoubt::upstream {

namespace {

namespace asio = boost::asio;
using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, net::Executor>;

// Of a model that no card describes: what is taken as its end where nobody sets one.
constexpr std::int64_t unknown_output_tokens = 1'000'000;
constexpr std::int64_t unknown_context_tokens = 1'000'000;
// As much as those of any card that we know (gpt-4o-mini).
constexpr std::int64_t unknown_image_tokens = 48'169;
// An unsettled reservation outlives the call's deadline by so much before it expires.
constexpr std::int64_t settle_grace_ns = 60'000'000'000;
constexpr std::int64_t attempt_grace_ms = 1'000;
constexpr std::size_t waiting_for_money_max = 4'096;
// Names of a request's tools that a provider's text about it may have.
constexpr std::size_t own_names_max = 64;
constexpr std::size_t own_name_bytes_max = 256;
constexpr const char* overloaded_words =
    "The relay has too many large requests under way; try again.";
constexpr const char* no_room_words =
    "The relay has too many long answers under way, and no memory for the rest of this one; try "
    "again.";
// A provider's own has some 2 KiB.
constexpr std::size_t answer_head_bytes_max = 32 * 1024;
constexpr std::int64_t overloaded_retry_ms = 1'000;

std::int64_t now_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}
std::int64_t wall_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}
std::int64_t wall_s() {
  return wall_ms() / 1'000;
}
limits::Instant instant() {
  return {now_ns(), wall_ms() / 1000};
}

struct Provider {
  std::string name;
  const llm::Dialect* dialect = nullptr;
  std::string base_url;
  std::string base_path;  ///< of the base URL, before the codec's path
  bool key_needed = false;
  bool free_of_charge = false;
  net::DestinationPtr destination;
};

struct TargetPlan {
  std::uint32_t provider = 0;
  std::string model;
  const llm::ModelCard* card = nullptr;
  const llm::EmbeddingCard* embedding = nullptr;
  const llm::Tariff* tariff = nullptr;  ///< null: the price is not known
  std::int64_t player_calls_max = 0;    ///< of one player at a time
  GatewayMetrics::Series metrics;
};

const llm::Tariff* free_tariff() {
  static const llm::Tariff tariff{.rates = {llm::Rate{}}, .fees = {}};
  return &tariff;
}

llm::Tariff tariff_of(const llm::EmbeddingCard& card) {
  return {.rates = {llm::Rate{.price = {.input = card.input_price}}}, .fees = {}};
}

/// The stricter of two; absent is no limit.
std::optional<std::int64_t> tighter(std::optional<std::int64_t> a, std::optional<std::int64_t> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

limits::Rules with(limits::Rules rules, const auth::CallerLimits& own) {
  const auto money = [](std::optional<std::int64_t> microusd) -> std::optional<std::int64_t> {
    if (!microusd) return std::nullopt;
    const std::int64_t most = limits::budget_max / limits::picodollars_per_microdollar;
    return std::min(*microusd, most) * limits::picodollars_per_microdollar;
  };
  rules.requests_per_minute = tighter(rules.requests_per_minute, own.requests_per_minute);
  rules.tokens_per_minute = tighter(rules.tokens_per_minute, own.tokens_per_minute);
  rules.concurrent_max = tighter(rules.concurrent_max, own.concurrent_calls);
  rules.day_picodollars = tighter(rules.day_picodollars, money(own.cost_microusd_per_day));
  rules.month_picodollars = tighter(rules.month_picodollars, money(own.cost_microusd_per_month));
  return rules;
}

/// What one player may have of the calls that a target takes at a time: with half of them, another
/// player's call finds a place.
std::int64_t player_part(int concurrent_max) {
  return std::max(1, concurrent_max / 2);
}

bool has_budget(const limits::Rules& rules) {
  return rules.day_picodollars || rules.month_picodollars;
}

bool has_token_limit(const limits::Rules& rules) {
  return rules.tokens_per_minute.has_value();
}

llm::FailureClass class_of(net::CallFault fault) {
  switch (fault) {
    case net::CallFault::connect_timeout:
    case net::CallFault::first_byte_timeout:
    case net::CallFault::idle_timeout:
    case net::CallFault::total_timeout:
      return llm::FailureClass::timeout;
    case net::CallFault::lost:
      return llm::FailureClass::cut;
    case net::CallFault::protocol:
    case net::CallFault::too_large:
      return llm::FailureClass::malformed;
    default:
      return llm::FailureClass::server_error;
  }
}

/// Why an answer that came is a failure.
std::string_view cause_of(const llm::ChatFailure& failure, bool began) {
  if (!began) return cause::status;
  if (failure.failure_class == llm::FailureClass::cut) return cause::stream_cut;
  if (failure.failure_class == llm::FailureClass::malformed) return cause::bad_bytes;
  return cause::error_event;
}

llm::ChatFailure limit_failure(const limits::Refusal& refusal,
                               limits::PromptReserved prompt = limits::PromptReserved::by_size) {
  llm::ChatFailure failure = llm::local_failure(
      refusal.status == 402 ? llm::FailureClass::no_quota : llm::FailureClass::rate_limited,
      limits::refusal_text(refusal, prompt));
  failure.code = std::string(limits::limit_name(refusal.limit));
  failure.status = refusal.status;
  failure.should_retry = failure.should_retry && refusal.retry_after_ns >= 0;
  return failure;
}

/// -1: it never passes.
std::int64_t retry_after_ms(const limits::Refusal& refusal) {
  return refusal.retry_after_ns < 0 ? -1 : (refusal.retry_after_ns + 999'999) / 1'000'000;
}

CallRefusal refusal_by(const limits::Refusal& refusal) {
  return {.status = refusal.status,
          .reason = Reason::limit,
          .retry_after_ms = retry_after_ms(refusal),
          .failure = limit_failure(refusal)};
}

std::vector<std::string> own_names(const llm::ChatRequest& request) {
  std::vector<std::string> names;
  for (const llm::ToolDefinition& tool : request.tools) {
    if (names.size() == own_names_max) break;
    if (!tool.name.empty() && tool.name.size() <= own_name_bytes_max) names.push_back(tool.name);
  }
  return names;
}

std::size_t size_of(const Order& order) {
  return request_size(order.request) + (order.embedding ? request_size(*order.embedding) : 0);
}

AttemptRequest encode(llm::ChatRequest& chat, const llm::EmbeddingRequest* embedding,
                      const AttemptTarget& to) {
  return embedding ? attempt_request(*embedding, to) : attempt_request(chat, to);
}

/// What is sent, and the memory that is counted for it until then.
struct CountedBody {
  std::string text;
  std::shared_ptr<const void> memory;
};

class GatewayImpl;

/// Why a call does not go to a target of its route.
struct LeftOut {
  std::string_view reason;  ///< of the log
  std::string message;      ///< "the relay has no key for openai"
};

/// What an attempt asks of the limits, and of whom.
struct Asked {
  std::string_view request_id;
  const auth::Identity* identity = nullptr;
  std::string_view player;  ///< identity->key(), as the limits know it
  std::string_view part;    ///< and it at this target
  const auth::CallerLimits* own = nullptr;
  std::uint32_t target = 0;
  std::string_view key;
  AttemptBound bound;
  std::int64_t open_ns_max = 0;
  std::int64_t requests = 1;
};

/// One call: drives its ModelCall and carries out what it says.
class CallRun final : public GatewayCall, public std::enable_shared_from_this<CallRun> {
 public:
  CallRun(GatewayImpl& gateway, const net::Executor& shard, Order order, ModelCallOptions options,
          std::vector<PlannedTarget> targets, bool engine, Rng rng,
          std::shared_ptr<CallClient> client);
  ~CallRun() override;

  /// Why no target was planned. Before begin().
  void explain(std::string message) {
    told_[0] = llm::local_failure(llm::FailureClass::overloaded, std::move(message));
  }

  /// It holds itself until it ends, whoever else lets go of it.
  void begin() { feed({.kind = InputKind::start}); }
  void leave() override;
  void share() override;
  /// The store answered a draw: the reservation is tried again.
  void money_came();
  const net::Executor& shard() const { return shard_; }

 private:
  class Attempt;
  friend class Attempt;

  void feed(Input input);
  Input ended_by(InputKind kind) const;
  void carry_out(const Action& action);
  void acquire(const Action& action);
  /// A large request, while the compute pool has it.
  struct Encoding {
    Encoding(Order& order, AttemptTarget target)
        : request(std::move(order.request)),
          embedding(order.embedding),
          memory(order.memory),
          to(std::move(target)) {}
    llm::ChatRequest request;
    std::shared_ptr<const llm::EmbeddingRequest> embedding;
    std::shared_ptr<const void> memory;  ///< of `request`
    AttemptTarget to;
    std::optional<AttemptRequest> done;
  };
  void encode_attempt();
  void take_encoded(Encoding& work);
  void encoded(AttemptRequest request);
  void deny_overloaded();
  Asked asked() const;
  void tell_quotas(const limits::Quotas& quotas);
  void reserve();
  void deny(CallDenial denial);
  void open(const Action& action);
  void begin_attempt(const llm::Dialect& dialect);
  void add_key(llm::AuthKind kind, net::OutgoingRequest& outgoing);
  void cancel_attempt();
  void release(const Action& action);
  void write_down(const Action& action, const limits::Settled& settled);
  void hold_beginning(const llm::ChatEvent& event);
  void begin_answer();
  void let_go_of_request();
  void emit();
  void deliver();
  void fold(const llm::ChatEvent& event);
  void note_no_room();
  bool count_kept();
  void give_up_too_long();
  CallRefusal refusal_of(const Action& action) const;
  void refuse(const Action& action);
  void end();
  void arm();
  void on_event(const llm::ChatEvent& event);
  void attempt_failed(Stage stage, llm::ChatFailure failure, std::string_view why);
  void note_failure(Stage stage, const llm::ChatFailure& failure, std::string_view why);
  void note_cut(const Failure& failure);
  void note_unterminated();
  CallSummary summary() const;

  GatewayImpl& gateway_;
  net::Executor shard_;
  Order order_;
  const std::string player_;  ///< its caller, as the limits know them
  std::string part_;          ///< and them at the target of the attempt
  ModelCallOptions options_;
  std::vector<PlannedTarget> targets_;
  ModelCall machine_;
  std::shared_ptr<CallClient> client_;
  Timer timer_;
  std::int64_t armed_ns_ = 0;
  bool ended_ = false;

  // Of the request's tools, as a provider's text about it may have them.
  const std::vector<std::string> own_names_;
  const std::size_t request_bytes_;

  std::deque<Input> inputs_;
  bool feeding_ = false;

  // The attempt that is admitted or under way.
  Admission admission_;
  // Of the attempt's target: those that refused this call.
  std::vector<std::uint32_t> refused_keys_;
  limits::ReservationId reservation_ = 0;
  bool admitted_ = false;
  bool reserved_ = false;
  bool is_retry_ = false;
  int attempt_number_ = 0;
  std::uint32_t place_ = 0;
  std::string key_name_;
  auth::KeyRingPtr ring_;                         ///< that the attempt's key is of
  std::optional<Result<llm::WireRequest>> wire_;  // of the attempt, until it is sent
  std::shared_ptr<const void> wire_memory_;       // of a large one's body
  AttemptBound bound_;
  limits::PromptReserved prompt_reserved_ = limits::PromptReserved::by_size;
  std::shared_ptr<Attempt> attempt_;
  std::int64_t opened_ns_ = 0;
  std::int64_t opened_s_ = 0;  // of the wall
  std::int64_t first_token_ns_ = 0;
  bool requests_counted_ = false;
  bool limited_ = false;  ///< there are limits to tell of

  // What it has said so far.
  llm::ChatAnswer answer_;
  std::shared_ptr<AnswerMemory::Hold> answer_memory_;
  bool others_wait_ = false;  // for the answer
  std::size_t kept_bytes_max_ = llm::whole_body_bytes_max;
  bool too_long_to_share_ = false;  // nothing is kept for others any more
  std::int32_t tool_calls_ = 0;
  llm::WireFormat origin_ = llm::WireFormat::none;
  const llm::ChatEvent* event_ = nullptr;  // being fed
  // What an answer begins with, not yet told to the client: another target may still give it.
  std::vector<llm::ChatEvent> beginning_;
  std::size_t beginning_bytes_ = 0;
  bool begun_ = false;
  // Of each attempt, as the client may hear it; of 0: why there is none.
  std::map<int, llm::ChatFailure> told_;
  bool failure_noted_ = false;  // of the attempt under way

  CallSummary summary_;
};

class GatewayImpl final : public Gateway, public CallMaker {
 public:
  GatewayImpl(GatewayOptions options, llm::ModelTable models, Aliases aliases,
              auth::CurrentKeys& keys, limits::Ledger& ledger, observe::Metrics& metrics,
              std::uint64_t seed)
      : options_(std::move(options)),
        models_(std::move(models)),
        aliases_(std::move(aliases)),
        keys_(keys),
        ledger_(ledger),
        metrics_(metrics),
        failure_log_(options_.log, metrics),
        targets_({}),
        limiter_({}, seed),
        rng_(seed) {
    if (!options_.share_answers) return;
    shared_ = SharedAnswers::make({.store = options_.kept_answers,
                                   .cache = options_.cache,
                                   .flights = options_.flights,
                                   .answer_by_ms = options_.game_call.answer_by_ms},
                                  *this, metrics);
  }

  Result<void> add_providers();
  void add_targets();

  Result<std::shared_ptr<GatewayCall>> start(const net::Executor& shard, Order order,
                                             Delivery delivery,
                                             std::shared_ptr<CallClient> client) override;
  Result<std::shared_ptr<GatewayCall>> call(const net::Executor& shard, Order order,
                                            Delivery delivery,
                                            std::shared_ptr<CallClient> client) override;
  Counted count_request(const Order& order) override;
  std::optional<CallRefusal> refused_by_zero(const Order& order) override;
  void reload_keys() override;
  std::vector<KnownModel> models() const override;
  std::vector<ModelNote> model_notes(std::int64_t today) const override;
  bool knows(std::string_view model) const override { return aliases_.resolve(model).ok(); }
  Spent spent(const auth::Identity& caller, const auth::CallerLimits& own,
              const limits::Drawn& drawn, std::int64_t now_s) override;

  // For calls.
  /// Whom a call counts on; views into what was asked.
  struct Shares {
    std::array<limits::Share, limits::shares_max> list;
    std::size_t count = 0;
    void add(limits::Share share) { list[count++] = share; }
    std::span<const limits::Share> span() const { return {list.data(), count}; }
  };
  Admission admit(std::uint32_t target, bool is_retry, std::string_view caller,
                  std::span<const std::uint32_t> refused_keys);
  limits::Quotas quotas(const Asked& asked);
  /// Where money is still to be drawn, the call waits for money_came().
  limits::Outcome reserve(const Asked& asked, const std::shared_ptr<CallRun>& call);
  limits::Picodollars cost(std::uint32_t target, const Charge& charge, const AttemptBound& bound,
                           llm::CallTime when) const;
  void abandon(const Admission& admission, std::optional<limits::ReservationId> reservation);
  /// Nothing where it expired before: everything was charged and written down then.
  std::optional<limits::Settled> settle(limits::ReservationId id, limits::Used used);
  void finish(const Admission& admission, const AttemptResult& result);
  std::string key_name(const Admission& admission);
  KeyOutlook key_outlook(const Admission& admission, const Failure& failure,
                         std::span<const std::uint32_t> refused_keys);

  const TargetPlan& plan(std::uint32_t target) const { return plans_[target]; }
  const Provider& provider(std::uint32_t target) const {
    return providers_[plans_[target].provider];
  }
  std::string target_name(std::uint32_t target) const { return names_[target]; }
  AttemptTarget attempt_target(std::uint32_t target, llm::WireFormat client, bool stream) const;
  /// Does a budget limit what the order may cost there?
  bool is_budgeted(std::uint32_t target, const Order& order) const {
    return budgeted(order) && !provider(target).free_of_charge;
  }
  net::ComputePool* pool() { return options_.pool; }
  AnswerMemory* answers() { return options_.answers.get(); }
  /// A stream that is longer is not kept for others.
  std::size_t shared_bytes_max() const { return options_.cache.entry_bytes_max; }
  auth::CurrentKeys& keys() { return keys_; }
  limits::Ledger& ledger() { return ledger_; }
  FailureLog& failure_log() { return failure_log_; }
  /// What a target's provider, or the proxy before it, may know and repeat. Lives as long as
  /// `ring`.
  SecretTexts secrets(std::uint32_t target, const auth::KeyRing& ring) const;

 private:
  TokenLimits token_limits(std::uint32_t target) const;
  LongestAnswer longest_answer(std::uint32_t target) const;
  std::vector<PlannedTarget> plan_route(const Route& route, const Order& order, std::string& why);
  std::optional<LeftOut> left_out(std::uint32_t target, const Order& order, bool money) const;
  bool budgeted(const Order& order) const;
  bool counts_tokens(const Order& order) const;
  bool lacks_bound(const TargetPlan& plan, const Order& order) const;
  bool has_key(std::string_view provider) const;
  KnownModel known(std::string name, std::span<const std::string> targets) const;
  Shares shares_of(const Asked& asked) const;
  /// Of the caller alone, whatever target is called; `player` is identity.key(), and is kept alive.
  Shares callers_shares(const Order& order, std::string_view player) const;
  bool may_cost(std::string_view model) const;
  limits::OpenLine open_line(const Asked& asked, limits::Picodollars upper) const;
  std::vector<limits::LedgerLine> expire_locked();
  void write_unsettled(std::vector<limits::LedgerLine> lines);
  std::vector<limits::StoreEffect> take_effects_locked() { return limiter_.take_effects(); }
  void close() override;
  void carry_out(std::vector<limits::StoreEffect> effects);
  void wake_waiting();

  GatewayOptions options_;
  llm::ModelTable models_;
  Aliases aliases_;
  auth::CurrentKeys& keys_;
  limits::Ledger& ledger_;
  observe::Metrics& metrics_;
  FailureLog failure_log_;
  std::vector<Provider> providers_;
  std::vector<TargetPlan> plans_;
  std::vector<std::string> names_;
  std::deque<llm::Tariff> embedding_tariffs_;
  std::unique_ptr<SharedAnswers> shared_;  // null: nothing is shared

  std::mutex mutex_;  // what follows
  Targets targets_;
  limits::Limiter limiter_;
  limits::OpenLines open_lines_;
  Rng rng_;
  std::vector<std::weak_ptr<CallRun>> waiting_;
};

// --- one attempt's connection -------------------------------------------------------------------

/// Turns what the connection brings into events for its call; silent once detached.
class CallRun::Attempt final : public net::CallSink {
 public:
  Attempt(CallRun& run, const llm::Dialect& dialect, net::ComputePool* pool,
          std::size_t kept_bytes_max, std::shared_ptr<AnswerMemory::Hold> hold)
      : run_(&run),
        decoding_(std::make_shared<AnswerDecoding>(
            dialect, pool, run.shard_, run.player_, kept_bytes_max, std::move(hold),
            AnswerDecoding::Callbacks{
                .events = [this](const std::vector<llm::ChatEvent>& events) { tell(events); },
                .readable = [this] { go_on(); }})) {
    decoding_->begin();
  }

  void detach() {
    run_ = nullptr;
    decoding_->detach();
  }

  std::size_t readable_bytes(std::size_t head_bytes) override {
    return decoding_->readable_bytes(head_bytes);
  }
  void on_head(const http::ResponseHead& head) override {
    std::vector<llm::Header> headers;
    headers.reserve(head.headers.size());
    for (const http::HeaderView& header : head.headers)
      headers.push_back({std::string(header.name), std::string(header.value)});
    began_ = head.status >= 200 && head.status < 300;
    decoding_->head(head.status, std::move(headers), wall_ms());
    if (began_) run_->feed({.kind = InputKind::answer_began, .attempt = run_->attempt_number_});
  }
  void on_body(std::string_view bytes) override { decoding_->feed(bytes); }
  void on_end() override { decoding_->end(); }
  void on_failure(const net::CallFailure& failure) override {
    if (!run_) return;
    decoding_->fail([this, failure] { fail(failure); });
  }
  /// The answer calls tools by the names that the client gave them.
  void rename(std::vector<llm::ToolAlias> names) { decoding_->rename(std::move(names)); }
  void read_by(llm::DecodeWhole whole) { decoding_->read_by(whole); }
  void expect(std::int64_t answers) { decoding_->expect(answers); }
  /// The answer goes on without the key that it was asked with.
  void redact(std::string_view key) { decoding_->redact(key); }
  bool began() const { return began_; }
  bool unterminated() const { return decoding_->unterminated(); }
  bool waits_for_room() const { return decoding_->waits_for_room(); }
  void count_kept(std::size_t bytes) { decoding_->count_kept(bytes); }
  bool is_stream() const { return decoding_->is_stream(); }
  std::int64_t unread_bytes() const {
    const std::size_t read = decoding_->undecoded_bytes();
    return static_cast<std::int64_t>(read + (connection ? connection->unread_bytes() : 0));
  }

 private:
  void go_on() {
    if (connection) connection->go_on();
  }
  void tell(const std::vector<llm::ChatEvent>& events) {
    // The call may end, and let go of itself and of this attempt, at any event.
    const auto run = run_->shared_from_this();
    const auto self = run->attempt_;
    for (const llm::ChatEvent& event : events) {
      if (!run_) return;
      run->on_event(event);
    }
  }
  void fail(const net::CallFailure& failure) {
    const Stage stage = began_ ? Stage::stream : failure.sent ? Stage::sent : Stage::connect;
    llm::ChatFailure told = llm::local_failure(class_of(failure.fault), failure.message);
    // The next answer would be as long.
    told.too_long = failure.fault == net::CallFault::too_large;
    told.should_retry = !told.too_long;
    run_->attempt_failed(stage, std::move(told), net::to_string(failure.fault));
  }

  CallRun* run_;
  std::shared_ptr<AnswerDecoding> decoding_;
  bool began_ = false;

 public:
  std::shared_ptr<net::Call> connection;
};

// --- one call -----------------------------------------------------------------------------------

CallRun::CallRun(GatewayImpl& gateway, const net::Executor& shard, Order order,
                 ModelCallOptions options, std::vector<PlannedTarget> targets, bool engine, Rng rng,
                 std::shared_ptr<CallClient> client)
    : gateway_(gateway),
      shard_(shard),
      order_(std::move(order)),
      player_(order_.identity.key()),
      options_(options),
      targets_(targets),
      machine_(options, std::move(targets), engine, rng),
      client_(std::move(client)),
      timer_(shard),
      own_names_(own_names(order_.request)),
      request_bytes_(size_of(order_)),
      requests_counted_(order_.request_counted) {}

CallRun::~CallRun() {
  if (!attempt_) return;
  // Its shard ended before it. Attempt and connection hold each other.
  attempt_->detach();
  attempt_->connection.reset();
}

void CallRun::feed(Input input) {
  inputs_.push_back(std::move(input));
  if (feeding_) return;
  const auto self = shared_from_this();  // disarming the timer lets go of the last owner
  feeding_ = true;
  std::vector<Action> actions;
  while (!inputs_.empty()) {
    const Input next = std::move(inputs_.front());
    inputs_.pop_front();
    actions.clear();
    machine_.step(next, now_ns(), actions);
    for (const Action& action : actions)
      carry_out(action);
  }
  feeding_ = false;
  arm();
}

void CallRun::arm() {
  const std::int64_t wake_ns = machine_.next_wake_ns();
  if (ended_ || wake_ns == 0) {
    if (armed_ns_ != 0) timer_.cancel();
    armed_ns_ = 0;
    return;
  }
  // A timer that fires too early is armed again, so only an earlier wake moves it.
  if (armed_ns_ != 0 && armed_ns_ <= wake_ns) return;
  armed_ns_ = wake_ns;
  timer_.expires_at(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(wake_ns)));
  // The timer, armed until the end, keeps the call: it goes on, and is settled, also where its
  // client has what it wanted and lets go of it.
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
    if (ec || self->ended_) return;
    self->armed_ns_ = 0;
    if (now_ns() >= self->machine_.next_wake_ns()) {
      self->feed(self->ended_by(InputKind::time));
    } else {
      self->arm();
    }
  });
}

void CallRun::carry_out(const Action& action) {
  switch (action.kind) {
    case ActionKind::acquire:
      acquire(action);
      break;
    case ActionKind::open:
      open(action);
      break;
    case ActionKind::cancel:
      cancel_attempt();
      break;
    case ActionKind::release:
      release(action);
      break;
    case ActionKind::abandon:
      gateway_.abandon(admission_, reserved_ ? std::optional(reservation_) : std::nullopt);
      admitted_ = reserved_ = false;
      break;
    case ActionKind::emit:
      emit();
      break;
    case ActionKind::deliver:
      deliver();
      break;
    case ActionKind::deliver_late:
      client_->on_late_answer(answer_, origin_, summary());
      break;
    case ActionKind::engine:
      client_->on_engine(refusal_of(action));
      break;
    case ActionKind::fail:
      refuse(action);
      break;
    case ActionKind::ended:
      end();
      break;
  }
}

void CallRun::acquire(const Action& action) {
  attempt_number_ = action.attempt;
  place_ = action.place;
  is_retry_ = action.is_retry;
  const std::uint32_t target = targets_[place_].target;
  part_ = std::to_string(target) + ":" + player_;
  if (!is_retry_) refused_keys_.clear();
  admission_ = gateway_.admit(target, is_retry_, player_, refused_keys_);
  if (admission_.denial != Denial::none) {
    const std::int64_t wait_ns = std::max<std::int64_t>(0, admission_.retry_at_ns - now_ns());
    const std::vector<RestingKey>& resting = admission_.resting;
    gateway_.plan(target).metrics.denied(admission_.denial);
    gateway_.failure_log().note_denied(order_.request_id, gateway_.target_name(target),
                                       denial_name(admission_.denial),
                                       resting_text(resting, now_ns(), wall_ms()), now_ns());
    if (!resting.empty()) told_[attempt_number_] = resting_failure(resting.front(), now_ns());
    deny({.by_limit = false,
          .passes = admission_.denial != Denial::no_key || is_soon_back(resting),
          .status = 503,
          .retry_after_ms = wait_ns / 1'000'000});
    return;
  }
  admitted_ = true;
  key_name_ = gateway_.key_name(admission_);
  encode_attempt();
}

// Before anything is reserved: what is reserved is read from the bytes that are to be sent.
void CallRun::encode_attempt() {
  const std::uint32_t target = targets_[place_].target;
  AttemptTarget to =
      gateway_.attempt_target(target, order_.request.format, options_.delivery == Delivery::stream);
  to.budgeted = gateway_.is_budgeted(target, order_);
  if (request_bytes_ <= net::Turns::short_step_bytes)
    return encoded(encode(order_.request, order_.embedding.get(), to));
  net::ComputePool* pool = gateway_.pool();
  auto work = std::make_shared<Encoding>(order_, std::move(to));
  if (pool == nullptr || request_bytes_ <= large_request_bytes) {
    return net::Turns::of(shard_).queue([weak = weak_from_this(), work] {
      const auto run = weak.lock();
      if (!run) return;
      work->done.emplace(encode(work->request, work->embedding.get(), work->to));
      run->take_encoded(*work);
    });
  }
  // Weak: the call ends on its shard, however long the pool has its request.
  const bool posted = pool->post(player_, [weak = weak_from_this(), shard = shard_, work] {
    work->done.emplace(encode(work->request, work->embedding.get(), work->to));
    asio::post(shard, [weak, work] {
      if (const auto run = weak.lock()) run->take_encoded(*work);
    });
  });
  if (posted) return;
  order_.request = std::move(work->request);
  deny_overloaded();
}

// It is the attempt's that was acquired last: no other is acquired, nor this one opened, before it.
void CallRun::take_encoded(Encoding& work) {
  work.memory.reset();  // the pool's thread may let go of the rest later
  if (ended_) return;
  order_.request = std::move(work.request);
  encoded(std::move(*work.done));
}

void CallRun::encoded(AttemptRequest request) {
  const std::size_t bytes = request.wire ? request.wire->body.capacity() : 0;
  if (bytes > large_request_bytes && order_.hold_memory) {
    wire_memory_ = order_.hold_memory(bytes);
    if (!wire_memory_) return deny_overloaded();
  }
  bound_ = request.bound;
  prompt_reserved_ = request.prompt;
  wire_ = std::move(request.wire);
  reserve();
}

void CallRun::deny_overloaded() {
  gateway_.abandon(admission_, std::nullopt);
  admitted_ = false;
  gateway_.failure_log().note_denied(order_.request_id,
                                     gateway_.target_name(targets_[place_].target), "overloaded",
                                     overloaded_words, now_ns());
  told_[attempt_number_] = llm::local_failure(llm::FailureClass::overloaded, overloaded_words);
  // The caller's own memory, or part of the pool: no other target needs less of it.
  deny({.by_limit = true, .status = 503, .retry_after_ms = overloaded_retry_ms});
}

Asked CallRun::asked() const {
  const PlannedTarget& planned = targets_[place_];
  return {
      .request_id = order_.request_id,
      .identity = &order_.identity,
      .player = player_,
      .part = part_,
      .own = &order_.own_limits,
      .target = planned.target,
      .key = key_name_,
      .bound = bound_,
      .open_ns_max = options_.deadline_ms * 1'000'000 + settle_grace_ns,
      .requests = requests_counted_ ? 0 : 1,
  };
}

void CallRun::tell_quotas(const limits::Quotas& quotas) {
  limited_ = quotas.requests || quotas.tokens;
  if (limited_) client_->on_quotas(quotas);
}

void CallRun::reserve() {
  const limits::Outcome outcome = gateway_.reserve(asked(), shared_from_this());
  if (outcome.verdict != limits::Verdict::waiting) tell_quotas(outcome.quotas);
  switch (outcome.verdict) {
    case limits::Verdict::reserved:
      reservation_ = outcome.id;
      reserved_ = true;
      requests_counted_ = true;
      feed({.kind = InputKind::acquired, .attempt = attempt_number_, .bound = bound_});
      return;
    case limits::Verdict::waiting:
      return;
    case limits::Verdict::refused:
      break;
  }
  gateway_.abandon(admission_, std::nullopt);
  admitted_ = false;
  const limits::Refusal& refusal = outcome.refusal;
  // A model's or a key's own limit is one target's; another target may be free.
  const bool another = place_ + 1 < targets_.size();
  const bool of_target = refusal.scope == limits::Scope::model ||
                         refusal.scope == limits::Scope::provider_key ||
                         (refusal.scope == limits::Scope::player_part && another);
  llm::ChatFailure failure = limit_failure(refusal, prompt_reserved_);
  const bool budget = failure.failure_class == llm::FailureClass::no_quota;
  gateway_.failure_log().note_denied(order_.request_id,
                                     gateway_.target_name(targets_[place_].target), failure.code,
                                     failure.message, now_ns());
  // A budget of the operator's own is theirs to know.
  told_[attempt_number_] = of_target ? failure_for_client(failure, {}) : std::move(failure);
  deny({.by_limit = !of_target,
        .passes = !budget,
        .status = refusal.status,
        .retry_after_ms = retry_after_ms(refusal)});
}

void CallRun::deny(CallDenial denial) {
  feed({.kind = InputKind::denied, .attempt = attempt_number_, .denial = denial});
}

void CallRun::money_came() {
  // It may have ended meanwhile, or have been told twice, or be at another attempt by now.
  if (admitted_ && !reserved_ && wire_) reserve();
}

void CallRun::begin_attempt(const llm::Dialect& dialect) {
  answer_ = {};
  beginning_.clear();
  beginning_bytes_ = 0;
  begun_ = false;
  first_token_ns_ = 0;
  opened_ns_ = now_ns();
  opened_s_ = wall_s();
  origin_ = dialect.format;
  ++summary_.attempts;
  failure_noted_ = false;
  tool_calls_ = 0;
  too_long_to_share_ = false;
  if (AnswerMemory* answers = gateway_.answers()) {
    answer_memory_ = answers->hold(shard_, player_, order_.identity.is_anonymous());
    if (others_wait_) answer_memory_->share();
    kept_bytes_max_ = answers->answer_bytes_max();
  }
  attempt_ =
      std::make_shared<Attempt>(*this, dialect, gateway_.pool(), kept_bytes_max_, answer_memory_);
}

void CallRun::add_key(llm::AuthKind kind, net::OutgoingRequest& outgoing) {
  if (kind == llm::AuthKind::none) return;
  ring_ = gateway_.keys().get();
  const auth::ProviderKey* key = ring_ ? ring_->find(key_name_) : nullptr;
  if (key == nullptr) return;
  std::string value(llm::auth_prefix(kind));
  value += key->key.text();
  outgoing.headers.push_back({std::string(llm::auth_header(kind)), std::move(value)});
  attempt_->redact(key->key.text());
  gateway_.keys().used(key_name_, wall_ms());
}

void CallRun::open(const Action& action) {
  const Provider& provider = gateway_.provider(targets_[place_].target);
  begin_attempt(*provider.dialect);
  Result<llm::WireRequest> wire = std::move(*wire_);
  wire_.reset();
  if (!wire) {
    llm::ChatFailure failure =
        llm::local_failure(llm::FailureClass::bad_request, wire.error().message);
    failure.param = wire.error().path;
    failure.status = 400;
    const bool by_target = wire.error().code == "unsupported";
    attempt_failed(Stage::connect, std::move(failure),
                   by_target ? cause::unsupported : cause::not_encodable);
    return;
  }
  attempt_->rename(std::move(wire->tool_names));
  if (order_.embedding) attempt_->read_by(llm::embedding_decoder(origin_));
  attempt_->expect(order_.request.answers);

  net::OutgoingRequest outgoing;
  outgoing.destination = provider.destination;
  const auto url = net::parse_url(wire->url.substr(0, wire->url.find('?')));
  outgoing.target = url ? url->path : "/";
  if (const std::size_t query = wire->url.find('?'); query != std::string::npos)
    outgoing.target += wire->url.substr(query);
  for (llm::Header& header : wire->headers)
    outgoing.headers.push_back({std::move(header.name), std::move(header.value)});
  add_key(wire->auth, outgoing);
  const auto body = std::make_shared<const CountedBody>(
      CountedBody{std::move(wire->body), std::exchange(wire_memory_, nullptr)});
  outgoing.body = std::shared_ptr<const std::string>(body, &body->text);
  // The machine watches the first token and the progress; these only bound what it cannot see.
  outgoing.timeouts.connect_ms = action.connect_ms;
  outgoing.timeouts.first_byte_ms = action.total_ms + attempt_grace_ms;
  outgoing.timeouts.idle_ms = action.total_ms + attempt_grace_ms;
  outgoing.timeouts.total_ms = action.total_ms + attempt_grace_ms;
  outgoing.limits.head_bytes_max = answer_head_bytes_max;
  attempt_->connection = net::HttpClient::of(shard_).start(std::move(outgoing), attempt_);
}

void CallRun::cancel_attempt() {
  if (!attempt_) return;
  if (attempt_->connection) attempt_->connection->cancel();
  attempt_->detach();
}

// Of a stream that nobody else is to have, what its client was told is not kept.
void CallRun::fold(const llm::ChatEvent& event) {
  using llm::EventKind;
  if (options_.delivery == Delivery::whole) return llm::fold(answer_, event, origin_);
  if (event.kind == EventKind::tool_begun) ++tool_calls_;
  const bool of_parts = event.kind == EventKind::text || event.kind == EventKind::refusal ||
                        event.kind == EventKind::reasoning || event.kind == EventKind::opaque ||
                        event.kind == EventKind::told || event.kind == EventKind::tool_begun ||
                        (event.kind == EventKind::tool_arguments && event.index < tool_calls_);
  if (!of_parts) return llm::fold(answer_, event, origin_);
  if (!order_.shared || too_long_to_share_) return;
  llm::fold(answer_, event, origin_);
  too_long_to_share_ = answer_.kept_bytes > gateway_.shared_bytes_max();
  if (!too_long_to_share_) return;
  answer_.parts.clear();
  answer_.told = {};
  answer_.kept_bytes = 0;
}

/// Counts what is kept of a stream outside of its decoder. False where that is more than an answer
/// may be. (A whole answer is bounded as it is read, and counted until it is told.)
bool CallRun::count_kept() {
  if (!attempt_ || !attempt_->is_stream()) return true;
  const std::size_t bytes = answer_.kept_bytes + beginning_bytes_ + client_->kept_bytes();
  attempt_->count_kept(bytes);
  return bytes <= kept_bytes_max_;
}

// The next answer would be as long.
void CallRun::give_up_too_long() {
  llm::ChatFailure failure = llm::local_failure(
      llm::FailureClass::malformed,
      joined({"what is kept of the stream is longer than ", kept_bytes_max_, " bytes"}));
  failure.too_long = true;
  failure.should_retry = false;
  cancel_attempt();
  attempt_failed(Stage::stream, std::move(failure), cause::bad_bytes);
}

void CallRun::note_no_room() {
  failure_noted_ = true;
  told_[attempt_number_] = llm::local_failure(llm::FailureClass::overloaded, no_room_words);
  gateway_.failure_log().note_denied(order_.request_id,
                                     gateway_.target_name(targets_[place_].target), "no_room",
                                     no_room_words, now_ns());
}

void CallRun::on_event(const llm::ChatEvent& event) {
  fold(event);
  if (!count_kept()) return give_up_too_long();
  event_ = &event;
  switch (event.kind) {
    case llm::EventKind::started:
      hold_beginning(event);
      break;
    case llm::EventKind::told:
      hold_beginning(event);
      break;
    case llm::EventKind::heartbeat:
      feed({.kind = InputKind::heartbeat, .attempt = attempt_number_});
      break;
    case llm::EventKind::usage:
      if (!begun_) hold_beginning(event);
      feed({.kind = InputKind::usage, .attempt = attempt_number_, .usage = event.usage});
      break;
    case llm::EventKind::finished: {
      if (attempt_ && attempt_->unterminated()) note_unterminated();
      const bool whole = options_.delivery == Delivery::whole;
      const bool good = !answer_.failure && (!whole || client_->accepts(answer_));
      feed({.kind = InputKind::finished, .attempt = attempt_number_, .good = good});
      break;
    }
    case llm::EventKind::failed: {
      const llm::ChatFailure failure =
          event.failure.value_or(llm::local_failure(llm::FailureClass::cut, "no reason was given"));
      const bool began = attempt_ && attempt_->began();
      attempt_failed(began ? Stage::stream : Stage::refused, failure, cause_of(failure, began));
      break;
    }
    default:
      if (first_token_ns_ == 0) first_token_ns_ = now_ns();
      feed({.kind = InputKind::token,
            .attempt = attempt_number_,
            .bytes = static_cast<std::int64_t>(event.text.size() + event.name.size())});
      break;
  }
  event_ = nullptr;
}

void CallRun::note_failure(Stage stage, const llm::ChatFailure& failure, std::string_view why) {
  failure_noted_ = true;
  const std::uint32_t target = targets_[place_].target;
  // The key of an attempt may have been rotated away meanwhile.
  const auth::KeyRingPtr current = gateway_.keys().get();
  SecretTexts secrets;
  for (const auth::KeyRing* ring : {current.get(), ring_.get()}) {
    if (!ring) continue;
    const SecretTexts more = gateway_.secrets(target, *ring);
    secrets.insert(secrets.end(), more.begin(), more.end());
    if (ring_ == current) break;
  }
  const std::vector<std::string_view> own_names(own_names_.begin(), own_names_.end());
  // Nobody but us has said what could not be encoded.
  const bool own_words = why == cause::not_encodable || why == cause::unsupported;
  told_[attempt_number_] = own_words ? failure : failure_for_client(failure, secrets, own_names);
  gateway_.plan(target).metrics.failed(failure.failure_class);
  const std::string name = gateway_.target_name(target);
  gateway_.failure_log().note({.request_id = order_.request_id,
                               .provider = gateway_.provider(target).name,
                               .target = name,
                               .key = key_name_,
                               .cause = why,
                               .stage = stage,
                               .attempt = summary_.attempts,
                               .duration_ms = (now_ns() - opened_ns_) / 1'000'000},
                              failure, secrets, now_ns());
}

// The machine's own verdict.
void CallRun::note_cut(const Failure& failure) {
  if (answer_.failure) return note_failure(failure.stage, *answer_.failure, cause::bad_bytes);
  const bool whole = failure.failure_class == llm::FailureClass::malformed;
  const std::string_view why = whole                  ? cause::answer_refused
                               : first_token_ns_ == 0 ? cause::first_token_timeout
                                                      : cause::progress_timeout;
  const char* message =
      whole ? "the answer is not what the request wants" : "the provider did not go on in time";
  note_failure(failure.stage, llm::local_failure(failure.failure_class, message), why);
}

void CallRun::note_unterminated() {
  const std::uint32_t target = targets_[place_].target;
  gateway_.plan(target).metrics.unterminated->add();
  gateway_.failure_log().note_unterminated(order_.request_id, gateway_.target_name(target));
}

void CallRun::attempt_failed(Stage stage, llm::ChatFailure failure, std::string_view why) {
  note_failure(stage, failure, why);
  Input input{.kind = InputKind::failed, .attempt = attempt_number_};
  input.failure = {.stage = stage,
                   .failure_class = failure.failure_class,
                   .status = failure.status,
                   .retry_after_ms = failure.retry_after_ms,
                   .should_retry = failure.should_retry,
                   .too_long = failure.too_long,
                   .names_bad_key = failure.names_bad_key,
                   .by_target = why == cause::unsupported,
                   .by_provider = why == cause::error_event};
  const KeyOutlook keys = gateway_.key_outlook(admission_, input.failure, refused_keys_);
  if (keys.refused) refused_keys_.push_back(admission_.key);
  input.another_key = keys.another;
  input.key_back_ms = keys.back_ms;
  feed(std::move(input));
}

// What comes before the first word of an answer, or beside its words: it is no progress.
void CallRun::hold_beginning(const llm::ChatEvent& event) {
  if (options_.delivery == Delivery::whole) return;
  if (begun_) {
    client_->on_event(event, origin_);
    return;
  }
  beginning_bytes_ += sizeof event + event.text_bytes();
  beginning_.push_back(event);
}

// No attempt follows a word that the client has: nothing is asked again.
void CallRun::let_go_of_request() {
  order_.request = {};
  order_.memory.reset();
}

void CallRun::begin_answer() {
  if (!std::exchange(begun_, true)) {
    let_go_of_request();
    client_->on_begun(summary());
  }
  beginning_bytes_ = 0;
  for (const llm::ChatEvent& event : std::exchange(beginning_, {}))
    client_->on_event(event, origin_);
}

void CallRun::emit() {
  begin_answer();
  client_->on_event(*event_, origin_);
}

void CallRun::deliver() {
  if (options_.delivery == Delivery::stream) {
    begin_answer();
    if (answer_.usage.reported) {
      llm::ChatEvent usage;
      usage.kind = llm::EventKind::usage;
      usage.usage = answer_.usage;
      client_->on_event(usage, origin_);
    }
    client_->on_event(*event_, origin_);
  }
  summary_.target = gateway_.target_name(targets_[place_].target);
  if (limited_ && options_.delivery == Delivery::whole) tell_quotas(gateway_.quotas(asked()));
  const CallSummary told = summary();
  if (too_long_to_share_) answer_.finished = false;  // it is not all of it
  client_->on_memory(std::exchange(answer_memory_, nullptr));
  client_->on_answer(std::make_shared<const llm::ChatAnswer>(std::move(answer_)), origin_, told);
}

CallRefusal CallRun::refusal_of(const Action& action) const {
  CallRefusal refusal;
  refusal.status = action.status;
  refusal.reason = action.reason;
  refusal.retry_after_ms = action.retry_after_ms;
  refusal.by_limit = action.by_limit;
  const auto told = told_.find(action.told);
  if (action.reason == Reason::deadline || action.reason == Reason::answer_by) {
    refusal.failure = llm::local_failure(llm::FailureClass::timeout, "No model answered in time.");
  } else if (told == told_.end()) {
    refusal.failure = llm::local_failure(llm::FailureClass::overloaded,
                                         "No model is available for this request right now.");
  } else {
    refusal.failure = told->second;
  }
  if (llm::is_context_overflow(refusal.failure)) refusal.status = llm::context_overflow_status;
  refusal.failure.status = refusal.status;
  return refusal;
}

void CallRun::refuse(const Action& action) {
  if (limited_ && action.reason != Reason::limit) tell_quotas(gateway_.quotas(asked()));
  client_->on_refusal(refusal_of(action), summary());
}

void CallRun::release(const Action& action) {
  const std::uint32_t target = targets_[place_].target;
  if (attempt_) attempt_->detach();
  attempt_.reset();
  const bool no_room =
      action.told_nothing && action.failure->failure_class == llm::FailureClass::overloaded;
  if (no_room) note_no_room();
  if (action.failure && !action.told_nothing && !failure_noted_) note_cut(*action.failure);
  if (action.failure) answer_memory_.reset();

  limits::Used used;
  const bool estimated = action.charge.kind == ChargeKind::estimated;
  if (action.charge.kind != ChargeKind::nothing) {
    used.tokens = action.charge.usage.input + action.charge.usage.output;
    used.picodollars = gateway_.cost(target, action.charge, bound_, {opened_s_, wall_s()});
  }
  const std::optional<limits::Settled> settled = gateway_.settle(reservation_, used);
  if (action.told_nothing) {
    gateway_.abandon(admission_, std::nullopt);
  } else {
    gateway_.finish(admission_,
                    {.failure = action.failure, .first_token_ms = action.first_token_ms});
  }
  admitted_ = reserved_ = false;

  summary_.usage = action.charge.usage;
  summary_.cost += settled ? settled->charged.picodollars : 0;
  summary_.estimated = summary_.estimated || estimated;
  if (settled) write_down(action, *settled);
}

void CallRun::write_down(const Action& action, const limits::Settled& settled) {
  const std::uint32_t target = targets_[place_].target;
  const bool estimated = action.charge.kind == ChargeKind::estimated;
  const std::int64_t duration_ms = (now_ns() - opened_ns_) / 1'000'000;
  std::string_view outcome = "ok";
  if (action.told_nothing && action.failure->failure_class == llm::FailureClass::cut) {
    outcome = "client_gone";
  } else if (action.failure) {
    outcome = llm::failure_name(action.failure->failure_class);
  }
  gateway_.plan(target).metrics.ended(action.charge.usage, settled, estimated, outcome,
                                      action.first_token_ms, duration_ms);
  gateway_.ledger().write({.ended_ms = wall_ms(),
                           .request_id = order_.request_id,
                           .identity = order_.identity,
                           .target = gateway_.target_name(target),
                           .key = key_name_,
                           .outcome = std::string(outcome),
                           .usage = action.charge.usage,
                           .cost = settled.charged.picodollars,
                           .estimated = estimated,
                           .first_token_ms = action.first_token_ms,
                           .duration_ms = duration_ms,
                           .noted = reservation_});
}

/// What may end the attempt under way from this side.
Input CallRun::ended_by(InputKind kind) const {
  Input input{.kind = kind};
  if (!attempt_) return input;
  input.waits_for_room = attempt_->waits_for_room();
  input.unread_bytes = attempt_->unread_bytes();
  return input;
}

void CallRun::leave() {
  if (ended_) return;
  feed(ended_by(InputKind::client_gone));
}

void CallRun::share() {
  others_wait_ = true;
  if (answer_memory_) answer_memory_->share();
}

void CallRun::end() {
  ended_ = true;
  // It waited for money that may come when nobody is there any more to give the admission back.
  if (admitted_ && !reserved_) gateway_.abandon(admission_, std::nullopt);
  admitted_ = false;
  answer_memory_.reset();
  client_->on_end();
}

CallSummary CallRun::summary() const {
  CallSummary out = summary_;
  if (out.target.empty() && !targets_.empty())
    out.target = gateway_.target_name(targets_[place_].target);
  out.usage = answer_.usage;
  return out;
}

// --- what calls share ---------------------------------------------------------------------------

namespace {

// vllm's port, 8000, is what many serve on, the relay among them: nobody's address is guessed
// there.
bool has_own_address(const llm::Dialect& dialect) {
  const bool here = dialect.base_url.starts_with("http://127.0.0.1:8000");
  return !dialect.base_url.empty() && !here;
}

Error unknown_dialect(const std::string& path, const std::string& dialect) {
  std::vector<std::string_view> names;
  std::string known;
  for (const llm::Dialect& one : llm::dialects()) {
    names.push_back(one.name);
    known += joined({known.empty() ? "" : ", ", one.name});
  }
  return make_error("bad_config",
                    {path, ": there is no dialect ", dialect, did_you_mean(dialect, names),
                     "; known are ", known},
                    {path}, {"one of ", known}, {dialect});
}

}  // namespace

Result<void> GatewayImpl::add_providers() {
  for (std::size_t i = 0; i < options_.providers.size(); ++i) {
    const ProviderOptions& given = options_.providers[i];
    Provider provider;
    provider.name = given.name;
    const std::string path = joined({"providers[", i, "]"});
    const std::string dialect = given.dialect.empty() ? given.name : given.dialect;
    provider.dialect = llm::find_dialect(dialect);
    if (!provider.dialect)
      return unknown_dialect(path + (given.dialect.empty() ? ".name" : ".dialect"), dialect);
    if (given.base_url.empty() && !has_own_address(*provider.dialect))
      return make_error(
          "bad_config",
          {path, ".base_url: expected the address of ", given.name,
           ", such as http://127.0.0.1:8001/v1: the dialect ", dialect, " has none of its own"},
          {path, ".base_url"}, {"an address"}, {});
    provider.base_url =
        given.base_url.empty() ? std::string(provider.dialect->base_url) : given.base_url;
    // A server of one's own may want no key.
    provider.free_of_charge = given.free;
    provider.key_needed = given.base_url.empty() && provider.dialect->auth != llm::AuthKind::none;
    auto destination = destination_of({.base_url = provider.base_url,
                                       .authorities_file = given.authorities_file,
                                       .proxy = given.proxy});
    if (!destination) {
      Error fault = destination.error();
      fault.path = joined({path, ".", fault.path});
      fault.message = fault.path + ": " + fault.message;
      return fault;
    }
    provider.destination = std::move(*destination);
    providers_.push_back(std::move(provider));
  }
  return {};
}

void GatewayImpl::add_targets() {
  std::vector<TargetOptions> targets;
  const auto add = [&](const std::string& name) {
    if (name == "engine" || std::find(names_.begin(), names_.end(), name) != names_.end()) return;
    const std::size_t slash = name.find('/');
    const std::string provider = name.substr(0, slash);
    for (std::uint32_t i = 0; i < providers_.size(); ++i) {
      if (providers_[i].name != provider) continue;
      TargetPlan plan;
      plan.provider = i;
      plan.model = name.substr(slash + 1);
      plan.card = models_.find(providers_[i].dialect->name, plan.model);
      plan.player_calls_max = player_part(options_.providers[i].concurrent_max);
      if (plan.card) plan.tariff = &plan.card->tariff;
      if (!plan.card)
        plan.embedding = models_.find_embedding(providers_[i].dialect->name, plan.model);
      if (plan.embedding)
        plan.tariff = &embedding_tariffs_.emplace_back(tariff_of(*plan.embedding));
      if (providers_[i].free_of_charge) plan.tariff = free_tariff();
      plan.metrics = GatewayMetrics::series(metrics_, name);
      plans_.push_back(plan);
      names_.push_back(name);
      TargetOptions options;
      options.name = name;
      options.concurrent_max = options_.providers[i].concurrent_max;
      targets.push_back(std::move(options));
    }
  };
  for (const Alias& alias : aliases_.list()) {
    for (const std::string& target : alias.targets)
      add(target);
  }
  if (options_.direct_targets) {
    for (const llm::ModelCard& card : models_.cards()) {
      for (const Provider& provider : providers_) {
        if (card.is_called(provider.dialect->name, card.model))
          add(provider.name + "/" + card.model);
      }
    }
    for (const llm::EmbeddingCard& card : models_.embeddings()) {
      for (const Provider& provider : providers_) {
        if (card.is_called(provider.dialect->name, card.model))
          add(provider.name + "/" + card.model);
      }
    }
  }
  targets_ = Targets(targets);
  reload_keys();
}

void GatewayImpl::reload_keys() {
  const auth::KeyRingPtr ring = keys_.get();
  const std::lock_guard lock(mutex_);
  for (std::uint32_t target = 0; target < plans_.size(); ++target) {
    std::vector<WeightedKey> keys;
    if (ring) {
      for (const auth::ProviderKey& key : ring->keys()) {
        if (key.provider == provider(target).name) keys.push_back({key.name, key.weight});
      }
    }
    targets_.replace_keys(target, std::move(keys));
  }
}

SecretTexts GatewayImpl::secrets(std::uint32_t target, const auth::KeyRing& ring) const {
  SecretTexts secrets;
  for (const auth::ProviderKey& key : ring.keys())
    secrets.push_back(key.key.text());
  const net::DestinationPtr& to = provider(target).destination;
  if (to && to->proxy && !to->proxy->authorization.empty())
    secrets.push_back(to->proxy->authorization);
  return secrets;
}

KnownModel GatewayImpl::known(std::string name, std::span<const std::string> targets) const {
  KnownModel model{.name = std::move(name)};
  bool goes = true;
  std::size_t found = 0;
  std::size_t embedding = 0;
  for (const std::string& target : targets) {
    const auto at = std::find(names_.begin(), names_.end(), target);
    if (at == names_.end()) continue;
    const TargetPlan& plan = plans_[static_cast<std::size_t>(at - names_.begin())];
    ++found;
    embedding += plan.embedding ? 1 : 0;
    model.price_known = model.price_known && plan.tariff;
    const auto day = plan.card        ? plan.card->shut_off_day
                     : plan.embedding ? plan.embedding->shut_off_day
                                      : std::nullopt;
    goes = goes && day;
    if (day) model.shut_off_day = std::max(model.shut_off_day.value_or(*day), *day);
  }
  if (!goes) model.shut_off_day.reset();
  model.embeds = found > 0 && embedding == found;
  return model;
}

std::vector<KnownModel> GatewayImpl::models() const {
  std::vector<KnownModel> models;
  for (const Alias& alias : aliases_.list())
    models.push_back(known(alias.name, alias.targets));
  if (!options_.direct_targets) return models;
  for (const std::string& name : names_)
    models.push_back(known(name, {&name, 1}));
  return models;
}

LongestAnswer GatewayImpl::longest_answer(std::uint32_t target) const {
  const std::int64_t now_s = wall_s();
  LongestAnswer longest{.output_tokens = token_limits(target).output};
  const llm::Tariff* tariff = plans_[target].tariff;
  if (tariff != nullptr)
    longest.cost =
        llm::cost_bound_picodollars(0, longest.output_tokens, {}, *tariff, {now_s, now_s});
  return longest;
}

std::vector<ModelNote> GatewayImpl::model_notes(std::int64_t today) const {
  std::vector<ModelNote> notes;
  const NamedRules rules[] = {
      {"all", options_.all}, {"anonymous", options_.anonymous}, {"player", options_.player}};
  for (std::size_t i = 0; i < plans_.size(); ++i) {
    std::vector<std::string> aliases;
    for (const Alias& alias : aliases_.list()) {
      const auto& targets = alias.targets;
      if (std::find(targets.begin(), targets.end(), names_[i]) != targets.end())
        aliases.push_back(alias.name);
    }
    // Direct targets that no alias names are the table's, not the operator's choice.
    if (aliases.empty()) continue;
    const Provider& from = providers_[plans_[i].provider];
    if (keys_.get() && from.key_needed && !has_key(from.name))
      notes.push_back(note_without_key(names_[i], aliases, from.name));
    const bool needs_bound =
        providers_[plans_[i].provider].dialect->format == llm::WireFormat::anthropic &&
        options_.unknown_output_tokens_max == 0;
    if (auto note = note_of(names_[i], aliases, plans_[i].card, plans_[i].tariff != nullptr,
                            needs_bound, today))
      notes.push_back(std::move(*note));
    const auto target = static_cast<std::uint32_t>(i);
    // How long the answers of an unknown model are, nobody knows.
    if (plans_[i].card == nullptr) continue;
    if (auto note = note_of_limits(names_[i], aliases, longest_answer(target), rules))
      notes.push_back(std::move(*note));
  }
  return notes;
}

bool GatewayImpl::budgeted(const Order& order) const {
  return has_budget(options_.all) || has_budget(options_.model) ||
         has_budget(options_.provider_key) || has_budget(with(options_.player, order.own_limits)) ||
         (order.identity.is_anonymous() && has_budget(options_.anonymous));
}

bool GatewayImpl::counts_tokens(const Order& order) const {
  return has_token_limit(options_.all) || has_token_limit(options_.model) ||
         has_token_limit(options_.provider_key) ||
         has_token_limit(with(options_.player, order.own_limits)) ||
         (order.identity.is_anonymous() && has_token_limit(options_.anonymous));
}

TokenLimits GatewayImpl::token_limits(std::uint32_t target) const {
  if (const llm::ModelCard* card = plans_[target].card)
    return {card->context_tokens, card->output_tokens_max, card->image_tokens_max};
  if (const llm::EmbeddingCard* card = plans_[target].embedding)
    return {.context = card->input_tokens_max};
  const std::int64_t most = options_.unknown_output_tokens_max;
  return {unknown_context_tokens, most > 0 ? most : unknown_output_tokens, unknown_image_tokens};
}

AttemptTarget GatewayImpl::attempt_target(std::uint32_t target, llm::WireFormat client,
                                          bool stream) const {
  const Provider& to = provider(target);
  return {.dialect = to.dialect,
          .base_url = to.base_url,
          .model = plans_[target].model,
          .card = plans_[target].card,
          .embedding = plans_[target].embedding,
          .most = token_limits(target),
          .unknown_output_tokens_max = options_.unknown_output_tokens_max,
          .answer_bytes_max = static_cast<std::int64_t>(
              options_.answers ? options_.answers->answer_bytes_max() : llm::whole_body_bytes_max),
          .stream = stream,
          .passes_sound = options_.pass_through.passes_sound(client)};
}

bool GatewayImpl::has_key(std::string_view provider) const {
  const auth::KeyRingPtr ring = keys_.get();
  return ring && std::any_of(ring->keys().begin(), ring->keys().end(),
                             [&](const auto& key) { return key.provider == provider; });
}

/// Does a call lack a bound of its output that somebody needs: the limits, or a format that has no
/// request without it?
bool GatewayImpl::lacks_bound(const TargetPlan& plan, const Order& order) const {
  if (plan.card || plan.embedding || order.embedding || order.request.output_tokens_max ||
      options_.unknown_output_tokens_max > 0)
    return false;
  return providers_[plan.provider].dialect->format == llm::WireFormat::anthropic ||
         counts_tokens(order);
}

std::optional<LeftOut> GatewayImpl::left_out(std::uint32_t target, const Order& order,
                                             bool money) const {
  const TargetPlan& plan = plans_[target];
  const Provider& from = providers_[plan.provider];
  if (from.key_needed && !has_key(from.name))
    return LeftOut{"no_key", "the relay has no key for " + from.name};
  if (money && !plan.tariff) {
    return LeftOut{"no_price", "the price of " + names_[target] +
                                   " is not known, and a budget limits what calls may cost"};
  }
  if (lacks_bound(plan, order)) {
    return LeftOut{"no_output_bound", "nothing bounds the output of " + names_[target] +
                                          ": the request has to name a limit of tokens"};
  }
  return std::nullopt;
}

/// `why`: of the preferred target that is left out.
std::vector<PlannedTarget> GatewayImpl::plan_route(const Route& route, const Order& order,
                                                   std::string& why) {
  const bool money = budgeted(order);
  std::vector<PlannedTarget> planned;
  for (const std::string& name : route.targets) {
    const auto at = std::find(names_.begin(), names_.end(), name);
    if (at == names_.end()) {  // a client's own words, of a model that no card knows
      if (why.empty()) why = "the price of " + name + " is not known, and no alias names it";
      continue;
    }
    const auto target = static_cast<std::uint32_t>(at - names_.begin());
    if (const auto left = left_out(target, order, money)) {
      failure_log_.note_denied(order.request_id, name, left->reason, left->message, now_ns());
      if (why.empty()) why = left->message;
      continue;
    }
    planned.push_back({target, provider(target).dialect->stops_on_disconnect});
  }
  return planned;
}

/// A request lives as long as another attempt may need it: a large one is counted until then.
Result<void> count_memory(Order& order) {
  // Of those who wait for another's answer there may be thousands, whom no limit of calls holds.
  const std::size_t uncounted_max = order.shared ? joined_request_bytes : large_request_bytes;
  const std::size_t bytes = size_of(order);
  if (bytes <= uncounted_max || !order.hold_memory) return {};
  order.memory = order.hold_memory(bytes);
  if (!order.memory) return Error{.code = "overloaded", .message = overloaded_words};
  return {};
}

Result<std::shared_ptr<GatewayCall>> GatewayImpl::start(const net::Executor& shard, Order order,
                                                        Delivery delivery,
                                                        std::shared_ptr<CallClient> client) {
  auto held = order.embedding ? llm::hold_to_allowed(*order.embedding, options_.pass_through)
                              : llm::hold_to_allowed(order.request, options_.pass_through);
  if (!held) return held.error();
  if (auto counted = count_memory(order); !counted) return counted.error();
  if (shared_ && order.shared && order.request.answers == 1)
    return shared_->start(shard, std::move(order), delivery, std::move(client));
  return call(shard, std::move(order), delivery, std::move(client));
}

Result<std::shared_ptr<GatewayCall>> GatewayImpl::call(const net::Executor& shard, Order order,
                                                       Delivery delivery,
                                                       std::shared_ptr<CallClient> client) {
  auto route = aliases_.resolve(order.request.model);
  if (!route) return route.error();
  std::string why;
  auto planned = plan_route(*route, order, why);
  if (!why.empty()) why = "The model " + order.request.model + " cannot be called: " + why + ".";
  if (planned.empty() && !route->engine && !why.empty())
    return Error{.code = "unavailable", .message = why, .path = "model"};
  const ModelCallOptions& options = order.game                     ? options_.game_call
                                    : delivery == Delivery::stream ? options_.stream_call
                                                                   : options_.whole_call;
  Rng rng;
  {
    const std::lock_guard lock(mutex_);
    rng = Rng(rng_.next());
  }
  auto call = std::make_shared<CallRun>(*this, shard, std::move(order), options, std::move(planned),
                                        route->engine, rng, std::move(client));
  if (!why.empty()) call->explain(std::move(why));
  call->begin();
  return std::shared_ptr<GatewayCall>(call);
}

Admission GatewayImpl::admit(std::uint32_t target, bool is_retry, std::string_view caller,
                             std::span<const std::uint32_t> refused_keys) {
  const std::lock_guard lock(mutex_);
  return targets_.admit(target, is_retry, now_ns(), caller, refused_keys);
}

std::string GatewayImpl::key_name(const Admission& admission) {
  const std::lock_guard lock(mutex_);
  return targets_.key_count(admission.target) == 0
             ? std::string()
             : targets_.key_name(admission.target, admission.key);
}

KeyOutlook GatewayImpl::key_outlook(const Admission& admission, const Failure& failure,
                                    std::span<const std::uint32_t> refused_keys) {
  const std::lock_guard lock(mutex_);
  return targets_.outlook(admission, failure, now_ns(), refused_keys);
}

GatewayImpl::Shares GatewayImpl::callers_shares(const Order& order, std::string_view player) const {
  Shares shares;
  shares.add({limits::Scope::all, "all", options_.all});
  if (order.identity.is_anonymous())
    shares.add({limits::Scope::purse, "anonymous", options_.anonymous});
  shares.add({limits::Scope::player, player, with(options_.player, order.own_limits)});
  return shares;
}

std::optional<CallRefusal> GatewayImpl::refused_by_zero(const Order& order) {
  const std::string player = order.identity.key();
  const auto refusal =
      limits::refused_by_zero(callers_shares(order, player).span(), may_cost(order.request.model));
  if (!refusal) return std::nullopt;
  return refusal_by(*refusal);
}

/// Is one of the model's targets not known to be free?
bool GatewayImpl::may_cost(std::string_view model) const {
  const auto route = aliases_.resolve(model);
  if (!route) return true;
  return std::any_of(route->targets.begin(), route->targets.end(), [&](const std::string& target) {
    const auto at = std::find(names_.begin(), names_.end(), target);
    if (at == names_.end()) return false;
    return !provider(static_cast<std::uint32_t>(at - names_.begin())).free_of_charge;
  });
}

CallMaker::Counted GatewayImpl::count_request(const Order& order) {
  const std::string player = order.identity.key();
  Shares shares = callers_shares(order, player);
  for (std::size_t i = 0; i < shares.count; ++i) {
    // Another's answer takes no place and no money.
    limits::Rules& rules = shares.list[i].rules;
    rules.concurrent_max.reset();
    rules.day_picodollars.reset();
    rules.month_picodollars.reset();
  }
  limits::Outcome outcome;
  {
    const std::lock_guard lock(mutex_);
    outcome = limiter_.reserve({.shares = shares.span()}, instant());
    if (outcome.verdict == limits::Verdict::reserved)
      (void)limiter_.settle(outcome.id, {}, instant());
  }
  Counted counted{.refusal = {}, .quotas = outcome.quotas};
  if (outcome.verdict == limits::Verdict::reserved) return counted;
  counted.refusal = refusal_by(outcome.refusal);
  return counted;
}

GatewayImpl::Shares GatewayImpl::shares_of(const Asked& asked) const {
  Shares shares;
  shares.add({limits::Scope::all, "all", options_.all, asked.requests});
  shares.add({limits::Scope::model, names_[asked.target], options_.model});
  if (!asked.key.empty())
    shares.add({limits::Scope::provider_key, asked.key, options_.provider_key});
  if (asked.identity->is_anonymous())
    shares.add({limits::Scope::purse, "anonymous", options_.anonymous, asked.requests});
  const limits::Rules own = with(options_.player, *asked.own);
  shares.add({limits::Scope::player, asked.player, own, asked.requests});
  const std::int64_t part = plans_[asked.target].player_calls_max;
  if (!own.concurrent_max || *own.concurrent_max > part)
    shares.add({limits::Scope::player_part, asked.part, {.concurrent_max = part}, 0});
  return shares;
}

limits::Quotas GatewayImpl::quotas(const Asked& asked) {
  const Shares shares = shares_of(asked);
  const std::lock_guard lock(mutex_);
  return limiter_.quotas(shares.span(), instant());
}

limits::Outcome GatewayImpl::reserve(const Asked& asked, const std::shared_ptr<CallRun>& call_run) {
  const Shares shares = shares_of(asked);
  limits::Call call;
  call.shares = shares.span();
  call.tokens_upper = asked.bound.input_tokens + asked.bound.output_tokens;
  if (const llm::Tariff* tariff = plans_[asked.target].tariff) {
    const std::int64_t now_s = wall_s();
    const std::int64_t upper = llm::cost_bound_picodollars(
        asked.bound.input_tokens, asked.bound.output_tokens, asked.bound.tool_uses, *tariff,
        {now_s, now_s + asked.open_ns_max / 1'000'000'000});
    call.picodollars_upper = std::min(upper, limits::call_cost_max);
  }
  call.open_ns_max = asked.open_ns_max;
  limits::OpenLine line = open_line(asked, call.picodollars_upper);
  limits::LedgerLine note;
  limits::Outcome outcome;
  std::vector<limits::LedgerLine> expired;
  std::vector<limits::StoreEffect> effects;
  {
    const std::lock_guard lock(mutex_);
    expired = expire_locked();
    outcome = limiter_.reserve(call, instant());
    if (outcome.verdict == limits::Verdict::reserved)
      note = open_lines_.add(outcome.id, std::move(line));
    // Before the draw is carried out, so that its answer finds the call waiting.
    if (outcome.verdict == limits::Verdict::waiting) {
      if (waiting_.size() < waiting_for_money_max) {
        waiting_.push_back(call_run);
      } else {
        outcome.verdict = limits::Verdict::refused;
        outcome.refusal = {.scope = limits::Scope::all,
                           .limit = limits::Limit::store,
                           .status = 503,
                           .retry_after_ns = limits::busy_retry_ns};
      }
    }
    effects = take_effects_locked();
  }
  write_unsettled(std::move(expired));
  carry_out(std::move(effects));
  if (outcome.verdict == limits::Verdict::reserved) ledger_.note(note);
  return outcome;
}

limits::OpenLine GatewayImpl::open_line(const Asked& asked, limits::Picodollars upper) const {
  limits::OpenLine open{.opened_ms = wall_ms()};
  open.line.request_id = asked.request_id;
  open.line.identity = *asked.identity;
  open.line.target = names_[asked.target];
  open.line.key = asked.key;
  open.line.usage.input = asked.bound.input_tokens;
  open.line.usage.output = asked.bound.output_tokens;
  open.line.cost = upper;
  return open;
}

std::vector<limits::LedgerLine> GatewayImpl::expire_locked() {
  std::vector<limits::Expired> expired;
  limiter_.expire(instant(), expired);
  return open_lines_.expire(expired, wall_ms());
}

void GatewayImpl::write_unsettled(std::vector<limits::LedgerLine> lines) {
  for (limits::LedgerLine& line : lines) {
    const auto at = std::find(names_.begin(), names_.end(), line.target);
    const TargetPlan& plan = plans_[static_cast<std::size_t>(at - names_.begin())];
    const limits::Settled charged{
        .charged = {.tokens = line.usage.input + line.usage.output, .picodollars = line.cost}};
    plan.metrics.unsettled(line.outcome);
    plan.metrics.ended(line.usage, charged, line.estimated, line.outcome, 0, line.duration_ms);
    ledger_.write(std::move(line));
  }
}

void GatewayImpl::close() {
  if (options_.answers) options_.answers->close();
  std::vector<limits::LedgerLine> open;
  std::vector<limits::StoreEffect> effects;
  {
    const std::lock_guard lock(mutex_);
    open = open_lines_.close(wall_ms());
    limiter_.close_leases();
    effects = take_effects_locked();
  }
  write_unsettled(std::move(open));
  for (const limits::StoreEffect& effect : effects)
    ledger_.carry_out(effect, [](std::optional<limits::Picodollars>) {});
}

void GatewayImpl::carry_out(std::vector<limits::StoreEffect> effects) {
  for (const limits::StoreEffect& effect : effects) {
    const bool draw = effect.effect.kind == limits::LeaseEffect::Kind::draw;
    auto granted = [this, draw, subject = effect.subject, period = effect.effect.period,
                    index = effect.effect.index](std::optional<limits::Picodollars> amount) {
      if (!draw) return;
      std::vector<limits::StoreEffect> more;
      {
        const std::lock_guard lock(mutex_);
        if (amount) {
          limiter_.lease_granted(subject, period, index, *amount);
        } else {
          limiter_.lease_failed(subject, period, index, instant());
        }
        more = take_effects_locked();
      }
      carry_out(std::move(more));
      wake_waiting();
    };
    ledger_.carry_out(effect, std::move(granted));
  }
}

void GatewayImpl::wake_waiting() {
  std::vector<std::weak_ptr<CallRun>> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
  }
  for (const auto& weak : waiting) {
    if (const auto call = weak.lock()) asio::post(call->shard(), [call] { call->money_came(); });
  }
}

limits::Picodollars GatewayImpl::cost(std::uint32_t target, const Charge& charge,
                                      const AttemptBound& bound, llm::CallTime when) const {
  const llm::Usage& usage = charge.usage;
  const TargetPlan& plan = plans_[target];
  const Provider& from = providers_[plan.provider];
  if (from.dialect->tells_cost && usage.told_picodollars && !from.free_of_charge)
    return *usage.told_picodollars;
  return plan.tariff ? price_of(charge, bound, *plan.tariff, when) : 0;
}

void GatewayImpl::abandon(const Admission& admission,
                          std::optional<limits::ReservationId> reservation) {
  std::vector<limits::StoreEffect> effects;
  {
    const std::lock_guard lock(mutex_);
    targets_.abandon(admission);
    if (reservation) {
      open_lines_.take(*reservation);
      (void)limiter_.cancel(*reservation, instant());  // it may have expired meanwhile
      effects = take_effects_locked();
    }
  }
  if (reservation) ledger_.forget(*reservation);
  carry_out(std::move(effects));
}

std::optional<limits::Settled> GatewayImpl::settle(limits::ReservationId id, limits::Used used) {
  std::vector<limits::StoreEffect> effects;
  std::optional<limits::Settled> out;
  {
    const std::lock_guard lock(mutex_);
    if (!open_lines_.take(id)) return std::nullopt;
    if (const auto settled = limiter_.settle(id, used, instant())) out = *settled;
    effects = take_effects_locked();
  }
  carry_out(std::move(effects));
  return out;
}

void GatewayImpl::finish(const Admission& admission, const AttemptResult& result) {
  const std::lock_guard lock(mutex_);
  targets_.finish(admission, result, now_ns());
}

Gateway::Spent GatewayImpl::spent(const auth::Identity& caller, const auth::CallerLimits& own,
                                  const limits::Drawn& drawn, std::int64_t now_s) {
  using limits::Period;
  const limits::Rules rules = with(options_.player, own);
  const std::string player = caller.key();
  const auto engaged = [&](Period period, limits::Picodollars so_far) {
    return limiter_.engaged(limits::Scope::player, player, period, limits::period_of(period, now_s),
                            so_far);
  };
  Spent spent;
  const std::lock_guard lock(mutex_);
  if (rules.day_picodollars) spent.day = engaged(Period::day, drawn.day);
  if (rules.month_picodollars) spent.month = engaged(Period::month, drawn.month);
  return spent;
}

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::make(GatewayOptions options, llm::ModelTable models,
                                               auth::CurrentKeys& keys, limits::Ledger& ledger,
                                               observe::Metrics& metrics, std::uint64_t seed) {
  AliasOptions alias_options;
  alias_options.aliases = options.aliases;
  alias_options.direct_targets = options.direct_targets;
  for (const ProviderOptions& provider : options.providers)
    alias_options.providers.push_back(provider.name);
  auto aliases = Aliases::make(std::move(alias_options));
  if (!aliases) return aliases.error();
  auto gateway = std::make_unique<GatewayImpl>(std::move(options), std::move(models),
                                               std::move(*aliases), keys, ledger, metrics, seed);
  if (auto added = gateway->add_providers(); !added) return added.error();
  gateway->add_targets();
  return std::unique_ptr<Gateway>(std::move(gateway));
}

}  // namespace redoubt::upstream
