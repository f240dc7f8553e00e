#include "relay/contract/telemetry.hpp"

#include <algorithm>

#include "relay/contract/gate.hpp"

namespace redoubt::contract {
namespace {

constexpr std::string_view unmatched = "other";
constexpr std::size_t path_shown_bytes_max = 200;

constexpr std::array counted_events{
    net::ConnectionEvent::opened,          net::ConnectionEvent::refused_total,
    net::ConnectionEvent::refused_address, net::ConnectionEvent::tls_failed,
    net::ConnectionEvent::evicted,         net::ConnectionEvent::refused_memory,
    net::ConnectionEvent::timed_out,       net::ConnectionEvent::websocket_opened,
    net::ConnectionEvent::websocket_slow,  net::ConnectionEvent::stream_cut,
    net::ConnectionEvent::stream_slow};

}  // namespace

Telemetry::Telemetry(observe::Metrics& metrics, observe::Log& log, bool log_requests)
    : metrics_(metrics),
      log_(log),
      log_requests_(log_requests),
      connections_(metrics.gauge("redoubt_connections", "Open connections.")),
      websockets_(metrics.gauge("redoubt_websockets", "Open WebSockets.")),
      bytes_in_(metrics.counter("redoubt_request_bytes_total", "Bytes of requests read.")),
      bytes_out_(metrics.counter("redoubt_response_bytes_total", "Bytes of answers written.")),
      faults_(metrics.counter("redoubt_faults_total", "Things that should not happen.")) {
  add_route(unmatched);
  for (const net::ConnectionEvent event : counted_events) {
    events_[event] = &metrics.counter("redoubt_connection_events_total", "Connections, by event.",
                                      {{"event", net::to_string(event)}});
  }
}

void Telemetry::add_route(std::string_view pattern, observe::Level level) {
  if (routes_.contains(pattern)) return;
  auto series = std::make_unique<Series>();
  series->route = pattern;
  series->level = level;
  series->duration = &metrics_.histogram(
      "redoubt_request_duration_seconds",
      "From the complete request to its answer written, by route.", {{"route", pattern}});
  routes_.emplace(pattern, std::move(series));
}

Telemetry::Series& Telemetry::series_of(const http::Request& request) {
  const auto found = routes_.find(request.route);
  return found == routes_.end() ? *routes_.find(unmatched)->second : *found->second;
}

void Telemetry::on_request(const net::RequestRecord& record) {
  Series& series = series_of(record.request);
  series.duration->observe_us(record.duration_us);
  bytes_in_.add(record.request_bytes);
  bytes_out_.add(record.response_bytes);
  const int status = std::clamp(record.status, 0, status_max - 1);
  observe::Counter* counter = series.by_status[status].load(std::memory_order_acquire);
  if (counter == nullptr) {
    counter = &metrics_.counter("redoubt_requests_total", "Requests answered, by route and status.",
                                {{"route", series.route}, {"status", std::to_string(status)}});
    series.by_status[status].store(counter, std::memory_order_release);
  }
  counter->add();
  const observe::Level level = record.status >= 500   ? observe::Level::error
                               : record.status >= 400 ? observe::Level::info
                                                      : series.level;
  if (log_requests_ && log_.wants(level)) log_request(record, level);
}

void Telemetry::log_request(const net::RequestRecord& record, observe::Level level) {
  const http::Request& request = record.request;
  const Caller* caller = caller_of(request);
  observe::Line line(level, "request", request.context.now.wall_ms);
  line.text("request_id", request_id_of(request));
  line.text("method", request.method_text.substr(0, 16));
  if (request.route.empty()) {
    line.text("path", request.path.substr(0, path_shown_bytes_max));
  } else {
    line.text("route", request.route);
  }
  line.number("status", record.status);
  line.number("bytes_in", static_cast<std::int64_t>(record.request_bytes));
  line.number("bytes_out", static_cast<std::int64_t>(record.response_bytes));
  line.number("duration_us", record.duration_us);
  line.text("remote", caller == nullptr ? std::string(request.context.remote_address)
                                        : auth::to_text(caller->address));
  log_.write(line);
}

void Telemetry::on_connection(const net::ConnectionRecord& record) {
  using Event = net::ConnectionEvent;
  if (record.event == Event::opened) connections_.add(1);
  if (record.event == Event::closed) connections_.add(-1);
  if (record.event == Event::websocket_opened) websockets_.add(1);
  if (record.event == Event::websocket_closed) websockets_.add(-1);
  const auto counter = events_.find(record.event);
  if (counter != events_.end()) counter->second->add();

  const bool trouble = record.event == Event::refused_total ||
                       record.event == Event::refused_address ||
                       record.event == Event::refused_memory || record.event == Event::tls_failed ||
                       record.event == Event::websocket_slow || record.event == Event::stream_slow;
  const observe::Level level = trouble ? observe::Level::warning : observe::Level::debug;
  if (!log_.wants(level)) return;
  observe::Line line(level, net::to_string(record.event), observe::wall_now_ms());
  line.text("listener", record.listener).text("remote", record.remote_address);
  if (record.event == Event::timed_out) line.text("phase", net::to_string(record.phase));
  log_.write(line);
}

void Telemetry::on_fault(std::string_view where, std::string_view what) {
  faults_.add();
  observe::Line line(observe::Level::error, "fault", observe::wall_now_ms());
  log_.write(line.text("where", where).text("what", what));
}

}  // namespace redoubt::contract
