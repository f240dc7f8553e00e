// Body work: what a request's body asks for is worked out on the shard where that is quick, and in
// the compute pool where it would hold up the shard's other connections.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "engine/base/result.hpp"
#include "relay/net/compute_pool.hpp"

namespace redoubt::api {

/// Parsing and thinking take some 25 us a kilobyte; a longer body goes to the compute pool, so that
/// no request holds its shard for more than about 200 us.
constexpr std::size_t inline_body_bytes_max = 6 * 1024;

/// Is a body parsed on the shard? A long prompt is few values; it is their number that takes time,
/// and another thread's help costs more than reading it.
bool is_quick(std::string_view body);

/// What a caller hears where the compute pool is full.
Error overloaded();

/// `read()`, which goes through `body` and no more; nothing where the pool is full. `body` outlives
/// the Task, as a Request does. Name `read` before the co_await.
template <class Read, class T = std::invoke_result_t<Read&>>
net::Task<std::optional<T>> read_body(net::ComputePool& pool, std::string_view body, Read read) {
  std::optional<T> done;
  if (is_quick(body)) {
    done.emplace(read());
  } else {
    done = co_await pool.run(std::move(read));
  }
  co_return done;
}

}  // namespace redoubt::api
