#include "tests/bench/gateway/load.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "tests/bench/gateway/answer_reader.hpp"
#include "tests/bench/server_process.hpp"

namespace redoubt::bench {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t start_in_ns = 2'000'000;
constexpr std::int64_t patience_ns = 10 * second_ns;  // after the last arrival
constexpr int events_a_turn_max = 64;
constexpr std::size_t streams_a_batch = 100;
constexpr int first_event_wait_ms = 10'000;

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * second_ns + now.tv_nsec;
}

struct Connection {
  int fd = -1;
  AnswerReader reader;
  std::int64_t intended_ns = 0;
  std::int64_t sent_ns = 0;
  bool busy = false;
};

int open_connection(std::uint16_t port) {
  const int fd = connect_loopback(port);
  if (fd < 0) return fd;
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

/// Requests fit into the socket's buffer but for long ones on a fresh connection.
bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    if (errno != EAGAIN) return false;
    pollfd writable{fd, POLLOUT, 0};
    if (::poll(&writable, 1, first_event_wait_ms) <= 0) return false;
  }
  return true;
}

class Generator {
 public:
  explicit Generator(const Plan& plan)
      : plan_(plan),
        epoll_(::epoll_create1(0)),
        connections_(static_cast<std::size_t>(plan.connections)) {
    // Sleeps are to end when they should, not up to 50 us later.
    ::prctl(PR_SET_TIMERSLACK, 1);
    for (std::size_t i = 0; i < connections_.size(); ++i)
      open(i);
    total_ = plan.per_second > 0 ? static_cast<std::size_t>(plan.per_second * plan.seconds) : 0;
    measured_.latency_us.reserve(total_);
  }
  ~Generator() {
    for (const Connection& connection : connections_)
      if (connection.fd >= 0) ::close(connection.fd);
    ::close(epoll_);
  }
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  Measured run() {
    start_ns_ = now_ns() + start_in_ns;
    end_ns_ = start_ns_ + static_cast<std::int64_t>(plan_.seconds * 1e9);
    last_ns_ = start_ns_;
    while (turn()) {
    }
    measured_.unanswered = total_ > 0 ? total_ - measured_.answers - measured_.failures : 0;
    measured_.seconds = static_cast<double>(last_ns_ - start_ns_) / 1e9;
    std::sort(measured_.latency_us.begin(), measured_.latency_us.end());
    std::sort(measured_.first_event_us.begin(), measured_.first_event_us.end());
    return std::move(measured_);
  }

 private:
  void open(std::size_t i) {
    Connection& connection = connections_[i];
    connection.fd = open_connection(plan_.port);
    connection.busy = false;
    connection.reader.reset();
    if (connection.fd < 0) return;
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.u64 = i;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &wanted);
    idle_.push_back(i);
  }

  std::int64_t arrival_ns(std::size_t i) const {
    return start_ns_ + static_cast<std::int64_t>(static_cast<double>(i) * 1e9 / plan_.per_second);
  }
  bool scheduled() const { return plan_.per_second > 0; }

  /// Sends what is due; false when the run is over.
  bool turn() {
    const std::int64_t now = now_ns();
    while (!idle_.empty() && now >= start_ns_ && due(now)) {
      const std::size_t i = idle_.back();
      idle_.pop_back();
      ask(connections_[i], scheduled() ? arrival_ns(sent_) : now_ns());
      ++sent_;
    }
    if (over(now)) return false;
    wait(now);
    return true;
  }
  bool due(std::int64_t now) const {
    return scheduled() ? sent_ < total_ && arrival_ns(sent_) <= now : now < end_ns_;
  }
  bool over(std::int64_t now) const {
    if (now > end_ns_ + patience_ns) return true;
    const bool quiet = measured_.answers + measured_.failures == sent_;
    return quiet && (scheduled() ? sent_ == total_ : now >= end_ns_);
  }

  void ask(Connection& connection, std::int64_t intended_ns) {
    connection.reader.reset();
    connection.busy = true;
    connection.intended_ns = intended_ns;
    connection.sent_ns = now_ns();
    if (!send_all(connection.fd, plan_.request)) fail(connection);
  }

  void wait(std::int64_t now) {
    std::int64_t wake_ns = now + second_ns;
    if (now < start_ns_) {
      wake_ns = start_ns_;
    } else if (scheduled() && sent_ < total_ && !idle_.empty()) {
      wake_ns = std::max(now, arrival_ns(sent_));
    }
    const timespec timeout{(wake_ns - now) / second_ns, (wake_ns - now) % second_ns};
    std::array<epoll_event, events_a_turn_max> ready;
    const int n = ::epoll_pwait2(epoll_, ready.data(), events_a_turn_max, &timeout, nullptr);
    for (int i = 0; i < n; ++i)
      receive(ready[static_cast<std::size_t>(i)].data.u64);
  }

  void receive(std::size_t i) {
    Connection& connection = connections_[i];
    const ssize_t n = ::recv(connection.fd, buffer_.data(), buffer_.size(), 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0 || !connection.busy) return replace(i);
    const std::size_t events_before = connection.reader.events();
    const bool good = connection.reader.feed({buffer_.data(), static_cast<std::size_t>(n)});
    if (!good) return replace(i);
    const std::int64_t now = now_ns();
    const std::size_t events = connection.reader.events();
    measured_.events += events - events_before;
    if (events_before == 0 && events > 0)
      measured_.first_event_us.push_back(static_cast<double>(now - connection.intended_ns) / 1e3);
    if (!connection.reader.complete()) return;
    last_ns_ = now;
    connection.busy = false;
    if (connection.reader.status() == 200) {
      ++measured_.answers;
      measured_.latency_us.push_back(static_cast<double>(now - connection.intended_ns) / 1e3);
    } else {
      ++measured_.failures;
    }
    idle_.push_back(i);
  }

  void fail(Connection& connection) {
    if (connection.busy) ++measured_.failures;
    connection.busy = false;
    ::shutdown(connection.fd, SHUT_RDWR);  // shows as readable
  }
  void replace(std::size_t i) {
    if (connections_[i].busy) ++measured_.failures;
    ::close(connections_[i].fd);
    std::erase(idle_, i);
    open(i);
  }

  Plan plan_;
  int epoll_;
  std::vector<Connection> connections_;
  std::vector<std::size_t> idle_;
  std::size_t total_ = 0;
  std::size_t sent_ = 0;
  std::int64_t start_ns_ = 0;
  std::int64_t end_ns_ = 0;
  std::int64_t last_ns_ = 0;
  Measured measured_;
  std::array<char, 64 << 10> buffer_;
};

/// Reads until an answer satisfies `enough`; false where it does not come.
template <typename Enough>
bool read_until(int fd, AnswerReader& reader, Enough enough) {
  std::array<char, 16 << 10> bytes;
  while (!enough(reader)) {
    pollfd readable{fd, POLLIN, 0};
    if (::poll(&readable, 1, first_event_wait_ms) <= 0) return false;
    const ssize_t n = ::recv(fd, bytes.data(), bytes.size(), 0);
    if (n <= 0 || !reader.feed({bytes.data(), static_cast<std::size_t>(n)})) return false;
  }
  return true;
}

}  // namespace

Measured run_load(const Plan& plan) {
  return Generator(plan).run();
}

double percentile(const std::vector<double>& sorted, double percent) {
  if (sorted.empty()) return 0;
  const double place = percent / 100 * static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<std::size_t>(place + 0.5)];
}

OpenStreams::OpenStreams(std::uint16_t port, std::string_view request, std::size_t count) {
  sockets_.reserve(count);
  while (sockets_.size() < count) {
    const std::size_t first = sockets_.size();
    for (std::size_t i = first; i < std::min(count, first + streams_a_batch); ++i) {
      const int fd = open_connection(port);
      if (fd < 0) break;
      sockets_.push_back(fd);
      if (!send_all(fd, request)) break;
    }
    for (std::size_t i = first; i < sockets_.size(); ++i) {
      AnswerReader reader;
      const bool began = read_until(sockets_[i], reader, [](const AnswerReader& r) {
        return r.complete() || r.events() > 0;
      });
      if (began && !reader.complete()) continue;
      for (std::size_t j = i; j < sockets_.size(); ++j)
        ::close(sockets_[j]);
      sockets_.resize(i);
      return;
    }
    if (sockets_.size() == first) return;
  }
}

OpenStreams::~OpenStreams() {
  for (const int fd : sockets_)
    ::close(fd);
}

std::string ask_once(std::uint16_t port, std::string_view request) {
  const int fd = open_connection(port);
  if (fd < 0) return "";
  AnswerReader reader;
  const bool answered = send_all(fd, request) &&
                        read_until(fd, reader, [](const AnswerReader& r) { return r.complete(); });
  ::close(fd);
  return answered && reader.status() == 200 ? reader.body() : "";
}

}  // namespace redoubt::bench
