// Task<T>: a coroutine that runs on one shard.
//
// A shard is one thread with one io_context, and a Task never leaves it, so code between two
// co_awaits needs no lock against other Tasks of the shard.
//
// g++ 12.2 miscompiles some coroutines silently. In a Task:
//   1. name every aggregate before the co_await (not `co_await f({.a = 1})`);
//   2. name every capturing lambda before the co_await;
//   3. no co_await inside a conditional expression (`c ? T() : T(co_await g())`).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace redoubt::net {

using Executor = boost::asio::io_context::executor_type;

template <class T>
using Task = boost::asio::awaitable<T, Executor>;

}  // namespace redoubt::net
