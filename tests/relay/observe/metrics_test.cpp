#include "relay/observe/metrics.hpp"

#include <doctest/doctest.h>

namespace redoubt::observe {
namespace {

TEST_CASE("the text format of counters, gauges and histograms") {
  Metrics metrics;
  metrics.counter("requests_total", "Requests.", {{"route", "/a\"b\\c\nd"}, {"status", "200"}})
      .add(3);
  metrics.gauge("open", "Open\nones.").set(-2);
  Histogram& histogram = metrics.histogram("seconds", "Time.", {{"route", "/"}});
  histogram.observe_us(100);
  histogram.observe_us(101);
  histogram.observe_us(20'000'000);
  metrics.computed("answer", "An answer.", "gauge", [] { return 42.5; });
  const std::string text = metrics.render();
  CHECK(text.find("# HELP requests_total Requests.\n# TYPE requests_total counter\n"
                  "requests_total{route=\"/a\\\"b\\\\c\\nd\",status=\"200\"} 3\n") == 0);
  CHECK(text.find("# HELP open Open\\nones.\n# TYPE open gauge\nopen -2\n") != std::string::npos);
  CHECK(text.find("seconds_bucket{route=\"/\",le=\"0.0001\"} 1\n") != std::string::npos);
  CHECK(text.find("seconds_bucket{route=\"/\",le=\"0.00025\"} 2\n") != std::string::npos);
  CHECK(text.find("seconds_bucket{route=\"/\",le=\"10\"} 2\n") != std::string::npos);
  CHECK(text.find("seconds_bucket{route=\"/\",le=\"+Inf\"} 3\n") != std::string::npos);
  CHECK(text.find("seconds_sum{route=\"/\"} 20.000201\n") != std::string::npos);
  CHECK(text.find("seconds_count{route=\"/\"} 3\n") != std::string::npos);
  CHECK(text.find("answer 42.5\n") != std::string::npos);
}

TEST_CASE("the same labels give the same series, and a family is bounded") {
  Metrics metrics;
  Counter& first = metrics.counter("c", "C.", {{"a", "x"}});
  CHECK(&metrics.counter("c", "C.", {{"a", "x"}}) == &first);
  for (int i = 0; i < 1'000; ++i)
    metrics.counter("c", "C.", {{"a", std::to_string(i)}}).add();
  CHECK(metrics.counter("c", "C.", {{"a", "yet another"}}).value() > 700);
  CHECK(metrics.render().find("c{a=\"other\"}") != std::string::npos);
}

TEST_CASE("the process has numbers") {
  Metrics metrics;
  add_process_metrics(metrics);
  const std::string text = metrics.render();
  CHECK(text.find("process_cpu_seconds_total ") != std::string::npos);
  CHECK(text.find("process_resident_memory_bytes 0\n") == std::string::npos);
  CHECK(text.find("process_open_fds ") != std::string::npos);
}

}  // namespace
}  // namespace redoubt::observe
