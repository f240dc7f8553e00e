// Attempt: turns what a connection brings of an answer into events for its call.
//
// 1. Silent once detached, at whichever of its own events that happens: it holds itself and its
// call
//    while it tells.
// 2. Attempt and connection hold each other until the connection's end, or the shard's.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "relay/net/http_client.hpp"
#include "relay/upstream/answer_decoding.hpp"
#include "relay/upstream/model_call.hpp"

namespace redoubt::upstream {

/// Whom an attempt tells, on the call's shard.
class AttemptClient {
 public:
  virtual ~AttemptClient() = default;
  /// A head with a status of success came.
  virtual void on_answer_began() = 0;
  virtual void on_event(const llm::ChatEvent& event) = 0;
  /// The connection failed. `why` is a cause (failure_log.hpp).
  virtual void on_attempt_failed(Stage stage, llm::ChatFailure failure, std::string_view why) = 0;
};

class Attempt final : public net::CallSink, public std::enable_shared_from_this<Attempt> {
 public:
  /// `pool` and `hold` may be null; `caller` is whose turn in the pool is waited for, and
  /// `kept_bytes_max` bounds what is kept of the answer.
  Attempt(const std::shared_ptr<AttemptClient>& client, const net::Executor& shard,
          std::string caller, const llm::Dialect& dialect, net::ComputePool* pool,
          std::size_t kept_bytes_max, std::shared_ptr<AnswerMemory::Hold> hold);

  void detach();

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
  /// Of the answer, that came and nobody was told.
  std::int64_t unread_bytes() const;

  std::size_t readable_bytes(std::size_t head_bytes) override {
    return decoding_->readable_bytes(head_bytes);
  }
  void on_head(const http::ResponseHead& head) override;
  void on_body(std::string_view bytes) override { decoding_->feed(bytes); }
  void on_end() override { decoding_->end(); }
  void on_failure(const net::CallFailure& failure) override;

  std::shared_ptr<net::Call> connection;

 private:
  void go_on();
  void tell(const std::vector<llm::ChatEvent>& events);
  void fail(const net::CallFailure& failure);

  std::weak_ptr<AttemptClient> client_;
  std::shared_ptr<AnswerDecoding> decoding_;
  bool began_ = false;
};

}  // namespace redoubt::upstream
