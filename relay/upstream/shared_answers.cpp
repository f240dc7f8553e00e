#include "relay/upstream/shared_answers.hpp"

#include <algorithm>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/dispatch.hpp>
#include <chrono>
#include <mutex>
#include <utility>

#include "engine/llm/failure.hpp"
#include "relay/net/turns.hpp"
#include "relay/upstream/clock.hpp"
#include "relay/upstream/kept_answer.hpp"
#include "relay/upstream/request_bytes.hpp"
#include "relay/upstream/request_size.hpp"

namespace redoubt::upstream {

namespace {

namespace asio = boost::asio;
using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, net::Executor>;

// A client that follows a stream may keep so much of it uncounted, and counts so much at a time.
constexpr std::size_t kept_step_bytes = 64 * 1024;
// A kept answer up to this is told and written at once.
constexpr std::size_t uncounted_bytes_max = 16 * 1024;

constexpr const char* no_room_words =
    "The relay has too many long answers under way, and no memory for this one; try again.";
constexpr const char* bad_answer_words = "The model's answer is not what this request wants.";

CallRefusal refusal_of(int status, llm::FailureClass failure_class, std::string message) {
  CallRefusal refusal{.status = status};
  refusal.failure = llm::local_failure(failure_class, std::move(message));
  refusal.failure.status = status;
  return refusal;
}

CallRefusal no_room_refusal() {
  CallRefusal refusal = refusal_of(503, llm::FailureClass::overloaded, no_room_words);
  refusal.failure.should_retry = true;
  return refusal;
}

CallRefusal late_refusal(Reason reason) {
  CallRefusal refusal = refusal_of(504, llm::FailureClass::timeout, "No model answered in time.");
  refusal.reason = reason;
  return refusal;
}

// What the flight's payer pays, nobody else does.
CallSummary unpaid(CallSummary summary) {
  summary.cost = 0;
  summary.estimated = false;
  return summary;
}

/// The answer, which `memory` is kept with.
std::shared_ptr<const llm::ChatAnswer> counted_by(std::shared_ptr<const llm::ChatAnswer> answer,
                                                  std::shared_ptr<const void> memory) {
  const llm::ChatAnswer* what = answer.get();
  return {what, [answer = std::move(answer), memory = std::move(memory)](const auto*) {}};
}

struct Keys {
  CacheKey answer;  ///< what was asked, by whom
  CacheKey flight;  ///< and how: by what it is awaited
};

Keys keys_of(const Order& order, Delivery delivery) {
  Keys keys{.answer = order.answer_key ? *order.answer_key
                                       : answer_key(order.identity.tenant, order.request),
            .flight = {}};
  const char* how = order.game ? "game" : delivery == Delivery::stream ? "stream" : "whole";
  keys.flight =
      cache_key(how, {reinterpret_cast<const char*>(keys.answer.data()), keys.answer.size()});
  return keys;
}

class Shared;

/// One client of a shared order, on its shard.
class Follower final : public GatewayCall, public std::enable_shared_from_this<Follower> {
 public:
  Follower(Shared& shared, const net::Executor& shard, FollowerId own_id, Order asked,
           Delivery wanted, std::shared_ptr<CallClient> client)
      : id(own_id),
        keys(keys_of(asked, wanted)),
        caller(asked.identity.key()),
        order(std::move(asked)),
        delivery(wanted),
        shared_(shared),
        shard_(shard),
        client_(std::move(client)),
        hold_memory_(order.hold_memory) {}

  void leave() override;

  // What it is told; nothing once it is over.
  void source(Source source);
  void quotas(const limits::Quotas& quotas);
  void begun(const CallSummary& summary);
  void event(const llm::ChatEvent& event, llm::WireFormat origin);
  void answer(const std::shared_ptr<const llm::ChatAnswer>& answer, llm::WireFormat origin,
              const CallSummary& summary);
  void refuse(const CallRefusal& refusal, const CallSummary& summary);
  void engine(const CallRefusal& why);
  /// Its flight ended without a word for it.
  void over();
  /// Its flight's opener was refused: it asks anew.
  void again();

  /// A kept answer of so many bytes, as this client wants it. False where its client does not
  /// accept it.
  bool kept(const KeptAnswer& kept, std::size_t bytes);
  /// `begun`: of the stream that has begun, `frames` what it has said.
  void joined(const std::optional<CallSummary>& begun, const std::vector<Frame>& frames,
              std::int64_t answer_by_ms);
  Result<void> call_alone(CallMaker& maker);
  const net::Executor& shard() const { return shard_; }
  const std::shared_ptr<CallClient>& client() const { return client_; }

  const FollowerId id;
  const Keys keys;
  const std::string caller;
  Order order;  ///< moved out by whoever opens a flight
  const Delivery delivery;

 private:
  void finish();
  bool count_kept();

  Shared& shared_;
  net::Executor shard_;
  std::shared_ptr<CallClient> client_;  // null: it is over
  std::shared_ptr<GatewayCall> alone_;
  std::optional<Timer> answer_by_;
  bool engine_notified_ = false;
  http::HoldMemory hold_memory_;
  // Of what its client keeps of a stream, kept_step_bytes each.
  std::vector<std::shared_ptr<const void>> kept_memory_;
};

/// The upstream call's client: passes on what it is told. On its opener's shard.
class Flight final : public CallClient, public std::enable_shared_from_this<Flight> {
 public:
  Flight(Shared& shared, std::shared_ptr<Follower> opener)
      : key(opener->keys.flight),
        shared_(shared),
        shard_(opener->shard()),
        judge_(opener->client()),
        opener_(std::move(opener)) {}
  ~Flight() override;

  void on_quotas(const limits::Quotas& quotas) override { opener_->quotas(quotas); }
  void on_begun(const CallSummary& summary) override;
  void on_event(const llm::ChatEvent& event, llm::WireFormat origin) override;
  /// Counts the answer for as long as one of those who are told it has it.
  void on_memory(std::shared_ptr<AnswerMemory::Hold> memory) override {
    memory_ = std::move(memory);
  }
  void on_answer(std::shared_ptr<const llm::ChatAnswer> answer, llm::WireFormat origin,
                 const CallSummary& summary) override;
  void on_late_answer(const llm::ChatAnswer& answer, llm::WireFormat origin,
                      const CallSummary& summary) override {
    on_answer(std::make_shared<const llm::ChatAnswer>(answer), origin, summary);
  }
  void on_refusal(const CallRefusal& refusal, const CallSummary& summary) override;
  void on_engine(const CallRefusal& why) override;
  // Equal requests have equal judges: the opener's is on this shard.
  bool accepts(const llm::ChatAnswer& answer) override { return judge_->accepts(answer); }
  void on_end() override;

  void hold(const std::shared_ptr<GatewayCall>& call);
  /// Another caller than the opener joined. On its shard.
  void share(const std::string& caller);
  /// The last follower left.
  void cancel();
  const net::Executor& shard() const { return shard_; }
  const Follower* opener() const { return opener_.get(); }

  const CacheKey key;
  // Under the lock.
  bool over = false;                 ///< it publishes nothing any more
  std::optional<CallSummary> begun;  ///< of its stream, as those are told who join

 private:
  Shared& shared_;
  net::Executor shard_;
  std::shared_ptr<CallClient> judge_;
  std::shared_ptr<Follower> opener_;
  std::weak_ptr<GatewayCall> call_;  // it holds us, and itself until it ends
  std::shared_ptr<AnswerMemory::Hold> memory_;
  bool published_ = false;
  bool cancelled_ = false;
  std::string other_;  // caller that joined, the last
};

using Followers = std::vector<std::shared_ptr<Follower>>;

class Shared final : public SharedAnswers {
 public:
  Shared(SharedAnswersOptions options, CallMaker& maker, observe::Metrics& metrics);

  Result<std::shared_ptr<GatewayCall>> start(const net::Executor& shard, Order order,
                                             Delivery delivery,
                                             std::shared_ptr<CallClient> client) override;
  void load();
  Result<void> enter(const std::shared_ptr<Follower>& follower);
  void left(const Follower& follower);
  Followers publish_begun(Flight& flight, const CallSummary& summary);
  Followers publish(const Flight& flight, const Frame& frame);
  /// Ends the flight, with the answer that it kept, and tells who was on it.
  Followers close(Flight& flight, const ExactCache::Answer& answer = nullptr);

 private:
  struct Found {
    ExactCache::Answer kept;
    Joined joined;
    std::optional<CallSummary> begun;  ///< of the stream that it joined
    std::shared_ptr<Flight> flight;    ///< that it opened
    /// That it shares with another caller, and that one's shard: it is let go of there alone.
    std::weak_ptr<Flight> others;
    std::optional<net::Executor> others_shard;
  };
  Found find(const std::shared_ptr<Follower>& follower);
  bool counted(Follower& follower);
  bool tell_kept(Follower& follower, std::string_view bytes);
  void keep(const CacheKey& key, const ExactCache::Answer& answer);
  void restore(const std::vector<StoredAnswer>& answers);
  void show_size_locked();
  Result<void> open(const std::shared_ptr<Follower>& follower,
                    const std::shared_ptr<Flight>& flight);
  void follow(Follower& follower, const Found& found);

  SharedAnswersOptions options_;
  AnswerStore* store_;
  CallMaker& maker_;
  observe::Counter& hits_;
  observe::Counter& misses_;
  observe::Counter& joins_;
  observe::Counter& alone_;
  observe::Gauge& entries_;
  observe::Gauge& bytes_;

  std::mutex mutex_;  // what follows, Flight::over and Flight::begun
  ExactCache cache_;
  SingleFlight flights_;
  FollowerId last_id_ = 0;
  std::unordered_map<FollowerId, std::shared_ptr<Follower>> followers_;
  std::unordered_map<CacheKey, std::weak_ptr<Flight>, CacheKeyHash> open_;
};

// --- a follower ---------------------------------------------------------------------------------

void Follower::leave() {
  if (const auto call = std::exchange(alone_, nullptr)) return call->leave();
  if (!client_) return;
  shared_.left(*this);
  finish();
}

void Follower::finish() {
  answer_by_.reset();
  kept_memory_.clear();
  if (const auto client = std::exchange(client_, nullptr)) client->on_end();
}

void Follower::source(Source source) {
  if (client_) client_->on_source(source);
}

void Follower::quotas(const limits::Quotas& quotas) {
  if (client_) client_->on_quotas(quotas);
}

void Follower::begun(const CallSummary& summary) {
  if (client_) client_->on_begun(summary);
}

void Follower::event(const llm::ChatEvent& event, llm::WireFormat origin) {
  const auto client = client_;
  if (!client) return;
  client->on_event(event, origin);
  if (client_ && !count_kept()) {
    shared_.left(*this);
    refuse(no_room_refusal(), {});
  }
}

/// False where there is no memory for what its client keeps of the stream.
bool Follower::count_kept() {
  if (!hold_memory_) return true;
  const std::size_t bytes = client_->kept_bytes();
  while (bytes >= (kept_memory_.size() + 1) * kept_step_bytes) {
    auto memory = hold_memory_(kept_step_bytes);
    if (!memory) return false;
    kept_memory_.push_back(std::move(memory));
  }
  return true;
}

void Follower::answer(const std::shared_ptr<const llm::ChatAnswer>& answer, llm::WireFormat origin,
                      const CallSummary& summary) {
  const auto client = client_;
  if (!client) return;
  if (engine_notified_) {
    client->on_late_answer(*answer, origin, summary);
  } else if (delivery == Delivery::stream || client->accepts(*answer)) {
    client->on_answer(answer, origin, summary);
  } else if (order.game) {
    engine(refusal_of(502, llm::FailureClass::malformed, bad_answer_words));
  } else {
    client->on_refusal(refusal_of(502, llm::FailureClass::malformed, bad_answer_words), summary);
  }
  finish();
}

void Follower::refuse(const CallRefusal& refusal, const CallSummary& summary) {
  const auto client = client_;
  if (!client) return;
  if (order.game) {
    engine(refusal);
  } else {
    client->on_refusal(refusal, summary);
  }
  finish();
}

void Follower::engine(const CallRefusal& why) {
  const auto client = client_;
  if (client && !std::exchange(engine_notified_, true)) client->on_engine(why);
}

void Follower::over() {
  refuse(late_refusal(Reason::deadline), {});
}

void Follower::again() {
  if (!client_ || engine_notified_) return finish();
  order.request_counted = true;
  const auto entered = shared_.enter(shared_from_this());
  if (!entered) refuse(refusal_of(503, llm::FailureClass::overloaded, entered.error().message), {});
}

bool Follower::kept(const KeptAnswer& kept, std::size_t bytes) {
  std::shared_ptr<const void> memory;
  if (hold_memory_ && bytes > uncounted_bytes_max && !(memory = hold_memory_(bytes))) {
    refuse(no_room_refusal(), {});
    return true;
  }
  const auto whole = counted_by(std::make_shared<const llm::ChatAnswer>(folded(kept)), memory);
  if (delivery == Delivery::whole && !client_->accepts(*whole)) return false;
  source(Source::cache);
  const CallSummary summary{.target = kept.target, .usage = whole->usage};
  if (delivery == Delivery::stream) {
    begun(summary);
    for (const llm::ChatEvent& one : kept.events)
      event(one, kept.origin);
  }
  answer(whole, kept.origin, summary);
  return true;
}

void Follower::joined(const std::optional<CallSummary>& begun_before,
                      const std::vector<Frame>& frames, std::int64_t answer_by_ms) {
  source(Source::joined);
  if (begun_before) begun(*begun_before);
  for (const Frame& frame : frames) {
    if (const auto read = read_event(*frame)) event(read->event, read->origin);
  }
  // Whoever asks anew has been waiting since he came.
  if (!order.game || !client_ || answer_by_) return;
  answer_by_.emplace(shard_);
  answer_by_->expires_after(std::chrono::milliseconds(answer_by_ms));
  answer_by_->async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
    const auto self = weak.lock();
    if (ec || !self) return;
    self->answer_by_.reset();
    self->engine(late_refusal(Reason::answer_by));
  });
}

Result<void> Follower::call_alone(CallMaker& maker) {
  source(Source::call);
  auto call = maker.call(shard_, std::move(order), delivery, client_);
  if (!call) return call.error();
  alone_ = std::move(*call);
  client_.reset();  // it is the call's
  return {};
}

// --- a flight -----------------------------------------------------------------------------------

// Of followers there may be a thousand: they take turns on their shard, in order.
template <class Step>
void at_turn(const std::shared_ptr<Follower>& follower, Step step) {
  const net::Executor& shard = follower->shard();
  asio::dispatch(shard, [follower, step = std::move(step)]() mutable {
    net::Turns::of(follower->shard()).queue(std::move(step));
  });
}

// Its shard went away before it ended: so do they.
Flight::~Flight() {
  shared_.close(*this);
}

void Flight::on_begun(const CallSummary& summary) {
  const CallSummary others = unpaid(summary);
  for (const auto& follower : shared_.publish_begun(*this, others)) {
    if (follower == opener_) {
      follower->begun(summary);
    } else {
      at_turn(follower, [follower, others] { follower->begun(others); });
    }
  }
}

void Flight::on_event(const llm::ChatEvent& event, llm::WireFormat origin) {
  published_ = true;
  const auto frame = std::make_shared<const std::string>(event_bytes(event, origin));
  for (const auto& follower : shared_.publish(*this, frame)) {
    if (follower == opener_) {
      follower->event(event, origin);
      continue;
    }
    at_turn(follower, [follower, frame] {
      if (const auto read = read_event(*frame)) follower->event(read->event, read->origin);
    });
  }
}

void Flight::on_answer(std::shared_ptr<const llm::ChatAnswer> answer, llm::WireFormat origin,
                       const CallSummary& summary) {
  ExactCache::Answer kept;
  if (worth_keeping(*answer))
    kept =
        std::make_shared<const std::string>(upstream::kept_bytes(*answer, origin, summary.target));
  if (memory_) memory_->settle(answer_size(*answer));
  const auto delivered = counted_by(std::move(answer), std::exchange(memory_, nullptr));
  for (const auto& follower : shared_.close(*this, kept)) {
    if (follower == opener_) {
      follower->answer(delivered, origin, summary);
    } else {
      at_turn(follower, [follower, delivered, origin, own = unpaid(summary)] {
        follower->answer(delivered, origin, own);
      });
    }
  }
}

void Flight::on_refusal(const CallRefusal& refusal, const CallSummary& summary) {
  const bool of_opener = refusal.by_limit && !published_;
  for (const auto& follower : shared_.close(*this)) {
    if (follower == opener_) {
      follower->refuse(refusal, summary);
    } else if (of_opener) {
      at_turn(follower, [follower] { follower->again(); });
    } else {
      const CallSummary own = unpaid(summary);
      at_turn(follower, [follower, refusal, own] { follower->refuse(refusal, own); });
    }
  }
}

void Flight::on_engine(const CallRefusal& why) {
  // The others' time is their own.
  if (why.reason == Reason::answer_by) return opener_->engine(why);
  on_refusal(why, {});
}

void Flight::on_end() {
  for (const auto& follower : shared_.close(*this))
    at_turn(follower, [follower] { follower->over(); });
}

void Flight::hold(const std::shared_ptr<GatewayCall>& call) {
  call_ = call;
  if (!other_.empty()) call->share(other_);
  if (cancelled_) call->leave();
}

void Flight::share(const std::string& caller) {
  other_ = caller;
  if (const auto call = call_.lock()) call->share(caller);
}

void Flight::cancel() {
  cancelled_ = true;
  if (const auto call = call_.lock()) call->leave();
}

// --- what they share ----------------------------------------------------------------------------

observe::Counter& counter(observe::Metrics& metrics, std::string_view result) {
  return metrics.counter("redoubt_model_shared_total",
                         "Requests that another's answer may do for, by what they got: a kept "
                         "answer, a call under way, a call of their own, or one that nobody joins.",
                         {{"result", result}});
}

Shared::Shared(SharedAnswersOptions options, CallMaker& maker, observe::Metrics& metrics)
    : options_(options),
      store_(options.store),
      maker_(maker),
      hits_(counter(metrics, source_name(Source::cache))),
      misses_(counter(metrics, source_name(Source::call))),
      joins_(counter(metrics, source_name(Source::joined))),
      alone_(counter(metrics, "alone")),
      entries_(metrics.gauge("redoubt_model_cache_entries", "Answers that are kept.")),
      bytes_(metrics.gauge("redoubt_model_cache_bytes", "Memory of the kept answers.")),
      cache_(options.cache),
      flights_(options.flights) {
  if (store_ == nullptr) return;
  metrics.computed("redoubt_model_cache_unwritten_total",
                   "Kept answers that the store did not take.", "counter",
                   [this] { return static_cast<double>(store_->lost()); });
}

void Shared::load() {
  if (!store_) return;
  // What cannot be read is asked anew.
  store_->load(wall_ms(), [this](const Result<std::vector<StoredAnswer>>& read) {
    if (read) restore(*read);
  });
}

void Shared::restore(const std::vector<StoredAnswer>& answers) {
  const std::int64_t from_ns = now_ns();
  const std::int64_t from_ms = wall_ms();
  const std::lock_guard lock(mutex_);
  for (const StoredAnswer& one : answers) {
    // A clock that was set back, or a shorter life than when it was written.
    const std::int64_t left_ms = std::min(one.until_ms - from_ms, cache_.ttl_ms());
    if (left_ms > 0) cache_.restore(one.key, one.answer, from_ns + left_ms * 1'000'000);
  }
  show_size_locked();
}

void Shared::show_size_locked() {
  entries_.set(static_cast<std::int64_t>(cache_.entries()));
  bytes_.set(static_cast<std::int64_t>(cache_.bytes()));
}

void Shared::keep(const CacheKey& key, const ExactCache::Answer& answer) {
  {
    const std::lock_guard lock(mutex_);
    if (!cache_.put(key, answer, now_ns())) return;
    show_size_locked();
  }
  const std::int64_t now_ms = wall_ms();
  if (store_)
    store_->put({.key = key, .answer = answer, .until_ms = now_ms + cache_.ttl_ms()}, now_ms);
}

Result<std::shared_ptr<GatewayCall>> Shared::start(const net::Executor& shard, Order order,
                                                   Delivery delivery,
                                                   std::shared_ptr<CallClient> client) {
  FollowerId id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = ++last_id_;
  }
  auto follower =
      std::make_shared<Follower>(*this, shard, id, std::move(order), delivery, std::move(client));
  if (auto entered = enter(follower); !entered) return entered.error();
  return std::shared_ptr<GatewayCall>(follower);
}

Result<void> Shared::enter(const std::shared_ptr<Follower>& follower) {
  if (const auto refusal = maker_.refused_by_zero(follower->order)) {
    follower->refuse(*refusal, {});
    return {};
  }
  const Found found = find(follower);
  if (found.kept) {
    if (tell_kept(*follower, *found.kept)) return {};
    misses_.add();
    return follower->call_alone(maker_);
  }
  switch (found.joined.role) {
    case Role::leader:
      misses_.add();
      return open(follower, found.flight);
    case Role::follower:
      joins_.add();
      follow(*follower, found);
      return {};
    case Role::alone:
      break;
  }
  alone_.add();
  return follower->call_alone(maker_);
}

Shared::Found Shared::find(const std::shared_ptr<Follower>& follower) {
  const std::lock_guard lock(mutex_);
  Found found;
  found.kept = cache_.find(follower->keys.answer, now_ns());
  if (found.kept) return found;
  found.joined = flights_.join(follower->keys.flight, follower->id);
  if (found.joined.role == Role::alone) return found;
  followers_[follower->id] = follower;
  if (found.joined.role == Role::leader) {
    found.flight = std::make_shared<Flight>(*this, follower);
    open_[follower->keys.flight] = found.flight;
  } else if (const auto flight = open_.at(follower->keys.flight).lock()) {
    found.begun = flight->begun;
    if (flight->opener()->caller == follower->caller) return found;
    found.others = flight;
    found.others_shard = flight->shard();
  }
  return found;
}

/// Whoever is not let pass is told so.
bool Shared::counted(Follower& follower) {
  if (follower.order.request_counted) return true;
  const CallMaker::Counted counted = maker_.count_request(follower.order);
  follower.quotas(counted.quotas);
  if (!counted.refusal) return true;
  follower.refuse(*counted.refusal, {});
  return false;
}

bool Shared::tell_kept(Follower& follower, std::string_view bytes) {
  const auto kept = read_kept(bytes);
  if (!kept) return false;
  if (!counted(follower)) return true;
  if (!follower.kept(*kept, bytes.size())) {
    follower.order.request_counted = true;
    return false;
  }
  hits_.add();
  return true;
}

Result<void> Shared::open(const std::shared_ptr<Follower>& follower,
                          const std::shared_ptr<Flight>& flight) {
  follower->source(Source::call);
  auto call =
      maker_.call(follower->shard(), std::move(follower->order), follower->delivery, flight);
  if (call) {
    flight->hold(*call);
    return {};
  }
  // Of the opener's own limits and memory: others find out for themselves.
  for (const auto& other : close(*flight)) {
    if (other != follower) at_turn(other, [other] { other->again(); });
  }
  return call.error();
}

void Shared::follow(Follower& follower, const Found& found) {
  if (!counted(follower)) return left(follower);
  if (found.others_shard) {
    asio::dispatch(*found.others_shard, [others = found.others, caller = follower.caller] {
      if (const auto flight = others.lock()) flight->share(caller);
    });
  }
  follower.joined(found.begun, found.joined.frames, options_.answer_by_ms);
}

void Shared::left(const Follower& follower) {
  std::shared_ptr<Flight> empty;
  std::shared_ptr<Follower> own;
  {
    const std::lock_guard lock(mutex_);
    const LeftFlight left = flights_.leave(follower.keys.flight, follower.id);
    if (const auto found = followers_.find(follower.id); found != followers_.end()) {
      own = std::move(found->second);
      followers_.erase(found);
    }
    if (left.left == Left::last) {
      const auto found = open_.find(follower.keys.flight);
      empty = found->second.lock();
      if (empty) empty->over = true;
      open_.erase(found);
    }
  }
  if (!empty) return;
  // It is let go of on its own shard, too.
  const net::Executor shard = empty->shard();
  asio::dispatch(shard, [empty = std::move(empty)] { empty->cancel(); });
}

Followers Shared::publish_begun(Flight& flight, const CallSummary& summary) {
  Followers out;
  const std::lock_guard lock(mutex_);
  if (flight.over) return out;
  flight.begun = summary;
  for (const FollowerId id : flights_.followers(flight.key))
    out.push_back(followers_.at(id));
  return out;
}

Followers Shared::publish(const Flight& flight, const Frame& frame) {
  Followers out;
  const std::lock_guard lock(mutex_);
  if (flight.over) return out;
  for (const FollowerId id : flights_.publish(flight.key, frame))
    out.push_back(followers_.at(id));
  return out;
}

Followers Shared::close(Flight& flight, const ExactCache::Answer& answer) {
  Followers out;
  if (answer) keep(flight.opener()->keys.answer, answer);
  const std::lock_guard lock(mutex_);
  if (std::exchange(flight.over, true)) return out;
  for (const FollowerId id : flights_.finish(flight.key)) {
    const auto found = followers_.find(id);
    out.push_back(std::move(found->second));
    followers_.erase(found);
  }
  open_.erase(flight.key);
  return out;
}

}  // namespace

std::string_view source_name(Source source) {
  switch (source) {
    case Source::call:
      return "miss";
    case Source::joined:
      return "join";
    case Source::cache:
      return "hit";
  }
  return "";
}

std::unique_ptr<SharedAnswers> SharedAnswers::make(SharedAnswersOptions options, CallMaker& maker,
                                                   observe::Metrics& metrics) {
  auto shared = std::make_unique<Shared>(options, maker, metrics);
  shared->load();
  return shared;
}

}  // namespace redoubt::upstream
