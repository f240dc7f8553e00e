#include "relay/net/shard.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "engine/base/hash64.hpp"
#include "relay/net/port_holder.hpp"
#include "relay/net/session.hpp"
#include "relay/net/turns.hpp"

namespace redoubt::net {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds tick_period{1000};
constexpr std::size_t accepts_in_a_row_max = 64;
constexpr std::chrono::milliseconds accept_pause{100};  // when the process is out of descriptors
constexpr std::size_t exchanges_kept_max = 64;
// Sessions that are looked at in a second to find the idlest: some 2 % of a core.
constexpr std::size_t eviction_looks_max = 1'000'000;

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

Error bind_error(const ListenerOptions& listener, std::uint16_t port, std::string what) {
  const std::string place = listener.address + ":" + std::to_string(port);
  return {.code = "cannot_listen",
          .message =
              "listener " + listener.name + " cannot listen on " + place + ": " + std::move(what),
          .path = listener.name,
          .got = place};
}

ConnectionGate::Kind kind_of(const ListenerOptions& listener, const asio::ip::address& address,
                             std::string_view text) {
  if (listener.admin) return ConnectionGate::Kind::admin;
  if (listener.trusted_peer && listener.trusted_peer(text)) return ConnectionGate::Kind::proxy;
  return address.is_loopback() ? ConnectionGate::Kind::loopback : ConnectionGate::Kind::ordinary;
}

}  // namespace

Shard::Shard(const ServerOptions& options, std::vector<Listener>& listeners, SharedLimits& limits,
             Observer& observer, std::uint64_t id_seed)
    : options_(options),
      listeners_(listeners),
      limits_(limits),
      observer_(observer),
      parser_limits_{options.head_bytes_max, options.headers_max, options.body_bytes_max,
                     options.trailer_bytes_max, options.chunk_line_bytes_max},
      id_state_(id_seed),
      scratch_(read_bytes_max),
      io_(std::make_unique<asio::io_context>(1)) {
  work_.emplace(io_->get_executor());
  timer_ = std::make_unique<Timer>(io_->get_executor());
  drain_timer_ = std::make_unique<Timer>(io_->get_executor());
}

Shard::~Shard() {
  acceptors_.clear();
  timer_.reset();
  drain_timer_.reset();
  work_.reset();
  // The coroutines that wait for a turn, and their sessions with them.
  Turns::of(io_->get_executor()).forget();
  // Destroys the coroutines that still wait, and their sessions with them.
  io_.reset();
}

Result<std::uint16_t> Shard::bind(std::size_t listener, std::uint16_t port, bool shared) {
  const ListenerOptions& options = listeners_[listener].options;
  boost::system::error_code ec;
  const asio::ip::address address = asio::ip::make_address(options.address, ec);
  if (ec) return bind_error(options, port, "not an IP address");
  const Tcp::endpoint endpoint(address, port);
  auto acceptor = std::make_unique<Acceptor>(io_->get_executor());
  acceptor->open(endpoint.protocol(), ec);
  if (!ec) acceptor->set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec && shared) acceptor->set_option(ReusePort(true), ec);
  if (!ec) acceptor->bind(endpoint, ec);
  if (!ec) acceptor->listen(options_.backlog, ec);
  if (!ec) acceptor->non_blocking(true, ec);
  if (ec) return bind_error(options, port, bind_fault_text(port, ec));
  const std::uint16_t bound = acceptor->local_endpoint(ec).port();
  if (ec) return bind_error(options, port, ec.message());
  acceptors_.push_back(std::move(acceptor));
  acceptor_listeners_.push_back(listener);
  return bound;
}

void Shard::run() {
  for (std::size_t i = 0; i < acceptors_.size(); ++i) {
    asio::co_spawn(io_->get_executor(), accept(i), asio::detached);
  }
  wait_for_tick();
  while (true) {
    try {
      io_->run();
      return;
    } catch (const std::exception& fault) {
      // A handler's exception ends its own coroutine; the shard goes on with the others.
      observer_.on_fault("shard", fault.what());
    } catch (...) {
      observer_.on_fault("shard", "an exception of unknown type");
    }
  }
}

Task<void> Shard::accept(std::size_t index) {
  Acceptor& acceptor = *acceptors_[index];
  const std::size_t listener = acceptor_listeners_[index];
  while (acceptor.is_open()) {
    boost::system::error_code ec;
    Socket socket(io_->get_executor());
    Tcp::endpoint remote;
    const asio::use_awaitable_t<Executor> use;
    auto token = asio::redirect_error(use, ec);
    co_await acceptor.async_accept(socket, remote, std::move(token));
    if (!ec) {
      take(std::move(socket), remote, listener);
      take_waiting(acceptor, listener);
      continue;
    }
    if (!acceptor.is_open()) break;
    if (ec == asio::error::connection_aborted) continue;
    observer_.on_fault("accept", ec.message());
    Timer pause(io_->get_executor(), accept_pause);
    auto paused = asio::redirect_error(use, ec);
    co_await pause.async_wait(std::move(paused));
  }
}

// The fitting session that has been in its phase for the longest time; null where there is none, or
// where too many were looked at lately.
template <class Fits>
Session* Shard::oldest(Fits fits) {
  if (eviction_looks_ + sessions_.size() > eviction_looks_max) return nullptr;
  eviction_looks_ += sessions_.size();
  Session* found = nullptr;
  for (Session* session : sessions_) {
    if (!fits(*session)) continue;
    if (!found || session->since_ms() < found->since_ms()) found = session;
  }
  return found;
}

// Closes the idlest connection, of that address or of all: who has a request under way, or came
// just now, is of more use than who said nothing for the longest time.
ConnectionGate::Verdict Shard::make_room(const ConnectionGate::Key& key, ConnectionGate::Kind kind,
                                         ConnectionGate::Verdict verdict) {
  using Kind = ConnectionGate::Kind;
  using Verdict = ConnectionGate::Verdict;
  const bool admin = kind == Kind::admin;
  Session* idlest = oldest([&](const Session& session) {
    const Kind its = session.place().kind;
    const bool same_kind = (its == Kind::admin) == admin;
    if (!session.idle()) return false;
    if (verdict == Verdict::address_full) return same_kind && session.place().key == key;
    if (verdict == Verdict::strangers_full) return its == Kind::ordinary || its == Kind::proxy;
    return same_kind || admin;
  });
  if (!idlest) return verdict;
  idlest->evict();
  return limits_.gate.enter(key, kind);
}

bool Shard::drop_oldest_arriving(const Session& asker, bool own_address) {
  Session* found = oldest([&](const Session& session) {
    const bool fits = !own_address || session.place().key == asker.place().key;
    return fits && session.arriving() && &session != &asker;
  });
  if (found) found->evict_memory();
  return found != nullptr;
}

void Shard::take(Socket socket, const Tcp::endpoint& remote, std::size_t listener) {
  try {
    admit(std::move(socket), remote, listener);
  } catch (const std::exception& fault) {
    // This connection is lost; the acceptor must live.
    observer_.on_fault("accept", fault.what());
  }
}

// With one accept a round of the shard's loop the last of a crowd would wait for all that those
// before it have begun.
void Shard::take_waiting(Acceptor& acceptor, std::size_t listener) {
  for (std::size_t taken = 0; taken < accepts_in_a_row_max; ++taken) {
    boost::system::error_code ec;
    Socket socket(io_->get_executor());
    Tcp::endpoint remote;
    acceptor.accept(socket, remote, ec);
    if (ec) return;  // nobody waits; what is wrong comes again, and is told, where it is awaited
    take(std::move(socket), remote, listener);
  }
}

void Shard::admit(Socket socket, const Tcp::endpoint& remote, std::size_t index) {
  Listener& listener = listeners_[index];
  asio::ip::address address = remote.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  const std::string text = address.to_string();
  const Session::Place place{ConnectionGate::key(address),
                             kind_of(listener.options, address, text)};
  ConnectionRecord record{ConnectionEvent::opened, listener.options.name, text};
  auto verdict = limits_.gate.enter(place.key, place.kind);
  if (verdict != ConnectionGate::Verdict::admitted) {
    verdict = make_room(place.key, place.kind, verdict);
  }
  if (verdict != ConnectionGate::Verdict::admitted) {
    record.event = verdict == ConnectionGate::Verdict::address_full
                       ? ConnectionEvent::refused_address
                       : ConnectionEvent::refused_total;
    observer_.on_connection(record);
    return;
  }
  observer_.on_connection(record);
  boost::system::error_code ignored;  // a connection without TCP_NODELAY still works
  socket.set_option(Tcp::no_delay(true), ignored);
  std::shared_ptr<Session> session;
  try {
    session =
        std::make_shared<Session>(*this, listener, std::move(socket), text, remote.port(), place);
  } catch (...) {
    limits_.gate.leave(place.key, place.kind);  // a Session that lives does it in its destructor
    throw;
  }
  const auto finished = [this](std::exception_ptr fault) {
    if (!fault) return;
    try {
      std::rethrow_exception(fault);
    } catch (const std::exception& e) {
      observer_.on_fault("session", e.what());
    } catch (...) {
      observer_.on_fault("session", "an exception of unknown type");
    }
  };
  asio::co_spawn(io_->get_executor(), Session::serve(std::move(session)), finished);
}

void Shard::wait_for_tick() {
  timer_->expires_after(tick_period);
  timer_->async_wait([this](const boost::system::error_code& ec) {
    if (ec) return;
    wait_for_tick();
    tick();
  });
}

void Shard::tick() {
  const http::Moment moment = now();
  eviction_looks_ = 0;
  // From the back: a session that leaves during its tick is replaced by one already seen.
  for (std::size_t i = sessions_.size(); i-- > 0;) {
    if (i < sessions_.size()) sessions_[i]->tick(moment);
  }
}

void Shard::drain() {
  asio::post(io_->get_executor(), [this] { start_drain(); });
}

void Shard::start_drain() {
  if (draining_) return;
  draining_ = true;
  drain_timer_->expires_after(std::chrono::milliseconds(options_.drain_ms_max));
  drain_timer_->async_wait([this](const boost::system::error_code& ec) {
    if (!ec) stop();
  });
  boost::system::error_code ignored;  // closing an acceptor has no failure to act on
  for (auto& acceptor : acceptors_)
    acceptor->close(ignored);
  for (std::size_t i = sessions_.size(); i-- > 0;) {
    if (i < sessions_.size()) sessions_[i]->drain();
  }
  finish_when_empty();
}

void Shard::finish_when_empty() {
  if (!draining_ || !sessions_.empty() || !timer_) return;
  timer_->cancel();
  drain_timer_->cancel();
  work_.reset();
  // Kept upstream connections and their timer would hold it for as long as they may be idle.
  io_->stop();
}

void Shard::stop() {
  io_->stop();
}

http::Moment Shard::now() const {
  using namespace std::chrono;
  return {duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count(),
          duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

std::string_view Shard::date(std::int64_t wall_ms) {
  const std::int64_t second = wall_ms / 1000;
  if (second != date_second_) {
    date_second_ = second;
    date_ = http::http_date(wall_ms);
  }
  return date_;
}

void Shard::write_request_id(std::array<char, 16>& id) {
  static constexpr char digits[] = "0123456789abcdef";
  std::uint64_t value = mix64(id_state_++);
  for (std::size_t i = id.size(); i-- > 0; value >>= 4)
    id[i] = digits[value & 15];
}

std::unique_ptr<Exchange> Shard::lend_exchange() {
  if (exchanges_.empty()) return std::make_unique<Exchange>(parser_limits_);
  auto exchange = std::move(exchanges_.back());
  exchanges_.pop_back();
  return exchange;
}

void Shard::give_back(std::unique_ptr<Exchange> exchange) {
  if (exchanges_.size() == exchanges_kept_max) return;
  exchange->parser.reset();
  exchange->early.reset();
  exchange->input.clear();
  exchange->input.shrink_to_fit();
  exchange->output.clear();
  exchange->written = 0;
  exchange->tail.reset();
  exchange->tail_memory.reset();
  exchanges_.push_back(std::move(exchange));
}

void Shard::enter(Session& session) {
  session.set_index(sessions_.size());
  sessions_.push_back(&session);
}

void Shard::leave(Session& session) {
  const std::size_t index = session.index();
  sessions_[index] = sessions_.back();
  sessions_[index]->set_index(index);
  sessions_.pop_back();
  finish_when_empty();
}

}  // namespace redoubt::net
