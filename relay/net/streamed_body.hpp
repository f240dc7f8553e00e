// The body of a streamed answer on its way out. Internal to relay/net.
//
// 1. What BodyStream says of any thread may be called on any; everything else on the shard's.
// 2. Bytes go out at once where the socket takes them, else when it does. The Session's coroutine
//    meanwhile reads, to see the client leave.
// 3. What waits is at most queue_bytes_max. Beyond queue_uncounted_bytes_max it is counted as the
//    connection's memory, by whoever writes (hold()) or here; where there is no room for it the
//    client is cut as a slow one; so it is where others wait for memory and it does not get on.
// 4. After detach() the Session is gone and every call is harmless.
//
//   open --end()--> ending --all written--> complete
//   open --break_off()--> breaking --all written--> cut
//   open | ending | breaking --client gone, slow, abort()--> cut
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "relay/http/message.hpp"
#include "relay/net/shard.hpp"

namespace redoubt::net {

class Session;

class StreamedBody final : public http::BodyStream,
                           public std::enable_shared_from_this<StreamedBody> {
 public:
  static constexpr std::size_t queue_bytes_max = 1 << 20;
  static constexpr std::size_t queue_uncounted_bytes_max = 4 * 1024;

  /// `head` is what goes out first; `chunked` frames every write as a chunk (HTTP/1.1).
  StreamedBody(Session& session, std::string head, bool chunked);

  // BodyStream, any thread but on_gone.
  void write(std::string bytes) override;
  void end() override;
  void abort() override;
  void break_off() override;
  bool open() const override { return open_; }
  std::size_t waiting_bytes() const override;
  std::shared_ptr<const void> hold(std::size_t bytes) override;
  void on_sent(std::function<void()> sent) override;
  void on_gone(std::function<void()> gone) override;

  /// Writes what is there.
  void flush();
  /// The client left, or the connection must end: nobody reads on.
  void leave();
  void tick(http::Moment now);
  void detach();

  bool finished() const { return state_ == State::complete || state_ == State::cut; }
  bool complete() const { return state_ == State::complete; }
  bool slow() const { return slow_; }
  std::size_t bytes_written() const { return bytes_written_; }

 private:
  enum class State : std::uint8_t { open, ending, breaking, complete, cut };

  template <class Call>
  void on_shard(Call call);
  void send();
  void append(std::string_view bytes);
  void make_room(std::size_t bytes);
  bool count();
  void cut_slow();
  void settle();
  void finish(State state);
  void wait_to_write();

  Session* session_;  // null after detach
  Executor executor_;
  bool chunked_;
  std::atomic<State> state_{State::open};
  std::atomic<bool> open_{true};
  std::atomic<std::size_t> posted_bytes_{0};  // on their way to the shard
  std::atomic<std::size_t> queued_bytes_{0};  // queue_ from sent_
  std::atomic<std::size_t> held_bytes_{0};    // whoever writes counts them
  bool slow_ = false;
  bool waiting_to_write_ = false;
  std::string queue_;  // unsent, from sent_
  std::size_t sent_ = 0;
  std::size_t bytes_written_ = 0;
  std::int64_t blocked_since_ms_ = 0;  // the socket took nothing since
  Pace pace_;                          // while what waits is counted
  std::shared_ptr<MemoryBudget> budget_;
  MemoryBudget::Account account_;
  HeldMemory memory_;  // of queue_
  std::function<void()> gone_;
  std::function<void()> all_sent_;
};

}  // namespace redoubt::net
