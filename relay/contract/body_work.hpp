// Body work: what a request's body asks for is worked out on the shard where that is quick, and in
// the compute pool where it would hold up the shard's other connections.
#pragma once

#include <boost/asio/this_coro.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/result.hpp"
#include "relay/http/message.hpp"
#include "relay/net/compute_pool.hpp"
#include "relay/net/turns.hpp"

namespace redoubt::contract {

/// Parsing and thinking take some 25 us a kilobyte; a longer body goes to the compute pool, so that
/// no request holds its shard for more than about 200 us.
constexpr std::size_t inline_body_bytes_max = 6 * 1024;

/// Is a body parsed on the shard? A long prompt is few values; it is their number that takes time,
/// and another thread's help costs more than reading it.
bool is_quick(std::string_view body);

/// What a caller hears where the compute pool is full.
Error overloaded();

/// `read()`, which goes through `body` and no more, and when the shard's turn for it has come where
/// that is no short step; nothing where the pool has no place for `caller`. `body` outlives
/// the Task, as a Request does. Name `read` before the co_await.
template <class Read, class T = std::invoke_result_t<Read&>>
net::Task<std::optional<T>> read_body(net::ComputePool& pool, std::string caller,
                                      std::string_view body, Read read) {
  std::optional<T> done;
  if (is_quick(body)) {
    if (body.size() > net::Turns::short_step_bytes) {
      const net::Executor shard = co_await boost::asio::this_coro::executor;
      co_await net::Turns::of(shard).wait();
    }
    done.emplace(read());
  } else {
    done = co_await pool.run(caller, std::move(read));
  }
  co_return done;
}

/// A packed body as it was before it was packed.
class UnpackedBody {
 public:
  UnpackedBody() = default;
  UnpackedBody(const UnpackedBody&) = delete;
  UnpackedBody& operator=(const UnpackedBody&) = delete;

  /// Makes request.body the unpacked one, which is kept here and counted on the caller, and lets go
  /// of the packed one. Errors: of decode_content(); "overloaded". Nothing is done to a plain body.
  net::Task<Result<void>> unpack(net::ComputePool& pool, http::Request& request,
                                 std::size_t bytes_max);

 private:
  std::string text_;
  std::shared_ptr<const void> held_;
};

}  // namespace redoubt::contract
