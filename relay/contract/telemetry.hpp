// Telemetry: what the server tells about requests and connections, as metrics and log lines.
//
// 1. Called on shard threads, concurrently; everything it touches is atomic or locked briefly.
// 2. Series of the known routes are made at the start; a request's update takes no lock.
// 3. A log line of a request holds neither query nor body nor header values.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "relay/net/server.hpp"
#include "relay/observe/log.hpp"
#include "relay/observe/metrics.hpp"

namespace redoubt::contract {

class Telemetry : public net::Observer {
 public:
  Telemetry(observe::Metrics& metrics, observe::Log& log, bool log_requests);

  /// A route that is counted by its own name. Before the server runs.
  /// `level`: of the lines of requests that were answered.
  void add_route(std::string_view pattern, observe::Level level = observe::Level::info);

  void on_connection(const net::ConnectionRecord& record) override;
  void on_request(const net::RequestRecord& record) override;
  void on_fault(std::string_view where, std::string_view what) override;

  std::int64_t connections() const { return connections_.value(); }
  std::int64_t websockets() const { return websockets_.value(); }

 private:
  static constexpr int status_max = 600;
  struct Series {
    std::string route;
    observe::Level level = observe::Level::info;
    observe::Histogram* duration = nullptr;
    std::array<std::atomic<observe::Counter*>, status_max> by_status{};
  };
  Series& series_of(const http::Request& request);
  void log_request(const net::RequestRecord& record, observe::Level level);

  observe::Metrics& metrics_;
  observe::Log& log_;
  bool log_requests_;
  std::map<std::string, std::unique_ptr<Series>, std::less<>> routes_;
  observe::Gauge& connections_;
  observe::Gauge& websockets_;
  observe::Counter& bytes_in_;
  observe::Counter& bytes_out_;
  observe::Counter& faults_;
  std::map<net::ConnectionEvent, observe::Counter*> events_;
};

}  // namespace redoubt::contract
