// A server on the loopback with an ephemeral port, and a plain blocking client to drive it.
//
// Every wait of the client has a bound of `patience`; a test that runs into it fails.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "relay/net/server.hpp"

namespace redoubt::net::test {

constexpr std::chrono::seconds patience{20};

struct Answer {
  int status = 0;
  std::string head;
  std::string body;

  /// The value of a header, or "" (names are matched as the server writes them).
  std::string header(std::string_view name) const {
    const std::string key = "\r\n" + std::string(name) + ": ";
    const std::size_t at = head.find(key);
    if (at == std::string::npos) return "";
    const std::size_t start = at + key.size();
    return head.substr(start, head.find("\r\n", start) - start);
  }
};

/// A blocking TCP client.
class Client {
 public:
  explicit Client(std::uint16_t port, int receive_buffer_bytes = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    if (receive_buffer_bytes > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    }
    const timeval limit{patience.count(), 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  ~Client() { close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  int descriptor() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void shut_write() { ::shutdown(fd_, SHUT_WR); }

  /// False where the server closed before everything was taken.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  /// Reads more into the buffer; false at the end (or a reset, or out of patience).
  bool fill() {
    std::array<char, 16384> chunk;
    const ssize_t n = ::recv(fd_, chunk.data(), chunk.size(), 0);
    if (n == 0) ended_ = true;
    if (n <= 0) return false;
    buffer_.append(chunk.data(), static_cast<std::size_t>(n));
    return true;
  }

  /// The next answer; status 0 where the connection ended before one was whole.
  Answer answer(bool to_head_request = false) {
    Answer answer;
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill()) return answer;
    }
    answer.head = buffer_.substr(0, end + 2);
    std::size_t length = 0;
    const std::string length_text = answer.header("Content-Length");
    if (!length_text.empty() && !to_head_request) length = std::stoul(length_text);
    while (buffer_.size() < end + 4 + length) {
      if (!fill()) return Answer{};
    }
    answer.body = buffer_.substr(end + 4, length);
    buffer_.erase(0, end + 4 + length);
    answer.status = std::stoi(answer.head.substr(9, 3));
    return answer;
  }
  Answer ask(std::string_view bytes) {
    send(bytes);
    return answer();
  }

  /// The server closed the connection in order (no reset, no time-out), nothing else came.
  bool closed() {
    while (fill()) {
    }
    return ended_ && buffer_.empty();
  }
  std::string& buffer() { return buffer_; }

 private:
  int fd_ = -1;
  bool ended_ = false;
  std::string buffer_;
};

/// Counts what the server tells and lets a test wait for it.
class Witness : public Observer {
 public:
  void on_connection(const ConnectionRecord& record) override {
    const std::lock_guard guard(lock_);
    ++events_.at(static_cast<std::size_t>(record.event));
    changed_.notify_all();
  }
  void on_request(const RequestRecord& record) override {
    const std::lock_guard guard(lock_);
    statuses_.push_back(record.status);
    changed_.notify_all();
  }
  void on_fault(std::string_view where, std::string_view what) override {
    const std::lock_guard guard(lock_);
    faults_.push_back(std::string(where) + ": " + std::string(what));
  }

  std::size_t count(ConnectionEvent event) const {
    const std::lock_guard guard(lock_);
    return events_.at(static_cast<std::size_t>(event));
  }
  std::vector<std::string> faults() const {
    const std::lock_guard guard(lock_);
    return faults_;
  }
  std::vector<int> statuses() const {
    const std::lock_guard guard(lock_);
    return statuses_;
  }
  /// Waits until `event` was seen `n` times; false when out of patience.
  bool wait_for(ConnectionEvent event, std::size_t n) {
    std::unique_lock guard(lock_);
    return changed_.wait_for(guard, patience,
                             [&] { return events_.at(static_cast<std::size_t>(event)) >= n; });
  }

 private:
  mutable std::mutex lock_;
  std::condition_variable changed_;
  std::array<std::size_t, 16> events_{};
  std::vector<int> statuses_;
  std::vector<std::string> faults_;
};

/// A running server; drained and joined at the end.
class Running {
 public:
  explicit Running(const http::Router& router, ServerOptions options = {}) {
    if (options.listeners.empty()) {
      ListenerOptions listener;
      listener.name = "test";
      options.listeners.push_back(listener);
    }
    for (auto& listener : options.listeners) {
      if (!listener.router) listener.router = &router;
    }
    server_.emplace(std::move(options), witness_);
    const auto listening = server_->listen();
    REQUIRE(listening.ok());
    thread_ = std::thread([this] { server_->run(); });
  }
  ~Running() {
    if (!thread_.joinable()) return;
    server_->drain();
    thread_.join();
  }

  std::uint16_t port(std::size_t listener = 0) const { return server_->port(listener); }
  Server& server() { return *server_; }
  Witness& witness() { return witness_; }
  /// Waits for run() to end by itself.
  void wait_end() { thread_.join(); }

 private:
  Witness witness_;
  std::optional<Server> server_;
  std::thread thread_;
};

/// GET /ping -> "pong"; POST /echo -> the body; GET /big -> 8 MiB; /later -> the same after a
/// round through the shard's queue; /broken and /broken-later throw.
http::Router make_router();
constexpr std::size_t big_bytes = 8 * 1024 * 1024;
constexpr std::string_view ping = "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n";

}  // namespace redoubt::net::test
