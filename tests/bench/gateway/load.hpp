// The load generator: one thread, one epoll, connections that are opened before the clock starts.
//
// Open loop: arrivals are fixed before the run, one each 1/per_second, whatever the server does. An
// arrival that finds no free connection waits, and its latency counts from the time at which it was
// to be sent: a server that stalls is charged for all that it delayed, not for one request a
// connection ("coordinated omission"; G. Tene, How NOT to Measure Latency).
// Closed loop: each connection asks again as soon as it was answered.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace redoubt::bench {

struct Plan {
  std::uint16_t port = 0;
  std::string_view request;  ///< the bytes, head and body
  int connections = 1;
  double seconds = 1;
  double per_second = 0;  ///< 0: closed loop
};

struct Measured {
  std::size_t answers = 0;     ///< with status 200
  std::size_t failures = 0;    ///< other answers, broken connections
  std::size_t unanswered = 0;  ///< open loop: still waiting long after the last arrival
  std::size_t events = 0;
  double seconds = 0;                  ///< first arrival to last answer
  std::vector<double> latency_us;      ///< sorted; from the intended time
  std::vector<double> first_event_us;  ///< sorted; answers with events only

  double per_second() const { return seconds > 0 ? static_cast<double>(answers) / seconds : 0; }
};

Measured run_load(const Plan& plan);

/// Of a sorted list; 0 of an empty one.
double percentile(const std::vector<double>& sorted, double percent);

/// Streams that have had their first event and stay open.
class OpenStreams {
 public:
  /// Opens up to `count`; stops where one cannot be had.
  OpenStreams(std::uint16_t port, std::string_view request, std::size_t count);
  ~OpenStreams();
  OpenStreams(const OpenStreams&) = delete;
  OpenStreams& operator=(const OpenStreams&) = delete;
  std::size_t size() const { return sockets_.size(); }

 private:
  std::vector<int> sockets_;
};

/// The body of the answer to one request; "" where the status is not 200.
std::string ask_once(std::uint16_t port, std::string_view request);

}  // namespace redoubt::bench
