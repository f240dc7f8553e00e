// The relay's model calls beside nginx `proxy_pass` and Portkey's gateway, in one run.
//
//   redoubt_gateway_bench --relay PATH --mock PATH [--portkey start-server.js]
//                         [--seconds N] [--rounds N] [--soak-minutes N] [--only PART,...]
//
// Parts: calls, latency, open_loop, events, streams, soak. The server under test has processor 0,
// the provider (tools/mock-upstream) and the load generator share the other. Rounds alternate
// between the servers and the median round counts. Processor time is the whole process's, from
// /proc: the relay's log and ledger threads are in it. nginx keeps no log here; the relay keeps
// all.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/gateway/load.hpp"
#include "tests/bench/gateway/servers.hpp"
#include "tests/bench/gateway/table.hpp"

using namespace redoubt::bench;
namespace fs = std::filesystem;

namespace {

constexpr int clients = 32;
constexpr int open_loop_connections = 256;
constexpr int paced_streams = 50;
constexpr double full_rate = 10'000;
constexpr double low_rate = 2'000;
constexpr std::size_t open_streams_wanted = 10'000;
constexpr std::size_t spare_files = 100;
constexpr double warm_up_seconds = 1;
constexpr double soak_slice_seconds = 8;
constexpr double soak_stream_seconds = 2;
constexpr double soak_rate = 1'000;
constexpr double soak_growth_mb_max = 1;
constexpr double mb = 1 << 20;

struct Options {
  Programs programs;
  double seconds = 3;
  int rounds = 5;
  double soak_minutes = 10;
  std::string only;

  bool wants(const std::string& part) const {
    return only.empty() || ("," + only + ",").find("," + part + ",") != std::string::npos;
  }
};

/// What stands the whole time.
struct Stand {
  ScratchFolder folder;
  std::optional<ServerProcess> mock;
  std::optional<ServerProcess> nginx;
  std::optional<ServerProcess> relay;
  std::optional<ServerProcess> portkey;
  std::string token;
  double idle_mb = 0;

  std::string request(Ask ask) const { return request_bytes(ask, token, mock->port()); }
};

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "redoubt_gateway_bench: %s\n", why.c_str());
  std::exit(2);
}

void set_up(Stand& stand, const Options& options) {
  stand.mock.emplace(start_mock(stand.folder, options.programs));
  stand.nginx.emplace(start_nginx(stand.folder, stand.mock->port()));
  stand.relay.emplace(start_relay(stand.folder, options.programs, stand.mock->port()));
  if (!options.programs.portkey.empty())
    stand.portkey.emplace(start_portkey(stand.folder, options.programs));
  for (const auto* server : {&stand.mock, &stand.nginx, &stand.relay, &stand.portkey}) {
    if (*server && !(*server)->wait_ready()) give_up((*server)->name() + " did not start");
  }
  stand.idle_mb = static_cast<double>(stand.relay->resident_bytes()) / mb;
  stand.token = player_token(*stand.relay);
  if (stand.token.empty()) give_up("the relay gave no token");
  const std::string request = stand.request(Ask::small);
  for (const auto* server : {&stand.nginx, &stand.relay, &stand.portkey}) {
    if (*server && ask_once((*server)->port(), request).empty())
      give_up((*server)->name() + " did not answer a model call");
  }
}

/// One server under one load, over the rounds.
struct Series {
  const ServerProcess* server = nullptr;
  std::string request;
  std::vector<double> cpu_us;  // an answer, or an event
  std::vector<double> calls_per_second;
  std::vector<double> p50_us;
  std::vector<double> p99_us;
  std::vector<double> first_event_us;
  std::size_t lost = 0;
};

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Shape {
  int connections = 1;
  double seconds = 1;
  double per_second = 0;
  bool by_event = false;
};

void run_round(Series& series, const Shape& shape, bool counts) {
  const double before = series.server->cpu_seconds();
  const Measured measured = run_load({.port = series.server->port(),
                                      .request = series.request,
                                      .connections = shape.connections,
                                      .seconds = shape.seconds,
                                      .per_second = shape.per_second});
  const double used = series.server->cpu_seconds() - before;
  if (!counts) return;
  const auto units = static_cast<double>(shape.by_event ? measured.events : measured.answers);
  series.cpu_us.push_back(units > 0 ? used * 1e6 / units : 0);
  series.calls_per_second.push_back(measured.per_second());
  series.p50_us.push_back(percentile(measured.latency_us, 50));
  series.p99_us.push_back(percentile(measured.latency_us, 99));
  series.first_event_us.push_back(percentile(measured.first_event_us, 50));
  series.lost += measured.failures + measured.unanswered;
}

void run_rounds(std::vector<Series*> all, Shape shape, int rounds) {
  std::erase_if(all, [](const Series* series) { return series->server == nullptr; });
  Shape warm = shape;
  warm.seconds = warm_up_seconds;
  for (Series* series : all)
    run_round(*series, warm, false);
  for (int round = 0; round < rounds; ++round) {
    for (Series* series : all)
      run_round(*series, shape, true);
  }
  for (const Series* series : all) {
    if (series->lost > 0)
      std::printf("  %s lost %zu calls\n", series->server->name().c_str(), series->lost);
  }
}

struct Contest {
  Series direct;
  Series nginx;
  Series relay;
  Series portkey;
  std::vector<Series*> proxies() { return {&nginx, &relay, &portkey}; }
  std::vector<Series*> all() { return {&direct, &nginx, &relay, &portkey}; }
};

/// Portkey's gateway is left out of the streams: on Node 22 it fails each (it adds a header to what
/// `fetch` gave it, which is immutable).
Contest contest(const Stand& stand, Ask ask) {
  const bool streamed = ask != Ask::small && ask != Ask::long_prompt;
  Contest made;
  const std::string request = stand.request(ask);
  made.direct = {.server = &*stand.mock, .request = request};
  made.nginx = {.server = &*stand.nginx, .request = request};
  made.relay = {.server = &*stand.relay, .request = request};
  if (stand.portkey && !streamed) made.portkey = {.server = &*stand.portkey, .request = request};
  return made;
}

std::string shown(const Series& series, const std::vector<double>& values, int places) {
  if (series.server == nullptr || values.empty()) return "";
  return figure(median(values), places);
}

Row cpu_row(const std::string& what, const Contest& run, double times_max) {
  const double nginx = median(run.nginx.cpu_us);
  const double ratio = nginx > 0 ? median(run.relay.cpu_us) / nginx : 0;
  return {.what = what,
          .target = "<= " + figure(times_max, 1, " x nginx"),
          .measured = figure(ratio, 2, " x"),
          .missed = ratio > times_max,
          .nginx = shown(run.nginx, run.nginx.cpu_us, 1),
          .relay = shown(run.relay, run.relay.cpu_us, 1),
          .portkey = shown(run.portkey, run.portkey.cpu_us, 1)};
}

void measure_calls(const Stand& stand, const Options& options, std::vector<Row>& rows) {
  const Shape shape{.connections = clients, .seconds = options.seconds};
  Contest small = contest(stand, Ask::small);
  Contest large = contest(stand, Ask::long_prompt);
  std::vector<Series*> all = small.proxies();
  for (Series* series : large.proxies())
    all.push_back(series);
  run_rounds(all, shape, options.rounds);
  rows.push_back(cpu_row("CPU a call, us", small, 2));
  rows.push_back({.what = "calls/s, 32 clients, provider on one core",
                  .nginx = shown(small.nginx, small.nginx.calls_per_second, 0),
                  .relay = shown(small.relay, small.relay.calls_per_second, 0),
                  .portkey = shown(small.portkey, small.portkey.calls_per_second, 0)});
  const double ratio = median(large.relay.cpu_us) / median(small.relay.cpu_us);
  rows.push_back({.what = "CPU a call, 24 KB prompt, us",
                  .target = "<= 1.5 x small",
                  .measured = figure(ratio, 2, " x"),
                  .missed = ratio > 1.5,
                  .nginx = shown(large.nginx, large.nginx.cpu_us, 1),
                  .relay = shown(large.relay, large.relay.cpu_us, 1),
                  .portkey = shown(large.portkey, large.portkey.cpu_us, 1)});
}

Row added_row(const std::string& what, const Contest& run, std::vector<double> Series::*values,
              double added_us_max) {
  const double added = median(run.relay.*values) - median(run.direct.*values);
  return {.what = what,
          .target = "<= +" + figure(added_us_max, 0, " us"),
          .measured = "+" + figure(added, 0, " us"),
          .missed = added > added_us_max,
          .direct = shown(run.direct, run.direct.*values, 0),
          .nginx = shown(run.nginx, run.nginx.*values, 0),
          .relay = shown(run.relay, run.relay.*values, 0),
          .portkey = shown(run.portkey, run.portkey.*values, 0)};
}

void measure_latency(const Stand& stand, const Options& options, std::vector<Row>& rows) {
  const Shape shape{.connections = 1, .seconds = options.seconds / 3};
  Contest whole = contest(stand, Ask::small);
  Contest streamed = contest(stand, Ask::short_stream);
  std::vector<Series*> all = whole.all();
  for (Series* series : streamed.all())
    all.push_back(series);
  run_rounds(all, shape, options.rounds);
  rows.push_back(added_row("p50, one client, us", whole, &Series::p50_us, 60));
  rows.push_back(
      added_row("first token p50, one client, us", streamed, &Series::first_event_us, 100));
}

/// The generator or the provider may be what gives out: then no server's figure says much.
bool carried(const Series& series, double rate) {
  return series.lost == 0 && median(series.calls_per_second) >= 0.98 * rate;
}

void measure_open_loop(const Stand& stand, const Options& options, double rate,
                       std::vector<Row>& rows) {
  Contest run = contest(stand, Ask::small);
  run.portkey.server = nullptr;  // it does not carry a tenth of it, and takes long to recover
  run_rounds(run.all(),
             {.connections = open_loop_connections, .seconds = options.seconds, .per_second = rate},
             options.rounds);
  const std::string at = "at " + figure(rate, 0) + " calls/s, us";
  rows.push_back({.what = "p50 " + at,
                  .direct = shown(run.direct, run.direct.p50_us, 0),
                  .nginx = shown(run.nginx, run.nginx.p50_us, 0),
                  .relay = shown(run.relay, run.relay.p50_us, 0)});
  const double more_us = median(run.relay.p99_us) - median(run.nginx.p99_us);
  Row row{.what = "p99 " + at,
          .target = "<= nginx + 1 ms",
          .measured = (more_us < 0 ? "" : "+") + figure(more_us / 1e3, 2, " ms"),
          .missed = more_us > 1e3,
          .direct = shown(run.direct, run.direct.p99_us, 0),
          .nginx = shown(run.nginx, run.nginx.p99_us, 0),
          .relay = shown(run.relay, run.relay.p99_us, 0)};
  rows.push_back(row);
  for (const Series* series : run.all()) {
    if (series->server == nullptr || carried(*series, rate)) continue;
    std::printf("  %s did not carry %.0f calls/s on this machine: %.0f, %zu lost\n",
                series->server->name().c_str(), rate, median(series->calls_per_second),
                series->lost);
  }
}

void measure_events(const Stand& stand, const Options& options, std::vector<Row>& rows) {
  Contest run = contest(stand, Ask::paced_stream);
  run_rounds(run.proxies(),
             {.connections = paced_streams, .seconds = options.seconds, .by_event = true},
             options.rounds);
  rows.push_back(cpu_row("CPU a streamed event, us", run, 1.3));
}

double grown_mb(const ServerProcess& server, const std::string& request, std::size_t count,
                std::size_t& opened) {
  const std::size_t before = server.resident_bytes();
  const OpenStreams streams(server.port(), request, count);
  opened = streams.size();
  const std::size_t after = server.resident_bytes();
  return after > before ? static_cast<double>(after - before) / mb : 0;
}

void measure_streams(Stand& stand, const Options& options, std::vector<Row>& rows) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  // A proxy needs two descriptors a stream.
  const std::size_t count =
      std::min(open_streams_wanted, (static_cast<std::size_t>(files.rlim_max) - spare_files) / 2);
  std::size_t opened = 0;
  std::size_t by_nginx = 0;
  double nginx_mb = 0;
  {
    const ServerProcess nginx = start_nginx(stand.folder, stand.mock->port());
    if (!nginx.wait_ready()) give_up("nginx did not start again");
    nginx_mb = grown_mb(nginx, stand.request(Ask::held_stream), count, by_nginx);
  }
  const ServerProcess relay = start_relay(stand.folder, options.programs, stand.mock->port());
  if (!relay.wait_ready()) give_up("the relay did not start again");
  const std::string request =
      request_bytes(Ask::held_stream, player_token(relay), stand.mock->port());
  const double relay_mb = grown_mb(relay, request, count, opened);
  if (by_nginx < count) std::printf("  nginx opened only %zu streams\n", by_nginx);
  const bool missed = relay_mb > 256 || opened < count;
  rows.push_back({.what = "memory of " + std::to_string(opened) + " open streams, MB",
                  .target = "<= 256 MB",
                  .measured = figure(relay_mb, 0, " MB"),
                  .missed = missed,
                  .nginx = figure(nginx_mb, 0),
                  .relay = figure(relay_mb, 0)});
}

void measure_soak(Stand& stand, const Options& options, std::vector<Row>& rows) {
  const ServerProcess relay = start_relay(stand.folder, options.programs, stand.mock->port());
  if (!relay.wait_ready()) give_up("the relay did not start again");
  const std::string token = player_token(relay);
  const std::string whole = request_bytes(Ask::small, token, stand.mock->port());
  const std::string streamed = request_bytes(Ask::short_stream, token, stand.mock->port());
  const double slice_seconds = soak_slice_seconds + soak_stream_seconds;
  const int slices = std::max(5, static_cast<int>(options.soak_minutes * 60 / slice_seconds));
  std::vector<double> resident;
  std::vector<std::size_t> files;
  std::size_t answers = 0;
  std::size_t lost = 0;
  const double before = relay.cpu_seconds();
  for (int i = 0; i < slices; ++i) {
    for (const Plan& plan : {Plan{.port = relay.port(),
                            .request = whole,
                            .connections = clients,
                            .seconds = soak_slice_seconds,
                            .per_second = soak_rate},
                             Plan{.port = relay.port(),
                             .request = streamed,
                             .connections = clients,
                             .seconds = soak_stream_seconds}}) {
      const Measured measured = run_load(plan);
      answers += measured.answers;
      lost += measured.failures + measured.unanswered;
    }
    resident.push_back(static_cast<double>(relay.resident_bytes()) / mb);
    files.push_back(relay.open_files());
  }
  // The first fifth fills pools and caches. Medians, so that one slow flush of the disk, which lets
  // the ledger's queue grow, is not taken for a leak.
  const std::size_t fifth = resident.size() / 5;
  const auto of_fifth = [&](std::size_t i) {
    const auto begin = resident.begin() + static_cast<std::ptrdiff_t>(i * fifth);
    return median({begin, i == 4 ? resident.end() : begin + static_cast<std::ptrdiff_t>(fifth)});
  };
  const double growth = of_fifth(4) - of_fifth(1);
  const bool missed =
      growth > soak_growth_mb_max || lost > 0 || files.back() > files[fifth] + clients;
  std::printf(
      "  soak: %zu calls, %zu lost, %.1f us CPU a call; open files after a fifth %zu, at the "
      "end %zu; MB by fifths",
      answers, lost, (relay.cpu_seconds() - before) * 1e6 / static_cast<double>(answers),
      files[fifth], files.back());
  for (std::size_t i = 0; i < 5; ++i)
    std::printf(" %.1f", of_fifth(i));
  std::printf(", last %.1f\n", resident.back());
  rows.push_back(
      {.what = "growth over " + figure(slices * slice_seconds / 60, 1, " min of soak, MB"),
       .target = "<= " + figure(soak_growth_mb_max, 0, " MB"),
       .measured = figure(growth, 1, " MB"),
       .missed = missed,
       .relay = figure(resident.back(), 1)});
}

bool read_options(int argc, char** argv, Options& options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--relay") options.programs.relay = fs::absolute(value).string();
    if (name == "--mock") options.programs.mock = fs::absolute(value).string();
    if (name == "--portkey") options.programs.portkey = fs::absolute(value).string();
    if (name == "--seconds") options.seconds = std::atof(value.c_str());
    if (name == "--rounds") options.rounds = std::atoi(value.c_str());
    if (name == "--soak-minutes") options.soak_minutes = std::atof(value.c_str());
    if (name == "--only") options.only = value;
  }
  return argc % 2 == 1 && options.seconds > 0 && options.rounds > 0 &&
         !options.programs.relay.empty() && !options.programs.mock.empty();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!read_options(argc, argv, options)) {
    std::fputs(
        "usage: redoubt_gateway_bench --relay PATH --mock PATH [--portkey PATH]\n"
        "  [--seconds N] [--rounds N] [--soak-minutes N] [--only PART,...]\n",
        stderr);
    return 2;
  }
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  Stand stand;
  set_up(stand, options);
  pin(load_processor);
  std::vector<Row> rows;
  if (options.wants("calls")) measure_calls(stand, options, rows);
  if (options.wants("latency")) measure_latency(stand, options, rows);
  if (options.wants("open_loop")) {
    measure_open_loop(stand, options, full_rate, rows);
    measure_open_loop(stand, options, low_rate, rows);
  }
  if (options.wants("events")) measure_events(stand, options, rows);
  rows.push_back({.what = "memory, idle, MB",
                  .target = "<= 20 MB",
                  .measured = figure(stand.idle_mb, 1, " MB"),
                  .missed = stand.idle_mb > 20,
                  .relay = figure(stand.idle_mb, 1)});
  if (options.wants("streams")) measure_streams(stand, options, rows);
  if (options.wants("soak") && options.soak_minutes > 0) measure_soak(stand, options, rows);
  print_table(rows);
  return 0;
}
