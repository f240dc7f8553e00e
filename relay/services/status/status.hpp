// Status: what the relay says about itself: GET /, liveness, readiness, health, metrics.
//
//   /healthz  the process answers                     200 {"status":"ok"}
//   /readyz   it wants new work                       200, while draining 503
//   /health   for people and dashboards               one object that every known client can read
//   /         the page for a browser, else one JSON for the clients that ask "are you there?"
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "relay/contract/route.hpp"
#include "relay/contract/telemetry.hpp"
#include "relay/http/router.hpp"
#include "relay/observe/metrics.hpp"

namespace redoubt::services {

class Status {
 public:
  Status(observe::Metrics& metrics, const contract::Telemetry& telemetry,
         std::int64_t started_wall_ms);

  /// `page` answers GET / for a browser; empty where no page is served.
  std::vector<contract::Route> routes(http::Fallback page);
  std::vector<contract::Route> admin_routes();

  void set_draining() { draining_.store(true); }
  /// Names what is wrong with the store; empty where nothing is. From any thread.
  using StoreFault = std::function<std::string_view()>;
  /// Readiness is 503 while it names something. Before the server starts.
  void watch_store(StoreFault fault) { store_fault_ = std::move(fault); }

 private:
  std::vector<contract::Route> probes();
  bool is_ready() const;
  http::Response ready() const;
  http::Response metrics() const;
  http::Response health(const http::Request& request) const;
  http::Response root(const http::Request& request, const http::Fallback& page) const;

  observe::Metrics& metrics_;
  const contract::Telemetry& telemetry_;
  StoreFault store_fault_ = [] { return std::string_view(); };
  std::int64_t started_wall_ms_;
  std::atomic<bool> draining_ = false;
  std::string root_json_;
};

/// Does the Accept header ask for HTML, as a browser that opens a page does?
bool accepts_html(std::string_view accept);

}  // namespace redoubt::services
