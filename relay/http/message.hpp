// HTTP messages as the relay's handlers see them.
//
// 1. A Request's views point into storage of the connection that read it. They are valid until its
//    handler is done (an asynchronous handler: until its Task ends). Copy what must live longer.
// 2. A Request that a handler sees has passed the strict check of http/request_parser: one Host,
//    no ambiguous length, a target of printable ASCII that starts with '/' ("*" for OPTIONS only),
//    valid percent escapes in its path, header values without control characters.
// 3. A Response names no Content-Length, Connection, Date or Transfer-Encoding: the server writes
//    them. Header names and values must not contain CR, LF or NUL: the server drops such a header
//    rather than let it split an answer.
#pragma once

#include <any>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace redoubt::http {

enum class Method : std::uint8_t { get, head, post, put, patch, del, options, other };

/// "GET", "DELETE", ...; "" for other.
std::string_view to_string(Method method);
/// Case-sensitive, as RFC 9110 has it; `other` for a method that the relay does not know.
Method method_of(std::string_view text);

/// ASCII only; header names and tokens.
bool equal_ignoring_case(std::string_view a, std::string_view b);

/// A point in time, read once by the server and handed on: nothing below reads a clock.
struct Moment {
  std::int64_t steady_ms = 0;  ///< monotonic, since an arbitrary start
  std::int64_t wall_ms = 0;    ///< since 1970-01-01T00:00:00Z
};

struct HeaderView {
  std::string_view name;
  std::string_view value;
};

/// What the server knows about a request beside its bytes.
struct Context {
  std::string_view request_id;      ///< 16 hexadecimal digits, unique in this process
  std::string_view remote_address;  ///< of the socket's peer: "192.0.2.1", "2001:db8::1", no port
  std::uint16_t remote_port = 0;
  std::string_view listener;  ///< the listener's name in the configuration
  bool secure = false;        ///< came over TLS
  Moment now;                 ///< when the request was complete
};

/// What connections and their memory are counted by: an IPv4 address in the last four bytes, or the
/// first eight of an IPv6 address (its /64, which is what one subscriber gets).
using ClientKey = std::array<std::uint8_t, 8>;

/// Whom the memory of a request and of its WebSocket is counted on.
struct Payer {
  ClientKey key{};
  /// Of an authenticated caller, one from however many addresses; "" is a stranger, and strangers
  /// together have a part of the memory only.
  std::string identity{};
};

/// Counts memory on whoever sent a request, for as long as what it gives is kept; null where there
/// is no room for it. Any thread, also after the request's connection has ended.
using HoldMemory = std::function<std::shared_ptr<const void>(std::size_t bytes)>;

struct PathParameter {
  std::string_view name;
  std::string value;  ///< percent-decoded
};

struct Request {
  Method method = Method::other;
  std::string_view method_text;
  std::string_view target;  ///< as sent
  std::string_view path;    ///< target up to '?', as sent (percent-encoded)
  std::string_view query;   ///< after '?', as sent; empty where there is none
  int version_minor = 1;    ///< HTTP/1.x
  std::vector<HeaderView> headers;
  std::string_view body;
  std::vector<PathParameter> parameters;  ///< of the matched route
  std::string_view route;                 ///< the matched route's pattern; "" where none matched
  bool packed_body_taken = false;         ///< the matched route's RouteOptions::packed_body
  Context context;
  /// What a filter found out and a handler or finisher wants to know (who the client is, ...).
  std::any attachment;
  /// Set by a filter that found out who the client is; else it is a stranger at the socket's peer.
  std::optional<Payer> payer;
  /// An asynchronous handler of a route with watch_client sets it to learn, once and on the shard,
  /// that the client left before it was answered.
  std::function<void()> client_gone;
  /// For asynchronous handlers: counts what is made of the request and outlives its body.
  HoldMemory hold_memory;
  /// For asynchronous handlers: `body` was read and is not needed any more; its memory goes.
  std::function<void()> drop_body;

  /// The first header of that name (any case), or nothing.
  std::optional<std::string_view> header(std::string_view name) const;
  std::string_view header_or(std::string_view name, std::string_view fallback) const;
  /// How many headers of that name there are.
  std::size_t header_count(std::string_view name) const;
  /// The path parameter of that name, percent-decoded; "" where the route has none.
  std::string_view parameter(std::string_view name) const;
  /// The first query parameter of that name, decoded ('+' is a space); nothing where absent or
  /// badly encoded.
  std::optional<std::string> query_parameter(std::string_view name) const;
};

struct Header {
  std::string name;
  std::string value;
};

/// An answer whose head and body were serialised once and are shared by many connections.
class Prepared;

/// A body that is written while it comes into being: server-sent events, a model's answer.
///
/// 1. Every call may be made on any thread; those of one thread keep their order.
/// 2. What the client does not take waits in a bounded queue, and beyond a small part is counted as
///    the connection's memory; over the bound, where there is no memory, or where the client takes
///    nothing for too long, the connection is cut: a slow reader is dropped.
/// 3. A body that is not ended with end() reaches the client without its terminator, so that a cut
///    answer cannot pass for a whole one.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  /// Sends bytes as soon as the socket takes them; does nothing after the end.
  virtual void write(std::string bytes) = 0;
  virtual void end() = 0;
  /// Cuts the connection; what waits is given up.
  virtual void abort() = 0;
  /// Sends what was written, then cuts the connection where end() would have sent the terminator.
  virtual void break_off() { abort(); }
  /// The client is there and the body has not ended.
  virtual bool open() const = 0;
  /// Bytes that were written and wait for the client: whoever has much to send sends more only when
  /// they are few. Any thread.
  virtual std::size_t waiting_bytes() const { return 0; }
  /// Memory for so many bytes that are to wait here, counted as the connection's until it is
  /// dropped: bytes that have it never cut the connection. Null where there is no room. Any thread.
  virtual std::shared_ptr<const void> hold(std::size_t /*bytes*/) { return nullptr; }
  /// `sent` is called once, on any thread, when nothing waits for the client any more or it is
  /// gone. It replaces an earlier one. Any thread.
  virtual void on_sent(std::function<void()> sent) { sent(); }
  /// `gone` is called once, on the connection's shard, when the client leaves before end(); at
  /// once where it has left. It replaces an earlier one.
  virtual void on_gone(std::function<void()> gone) = 0;
};
using BodyStreamPtr = std::shared_ptr<BodyStream>;

struct Response {
  int status = 200;
  std::vector<Header> headers;
  std::string body;
  /// A body shared between answers (a file, a document); used instead of `body` where set.
  std::shared_ptr<const std::string> shared_body;
  /// shared_body lives only for its answers: like `body` it counts as memory of who reads it.
  bool transient = false;
  /// Counts the body, wherever it lies, until its client has read it: nothing else does then.
  std::shared_ptr<const void> memory;
  /// Where set, status, headers and body come from here and `headers` are added to them.
  std::shared_ptr<const Prepared> prepared;
  /// Where set, the body is a stream: called on the shard after the head was queued (not for a HEAD
  /// request). The Request that was answered is gone by then.
  std::function<void(BodyStreamPtr)> stream;
  /// Close the connection after this answer.
  bool close = false;

  static Response json(int status, std::string body);
  static Response text(int status, std::string body);
  static Response empty(int status);
  static Response from(std::shared_ptr<const Prepared> prepared);

  /// Appends a header.
  Response& add(std::string name, std::string value);
  /// Replaces every header of that name by one.
  Response& set(std::string_view name, std::string value);
  bool has(std::string_view name) const;
  std::string_view body_view() const;
  int status_code() const;
};

class Prepared {
 public:
  /// REQUIRES: `response` is not itself prepared.
  static std::shared_ptr<const Prepared> make(const Response& response);

  int status() const { return status_; }
  std::string_view head() const { return head_; }  ///< status line and header lines, CRLF each
  std::string_view body() const { return body_; }

 private:
  int status_ = 200;
  std::string head_;
  std::string body_;
};

/// Why the server refuses a request, before or instead of a handler; see Router::on_refusal.
struct Refusal {
  int status = 400;
  std::string_view code;  ///< stable: bad_request, header_too_large, body_too_large, not_found, ...
  std::string message;    ///< one sentence for people
};

/// "Not Found"; "" for a status the relay never sends.
std::string_view reason_phrase(int status);
/// Appends a status line and header lines; a header that holds CR, LF or NUL is left out.
void append_head(std::string& out, int status, const std::vector<Header>& headers);
void append_headers(std::string& out, const std::vector<Header>& headers);
/// Percent-decodes; nothing where an escape is malformed.
std::optional<std::string> percent_decode(std::string_view text);
/// The same for a query string, where '+' is a space.
std::optional<std::string> query_decode(std::string_view text);
/// "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate, RFC 9110 5.6.7).
std::string http_date(std::int64_t wall_ms);

}  // namespace redoubt::http
