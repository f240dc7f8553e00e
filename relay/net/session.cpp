#include "relay/net/session.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/async_result.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <chrono>
#include <utility>

#include "relay/http/websocket_reader.hpp"
#include "relay/net/streamed_body.hpp"
#include "relay/net/turns.hpp"
#include "relay/net/websocket_connection.hpp"

namespace redoubt::net {

namespace asio = boost::asio;
using http::RequestParser;

namespace {

constexpr std::size_t output_batch_bytes = 64 * 1024;     // answers to pipelined requests, together
constexpr std::size_t copied_body_bytes_max = 16 * 1024;  // a longer body is written on its own
// A longer answer takes of the budget.
constexpr std::size_t answer_uncounted_bytes_max = copied_body_bytes_max;
constexpr std::size_t output_kept_bytes_max = 64 * 1024;
constexpr std::size_t pipelined_bytes_max = 64 * 1024;  // kept while an answer is streamed
constexpr std::size_t linger_bytes_max = 64 * 1024 * 1024;
// A refused request's body up to this is read and dropped, so that its connection lives on.
constexpr std::size_t skipped_body_bytes_max = 64 * 1024;
// One connection's turn on its shard, in requests or reads and in time.
constexpr int turn_steps_max = 32;
constexpr std::int64_t turn_us_max = 200;
// What OpenSSL takes for a handshake, and for the start of a record whose end has not come.
constexpr std::size_t handshake_bytes = 32 * 1024;
constexpr std::size_t record_bytes = 18 * 1024;
constexpr const char* retry_after_s = "1";
constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

std::int64_t steady_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
}

void append_number(std::string& out, std::size_t value) {
  std::array<char, 20> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  out.append(text.data(), static_cast<std::size_t>(end - text.data()));
}

bool bodiless(int status) {
  return status < 200 || status == 204 || status == 304;
}

}  // namespace

Session::Session(Shard& shard, const Listener& listener, Socket socket, std::string remote_address,
                 std::uint16_t remote_port, const Place& place)
    : shard_(shard),
      listener_(listener),
      socket_(std::move(socket)),
      tls_(listener.tls ? listener.tls->current() : nullptr),
      channel_(socket_.native_handle(), tls_.get()),
      remote_address_(std::move(remote_address)),
      place_(place),
      held_(shard.memory(), account_of(place)),
      remote_port_(remote_port) {
  shard_.enter(*this);
  set_phase(tls_ ? Phase::handshake : Phase::idle, shard_.now().steady_ms);
}

Session::~Session() {
  if (websocket_) websocket_->detach();
  if (body_) body_->detach();
  record(ConnectionEvent::closed);
  let_go();
  leave_gate();
  shard_.leave(*this);
}

void Session::leave_gate() {
  if (!evicted_) shard_.gate().leave(place_.key, place_.kind);
}

bool Session::idle() const {
  return !aborted_ && (phase_ == Phase::idle || phase_ == Phase::handshake);
}

bool Session::arriving() const {
  return !aborted_ && (phase_ == Phase::head || phase_ == Phase::handshake);
}

void Session::evict_memory() {
  record(ConnectionEvent::evicted);
  held_.resize(0);
  abort();
}

void Session::evict() {
  record(ConnectionEvent::evicted);
  leave_gate();
  evicted_ = true;
  abort();
}

Task<void> Session::serve(std::shared_ptr<Session> session) {
  co_await session->run();
}

bool Session::Turn::over() {
  if (steps_++ == 0) return false;
  const std::int64_t now_us = steady_us();
  if (since_us_ == 0) since_us_ = now_us;
  return steps_ > turn_steps_max || now_us - since_us_ >= turn_us_max;
}

// --- waiting ------------------------------------------------------------------------------------

Task<void> Session::run() {
  if (channel_.secure()) {
    const bool ready = co_await handshake();
    if (!ready) co_return;
  }
  const asio::use_awaitable_t<Executor> use;
  while (true) {
    const Need need = advance();
    switch (need) {
      case Need::readable:
      case Need::writable: {
        // Not wait(): the frame of an idle connection is the memory that counts.
        boost::system::error_code ec;
        auto token = asio::redirect_error(use, ec);
        const auto direction = need == Need::readable ? Socket::wait_read : Socket::wait_write;
        co_await socket_.async_wait(direction, std::move(token));
        turn_.begin();
        break;
      }
      case Need::turn:
        co_await wait_for_turn();
        break;
      case Need::handler:
        co_await run_handler();
        break;
      case Need::stream:
        co_await run_stream();
        break;
      case Need::websocket:
        co_await run_websocket();
        co_return;
      case Need::linger:
        co_await linger();
        co_return;
      case Need::done:
        co_return;
    }
  }
}

Task<void> Session::wait(Socket::wait_type direction) {
  // An error means that somebody cancelled: the caller looks at the flags and at the socket.
  boost::system::error_code ec;
  const asio::use_awaitable_t<Executor> use;
  auto token = asio::redirect_error(use, ec);
  co_await socket_.async_wait(direction, std::move(token));
  turn_.begin();
}

Task<void> Session::wait_for_turn() {
  co_await Turns::of(shard_.executor()).wait();
  turn_.begin();
}

Task<bool> Session::handshake() {
  boost::system::error_code ec;
  socket_.native_non_blocking(true, ec);
  if (!hold(handshake_bytes)) {
    record(ConnectionEvent::refused_memory);
    co_return false;
  }
  while (!ec && !expired_ && !aborted_) {
    const Channel::Status status = channel_.handshake();
    if (status == Channel::Status::ok) {
      let_go();
      set_phase(Phase::idle, shard_.now().steady_ms);
      co_return true;
    }
    if (status == Channel::Status::would_read) {
      co_await wait(Socket::wait_read);
    } else if (status == Channel::Status::would_write) {
      co_await wait(Socket::wait_write);
    } else {
      break;
    }
  }
  record(ConnectionEvent::tls_failed);
  co_return false;
}

Task<void> Session::run_handler() {
  // The body stays until the answer is there.
  if (exchange_->parser.has_body() && !hold()) {
    refuse_memory();
    co_return;
  }
  http::Request& request = exchange_->parser.request();
  const auto& handler = std::get<http::AsyncHandler>(exchange_->match.route->handler);
  http::Response response;
  std::string problem;
  const bool watched = exchange_->match.route->options.watch_client;
  request.hold_memory = memory_holder(shard_.memory(), held_.account());
  request.drop_body = [this] {
    exchange_->parser.drop_body();
    (void)hold();  // less than before
  };
  start_reading_ahead();
  if (watched) watch_client();
  try {
    Task<http::Response> task = handler(request);
    response = co_await std::move(task);
  } catch (const std::exception& e) {
    problem = e.what();
    if (problem.empty()) problem = "an exception without a message";
  } catch (...) {
    problem = "an exception of unknown type";
  }
  request.client_gone = nullptr;
  request.drop_body = nullptr;
  if (watched) {
    boost::system::error_code ignored;  // nothing waits where the client sent something
    socket_.cancel(ignored);
  }
  input_ = exchange_->input;
  if (aborted_) co_return;
  respond(problem.empty() ? std::move(response) : fault(problem.c_str()));
}

// The client may still be sending. Closing a socket with unread bytes resets the connection and
// can destroy the answer on its way, so what comes is read and dropped for a while.
Task<void> Session::linger() {
  set_phase(Phase::linger, shard_.now().steady_ms);
  if (exchange_) shard_.give_back(std::move(exchange_));
  let_go();
  channel_.shutdown_write();
  std::size_t dropped = 0;
  while (!expired_ && !aborted_ && dropped < linger_bytes_max) {
    const auto outcome = channel_.discard(shard_.scratch());
    if (outcome.status == Channel::Status::ok) {
      dropped += outcome.bytes;
      if (turn_.over()) co_await wait_for_turn();
    } else if (outcome.status == Channel::Status::would_read) {
      co_await wait(Socket::wait_read);
    } else {
      break;
    }
  }
}

// While an answer is being made or goes out, reading shows whether the client is still there;
// requests that it sends meanwhile are kept for later, up to a bound.
void Session::start_reading_ahead() {
  exchange_->input = std::string(input_);
  input_ = {};
}

Session::Ahead Session::read_ahead() {
  std::string& kept = exchange_->input;
  while (kept.size() < pipelined_bytes_max) {
    const auto outcome = channel_.read(shard_.scratch());
    switch (outcome.status) {
      case Channel::Status::ok:
        kept.append(shard_.scratch().data(), outcome.bytes);
        if (!hold()) return Ahead::full;
        continue;
      case Channel::Status::would_read:
        return Ahead::nothing;
      case Channel::Status::would_write:
        return Ahead::writable;
      default:
        return Ahead::gone;
    }
  }
  return Ahead::full;
}

void Session::watch_client() {
  std::weak_ptr<Session> weak = weak_from_this();
  socket_.async_wait(Socket::wait_read, [weak](const boost::system::error_code& ec) {
    const auto self = weak.lock();
    if (ec || !self || self->phase_ != Phase::handler) return;
    const Ahead ahead = self->read_ahead();
    if (ahead == Ahead::nothing) {
      self->watch_client();
    } else if (ahead == Ahead::gone) {
      self->aborted_ = true;
      const auto gone = std::exchange(self->exchange_->parser.request().client_gone, nullptr);
      if (gone) gone();
    }
  });
}

Task<void> Session::run_stream() {
  const std::unique_ptr<PendingStream> pending = std::move(pending_stream_);
  start_reading_ahead();
  // Answers to earlier requests may be partly out.
  body_ = std::make_shared<StreamedBody>(*this, exchange_->output.substr(exchange_->written),
                                         pending->chunked);
  exchange_->output.clear();
  exchange_->written = 0;
  set_phase(Phase::stream, shard_.now().steady_ms);
  try {
    pending->start(body_);  // what is there already goes out with the head
  } catch (const std::exception& e) {
    shard_.observer().on_fault(exchange_->parser.request().route, e.what());
    body_->abort();
  }
  body_->flush();
  while (!body_->finished()) {
    const Ahead ahead = aborted_ ? Ahead::gone : read_ahead();
    if (ahead == Ahead::gone) {
      body_->leave();
    } else if (ahead == Ahead::full) {
      co_await wait(Socket::wait_error);
    } else {
      co_await wait(ahead == Ahead::writable ? Socket::wait_write : Socket::wait_read);
    }
  }
  const auto body = std::exchange(body_, nullptr);
  if (!body->complete()) {
    record(body->slow() ? ConnectionEvent::stream_slow : ConnectionEvent::stream_cut);
    abort();
  }
  const std::int64_t now_us = steady_us();
  record_request(pending->status, body->bytes_written(), now_us);
  exchange_->parser.reset();
  let_go();
  input_ = exchange_->input;
  read_dry_ = false;
  set_phase(Phase::idle, now_us / 1000);
}

Task<void> Session::run_websocket() {
  const auto options = exchange_->match.route->websocket;
  websocket_ = std::make_shared<WebSocketConnection>(*this, options, std::move(accepted_));
  set_phase(Phase::websocket, shard_.now().steady_ms);
  record(ConnectionEvent::websocket_opened);
  websocket_->open(exchange_->parser.request());
  std::string rest(input_);
  shard_.give_back(std::move(exchange_));
  held_.resize(0);
  websocket_->take(rest);
  while (!websocket_->finished()) {
    const auto need = websocket_->read();
    if (need == WebSocketConnection::Need::readable) {
      co_await wait(Socket::wait_read);
    } else if (need == WebSocketConnection::Need::writable) {
      co_await wait(Socket::wait_write);
    } else if (turn_.over()) {
      co_await wait_for_turn();
    }
  }
  if (websocket_->slow()) record(ConnectionEvent::websocket_slow);
  websocket_->detach();
  record(ConnectionEvent::websocket_closed);
  const bool orderly = websocket_->orderly();
  websocket_.reset();
  if (orderly && !aborted_) co_await linger();
}

// --- what needs no waiting ----------------------------------------------------------------------

Session::Need Session::advance() {
  Need need = Need::done;
  while (true) {
    if (aborted_) return Need::done;
    if (expired_ && phase_ != Phase::head && phase_ != Phase::body) return Need::done;
    if (pending_stream_) return Need::stream;
    if (expired_) {
      if (!exchange_) return Need::done;
      expired_ = false;
      const bool body = phase_ == Phase::body;
      refuse_rest(
          {408, "request_timeout",
           body ? "The request's body took too long." : "The request's head took too long."});
    }
    const bool flush_now = exchange_ && exchange_->has_output() &&
                           (input_.empty() || closing_ || exchange_->tail ||
                            exchange_->output.size() >= output_batch_bytes);
    if (flush_now && !flush(need)) return need;
    if (closing_) return Need::linger;
    if (input_.empty() && !read(need)) return need;
    if (turn_.over() && !yield_turn(need)) return need;
    if (!parse(need)) return need;
  }
}

// Each of the following returns true where advance() goes on, false where it must wait for `need`.

// What was answered goes out first: a client that does not read is waited for, and no further
// request of it is looked at.
bool Session::yield_turn(Need& need) {
  if (!exchange_) exchange_ = shard_.lend_exchange();
  if (exchange_->has_output() && !flush(need)) return false;
  keep_input();
  // Something is under way: a drain must not take it for idle.
  if (phase_ == Phase::idle) set_phase(Phase::head, shard_.now().steady_ms);
  need = Need::turn;
  return false;
}

bool Session::flush(Need& need) {
  Exchange& exchange = *exchange_;
  const std::string_view tail = exchange.tail ? std::string_view(*exchange.tail) : "";
  const std::size_t total = exchange.output.size() + tail.size();
  while (exchange.written < total) {
    std::array<std::string_view, 2> pieces;
    std::size_t count = 0;
    if (exchange.written < exchange.output.size()) {
      pieces[count++] = std::string_view(exchange.output).substr(exchange.written);
      if (!tail.empty()) pieces[count++] = tail;
    } else {
      pieces[count++] = tail.substr(exchange.written - exchange.output.size());
    }
    const auto outcome = channel_.write(std::span(pieces.data(), count));
    switch (outcome.status) {
      case Channel::Status::ok:
        exchange.written += outcome.bytes;
        continue;
      case Channel::Status::would_read:
        need = Need::readable;
        break;
      case Channel::Status::would_write:
        need = Need::writable;
        break;
      default:
        need = Need::done;
        return false;
    }
    keep_input();
    // One deadline for the whole of it: a trickle does not renew it.
    if (phase_ != Phase::write) set_phase(Phase::write, shard_.now().steady_ms, total);
    return false;
  }
  exchange.output.clear();
  if (exchange.output.capacity() > output_kept_bytes_max) exchange.output.shrink_to_fit();
  exchange.tail.reset();
  exchange.tail_memory.reset();
  exchange.written = 0;
  if (phase_ == Phase::write) set_phase(Phase::idle, shard_.now().steady_ms);
  return true;
}

bool Session::read(Need& need) {
  if (exchange_) exchange_->input.clear();
  if (shard_.draining() && (!exchange_ || !exchange_->parser.started())) {
    need = requests_ > 0 ? Need::linger : Need::done;
    return false;
  }
  need = Need::readable;
  if (read_dry_) {
    read_dry_ = false;
    if (exchange_ && !exchange_->parser.started()) rest();
    return false;
  }
  const auto outcome = channel_.read(shard_.scratch());
  switch (outcome.status) {
    case Channel::Status::ok:
      break;
    case Channel::Status::would_write:
      need = Need::writable;
      [[fallthrough]];
    case Channel::Status::would_read:
      if (exchange_ && !exchange_->parser.started()) rest();
      if (!note_partial_record()) need = Need::done;
      return false;
    default:
      need = Need::done;
      return false;
  }
  input_ = std::string_view(shard_.scratch().data(), outcome.bytes);
  // TLS may hold decrypted bytes of its own that no readiness of the socket tells of.
  read_dry_ = !channel_.secure() && outcome.bytes < shard_.scratch().size();
  return true;
}

bool Session::parse(Need& need) {
  if (!exchange_) exchange_ = shard_.lend_exchange();
  RequestParser& parser = exchange_->parser;
  RequestParser::Step step = parser.feed(input_);
  if (step == RequestParser::Step::head_ready) step = judge_head();
  switch (step) {
    case RequestParser::Step::complete:
      return dispatch(need);
    case RequestParser::Step::refused:
      refuse_rest(parser.refusal());
      return true;
    default:
      break;
  }
  if (closing_) return true;  // answered at its head
  if (parser.started() && !hold()) {
    refuse_memory();
    return true;
  }
  const Phase phase = parser.in_body() ? Phase::body : Phase::head;
  if (parser.started() && phase_ != phase) set_phase(phase, shard_.now().steady_ms);
  return true;
}

// Routes and filters the request before its body is read.
RequestParser::Step Session::judge_head() {
  RequestParser& parser = exchange_->parser;
  http::Request& request = parser.request();
  const http::Router& router = *listener_.options.router;
  exchange_->match =
      router.match(request.method, request.path, parser.wants_websocket(), request.parameters);
  const http::Route* route = exchange_->match.route;
  request.route = route ? std::string_view(route->pattern) : std::string_view();
  request.packed_body_taken = route != nullptr && route->options.packed_body;
  fill_context(request);
  exchange_->early = answer_at_head(request);
  // From here on it is counted on whom the filters know; whether they have room is seen when
  // something must be held.
  held_.move_to(account_of(request));
  if (!exchange_->early) {
    if (route->options.body_bytes_max > 0) parser.set_body_limit(route->options.body_bytes_max);
    const bool asked = parser.expects_continue() && input_.empty();
    const auto step = parser.feed(input_);
    if (step == RequestParser::Step::need_more && asked) exchange_->output.append(continue_line);
    return step;
  }
  if (!parser.has_body()) return parser.feed(input_);
  // Who waits for 100 Continue may send the body or not: only a new connection is unambiguous.
  if (!parser.expects_continue() && parser.skip_body(skipped_body_bytes_max)) {
    return parser.feed(input_);
  }
  closing_ = true;
  respond(*std::exchange(exchange_->early, std::nullopt));
  return RequestParser::Step::need_more;
}

// Nothing where the request has a route and may use it.
std::optional<http::Response> Session::answer_at_head(http::Request& request) {
  try {
    if (auto response = listener_.options.router->run_filters(request)) return response;
    if (!exchange_->match.route) return answer_unmatched(request);
    if (!take_client_slot(request)) {
      http::Response response = listener_.options.router->refuse(
          request, {429, "too_many_connections",
                    "Too many requests, streams and WebSockets of this client are open; close one "
                    "first."});
      response.set("Retry-After", retry_after_s);
      return response;
    }
    return std::nullopt;
  } catch (const std::exception& e) {
    return fault(e.what());
  } catch (...) {
    return fault("an exception of unknown type");
  }
}

void Session::fill_context(http::Request& request) {
  shard_.write_request_id(exchange_->request_id);
  exchange_->complete_us = steady_us();
  request.context = {
      .request_id = std::string_view(exchange_->request_id.data(), exchange_->request_id.size()),
      .remote_address = remote_address_,
      .remote_port = remote_port_,
      .listener = listener_.options.name,
      .secure = channel_.secure(),
      .now = shard_.now()};
}

bool Session::dispatch(Need& need) {
  http::Request& request = exchange_->parser.request();
  if (exchange_->parser.has_body()) {
    exchange_->complete_us = steady_us();
    request.context.now = shard_.now();
  }
  set_phase(Phase::handler, request.context.now.steady_ms);
  if (exchange_->early) {
    respond(*std::exchange(exchange_->early, std::nullopt));
    return true;
  }
  try {
    return dispatch_route(request, need);
  } catch (const std::exception& e) {
    respond(fault(e.what()));
  } catch (...) {
    respond(fault("an exception of unknown type"));
  }
  return true;
}

bool Session::dispatch_route(http::Request& request, Need& need) {
  const http::Route& route = *exchange_->match.route;
  if (const auto* handler = std::get_if<http::Handler>(&route.handler)) {
    respond((*handler)(request));
    return true;
  }
  if (std::holds_alternative<http::AsyncHandler>(route.handler)) {
    // Answers to earlier pipelined requests must not wait for this one; if the socket is full they
    // are written together with its answer.
    if (exchange_->has_output() && !flush(need) && need == Need::done) return false;
    set_phase(Phase::handler, request.context.now.steady_ms);
    keep_input();
    need = Need::handler;
    return false;
  }
  return accept_websocket(request, need);
}

http::Response Session::answer_unmatched(http::Request& request) {
  const http::Router& router = *listener_.options.router;
  const http::Router::Match& match = exchange_->match;
  if (request.method == http::Method::options) return router.answer_options(request, match.allow);
  if (match.upgrade_only) {
    http::Response response = router.refuse(
        request, {426, "upgrade_required", "This path is a WebSocket's: ask for an upgrade."});
    response.set("Upgrade", "websocket");
    response.set("Connection", "upgrade");
    return response;
  }
  if (match.path_known) {
    http::Response response = router.refuse(
        request, {405, "method_not_allowed",
                  "This path does not know the method " + std::string(request.method_text) + "."});
    response.set("Allow", match.allow);
    return response;
  }
  if (auto response = router.run_fallback(request)) return std::move(*response);
  return router.refuse(request, {404, "not_found", "Nothing is at this path."});
}

bool Session::accept_websocket(http::Request& request, Need& need) {
  const http::Router& router = *listener_.options.router;
  if (auto refusal = http::check_websocket_handshake(request)) {
    http::Response response = router.refuse(request, *refusal);
    if (refusal->status == 426) response.set("Sec-WebSocket-Version", "13");
    respond(std::move(response));
    return true;
  }
  const auto& accept = std::get<http::WebSocketAccept>(exchange_->match.route->handler);
  auto outcome = accept(request);
  if (auto* response = std::get_if<http::Response>(&outcome)) {
    respond(std::move(*response));
    return true;
  }
  accepted_ = std::move(std::get<1>(outcome));
  exchange_->output.append("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n")
      .append("Connection: Upgrade\r\nSec-WebSocket-Accept: ")
      .append(http::websocket_accept_key(request.header_or("sec-websocket-key", "")));
  const std::string_view protocol = exchange_->match.route->websocket.protocol;
  if (http::offers_protocol(request, protocol)) {
    exchange_->output.append("\r\nSec-WebSocket-Protocol: ").append(protocol);
  }
  exchange_->output.append("\r\n\r\n");
  shard_.observer().on_request({.request = request,
                                .status = 101,
                                .request_bytes = exchange_->parser.bytes(),
                                .response_bytes = exchange_->output.size(),
                                .duration_us = steady_us() - exchange_->complete_us});
  // The answer is small and the socket's buffer was just emptied of everything before it; where it
  // is full all the same, such a client is not worth a queue of its own.
  if (!flush(need)) {
    need = Need::done;
  } else {
    need = Need::websocket;
  }
  return false;
}

void Session::refuse(const http::Refusal& refusal) {
  http::Request& request = exchange_->parser.request();
  if (request.context.request_id.empty()) fill_context(request);
  closing_ = true;
  try {
    http::Response response = listener_.options.router->refuse(request, refusal);
    if (refusal.status == 503) response.set("Retry-After", retry_after_s);
    respond(std::move(response));
  } catch (const std::exception& e) {
    shard_.observer().on_fault("refusal", e.what());
    aborted_ = true;
  }
}

// The answer that the head got goes before what was wrong with the body behind it.
void Session::refuse_rest(const http::Refusal& refusal) {
  if (!exchange_->early) {
    refuse(refusal);
    return;
  }
  closing_ = true;
  respond(*std::exchange(exchange_->early, std::nullopt));
}

http::Response Session::fault(const char* what) {
  const http::Request& request = exchange_->parser.request();
  shard_.observer().on_fault(request.route, what);
  return listener_.options.router->refuse(
      request, {500, "internal_error", "The server failed to answer this request."});
}

void Session::respond(http::Response response) {
  RequestParser& parser = exchange_->parser;
  const http::Request& request = parser.request();
  if (!hold_answer(response)) response = refuse_answer();
  listener_.options.router->finish(request, response);
  ++requests_;
  if (!parser.keep_alive() || response.close || shard_.draining() ||
      requests_ >= shard_.options().requests_per_connection_max) {
    closing_ = true;
  }
  if (response.stream) {
    start_stream(response);
    return;
  }
  const std::string_view body = bodiless(response.status_code()) ? "" : response.body_view();
  const std::size_t before = exchange_->output.size();
  write_head(request, response, body.size(), Framing::length);
  std::size_t sent = exchange_->output.size() - before;
  if (request.method != http::Method::head) {
    sent += body.size();
    queue_body(response, body);
  }
  const std::int64_t now_us = steady_us();
  record_request(response.status_code(), sent, now_us);
  if (closing_) {
    parser.drop_body();
  } else {
    parser.reset();
  }
  let_go();
  set_phase(Phase::idle, now_us / 1000);
}

// An answer that was made for this request is counted, before its head goes out, until the client
// has read it. False where there is no room for it.
bool Session::hold_answer(http::Response& response) {
  if (response.memory) {
    exchange_->tail_memory = std::move(response.memory);
    return true;
  }
  const bool kept_elsewhere = response.prepared || (response.shared_body && !response.transient);
  const std::size_t bytes = std::max(response.body.capacity(), response.body_view().size());
  if (kept_elsewhere || bytes <= answer_uncounted_bytes_max) return true;
  held_.resize(0);  // the request goes when its answer is queued
  auto memory = std::make_shared<HeldMemory>(shard_.memory(), held_.account());
  if (!memory->resize(bytes)) return false;
  exchange_->tail_memory = std::move(memory);
  return true;
}

http::Response Session::refuse_answer() {
  record(ConnectionEvent::refused_memory);
  http::Response response = listener_.options.router->refuse(
      exchange_->parser.request(),
      {503, "overloaded", "Too many answers wait for their readers; read them, then try again."});
  response.set("Retry-After", retry_after_s);
  return response;
}

void Session::queue_body(http::Response& response, std::string_view body) {
  if (body.size() <= copied_body_bytes_max) {
    exchange_->output.append(body);
  } else if (response.prepared) {
    exchange_->tail = std::make_shared<const std::string>(body);
  } else {
    exchange_->tail = response.shared_body
                          ? std::move(response.shared_body)
                          : std::make_shared<const std::string>(std::move(response.body));
  }
}

void Session::start_stream(http::Response& response) {
  const http::Request& request = exchange_->parser.request();
  const bool chunked = request.version_minor > 0;
  if (!chunked) closing_ = true;  // only the end of the connection tells where the body ends
  write_head(request, response, 0, chunked ? Framing::chunked : Framing::to_the_end);
  exchange_->parser.drop_body();
  held_.resize(0);
  // The answer to HEAD is this head; its stream starts nothing and ends at once.
  auto start = std::move(response.stream);
  const bool head_only = request.method == http::Method::head;
  if (head_only) start = [](const http::BodyStreamPtr& body) { body->end(); };
  pending_stream_ = std::make_unique<PendingStream>(
      PendingStream{std::move(start), response.status_code(), chunked && !head_only});
}

void Session::record_request(int status, std::size_t response_bytes, std::int64_t now_us) {
  RequestParser& parser = exchange_->parser;
  shard_.observer().on_request({.request = parser.request(),
                                .status = status,
                                .request_bytes = parser.bytes(),
                                .response_bytes = response_bytes,
                                .duration_us = now_us - exchange_->complete_us});
}

void Session::write_head(const http::Request& request, const http::Response& response,
                         std::size_t body_bytes, Framing framing) {
  std::string& out = exchange_->output;
  if (response.prepared) {
    out.append(response.prepared->head());
    http::append_headers(out, response.headers);
  } else {
    http::append_head(out, response.status, response.headers);
  }
  out.append("Date: ").append(shard_.date(request.context.now.wall_ms));
  if (framing == Framing::chunked) {
    out.append("\r\nTransfer-Encoding: chunked");
  } else if (framing == Framing::length && !bodiless(response.status_code())) {
    out.append("\r\nContent-Length: ");
    append_number(out, body_bytes);
  }
  if (closing_) {
    out.append("\r\nConnection: close");
  } else if (request.version_minor == 0) {
    out.append("\r\nConnection: keep-alive");
  }
  out.append("\r\n\r\n");
}

// Before a wait: the shard's scratch belongs to whoever reads next.
void Session::keep_input() {
  if (input_.empty()) return;
  std::string& kept = exchange_->input;
  const bool own = input_.data() >= kept.data() && input_.data() < kept.data() + kept.size();
  if (own) return;
  kept.assign(input_);
  input_ = kept;
}

// Between requests an idle connection holds no buffers.
void Session::rest() {
  if (!exchange_->has_output()) shard_.give_back(std::move(exchange_));
}

// Counts what the connection holds for a request that is not answered yet; false where there is no
// room for it.
bool Session::hold() {
  const Exchange& exchange = *exchange_;
  const std::size_t record = channel_.secure() && channel_.in_record() ? record_bytes : 0;
  return hold(sizeof exchange + exchange.parser.held_bytes() + exchange.input.capacity() +
              exchange.output.capacity() + record);
}

// What arrives makes room for what arrives later: who sends a head in an orderly way is done before
// it is the oldest.
bool Session::hold(std::size_t bytes) {
  if (held_.resize(bytes)) return true;
  if (held_.account().share != MemoryBudget::Share::arriving) return false;
  const bool own = shard_.memory()->address_full(place_.key, bytes);
  return shard_.drop_oldest_arriving(*this, own) && held_.resize(bytes);
}

MemoryBudget::Account Session::account_of(const Place& place) {
  using Share = MemoryBudget::Share;
  const bool admin = place.kind == ConnectionGate::Kind::admin;
  return {.key = place.key, .share = admin ? Share::admin : Share::arriving};
}

MemoryBudget::Account Session::account_of(const http::Request& request) const {
  using Share = MemoryBudget::Share;
  if (place_.kind == ConnectionGate::Kind::admin) return account_of(place_);
  if (!request.payer) return {.key = place_.key, .share = Share::stranger};
  const auto& [key, identity] = *request.payer;
  if (identity.empty()) return {.key = key, .share = Share::stranger};
  return {.key = key, .share = Share::caller, .identity = identity};
}

// The request was answered.
void Session::let_go() {
  held_.resize(0);
  held_.move_to(account_of(place_));
  if (client_slot_) shard_.gate().leave_client(*std::exchange(client_slot_, std::nullopt));
}

void Session::refuse_memory() {
  record(ConnectionEvent::refused_memory);
  exchange_->parser.drop_body();
  held_.resize(0);
  refuse_rest(
      {503, "overloaded", "Too many requests wait for their bodies or answers; try again."});
}

// A trusted proxy's connections are not counted by address: what its clients have under way is.
bool Session::take_client_slot(const http::Request& request) {
  if (place_.kind != ConnectionGate::Kind::proxy || !request.payer) return true;
  if (!shard_.gate().enter_client(request.payer->key)) return false;
  client_slot_ = request.payer->key;
  return true;
}

// The start of a TLS record is the start of a request that nobody sees yet. False where there is no
// memory for it.
bool Session::note_partial_record() {
  if (!channel_.secure() || (exchange_ && exchange_->parser.started())) return true;
  if (channel_.in_record()) {
    if (phase_ == Phase::idle) set_phase(Phase::head, shard_.now().steady_ms);
    return hold(record_bytes);
  }
  if (phase_ == Phase::head) {
    held_.resize(0);
    set_phase(Phase::idle, shard_.now().steady_ms);
  }
  return true;
}

void Session::set_phase(Phase phase, std::int64_t now_ms, std::size_t write_bytes) {
  phase_ = phase;
  phase_since_ms_ = now_ms;
  deadline_ms_ = deadline_ms(shard_.options().deadlines, phase, now_ms, write_bytes);
}

void Session::record(ConnectionEvent event) {
  shard_.observer().on_connection({event, listener_.options.name, remote_address_, phase_});
}

// --- from the shard -----------------------------------------------------------------------------

void Session::tick(http::Moment now) {
  if (websocket_ && phase_ == Phase::websocket) {
    websocket_->tick(now);
    return;
  }
  if (body_) {
    body_->tick(now);
    return;
  }
  const bool slow = phase_ == Phase::body && exchange_ &&
                    too_slow(shard_.options().deadlines, phase_since_ms_, now.steady_ms,
                             exchange_->parser.bytes());
  if (expired_ || (!slow && !holds_up(now) && now.steady_ms < deadline_ms_)) return;
  expired_ = true;
  if (phase_ != Phase::linger) record(ConnectionEvent::timed_out);
  if (phase_ == Phase::handler) {
    abort();  // its coroutine ends when the handler does
    return;
  }
  boost::system::error_code ignored;  // nothing waits: the flag is seen at the next step
  socket_.cancel(ignored);
}

/// Does it hold memory for which others wait, and get on too slowly?
bool Session::holds_up(http::Moment now) {
  const Deadlines& deadlines = shard_.options().deadlines;
  const bool reads = phase_ == Phase::body && exchange_;
  const bool writes = phase_ == Phase::write && exchange_ && exchange_->tail_memory;
  const bool is_short = (reads || writes) && shard_.memory_is_short();
  const std::int64_t rate =
      reads ? deadlines.short_read_rate_min_bytes_s : deadlines.short_write_rate_min_bytes_s;
  const std::size_t bytes = reads ? exchange_->parser.bytes() : writes ? exchange_->written : 0;
  return pace_.too_slow(is_short, deadlines.short_window_ms, rate, now.steady_ms, bytes);
}

void Session::drain() {
  if (websocket_) {
    websocket_->close(http::close_code::going_away, "the server is going down");
    return;
  }
  if (phase_ == Phase::idle || phase_ == Phase::handshake) abort();
}

void Session::abort() {
  aborted_ = true;
  channel_.shutdown_both();
  boost::system::error_code ignored;  // as in tick
  socket_.cancel(ignored);
}

}  // namespace redoubt::net
