#include "relay/net/http_client.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <chrono>
#include <list>
#include <map>
#include <optional>
#include <utility>

#include "relay/net/channel.hpp"
#include "relay/net/shard.hpp"
#include "relay/net/tls_session.hpp"
#include "relay/net/turns.hpp"

namespace redoubt::net {

namespace asio = boost::asio;
using http::ResponseReader;

namespace {

using Resolver = asio::ip::basic_resolver<Tcp, Executor>;

// At a time: each byte may be of an event that is decoded, encoded and written.
constexpr std::size_t read_bytes_max = Turns::short_step_bytes;
constexpr std::chrono::seconds reap_period{5};
constexpr int tries_max = 2;  // a kept connection, then a fresh one
// A request takes its time to get there: so much before the server's own end a connection is left.
constexpr std::int64_t keep_alive_margin_ms = 1'000;
constexpr std::size_t addresses_max = 8;

std::int64_t steady_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
}

std::chrono::steady_clock::time_point at_us(std::int64_t us) {
  return std::chrono::steady_clock::time_point(std::chrono::microseconds(us));
}

struct Connection {
  explicit Connection(const Executor& executor) : socket(executor) {}
  ~Connection() {
    // OpenSSL takes the session of a connection that was not shut down for a broken one and never
    // resumes it. Quiet: nothing is sent, the socket is about to close.
    if (!channel || !channel->secure()) return;
    SSL_set_quiet_shutdown(channel->ssl(), 1);
    SSL_shutdown(channel->ssl());
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Socket socket;
  std::shared_ptr<TlsSessionSlot> session_slot;  // outlives the SSL, which points to it
  std::optional<Channel> channel;
  std::int64_t idle_until_us = 0;
};

class ClientService;

/// One call, from start() to its last word.
class CallState final : public Call, public std::enable_shared_from_this<CallState> {
 public:
  CallState(const Executor& executor, OutgoingRequest outgoing, std::shared_ptr<CallSink> s)
      : request(std::move(outgoing)),
        sink(std::move(s)),
        started_us(steady_us()),
        total_deadline_us(started_us + request.timeouts.total_ms * 1000) {
    timer.emplace(executor);
  }
  ~CallState() override { cleanse(); }

  void cancel() override {
    if (over) return;
    over = true;
    sink.reset();
    release();
  }
  void go_on() override {
    if (pause) pause->cancel();
  }
  std::size_t unread_bytes() const override {
    if (!connection) return 0;
    boost::system::error_code ec;  // of a connection that broke: nothing is there
    return connection->socket.available(ec);
  }
  const CallTimes& times() const override { return measured; }

  /// Until when the phase that begins now may last.
  void expect(CallFault timeout, std::int64_t within_ms) {
    phase_timeout = timeout;
    phase_deadline_us = steady_us() + within_ms * 1000;
    const std::int64_t deadline_us = std::min(phase_deadline_us, total_deadline_us);
    if (deadline_us < armed_us) arm(deadline_us);
  }
  void fail(CallFault fault, std::string message) {
    if (over) return;
    over = true;
    const CallFailure failure{fault, std::move(message), sent};
    release();
    const auto told = std::exchange(sink, nullptr);
    told->on_failure(failure);
  }
  void finish() {
    if (over) return;
    over = true;
    release();
    const auto told = std::exchange(sink, nullptr);
    told->on_end();
  }
  /// Closes the connection and ends the timer; whoever waits wakes up and sees `over`.
  void release() {
    timer.reset();
    pause.reset();
    if (resolver) resolver->cancel();
    connection.reset();
    cleanse();
  }
  void cleanse() {
    for (http::Header& header : request.headers)
      OPENSSL_cleanse(header.value.data(), header.value.size());
    request.headers.clear();
    OPENSSL_cleanse(head.data(), head.size());
    head.clear();
  }

  OutgoingRequest request;
  std::shared_ptr<CallSink> sink;
  CallTimes measured;
  std::unique_ptr<Connection> connection;
  std::optional<Resolver> resolver;
  std::optional<Timer> pause;  // while the sink can have no more
  std::string head;            // the request's, as sent
  std::string connect_fault;   // why the last address was not reached
  bool over = false;
  bool sent = false;
  std::optional<std::int64_t> keep_alive_ms;  // for how long the server keeps an idle connection
  std::int64_t started_us;

 private:
  void arm(std::int64_t deadline_us) {
    armed_us = deadline_us;
    timer->expires_at(at_us(deadline_us));
    timer->async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
      const auto self = weak.lock();
      if (!ec && self && !self->over) self->on_timer();
    });
  }
  void on_timer() {
    const std::int64_t now_us = steady_us();
    const std::int64_t deadline_us = std::min(phase_deadline_us, total_deadline_us);
    if (now_us < deadline_us) {
      arm(deadline_us);
      return;
    }
    const bool total = total_deadline_us <= phase_deadline_us;
    const CallFault fault = total ? CallFault::total_timeout : phase_timeout;
    fail(fault, std::string(to_string(fault)) + " after " +
                    std::to_string((now_us - started_us) / 1000) + " ms");
  }

  std::optional<Timer> timer;
  std::int64_t total_deadline_us;
  std::int64_t phase_deadline_us = 0;
  std::int64_t armed_us = std::numeric_limits<std::int64_t>::max();
  CallFault phase_timeout = CallFault::connect_timeout;
};

using CallPtr = std::shared_ptr<CallState>;

/// Hands the body on for as long as the call lives.
struct LiveBody final : http::BodySink {
  explicit LiveBody(CallState& c) : call(c) {}
  void on_body(std::string_view bytes) override {
    if (call.over) return;
    const auto told = call.sink;  // it may cancel, which lets go of it
    told->on_body(bytes);
  }
  CallState& call;
};

struct Pool {
  DestinationPtr destination;
  std::shared_ptr<TlsSessionSlot> session_slot = std::make_shared<TlsSessionSlot>();
  std::vector<std::unique_ptr<Connection>> idle;  // the last used at the back
};

class ClientService final : public asio::execution_context::service, public HttpClient {
 public:
  static asio::execution_context::id id;

  explicit ClientService(asio::execution_context& context)
      : service(context),
        executor_(static_cast<asio::io_context&>(context).get_executor()),
        scratch_(read_bytes_max) {}

  std::shared_ptr<Call> start(OutgoingRequest request, std::shared_ptr<CallSink> sink) override;
  void set_pool_limits(PoolLimits limits) override { limits_ = limits; }
  std::size_t idle_connections() const override { return idle_; }
  void reap() override;

 private:
  enum class Verdict : std::uint8_t { done, stale };

  void shutdown() override {
    pools_.clear();
    reap_timer_.reset();
  }

  Task<void> run(CallPtr call);
  Task<bool> connect(CallPtr call);
  Task<bool> connect_tcp(CallPtr call, const std::string& host, std::uint16_t port);
  Task<bool> connect_address(CallPtr call, Tcp::endpoint endpoint);
  Task<bool> pass_proxy(CallPtr call);
  Task<bool> shake_hands(CallPtr call);
  Task<bool> send(CallPtr call);
  Task<Verdict> exchange(CallPtr call, bool reused);
  Task<void> wait(CallPtr call, Channel::Status status);
  Task<void> pause(CallPtr call);

  Pool& pool_of(const DestinationPtr& destination);
  std::unique_ptr<Connection> take_idle(Pool& pool);
  void keep(CallState& call);
  void wait_to_reap();
  /// One step of the answer; true where the call is over.
  bool take(CallState& call, ResponseReader& reader, std::string_view input, bool reusable);
  void complete(CallState& call, bool reusable);

  Executor executor_;
  std::vector<char> scratch_;
  PoolLimits limits_;
  std::map<const Destination*, Pool> pools_;
  std::size_t idle_ = 0;
  std::optional<Timer> reap_timer_;
};

asio::execution_context::id ClientService::id;

/// Whether it does no harm twice (RFC 9110, 9.2.2), of the methods that are used here.
bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD";
}

/// `timeout` of the field Keep-Alive (RFC 2068, 19.7.1), which Node, Apache and others send.
std::optional<std::int64_t> keep_alive_ms(const http::ResponseHead& head) {
  constexpr std::string_view name = "timeout=";
  constexpr std::int64_t told_s_max = 86'400;
  const std::string_view field = head.header("keep-alive").value_or("");
  const std::size_t at = field.find(name);
  if (at == field.npos) return std::nullopt;
  std::int64_t seconds = 0;
  const std::string_view number = field.substr(at + name.size());
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), seconds);
  if (error != std::errc() || seconds < 0) return std::nullopt;
  return std::min(seconds, told_s_max) * 1'000;
}

std::string request_head(const OutgoingRequest& request) {
  const Destination& to = *request.destination;
  std::string head;
  head.reserve(512);
  head.append(request.method).append(" ");
  if (to.proxy && !to.tls) head.append("http://").append(to.authority());
  head.append(request.target).append(" HTTP/1.1\r\nHost: ").append(to.authority());
  if (to.proxy && !to.tls && !to.proxy->authorization.empty())
    head.append("\r\nProxy-Authorization: ").append(to.proxy->authorization);
  if (request.body) {
    head.append("\r\nContent-Length: ").append(std::to_string(request.body->size()));
  }
  head.append("\r\n");
  http::append_headers(head, request.headers);
  head.append("\r\n");
  return head;
}

/// `library` is what OpenSSL said of the failed step.
std::string tls_reason(SSL* ssl, std::string_view library) {
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict != X509_V_OK)
    return "certificate not accepted: " + std::string(X509_verify_cert_error_string(verdict));
  return library.empty() ? "the handshake was ended"
                         : "the handshake failed: " + std::string(library);
}

bool is_address(const std::string& host) {
  boost::system::error_code ec;
  (void)asio::ip::make_address(host, ec);
  return !ec;
}

/// Asio waits for a connect with EPOLLOUT and asks for it ever after: a connected socket can always
/// be written to, so that each wait for an answer would wake up once for nothing.
bool register_anew(Socket& socket) {
  boost::system::error_code ec;
  const Tcp::endpoint peer = socket.remote_endpoint(ec);
  if (ec) return false;
  const auto descriptor = socket.release(ec);
  if (ec) return false;
  socket.assign(peer.protocol(), descriptor, ec);
  if (ec) ::close(descriptor);
  return !ec;
}

Channel::SslPtr client_ssl(const Destination& to, TlsSessionSlot& slot) {
  Channel::SslPtr ssl(SSL_new(to.tls.get()));
  if (!ssl) throw std::bad_alloc();
  SSL_set_connect_state(ssl.get());
  SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  bool set = false;
  if (is_address(to.host)) {
    set = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), to.host.c_str()) == 1;
  } else {
    set = SSL_set1_host(ssl.get(), to.host.c_str()) == 1 &&
          SSL_set_tlsext_host_name(ssl.get(), to.host.c_str()) == 1;
  }
  if (!set) throw std::bad_alloc();
  slot.attach(ssl.get());
  return ssl;
}

}  // namespace

std::string_view to_string(CallFault fault) {
  static constexpr std::array<std::string_view, 11> names{
      "resolve",      "connect",       "tls",  "proxy",    "connect_timeout", "first_byte_timeout",
      "idle_timeout", "total_timeout", "lost", "protocol", "too_large"};
  return names[static_cast<std::size_t>(fault)];
}

HttpClient& HttpClient::of(const Executor& executor) {
  return asio::use_service<ClientService>(executor.context());
}

namespace {

std::shared_ptr<Call> ClientService::start(OutgoingRequest request,
                                           std::shared_ptr<CallSink> sink) {
  auto call = std::make_shared<CallState>(executor_, std::move(request), std::move(sink));
  const auto ended = [call](std::exception_ptr fault) {
    if (!fault) return;
    try {
      std::rethrow_exception(fault);
    } catch (const std::exception& e) {
      call->fail(CallFault::lost, e.what());
    } catch (...) {
      call->fail(CallFault::lost, "an exception of unknown type");
    }
  };
  asio::co_spawn(executor_, run(call), ended);
  return call;
}

Task<void> ClientService::run(CallPtr call) {
  // Where the shard ends first, what the call holds of it goes with this coroutine.
  struct Release {
    CallState& call;
    ~Release() {
      call.over = true;
      call.release();
      call.resolver.reset();
      call.sink.reset();  // which may hold this call
    }
  };
  const Release release{*call};
  // Whoever starts a call may be told something of another one out of the buffer that all share.
  const asio::use_awaitable_t<Executor> use;
  co_await asio::post(executor_, use);
  for (int attempt = 0; attempt < tries_max && !call->over; ++attempt) {
    if (attempt == 0) call->connection = take_idle(pool_of(call->request.destination));
    const bool reused = call->connection != nullptr;
    call->measured.reused = reused;
    if (!reused) {
      const bool connected = co_await connect(call);
      if (!connected) co_return;
    }
    call->measured.connected_us = steady_us() - call->started_us;
    const Verdict verdict = co_await exchange(call, reused);
    if (verdict == Verdict::done) co_return;
    call->connection.reset();
  }
}

Task<bool> ClientService::connect(CallPtr call) {
  const Destination& to = *call->request.destination;
  call->expect(CallFault::connect_timeout, call->request.timeouts.connect_ms);
  const std::string& host = to.proxy ? to.proxy->host : to.host;
  const bool connected = co_await connect_tcp(call, host, to.proxy ? to.proxy->port : to.port);
  if (!connected) co_return false;
  Connection& connection = *call->connection;
  connection.channel.emplace(connection.socket.native_handle(), Channel::SslPtr());
  if (!to.tls) co_return true;
  if (to.proxy) {
    const bool passed = co_await pass_proxy(call);
    if (!passed) co_return false;
  }
  const bool ready = co_await shake_hands(call);
  co_return ready;
}

void fail_connect(CallState& call, const std::string& host, std::uint16_t port) {
  std::string text = "cannot connect to " + host + " port " + std::to_string(port);
  if (!call.connect_fault.empty()) text += ": " + call.connect_fault;
  call.fail(CallFault::connect, std::move(text));
}

Task<bool> ClientService::connect_tcp(CallPtr call, const std::string& host, std::uint16_t port) {
  boost::system::error_code ec;
  const asio::ip::address address = asio::ip::make_address(host, ec);
  if (!ec) {
    const bool connected = co_await connect_address(call, Tcp::endpoint(address, port));
    if (!connected) fail_connect(*call, host, port);
    co_return connected;
  }
  call->resolver.emplace(executor_);
  const asio::use_awaitable_t<Executor> use;
  auto token = asio::redirect_error(use, ec);
  const std::string port_text = std::to_string(port);
  const auto found = co_await call->resolver->async_resolve(host, port_text, std::move(token));
  if (call->over) co_return false;
  if (ec || found.empty()) {
    call->fail(CallFault::resolve, "the name " + host + " has no address: " + ec.message());
    co_return false;
  }
  std::size_t tried = 0;
  for (const auto& entry : found) {
    if (call->over || ++tried > addresses_max) break;
    const bool connected = co_await connect_address(call, entry.endpoint());
    if (connected) co_return true;
  }
  fail_connect(*call, host, port);
  co_return false;
}

Task<bool> ClientService::connect_address(CallPtr call, Tcp::endpoint endpoint) {
  call->connection = std::make_unique<Connection>(executor_);
  boost::system::error_code ec;
  const asio::use_awaitable_t<Executor> use;
  auto token = asio::redirect_error(use, ec);
  co_await call->connection->socket.async_connect(endpoint, std::move(token));
  if (ec) call->connect_fault = ec.message();
  if (call->over || ec) co_return false;
  Socket& socket = call->connection->socket;
  if (!register_anew(socket)) co_return false;
  boost::system::error_code ignored;  // a connection without TCP_NODELAY still works
  socket.set_option(Tcp::no_delay(true), ignored);
  socket.native_non_blocking(true, ec);
  co_return !ec;
}

Task<bool> ClientService::pass_proxy(CallPtr call) {
  const Destination& to = *call->request.destination;
  const std::string host = to.host.find(':') == std::string::npos ? to.host : "[" + to.host + "]";
  const std::string target = host + ":" + std::to_string(to.port);
  call->head = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target;
  if (!to.proxy->authorization.empty())
    call->head += "\r\nProxy-Authorization: " + to.proxy->authorization;
  call->head += "\r\n\r\n";
  std::string_view rest = call->head;
  ResponseReader reader(call->request.limits);
  reader.reset(true);  // a tunnel's head is all there is of the answer
  LiveBody nobody(*call);
  while (!call->over) {
    Channel& channel = *call->connection->channel;
    if (!rest.empty()) {
      const auto outcome = channel.write(std::span(&rest, 1));
      if (outcome.status == Channel::Status::ok) {
        rest.remove_prefix(outcome.bytes);
      } else if (outcome.status == Channel::Status::would_write) {
        co_await wait(call, outcome.status);
      } else {
        call->fail(CallFault::proxy, "the proxy ended the connection");
      }
      continue;
    }
    const auto outcome = channel.read(scratch_);
    if (outcome.status == Channel::Status::would_read) {
      co_await wait(call, outcome.status);
      continue;
    }
    if (outcome.status != Channel::Status::ok) {
      call->fail(CallFault::proxy, "the proxy ended the connection");
      break;
    }
    std::string_view input(scratch_.data(), outcome.bytes);
    const auto step = reader.feed(input, nobody);
    if (step == ResponseReader::Step::need_more) continue;
    const int status = reader.head().status;
    // The server does not speak first in TLS: more bytes would be the proxy's own.
    if (step == ResponseReader::Step::head_ready && status / 100 == 2 && input.empty())
      co_return true;
    call->fail(CallFault::proxy, step == ResponseReader::Step::failed
                                     ? "the proxy's answer: " + reader.failure()
                                     : "the proxy refused with " + std::to_string(status));
  }
  co_return false;
}

Task<bool> ClientService::shake_hands(CallPtr call) {
  Connection& connection = *call->connection;
  const Destination& to = *call->request.destination;
  connection.session_slot = pool_of(call->request.destination).session_slot;
  connection.channel.emplace(connection.socket.native_handle(),
                             client_ssl(to, *connection.session_slot));
  while (!call->over) {
    Channel& channel = *call->connection->channel;
    const Channel::Status status = channel.handshake();
    if (status == Channel::Status::ok) {
      call->measured.resumed = SSL_session_reused(channel.ssl()) == 1;
      co_return true;
    }
    if (status == Channel::Status::would_read || status == Channel::Status::would_write) {
      co_await wait(call, status);
      continue;
    }
    // A session that the server does not accept any more must not fail the next try too.
    connection.session_slot->forget();
    call->fail(CallFault::tls,
               "TLS with " + to.host + ": " + tls_reason(channel.ssl(), channel.tls_fault()));
  }
  co_return false;
}

Task<void> ClientService::wait(CallPtr call, Channel::Status status) {
  boost::system::error_code ec;  // whoever woke the socket says so in `over`
  const asio::use_awaitable_t<Executor> use;
  auto token = asio::redirect_error(use, ec);
  const auto direction =
      status == Channel::Status::would_write ? Socket::wait_write : Socket::wait_read;
  co_await call->connection->socket.async_wait(direction, std::move(token));
}

Task<void> ClientService::pause(CallPtr call) {
  boost::system::error_code ec;  // whoever ends the wait cancels it
  const asio::use_awaitable_t<Executor> use;
  auto token = asio::redirect_error(use, ec);
  call->pause.emplace(executor_, std::chrono::steady_clock::time_point::max());
  co_await call->pause->async_wait(std::move(token));
}

std::size_t readable_bytes(const CallState& call, const ResponseReader& reader) {
  const auto asked = call.sink;  // it may cancel, which lets go of it
  return asked->readable_bytes(reader.head_bytes());
}

/// False where not everything could be sent: an answer may be there all the same.
Task<bool> ClientService::send(CallPtr call) {
  call->head = request_head(call->request);
  std::array<std::string_view, 2> pieces{call->head, ""};
  if (call->request.body) pieces[1] = *call->request.body;
  std::size_t first = 0;
  while (!call->over) {
    while (first < pieces.size() && pieces[first].empty())
      ++first;
    if (first == pieces.size()) co_return true;
    const std::span<const std::string_view> rest(pieces.data() + first, pieces.size() - first);
    const auto outcome = call->connection->channel->write(rest);
    if (outcome.status == Channel::Status::ok) {
      call->sent = true;
      std::size_t bytes = outcome.bytes;
      for (std::string_view& piece : pieces) {
        const std::size_t taken = std::min(bytes, piece.size());
        piece.remove_prefix(taken);
        bytes -= taken;
      }
    } else if (outcome.status == Channel::Status::would_write ||
               outcome.status == Channel::Status::would_read) {
      co_await wait(call, outcome.status);
    } else {
      break;
    }
  }
  co_return false;
}

Task<ClientService::Verdict> ClientService::exchange(CallPtr call, bool reused) {
  call->expect(CallFault::first_byte_timeout, call->request.timeouts.first_byte_ms);
  const bool all_sent = co_await send(call);
  // It may be long and its answer far, and nothing of it is sent again.
  if (all_sent && !is_idempotent(call->request.method)) call->request.body.reset();
  ResponseReader reader(call->request.limits);
  reader.reset(call->request.method == "HEAD");
  // The answer takes at least a round trip: waiting first saves a fruitless read.
  bool dry = all_sent && !call->request.destination->tls;
  std::size_t since_turn = 0;
  while (!call->over) {
    const std::size_t readable = readable_bytes(*call, reader);
    if (readable == 0) {
      if (!call->over) co_await pause(call);
      continue;
    }
    if (dry) {
      dry = false;
      co_await wait(call, Channel::Status::would_read);
      continue;
    }
    // A server that writes as fast as it is read would keep the shard from everybody else, and so
    // would many.
    if (since_turn >= Turns::short_step_bytes) {
      since_turn = 0;
      co_await Turns::of(executor_).wait();
      continue;
    }
    const auto buffer = std::span(scratch_).first(std::min(readable, scratch_.size()));
    const auto outcome = call->connection->channel->read(buffer);
    if (outcome.status == Channel::Status::would_read ||
        outcome.status == Channel::Status::would_write) {
      co_await wait(call, outcome.status);
      continue;
    }
    if (outcome.status != Channel::Status::ok) {
      // Where a byte was written, the server may be doing what it asks.
      const bool harmless = !call->sent || is_idempotent(call->request.method);
      if (reused && harmless && !reader.started()) co_return Verdict::stale;
      if (reader.end_of_input() == ResponseReader::Step::complete) {
        complete(*call, false);
      } else {
        call->fail(CallFault::lost, reader.failure());
      }
      break;
    }
    if (!reader.started()) call->measured.first_byte_us = steady_us() - call->started_us;
    call->expect(CallFault::idle_timeout, call->request.timeouts.idle_ms);
    dry = !call->request.destination->tls && outcome.bytes < buffer.size();
    const std::string_view input(scratch_.data(), outcome.bytes);
    since_turn += outcome.bytes;
    if (take(*call, reader, input, all_sent)) break;
  }
  co_return Verdict::done;
}

bool ClientService::take(CallState& call, ResponseReader& reader, std::string_view input,
                         bool reusable) {
  LiveBody body(call);
  while (!call.over) {
    switch (reader.feed(input, body)) {
      case ResponseReader::Step::need_more:
        return call.over;
      case ResponseReader::Step::head_ready:
        if (!call.over) {
          call.keep_alive_ms = keep_alive_ms(reader.head());
          const auto told = call.sink;  // as above
          told->on_head(reader.head());
        }
        break;
      case ResponseReader::Step::complete:
        complete(call, reusable && reader.keep_alive() && input.empty());
        return true;
      case ResponseReader::Step::failed:
        call.fail(reader.too_large() ? CallFault::too_large : CallFault::protocol,
                  reader.failure());
        return true;
    }
  }
  return true;
}

void ClientService::complete(CallState& call, bool reusable) {
  if (call.over) return;
  if (reusable) keep(call);
  call.finish();
}

Pool& ClientService::pool_of(const DestinationPtr& destination) {
  Pool& pool = pools_[destination.get()];
  if (!pool.destination) pool.destination = destination;
  return pool;
}

std::unique_ptr<Connection> ClientService::take_idle(Pool& pool) {
  const std::int64_t now_us = steady_us();
  while (!pool.idle.empty()) {
    auto connection = std::move(pool.idle.back());
    pool.idle.pop_back();
    --idle_;
    if (connection->idle_until_us <= now_us) continue;
    // Nothing may be there to read; a server that closed shows as an end.
    std::array<char, 1> unexpected{};
    if (connection->channel->read(unexpected).status == Channel::Status::would_read)
      return connection;
  }
  return nullptr;
}

void ClientService::keep(CallState& call) {
  Pool& pool = pool_of(call.request.destination);
  std::int64_t idle_ms = limits_.idle_ms;
  if (call.keep_alive_ms) idle_ms = std::min(idle_ms, *call.keep_alive_ms - keep_alive_margin_ms);
  if (idle_ms <= 0) return;
  if (idle_ >= limits_.idle_max || pool.idle.size() >= limits_.idle_per_destination_max) return;
  call.connection->idle_until_us = steady_us() + idle_ms * 1000;
  pool.idle.push_back(std::move(call.connection));
  ++idle_;
  wait_to_reap();
}

void ClientService::reap() {
  const std::int64_t now_us = steady_us();
  for (auto at = pools_.begin(); at != pools_.end();) {
    Pool& pool = at->second;
    const bool forgotten = pool.destination.use_count() == 1;
    idle_ -= std::erase_if(
        pool.idle, [&](const auto& kept) { return forgotten || kept->idle_until_us <= now_us; });
    at = forgotten ? pools_.erase(at) : std::next(at);
  }
}

void ClientService::wait_to_reap() {
  if (reap_timer_) return;
  reap_timer_.emplace(executor_);
  reap_timer_->expires_after(reap_period);
  reap_timer_->async_wait([this](const boost::system::error_code& ec) {
    if (ec) return;
    reap_timer_.reset();
    reap();
    if (idle_ > 0) wait_to_reap();
  });
}

}  // namespace

}  // namespace redoubt::net
