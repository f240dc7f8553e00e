#include "relay/services/models/model_stream.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>
#include <vector>

#include "engine/llm/failure.hpp"
#include "relay/auth/base64.hpp"
#include "relay/auth/crypto.hpp"
#include "relay/services/models/answer_stamp.hpp"
#include "relay/services/models/model_frames.hpp"

namespace redoubt::services {
namespace {

constexpr std::size_t token_random_bytes = 16;
constexpr std::string_view openai_terminator = "[DONE]";
constexpr std::string_view outcome_name = "redoubt_model_socket_streams_total";
constexpr std::string_view outcome_help = "Streams of models over WebSockets, by how they ended.";
constexpr std::string_view resume_name = "redoubt_model_socket_resumes_total";
constexpr std::string_view resume_help = "Attempts to go on with a stream on another connection.";

net::MemoryBudget::Account account_of(const http::Payer& payer) {
  using Share = net::MemoryBudget::Share;
  return {.key = payer.key,
          .share = payer.identity.empty() ? Share::stranger : Share::caller,
          .identity = payer.identity};
}

std::int64_t steady_now_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Error unknown_stream() {
  return {.code = "unknown_stream",
          .message =
              "no stream of this caller is held under this token: it was not gone on with in "
              "time, too much of it had been missed, or its end was acknowledged"};
}

StreamRegistry::StreamRegistry(upstream::StreamHoldOptions hold, observe::Metrics& metrics)
    : hold_(hold),
      complete_(metrics.counter(outcome_name, outcome_help, {{"outcome", "complete"}})),
      failed_(metrics.counter(outcome_name, outcome_help, {{"outcome", "failed"}})),
      cancelled_(metrics.counter(outcome_name, outcome_help, {{"outcome", "cancelled"}})),
      lost_(metrics.counter(outcome_name, outcome_help, {{"outcome", "lost"}})),
      resumed_(metrics.counter(resume_name, resume_help, {{"outcome", "resumed"}})),
      resume_refused_(metrics.counter(resume_name, resume_help, {{"outcome", "refused"}})) {}

std::string StreamRegistry::add(const std::shared_ptr<ModelStream>& stream) {
  std::array<std::uint8_t, token_random_bytes> random{};
  auth::fill_random(random);
  std::string token = auth::to_base64url(random);
  std::string purse(auth::purse_of(stream->caller().key()));
  const std::lock_guard lock(mutex_);
  const auto mine = by_purse_.find(purse);
  const bool full = mine != by_purse_.end() && mine->second.size() >= caller_streams_max;
  if (full && !make_room_locked(purse)) return {};
  if (streams_.size() >= model_streams_max) {
    const auto most = std::max_element(
        by_purse_.begin(), by_purse_.end(),
        [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
    if (!make_room_locked(most->first)) return {};
  }
  by_purse_[purse].emplace(++last_number_, token);
  streams_.emplace(token, Entry{stream, std::move(purse), last_number_});
  return token;
}

/// The caller's oldest stream that is over goes.
bool StreamRegistry::make_room_locked(const std::string& purse) {
  for (const auto& [number, token] : by_purse_.at(purse)) {
    const auto stream = streams_.find(token)->second.stream.lock();
    if (stream && !stream->finished()) continue;
    if (stream) boost::asio::post(stream->shard(), [stream] { stream->give_place(); });
    remove_locked(std::string(token));
    return true;
  }
  return false;
}

void StreamRegistry::remove_locked(std::string_view token) {
  const auto found = streams_.find(token);
  if (found == streams_.end()) return;
  const auto mine = by_purse_.find(found->second.purse);
  mine->second.erase(found->second.number);
  if (mine->second.empty()) by_purse_.erase(mine);
  streams_.erase(found);
}

std::shared_ptr<ModelStream> StreamRegistry::find(std::string_view token,
                                                  const auth::Identity& caller) const {
  std::shared_ptr<ModelStream> stream;
  {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(token);
    if (found != streams_.end()) stream = found->second.stream.lock();
  }
  if (stream && stream->caller() == caller) return stream;
  resume_refused_.add();
  return nullptr;
}

void StreamRegistry::remove(const std::string& token) {
  const std::lock_guard lock(mutex_);
  remove_locked(token);
}

std::size_t StreamRegistry::size() const {
  const std::lock_guard lock(mutex_);
  return streams_.size();
}

void StreamRegistry::release() {
  std::vector<std::shared_ptr<ModelStream>> streams;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [token, entry] : streams_) {
      if (auto stream = entry.stream.lock()) streams.push_back(std::move(stream));
    }
  }
  for (const auto& stream : streams)
    stream->release();
}

ModelStream::ModelStream(net::Executor shard, std::shared_ptr<StreamRegistry> registry,
                         std::string id, const contract::Caller& caller,
                         const llm::ChatRequest& request, std::int64_t created_s)
    : shard_(shard),
      registry_(std::move(registry)),
      id_(std::move(id)),
      caller_(caller.identity),
      memory_(registry_->memory(), account_of(contract::payer_of(caller))),
      hold_(registry_->hold(), [this](std::size_t bytes) { return memory_.resize(bytes); }),
      timer_(shard) {
  answer_.format = request.format;
  answer_.include_usage = request.stream_usage;
  answer_.stamp = stamp_for(request, created_s);
}

bool ModelStream::begin(Socket socket) {
  token_ = registry_->add(shared_from_this());
  if (token_.empty()) return false;
  socket_ = std::move(socket);
  socket_number_ = socket_.number;
  socket_.peer.send_text(started_frame(id_, token_, registry_->hold().hold_ms));
  return true;
}

void ModelStream::hold(std::shared_ptr<upstream::GatewayCall> call) {
  if (!finished_ && !disposed_) call_ = std::move(call);
}

void ModelStream::fail(const llm::ChatFailure& failure) {
  on_refusal({.status = failure.status, .failure = failure}, {});
}

void ModelStream::on_event(const llm::ChatEvent& event, llm::WireFormat origin) {
  answer_.origin = origin;
  llm::encode_event(answer_, event, encoded_);
  began_ = true;
  push_events();
}

void ModelStream::on_answer(std::shared_ptr<const llm::ChatAnswer>, llm::WireFormat,
                            const upstream::CallSummary& summary) {
  if (finished_ || disposed_) return;
  push(end_frame(id_, next_sequence(), "complete", summary));
  finish(registry_->complete_);
}

void ModelStream::on_refusal(const upstream::CallRefusal& refusal,
                             const upstream::CallSummary& summary) {
  if (finished_ || disposed_) return;
  const std::string body = llm::encode_failure(answer_.format, refusal.failure);
  if (began_) {
    // As over SSE, so that the format's own reader sees that the answer is not whole.
    llm::ChatEvent failed;
    failed.kind = llm::EventKind::failed;
    failed.failure = refusal.failure;
    llm::encode_event(answer_, failed, encoded_);
    push_events();
  }
  push(failed_frame(id_, next_sequence(), refusal, body, summary));
  finish(registry_->failed_);
}

void ModelStream::push_events() {
  const std::string encoded = std::exchange(encoded_, {});
  for (const SseEvent& event : sse_events(encoded)) {
    if (finished_ || disposed_) return;
    if (event.data != openai_terminator) push(event_frame(id_, next_sequence(), event));
  }
}

void ModelStream::push(std::string frame) {
  if (disposed_) return;
  // A socket that is closing takes nothing more, and is over only when its client has answered.
  if (socket_number_ != 0 && !socket_.peer.open()) detach(socket_number_);
  if (disposed_) return;
  const auto kept = std::make_shared<const std::string>(std::move(frame));
  hold_.push(kept);
  if (hold_.state() == upstream::HoldState::attached) socket_.peer.send_text(*kept);
  if (hold_.state() == upstream::HoldState::lost) lose_soon();
}

void ModelStream::finish(observe::Counter& outcome) {
  if (disposed_) return;
  finished_ = true;
  kept_until_ =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(registry_->hold().hold_ms);
  call_.reset();
  outcome.add();
  if (hold_.state() == upstream::HoldState::attached) wait();
}

void ModelStream::leave() {
  const auto call = std::exchange(call_, nullptr);
  if (call) call->leave();
}

void ModelStream::cancel(std::uint64_t socket) {
  if (socket_number_ != socket || finished_ || disposed_) return;
  leave();
  push(end_frame(id_, next_sequence(), "cancelled", {}));
  finish(registry_->cancelled_);
}

void ModelStream::acknowledge(std::uint64_t socket, std::uint64_t sequence) {
  if (socket_number_ != socket || disposed_) return;
  hold_.acknowledge(sequence);
  if (finished_ && sequence >= hold_.last_sequence()) dispose();
}

void ModelStream::detach(std::uint64_t socket) {
  if (socket_number_ != socket || disposed_) return;
  socket_ = {};
  socket_number_ = 0;
  if (registry_->draining()) {
    lose_soon();
    return;
  }
  hold_.detach(steady_now_ns());
  wait();
}

bool ModelStream::resume(Socket socket, std::uint64_t after) {
  upstream::Resumed resumed;
  if (!disposed_) resumed = hold_.resume(after, steady_now_ns());
  if (!resumed.ok) {
    registry_->resume_refused_.add();
    const Error not_kept{.code = "not_kept",
                         .message =
                             "the frames after the one that is named are not kept, or never "
                             "were sent: the stream cannot be gone on with from there",
                         .path = "after"};
    socket.peer.send_text(disposed_ ? fault_frame({}, unknown_stream())
                                    : fault_frame(id_, not_kept));
    return false;
  }
  registry_->resumed_.add();
  socket_ = std::move(socket);
  socket_number_ = socket_.number;
  timer_.cancel();
  socket_.peer.send_text(resumed_frame(id_, after));
  for (const upstream::NumberedFrame& frame : resumed.frames)
    socket_.peer.send_text(*frame.frame);
  if (finished_) wait();
  return true;
}

void ModelStream::wait() {
  const auto hold = std::chrono::milliseconds(registry_->hold().hold_ms);
  // One that is over is kept for so long in all, however often it is gone on with.
  timer_.expires_at(finished_ ? kept_until_ : std::chrono::steady_clock::now() + hold);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
    if (!cancelled) self->time_over();
  });
}

// A wait that ended just before it was cancelled comes here too: the state says what it is worth.
void ModelStream::time_over() {
  if (disposed_) return;
  if (finished_ && std::chrono::steady_clock::now() >= kept_until_) return dispose();
  if (hold_.state() == upstream::HoldState::attached) return;
  hold_.time(steady_now_ns());
  if (hold_.state() == upstream::HoldState::lost) {
    lose();
  } else {
    wait();
  }
}

// Not from within the call's own telling.
void ModelStream::lose_soon() {
  boost::asio::post(shard_, [self = shared_from_this()] { self->lose(); });
}

void ModelStream::lose() {
  if (disposed_) return;
  leave();
  if (!finished_) registry_->lost_.add();
  dispose();
}

void ModelStream::dispose() {
  disposed_ = true;
  socket_ = {};
  socket_number_ = 0;
  hold_ = upstream::StreamHold(registry_->hold());
  memory_.resize(0);
  timer_.cancel();
  registry_->remove(token_);
}

void ModelStream::release() {
  leave();
}

void ModelStream::give_place() {
  if (finished_ && !disposed_) dispose();
}

}  // namespace redoubt::services
