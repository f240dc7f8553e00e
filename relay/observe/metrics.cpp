#include "relay/observe/metrics.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace redoubt::observe {
namespace {

std::string escape(std::string_view text, bool quotes) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') {
      result += "\\\\";
    } else if (c == '\n') {
      result += "\\n";
    } else if (c == '"' && quotes) {
      result += "\\\"";
    } else {
      result += c;
    }
  }
  return result;
}

std::string render_labels(const Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    if (!text.empty()) text += ',';
    text.append(name).append("=\"").append(escape(value, true)) += '"';
  }
  return text;
}

std::string number(double value) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  return error == std::errc() ? std::string(text, end) : std::string("NaN");
}

// 100 us as 0.0001, never 1e-04.
std::string seconds_text(std::int64_t us) {
  char text[32];
  const int length = std::snprintf(text, sizeof text, "%g", static_cast<double>(us) / 1e6);
  return std::string(text, static_cast<std::size_t>(length));
}

void head(std::string& out, std::string_view name, std::string_view help, std::string_view type) {
  out.append("# HELP ").append(name).append(" ").append(escape(help, false));
  out.append("\n# TYPE ").append(name).append(" ").append(type) += '\n';
}

void line(std::string& out, std::string_view name, std::string_view suffix, std::string_view labels,
          std::string_view more, std::string_view value) {
  out.append(name).append(suffix);
  if (!labels.empty() || !more.empty()) {
    out.append("{").append(labels);
    if (!labels.empty() && !more.empty()) out += ',';
    out.append(more) += '}';
  }
  out.append(" ").append(value) += '\n';
}

void render_histogram(std::string& out, std::string_view name, std::string_view labels,
                      const Histogram::Snapshot& snapshot) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < snapshot.buckets.size(); ++i) {
    count += snapshot.buckets[i];
    const bool last = i == duration_bounds_us.size();
    const std::string bound = last ? "+Inf" : seconds_text(duration_bounds_us[i]);
    line(out, name, "_bucket", labels, "le=\"" + bound + "\"", std::to_string(count));
  }
  line(out, name, "_sum", labels, "", number(static_cast<double>(snapshot.sum_us) / 1e6));
  line(out, name, "_count", labels, "", std::to_string(count));
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  long total_pages = 0;
  long resident_pages = 0;
  const int read = std::fscanf(file, "%ld %ld", &total_pages, &resident_pages);
  std::fclose(file);
  return read == 2
             ? static_cast<double>(resident_pages) * static_cast<double>(sysconf(_SC_PAGESIZE))
             : 0;
}

double open_files() {
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  int count = 0;
  while (readdir(folder) != nullptr)
    ++count;
  closedir(folder);
  // ".", ".." and the descriptor of the folder itself.
  return std::max(0, count - 3);
}

}  // namespace

void Histogram::observe_us(std::int64_t us) {
  const auto bound = std::lower_bound(duration_bounds_us.begin(), duration_bounds_us.end(), us);
  buckets_[static_cast<std::size_t>(bound - duration_bounds_us.begin())].fetch_add(
      1, std::memory_order_relaxed);
  sum_us_.fetch_add(us, std::memory_order_relaxed);
}

Histogram::Snapshot Histogram::snapshot() const {
  Snapshot snapshot;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    snapshot.buckets[i] = buckets_[i].load(std::memory_order_relaxed);
  }
  snapshot.sum_us = sum_us_.load(std::memory_order_relaxed);
  return snapshot;
}

template <class T>
T& Metrics::series(std::deque<Family<T>>& families, std::string_view name, std::string_view help,
                   const Labels& labels) {
  const std::lock_guard lock(mutex_);
  auto family = std::find_if(families.begin(), families.end(),
                             [&](const Family<T>& known) { return known.name == name; });
  if (family == families.end()) {
    families.emplace_back();
    family = std::prev(families.end());
    family->name = name;
    family->help = help;
  }
  std::string rendered = render_labels(labels);
  const auto find = [&] {
    return std::find_if(family->series.begin(), family->series.end(),
                        [&](const Series<T>& known) { return known.labels == rendered; });
  };
  auto found = find();
  if (found == family->series.end() && family->series.size() >= series_max) {
    Labels other = labels;
    for (auto& [label, value] : other)
      value = "other";
    rendered = render_labels(other);
    found = find();
  }
  if (found != family->series.end()) return found->value;
  family->series.emplace_back();
  family->series.back().labels = std::move(rendered);
  return family->series.back().value;
}

Counter& Metrics::counter(std::string_view name, std::string_view help, const Labels& labels) {
  return series(counters_, name, help, labels);
}
Gauge& Metrics::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  return series(gauges_, name, help, labels);
}
Histogram& Metrics::histogram(std::string_view name, std::string_view help, const Labels& labels) {
  return series(histograms_, name, help, labels);
}

void Metrics::computed(std::string_view name, std::string_view help, std::string_view type,
                       std::function<double()> value) {
  const std::lock_guard lock(mutex_);
  computed_.push_back({std::string(name), std::string(help), std::string(type), std::move(value)});
}

std::string Metrics::render() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& family : counters_) {
    head(out, family.name, family.help, "counter");
    for (const auto& s : family.series) {
      line(out, family.name, "", s.labels, "", std::to_string(s.value.value()));
    }
  }
  for (const auto& family : gauges_) {
    head(out, family.name, family.help, "gauge");
    for (const auto& s : family.series) {
      line(out, family.name, "", s.labels, "", std::to_string(s.value.value()));
    }
  }
  for (const auto& family : histograms_) {
    head(out, family.name, family.help, "histogram");
    for (const auto& s : family.series) {
      render_histogram(out, family.name, s.labels, s.value.snapshot());
    }
  }
  for (const auto& c : computed_) {
    head(out, c.name, c.help, c.type);
    line(out, c.name, "", "", "", number(c.value()));
  }
  return out;
}

void add_process_metrics(Metrics& metrics) {
  const double started_s =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  metrics.computed("process_cpu_seconds_total", "User and system CPU time of the relay in seconds.",
                   "counter", cpu_seconds);
  metrics.computed("process_resident_memory_bytes", "Resident memory in bytes.", "gauge",
                   resident_bytes);
  metrics.computed("process_open_fds", "Open file descriptors.", "gauge", open_files);
  metrics.computed("process_start_time_seconds", "Start time in seconds since the epoch.", "gauge",
                   [started_s] { return started_s; });
}

}  // namespace redoubt::observe
