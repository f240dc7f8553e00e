// Metrics: counters, gauges and histograms in Prometheus' text format 0.0.4.
//
// 1. Series are created at start (`counter`, `gauge`, `histogram`) and live as long as the
//    registry; updating one is a relaxed atomic operation, safe from any thread.
// 2. A family holds at most `series_max` label sets; further ones fall into the label value
//    "other", so that no input can grow the registry.
// 3. render() may run beside updates; a histogram's count is read before its buckets' sum would
//    matter: _count always equals the +Inf bucket.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace redoubt::observe {

class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void add(std::int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  void set(std::int64_t n) { value_.store(n, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// Upper bounds in microseconds: 100 us to 10 s, 1-2.5-5 steps.
constexpr std::array<std::int64_t, 16> duration_bounds_us{
    100,    250,     500,     1'000,   2'500,     5'000,     10'000,    25'000,
    50'000, 100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000};

/// Durations; exposed in seconds.
class Histogram {
 public:
  void observe_us(std::int64_t us);
  struct Snapshot {
    std::array<std::uint64_t, duration_bounds_us.size() + 1> buckets{};  ///< not cumulative
    std::int64_t sum_us = 0;
  };
  Snapshot snapshot() const;

 private:
  std::array<std::atomic<std::uint64_t>, duration_bounds_us.size() + 1> buckets_{};
  std::atomic<std::int64_t> sum_us_{0};
};

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

class Metrics {
 public:
  static constexpr std::size_t series_max = 256;

  Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, const Labels& labels = {});
  /// A value computed when it is read, e.g. the process's CPU time. `type` is counter or gauge.
  void computed(std::string_view name, std::string_view help, std::string_view type,
                std::function<double()> value);

  std::string render() const;

 private:
  template <class T>
  struct Series {
    std::string labels;  ///< rendered: a="b",c="d"
    T value;
  };
  template <class T>
  struct Family {
    std::string name;
    std::string help;
    std::deque<Series<T>> series;  ///< a deque: references stay valid
  };
  struct Computed {
    std::string name;
    std::string help;
    std::string type;
    std::function<double()> value;
  };
  template <class T>
  T& series(std::deque<Family<T>>& families, std::string_view name, std::string_view help,
            const Labels& labels);

  mutable std::mutex mutex_;
  std::deque<Family<Counter>> counters_;
  std::deque<Family<Gauge>> gauges_;
  std::deque<Family<Histogram>> histograms_;
  std::vector<Computed> computed_;
};

/// The process's own numbers: CPU seconds, resident bytes, open files, start time.
void add_process_metrics(Metrics& metrics);

}  // namespace redoubt::observe
