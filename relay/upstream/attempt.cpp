#include "relay/upstream/attempt.hpp"

#include <utility>

#include "engine/llm/failure.hpp"
#include "relay/upstream/clock.hpp"

namespace redoubt::upstream {
namespace {

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

}  // namespace

Attempt::Attempt(const std::shared_ptr<AttemptClient>& client, const net::Executor& shard,
                 std::string caller, const llm::Dialect& dialect, net::ComputePool* pool,
                 std::size_t kept_bytes_max, std::shared_ptr<AnswerMemory::Hold> hold)
    : client_(client),
      decoding_(std::make_shared<AnswerDecoding>(
          dialect, pool, shard, std::move(caller), kept_bytes_max, std::move(hold),
          AnswerDecoding::Callbacks{
              .events = [this](const std::vector<llm::ChatEvent>& events) { tell(events); },
              .readable = [this] { go_on(); }})) {
  decoding_->begin();
}

void Attempt::detach() {
  client_.reset();
  decoding_->detach();
}

std::int64_t Attempt::unread_bytes() const {
  const std::size_t read = decoding_->undecoded_bytes();
  return static_cast<std::int64_t>(read + (connection ? connection->unread_bytes() : 0));
}

void Attempt::on_head(const http::ResponseHead& head) {
  std::vector<llm::Header> headers;
  headers.reserve(head.headers.size());
  for (const http::HeaderView& header : head.headers)
    headers.push_back({std::string(header.name), std::string(header.value)});
  began_ = head.status >= 200 && head.status < 300;
  decoding_->head(head.status, std::move(headers), wall_ms());
  const auto client = client_.lock();
  if (began_ && client) client->on_answer_began();
}

void Attempt::on_failure(const net::CallFailure& failure) {
  if (client_.expired()) return;
  decoding_->fail([this, failure] { fail(failure); });
}

void Attempt::go_on() {
  if (connection) connection->go_on();
}

void Attempt::tell(const std::vector<llm::ChatEvent>& events) {
  // The call may end, and let go of this attempt and of itself, at any event.
  const auto self = shared_from_this();
  const auto client = client_.lock();
  for (const llm::ChatEvent& event : events) {
    if (client_.expired()) return;
    client->on_event(event);
  }
}

void Attempt::fail(const net::CallFailure& failure) {
  const auto client = client_.lock();
  if (!client) return;
  const Stage stage = began_ ? Stage::stream : failure.sent ? Stage::sent : Stage::connect;
  llm::ChatFailure reported = llm::local_failure(class_of(failure.fault), failure.message);
  // The next answer would be as long.
  reported.too_long = failure.fault == net::CallFault::too_large;
  reported.should_retry = !reported.too_long;
  client->on_attempt_failed(stage, std::move(reported), net::to_string(failure.fault));
}

}  // namespace redoubt::upstream
