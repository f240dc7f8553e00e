// HTTP/1.1 calls to other servers, with kept connections: one client for each shard.
//
// 1. start() returns at once; the sink is told what comes, on the shard's thread, always after
//    start() has returned: on_head, on_body..., then exactly one of on_end and on_failure. After
//    Call::cancel() nothing more is told, and the connection is closed at once, so that the server
//    stops working for nobody.
// 2. A connection that was used goes back to the pool of its destination after a whole answer, for
//    PoolLimits::idle_ms at most, and for less than the server's own `Keep-Alive: timeout`. One
//    that the server has closed meanwhile is not used: that is looked at before the first byte is
//    written. Where the close is only seen after that, GET and HEAD are sent again on a fresh
//    connection; anything else is not: the server may be doing what it asks, and its failure is
//    `lost`, with `sent`.
// 3. Timeouts are the caller's, for each call: connect (name, TCP, proxy, TLS), first byte (from
//    the sent request to the answer's first byte), idle (between two reads), total.
// 4. Bodies are handed on in views of the read buffer, valid during the call of on_body.
// 5. For a sink that can have no more nothing is read until Call::go_on(): the server's bytes wait
//    in the system's buffers, and then with the server. The timeouts run on.
// 6. Everything runs on the shard that the client belongs to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "relay/http/response_reader.hpp"
#include "relay/net/destination.hpp"
#include "relay/net/task.hpp"

namespace redoubt::net {

struct CallTimeouts {
  std::int64_t connect_ms = 5'000;
  std::int64_t first_byte_ms = 60'000;
  std::int64_t idle_ms = 60'000;
  std::int64_t total_ms = 600'000;
};

struct OutgoingRequest {
  DestinationPtr destination;
  std::string method = "POST";
  std::string target;  ///< origin-form: "/v1/chat/completions"
  /// Beside Host, Content-Length and Connection, which the client writes. May hold secrets: it is
  /// cleansed after use.
  std::vector<http::Header> headers;
  std::shared_ptr<const std::string> body;  ///< may be null
  CallTimeouts timeouts;
  http::ResponseLimits limits;
};

enum class CallFault : std::uint8_t {
  resolve,             ///< the name has no address
  connect,             ///< refused or unreachable
  tls,                 ///< handshake failed, certificate or host name not accepted
  proxy,               ///< the proxy refused
  connect_timeout,     ///< not connected in time
  first_byte_timeout,  ///< no answer in time
  idle_timeout,        ///< the answer stalled
  total_timeout,       ///< the whole took too long
  lost,                ///< the connection ended before or in the middle of the answer
  protocol,            ///< the answer is not HTTP/1.1
  too_large,           ///< the answer is over its limits
};
std::string_view to_string(CallFault fault);

struct CallFailure {
  CallFault fault;
  std::string message;  ///< one sentence for operators, without secrets
  bool sent = false;    ///< the server may have seen the request
};

/// How long the parts took, for metrics and traces. -1: did not happen.
struct CallTimes {
  bool reused = false;              ///< went over a kept connection
  bool resumed = false;             ///< the TLS session was resumed
  std::int64_t connected_us = -1;   ///< from the start to a connection
  std::int64_t first_byte_us = -1;  ///< from the start to the answer's first byte
};

class CallSink : public http::BodySink {
 public:
  /// How much of the answer may be read now, at once; `head_bytes` are kept for it of its head.
  /// Asked before each read; after 0 not again before Call::go_on().
  virtual std::size_t readable_bytes(std::size_t /*head_bytes*/) { return SIZE_MAX; }
  virtual void on_head(const http::ResponseHead& head) = 0;
  virtual void on_end() = 0;
  virtual void on_failure(const CallFailure& failure) = 0;
};

class Call {
 public:
  virtual ~Call() = default;
  /// Repeatable; harmless after the end. On the shard's thread.
  virtual void cancel() = 0;
  /// The sink may have more again. Repeatable; harmless where nothing waits. On the shard's thread.
  virtual void go_on() = 0;
  /// Bytes of the answer that the system has, and that were not read: with TLS, as they came.
  virtual std::size_t unread_bytes() const = 0;
  virtual const CallTimes& times() const = 0;
};

struct PoolLimits {
  std::size_t idle_per_destination_max = 64;
  std::size_t idle_max = 512;
  std::int64_t idle_ms = 55'000;  ///< load balancers commonly close after 60 s
};

class HttpClient {
 public:
  /// The client of the shard whose executor this is; it lives as long as the shard.
  static HttpClient& of(const Executor& executor);

  virtual ~HttpClient() = default;
  /// The sink is kept until its last call.
  virtual std::shared_ptr<Call> start(OutgoingRequest request, std::shared_ptr<CallSink> sink) = 0;
  virtual void set_pool_limits(PoolLimits limits) = 0;
  /// Kept connections, for metrics and tests.
  virtual std::size_t idle_connections() const = 0;
  /// Closes kept connections of destinations that nobody else refers to, and all that waited too
  /// long. The client does it by itself every few seconds while it has any.
  virtual void reap() = 0;
};

}  // namespace redoubt::net
