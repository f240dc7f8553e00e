#include "relay/upstream/call_run.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "engine/base/message.hpp"
#include "engine/llm/context_overflow.hpp"
#include "engine/llm/decoder.hpp"
#include "engine/llm/failure.hpp"
#include "relay/net/turns.hpp"
#include "relay/upstream/clock.hpp"
#include "relay/upstream/failure_words.hpp"
#include "relay/upstream/request_size.hpp"
#include "relay/upstream/resting_words.hpp"

namespace redoubt::upstream {
namespace {

// An unsettled reservation outlives the call's deadline by so much before it expires.
constexpr std::int64_t settle_grace_ns = 60'000'000'000;
constexpr std::int64_t attempt_grace_ms = 1'000;
// Names of a request's tools that a provider's text about it may have.
constexpr std::size_t own_names_max = 64;
constexpr std::size_t own_name_bytes_max = 256;
constexpr const char* no_room_words =
    "The relay has too many long answers under way, and no memory for the rest of this one; try "
    "again.";
// A provider's own has some 2 KiB.
constexpr std::size_t answer_head_bytes_max = 32 * 1024;
constexpr std::int64_t overloaded_retry_ms = 1'000;

/// Why an answer that came is a failure.
std::string_view cause_of(const llm::ChatFailure& failure, bool began) {
  if (!began) return cause::status;
  if (failure.failure_class == llm::FailureClass::cut) return cause::stream_cut;
  if (failure.failure_class == llm::FailureClass::malformed) return cause::bad_bytes;
  return cause::error_event;
}

std::vector<std::string> own_names(const llm::ChatRequest& request) {
  std::vector<std::string> names;
  for (const llm::ToolDefinition& tool : request.tools) {
    if (names.size() == own_names_max) break;
    if (!tool.name.empty() && tool.name.size() <= own_name_bytes_max) names.push_back(tool.name);
  }
  return names;
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

}  // namespace

std::size_t request_bytes(const Order& order) {
  return request_size(order.request) + (order.embedding ? request_size(*order.embedding) : 0);
}

CallRun::CallRun(const CallContext& context, const net::Executor& shard, Order order,
                 ModelCallOptions options, std::vector<PlannedTarget> targets, bool engine,
                 std::shared_ptr<CallClient> client)
    : context_(context),
      shard_(shard),
      order_(std::move(order)),
      player_(order_.identity.key()),
      options_(options),
      targets_(targets),
      machine_(options, std::move(targets), engine, context_.limits.next_rng()),
      client_(std::move(client)),
      timer_(shard),
      own_names_(own_names(order_.request)),
      request_bytes_(request_bytes(order_)),
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
      context_.limits.abandon(admission_, reserved_ ? std::optional(reservation_) : std::nullopt);
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
  admission_ = context_.limits.admit(target, is_retry_, player_, refused_keys_);
  if (admission_.denial != Denial::none) {
    const std::int64_t wait_ns = std::max<std::int64_t>(0, admission_.retry_at_ns - now_ns());
    const std::vector<RestingKey>& resting = admission_.resting;
    context_.plans.plan(target).metrics.denied(admission_.denial);
    context_.failures.note_denied(order_.request_id, context_.plans.name(target),
                                  denial_name(admission_.denial),
                                  resting_text(resting, now_ns(), wall_ms()), now_ns());
    if (!resting.empty())
      failures_for_client_[attempt_number_] = resting_failure(resting.front(), now_ns());
    deny({.by_limit = false,
          .passes = admission_.denial != Denial::no_key || is_soon_back(resting),
          .status = 503,
          .retry_after_ms = wait_ns / 1'000'000});
    return;
  }
  admitted_ = true;
  key_name_ = context_.limits.key_name(admission_);
  encode_attempt();
}

// Before anything is reserved: what is reserved is read from the bytes that are to be sent.
void CallRun::encode_attempt() {
  const std::uint32_t target = targets_[place_].target;
  AttemptTarget to = context_.plans.attempt_target(target, order_.request.format,
                                                   options_.delivery == Delivery::stream);
  to.budgeted = context_.plans.is_budgeted(target, order_);
  if (request_bytes_ <= net::Turns::short_step_bytes)
    return encoded(encode(order_.request, order_.embedding.get(), to));
  net::ComputePool* pool = context_.options.pool;
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
    boost::asio::post(shard, [weak, work] {
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
  context_.limits.abandon(admission_, std::nullopt);
  admitted_ = false;
  context_.failures.note_denied(order_.request_id, context_.plans.name(targets_[place_].target),
                                "overloaded", overloaded_words, now_ns());
  failures_for_client_[attempt_number_] =
      llm::local_failure(llm::FailureClass::overloaded, overloaded_words);
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
  const limits::Outcome outcome = context_.limits.reserve(asked(), shared_from_this());
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
  context_.limits.abandon(admission_, std::nullopt);
  admitted_ = false;
  const limits::Refusal& refusal = outcome.refusal;
  // A model's or a key's own limit is one target's; another target may be free.
  const bool another = place_ + 1 < targets_.size();
  const bool of_target = refusal.scope == limits::Scope::model ||
                         refusal.scope == limits::Scope::provider_key ||
                         (refusal.scope == limits::Scope::player_part && another);
  llm::ChatFailure failure = limit_failure(refusal, prompt_reserved_);
  const bool budget = failure.failure_class == llm::FailureClass::no_quota;
  context_.failures.note_denied(order_.request_id, context_.plans.name(targets_[place_].target),
                                failure.code, failure.message, now_ns());
  // A budget of the operator's own is theirs to know.
  failures_for_client_[attempt_number_] =
      of_target ? failure_for_client(failure, {}) : std::move(failure);
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
  if (AnswerMemory* answers = context_.options.answers.get()) {
    answer_memory_ = answers->hold(shard_, player_, order_.identity.is_anonymous());
    if (!other_.empty()) answer_memory_->share(other_);
    kept_bytes_max_ = answers->answer_bytes_max();
  }
  attempt_ = std::make_shared<Attempt>(shared_from_this(), shard_, player_, dialect,
                                       context_.options.pool, kept_bytes_max_, answer_memory_);
}

void CallRun::add_key(llm::AuthKind kind, net::OutgoingRequest& outgoing) {
  if (kind == llm::AuthKind::none) return;
  ring_ = context_.keys.get();
  const auth::ProviderKey* key = ring_ ? ring_->find(key_name_) : nullptr;
  if (key == nullptr) return;
  std::string value(llm::auth_prefix(kind));
  value += key->key.text();
  outgoing.headers.push_back({std::string(llm::auth_header(kind)), std::move(value)});
  attempt_->redact(key->key.text());
  context_.keys.used(key_name_, wall_ms());
}

void CallRun::open(const Action& action) {
  const Provider& provider = context_.plans.provider(targets_[place_].target);
  begin_attempt(*provider.dialect);
  Result<llm::WireRequest> wire = std::move(*wire_);
  wire_.reset();
  if (!wire) {
    llm::ChatFailure failure =
        llm::local_failure(llm::FailureClass::bad_request, wire.error().message);
    failure.param = wire.error().path;
    failure.status = 400;
    const bool by_target = wire.error().code == "unsupported";
    on_attempt_failed(Stage::connect, std::move(failure),
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
                        event.kind == EventKind::reported || event.kind == EventKind::tool_begun ||
                        (event.kind == EventKind::tool_arguments && event.index < tool_calls_);
  if (!of_parts) return llm::fold(answer_, event, origin_);
  if (!order_.shared || too_long_to_share_) return;
  llm::fold(answer_, event, origin_);
  too_long_to_share_ = answer_.kept_bytes > context_.options.cache.entry_bytes_max;
  if (!too_long_to_share_) return;
  answer_.parts.clear();
  answer_.reported = {};
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
  on_attempt_failed(Stage::stream, std::move(failure), cause::bad_bytes);
}

void CallRun::note_no_room() {
  failure_noted_ = true;
  failures_for_client_[attempt_number_] =
      llm::local_failure(llm::FailureClass::overloaded, no_room_words);
  context_.failures.note_denied(order_.request_id, context_.plans.name(targets_[place_].target),
                                "no_room", no_room_words, now_ns());
}

void CallRun::on_answer_began() {
  feed({.kind = InputKind::answer_began, .attempt = attempt_number_});
}

void CallRun::on_event(const llm::ChatEvent& event) {
  fold(event);
  if (!count_kept()) return give_up_too_long();
  event_ = &event;
  switch (event.kind) {
    case llm::EventKind::started:
      hold_beginning(event);
      break;
    case llm::EventKind::reported:
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
      on_attempt_failed(began ? Stage::stream : Stage::refused, failure, cause_of(failure, began));
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
  const auth::KeyRingPtr current = context_.keys.get();
  SecretTexts secrets;
  for (const auth::KeyRing* ring : {current.get(), ring_.get()}) {
    if (!ring) continue;
    const SecretTexts more = context_.plans.secrets(target, *ring);
    secrets.insert(secrets.end(), more.begin(), more.end());
    if (ring_ == current) break;
  }
  const std::vector<std::string_view> own_names(own_names_.begin(), own_names_.end());
  // Nobody but us has said what could not be encoded.
  const bool own_words = why == cause::not_encodable || why == cause::unsupported;
  failures_for_client_[attempt_number_] =
      own_words ? failure : failure_for_client(failure, secrets, own_names);
  context_.plans.plan(target).metrics.failed(failure.failure_class);
  const std::string name = context_.plans.name(target);
  context_.failures.note({.request_id = order_.request_id,
                          .provider = context_.plans.provider(target).name,
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
  context_.plans.plan(target).metrics.unterminated->add();
  context_.failures.note_unterminated(order_.request_id, context_.plans.name(target));
}

void CallRun::on_attempt_failed(Stage stage, llm::ChatFailure failure, std::string_view why) {
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
  const KeyOutlook keys = context_.limits.key_outlook(admission_, input.failure, refused_keys_);
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
  summary_.target = context_.plans.name(targets_[place_].target);
  if (limited_ && options_.delivery == Delivery::whole)
    tell_quotas(context_.limits.quotas(asked()));
  const CallSummary so_far = summary();
  if (too_long_to_share_) answer_.finished = false;  // it is not all of it
  client_->on_memory(std::exchange(answer_memory_, nullptr));
  client_->on_answer(std::make_shared<const llm::ChatAnswer>(std::move(answer_)), origin_, so_far);
}

CallRefusal CallRun::refusal_of(const Action& action) const {
  CallRefusal refusal;
  refusal.status = action.status;
  refusal.reason = action.reason;
  refusal.retry_after_ms = action.retry_after_ms;
  refusal.by_limit = action.by_limit;
  const auto found = failures_for_client_.find(action.refused_attempt);
  if (action.reason == Reason::deadline || action.reason == Reason::answer_by) {
    refusal.failure = llm::local_failure(llm::FailureClass::timeout, "No model answered in time.");
  } else if (found == failures_for_client_.end()) {
    refusal.failure = llm::local_failure(llm::FailureClass::overloaded,
                                         "No model is available for this request right now.");
  } else {
    refusal.failure = found->second;
  }
  if (llm::is_context_overflow(refusal.failure)) refusal.status = llm::context_overflow_status;
  refusal.failure.status = refusal.status;
  return refusal;
}

void CallRun::refuse(const Action& action) {
  if (limited_ && action.reason != Reason::limit) tell_quotas(context_.limits.quotas(asked()));
  client_->on_refusal(refusal_of(action), summary());
}

void CallRun::release(const Action& action) {
  const std::uint32_t target = targets_[place_].target;
  if (attempt_) attempt_->detach();
  attempt_.reset();
  const bool no_room =
      action.inconclusive && action.failure->failure_class == llm::FailureClass::overloaded;
  if (no_room) note_no_room();
  if (action.failure && !action.inconclusive && !failure_noted_) note_cut(*action.failure);
  if (action.failure) answer_memory_.reset();

  limits::Used used;
  const bool estimated = action.charge.kind == ChargeKind::estimated;
  if (action.charge.kind != ChargeKind::nothing) {
    used.tokens = action.charge.usage.input + action.charge.usage.output;
    used.picodollars = context_.plans.cost(target, action.charge, bound_, {opened_s_, wall_s()});
  }
  const std::optional<limits::Settled> settled = context_.limits.settle(reservation_, used);
  if (action.inconclusive) {
    context_.limits.abandon(admission_, std::nullopt);
  } else {
    context_.limits.finish(admission_,
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
  if (action.inconclusive && action.failure->failure_class == llm::FailureClass::cut) {
    outcome = "client_gone";
  } else if (action.failure) {
    outcome = llm::failure_name(action.failure->failure_class);
  }
  context_.plans.plan(target).metrics.ended(action.charge.usage, settled, estimated, outcome,
                                            action.first_token_ms, duration_ms);
  context_.ledger.write({.ended_ms = wall_ms(),
                         .request_id = order_.request_id,
                         .identity = order_.identity,
                         .target = context_.plans.name(target),
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

void CallRun::share(const std::string& caller) {
  other_ = caller;
  if (answer_memory_) answer_memory_->share(caller);
}

void CallRun::end() {
  ended_ = true;
  // It waited for money that may come when nobody is there any more to give the admission back.
  if (admitted_ && !reserved_) context_.limits.abandon(admission_, std::nullopt);
  admitted_ = false;
  answer_memory_.reset();
  client_->on_end();
}

CallSummary CallRun::summary() const {
  CallSummary out = summary_;
  if (out.target.empty() && !targets_.empty())
    out.target = context_.plans.name(targets_[place_].target);
  out.usage = answer_.usage;
  return out;
}

}  // namespace redoubt::upstream
