#include "relay/net/server.hpp"

#include <cstdio>
#include <mutex>
#include <random>
#include <thread>

#include "relay/net/shard.hpp"
#include "relay/net/tls.hpp"

namespace redoubt::net {

namespace {

std::uint64_t random_seed() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device();
}

}  // namespace

std::string_view to_string(ConnectionEvent event) {
  switch (event) {
    case ConnectionEvent::opened:
      return "opened";
    case ConnectionEvent::closed:
      return "closed";
    case ConnectionEvent::refused_total:
      return "refused_total";
    case ConnectionEvent::refused_address:
      return "refused_address";
    case ConnectionEvent::evicted:
      return "evicted";
    case ConnectionEvent::refused_memory:
      return "refused_memory";
    case ConnectionEvent::tls_failed:
      return "tls_failed";
    case ConnectionEvent::timed_out:
      return "timed_out";
    case ConnectionEvent::websocket_opened:
      return "websocket_opened";
    case ConnectionEvent::websocket_closed:
      return "websocket_closed";
    case ConnectionEvent::websocket_slow:
      return "websocket_slow";
    case ConnectionEvent::stream_cut:
      return "stream_cut";
    case ConnectionEvent::stream_slow:
      return "stream_slow";
  }
  return "";
}

void Observer::on_fault(std::string_view where, std::string_view what) {
  std::fprintf(stderr, "fault in %.*s: %.*s\n", static_cast<int>(where.size()), where.data(),
               static_cast<int>(what.size()), what.data());
}

struct Server::State {
  State(ServerOptions o, Observer& w)
      : options(std::move(o)),
        observer(w),
        limits{.gate = ConnectionGate(options.connections_max, options.connections_per_address_max),
               .memory = std::make_shared<MemoryBudget>(options.unfinished_bytes_max)} {}

  Result<void> load_certificates();
  Result<std::uint16_t> bind(std::size_t listener);

  const ServerOptions options;
  Observer& observer;
  SharedLimits limits;
  std::vector<Listener> listeners;
  std::vector<std::uint16_t> ports;
  std::vector<std::unique_ptr<Shard>> shards;
};

Server::Server(ServerOptions options, Observer& observer)
    : state_(std::make_unique<State>(std::move(options), observer)) {}

Server::~Server() = default;

Result<void> Server::State::load_certificates() {
  for (Listener& listener : listeners) {
    if (!listener.tls) continue;
    if (auto loaded = listener.tls->reload(); !loaded) return loaded;
  }
  return {};
}

// With SO_REUSEPORT a second server on the same port would silently share its connections, so the
// port is first taken without it: that fails where anybody listens.
Result<std::uint16_t> Server::State::bind(std::size_t listener) {
  const bool shared = shards.size() > 1;
  std::uint16_t port = options.listeners[listener].port;
  if (shared) {
    Shard probe(options, listeners, limits, observer, 0);
    auto bound = probe.bind(listener, port, false);
    if (!bound) return bound;
    port = *bound;
  }
  for (auto& shard : shards) {
    auto bound = shard->bind(listener, port, shared);
    if (!bound) return bound;
    port = *bound;
  }
  return port;
}

Result<void> Server::listen() {
  State& state = *state_;
  for (const ListenerOptions& options : state.options.listeners) {
    Listener& listener = state.listeners.emplace_back();
    listener.options = options;
    if (options.tls) listener.tls = std::make_unique<Tls>(*options.tls);
  }
  auto prepared = state.load_certificates();
  const std::uint64_t seed = random_seed();
  for (int i = 0; i < state.options.shards; ++i) {
    // Far apart, so that the shards' request ids never meet.
    const std::uint64_t shard_seed = seed + (static_cast<std::uint64_t>(i) << 48);
    state.shards.push_back(std::make_unique<Shard>(state.options, state.listeners, state.limits,
                                                   state.observer, shard_seed));
  }
  for (std::size_t i = 0; prepared.ok() && i < state.listeners.size(); ++i) {
    auto port = state.bind(i);
    if (port) {
      state.ports.push_back(*port);
    } else {
      prepared = port.error();
    }
  }
  if (!prepared.ok()) {
    state.shards.clear();
    state.listeners.clear();
    state.ports.clear();
  }
  return prepared;
}

std::uint16_t Server::port(std::size_t listener) const {
  return state_->ports.at(listener);
}

void Server::run() {
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < state_->shards.size(); ++i) {
    threads.emplace_back([shard = state_->shards[i].get()] { shard->run(); });
  }
  state_->shards.at(0)->run();
  for (std::thread& thread : threads)
    thread.join();
}

void Server::drain() {
  for (auto& shard : state_->shards)
    shard->drain();
}

void Server::stop() {
  for (auto& shard : state_->shards)
    shard->stop();
}

Result<void> Server::reload_certificates() {
  // All are checked before the first is replaced.
  for (Listener& listener : state_->listeners) {
    if (!listener.tls) continue;
    if (auto sound = listener.tls->check(); !sound) return sound;
  }
  return state_->load_certificates();
}

std::size_t Server::connections() const {
  return state_->limits.gate.total();
}

}  // namespace redoubt::net
