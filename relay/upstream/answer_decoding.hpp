// An attempt's answer, from the connection's bytes to events without the key that it was asked
// with.
//
// 1. What takes long, a whole answer or an event of large_answer_bytes, is decoded in the compute
//    pool, what is longer than a short step when the shard's turn for it comes (net::Turns), and
//    all else where the bytes came. Events come in the bytes' order either way, and then how the
//    answer ended, on the shard.
// 2. What is kept of the answer is counted (answer_memory), and more is read only where there is
//    room for it: while there is none, or a step is not done, readable_bytes() is 0.
// 3. A detached one tells nothing any more, whatever the pool still has of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/llm/decoder.hpp"
#include "relay/net/compute_pool.hpp"
#include "relay/net/turns.hpp"
#include "relay/upstream/answer_memory.hpp"
#include "relay/upstream/answer_redaction.hpp"

namespace redoubt::upstream {

/// At some 10 ns a byte at worst; more would hold the other connections of the shard.
constexpr std::size_t large_answer_bytes = 128 * 1024;

class AnswerDecoding : public std::enable_shared_from_this<AnswerDecoding> {
 public:
  /// Each may detach.
  struct Callbacks {
    /// The events of each piece of the answer.
    std::function<void(const std::vector<llm::ChatEvent>& events)> events;
    /// More may be read again, after readable_bytes() was 0.
    std::function<void()> readable;
  };
  /// `pool` and `hold` may be null. `caller` is whose turn there is waited for; `kept_bytes_max`:
  /// of a whole answer, or of an event.
  AnswerDecoding(const llm::Dialect& dialect, net::ComputePool* pool, const net::Executor& shard,
                 std::string caller, std::size_t kept_bytes_max,
                 std::shared_ptr<AnswerMemory::Hold> hold, Callbacks callbacks);
  /// Before its first byte.
  void begin();

  /// What is to be changed of the answer; before its first byte.
  void rename(std::vector<llm::ToolAlias> names) { work_->decoder.rename(std::move(names)); }
  void read_by(llm::DecodeWhole whole) { work_->decoder.read_by(whole); }
  void expect(std::int64_t answers) { work_->decoder.expect(answers); }
  void redact(std::string_view key);
  void head(int status, std::vector<llm::Header> headers, std::int64_t now_unix_ms);
  /// `head_bytes` are kept elsewhere of the answer's head.
  std::size_t readable_bytes(std::size_t head_bytes);
  bool waits_for_room() const { return hold_ && hold_->waits(); }
  /// That were fed and are not decoded.
  std::size_t undecoded_bytes() const { return kept_.size(); }
  void feed(std::string_view bytes);
  /// So many bytes of the answer are kept by whoever is told it.
  void count_kept(std::size_t bytes) { kept_elsewhere_ = bytes; }
  /// The body ended by its own framing.
  void end();
  /// Calls `broken` after all that came before: the connection broke.
  void fail(std::function<void()> broken);
  void detach();
  /// It comes event by event. Once something was told.
  bool is_stream() const { return work_->decoder.is_stream(); }
  /// Of a stream that finished without its terminator; once its end was told.
  bool unterminated() const { return work_->decoder.unterminated(); }

 private:
  /// What one thread at a time has: the pool's where it works while `busy_`.
  struct Work {
    Work(const llm::Dialect& dialect, std::size_t kept_bytes_max)
        : decoder(dialect, kept_bytes_max) {}
    void feed(std::string_view bytes);
    void end();
    void redact();

    llm::Decoder decoder;
    AnswerRedaction redaction;
    std::vector<llm::ChatEvent> events;
  };

  template <class Step>
  void in_pool(Step step);
  template <class Step>
  void in_turn(Step step);
  void decoded();
  std::size_t kept_bytes() const;
  bool count(std::size_t read_bytes, std::size_t worked_bytes);
  void tell();
  void go_on();
  void room_came();

  std::shared_ptr<Work> work_;
  net::ComputePool* pool_;
  net::Executor shard_;
  std::string caller_;
  std::shared_ptr<AnswerMemory::Hold> hold_;
  Callbacks callbacks_;
  bool detached_ = false;
  bool busy_ = false;  // a step is in the pool, or waits for its turn
  std::size_t head_bytes_ = 0;
  std::size_t kept_elsewhere_ = 0;
  // What came meanwhile, or there was no room to decode.
  std::string kept_;
  bool ended_ = false;
  std::function<void()> broken_;
};

}  // namespace redoubt::upstream
