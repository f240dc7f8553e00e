// The relay beside nginx in one run: processor time a request, requests a second, memory.
//
//   redoubt_healthz_bench [--seconds N] [--rounds N] [--relay PATH]
//
// "core" is relay/net and relay/http alone with one prepared answer, which is what nginx's
// `return 200` is; with --relay the whole program is measured too, POST /api/team-strategy as well.
// Every server runs alone on processor 0, the load generator (wrk) on the other. Rounds alternate
// between the servers; the median round counts. User and system time come from /proc, which is
// steadier than requests a second on a machine that others use too.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <thread>

#include "relay/net/server.hpp"
#include "tests/bench/scratch_folder.hpp"
#include "tests/bench/server_process.hpp"

using namespace redoubt;
using bench::ScratchFolder;
using bench::ServerProcess;
namespace fs = std::filesystem;

namespace {

constexpr int connections = 32;
constexpr std::size_t idle_sockets = 2000;
constexpr std::string_view health = R"({"status":"ok"})";
constexpr std::string_view strategy_request =
    R"({"team_id":"red","territory_control":{"red":31,"blue":42},)"
    R"("resources":{"red":{"energy":40,"materials":30,"data":20},)"
    R"("blue":{"energy":50,"materials":35,"data":25}},)"
    R"("agents":{"red":[{"id":0,"type":"collector","health":80,"x":120,"y":90}],)"
    R"("blue":[{"id":1,"type":"attacker","health":90,"x":900,"y":700}]},)"
    R"("resource_distribution":{"energy":12,"materials":9,"data":11,"total":32}})";

struct Options {
  int seconds = 2;
  int rounds = 3;
  std::string relay;
};

void serve_core(std::uint16_t port) {
  http::Router router;
  const auto prepared = http::Prepared::make(http::Response::json(200, std::string(health)));
  router.add(http::Method::get, "/healthz",
             [prepared](http::Request&) { return http::Response::from(prepared); });
  net::ServerOptions options;
  options.connections_per_address_max = 100'000;
  options.connections_max = 100'000;
  net::ListenerOptions listener;
  listener.port = port;
  listener.router = &router;
  options.listeners = {listener};
  net::Observer observer;
  net::Server server(options, observer);
  if (server.listen().ok()) server.run();
}

ServerProcess start_nginx(const ScratchFolder& folder) {
  const std::uint16_t port = bench::free_port();
  const std::string at = folder.at("");
  const std::string config = folder.write(
      "nginx.conf", "daemon off; master_process off; pid " + at + "/nginx.pid; error_log " + at +
                        "/error.log;\nevents { worker_connections 8192; }\nhttp { access_log off; "
                        "keepalive_requests 100000000; client_body_temp_path " +
                        at + "/b; proxy_temp_path " + at + "/p; fastcgi_temp_path " + at +
                        "/f; uwsgi_temp_path " + at + "/u; scgi_temp_path " + at +
                        "/s;\nserver { listen 127.0.0.1:" + std::to_string(port) +
                        "; location / { default_type application/json; return 200 '" +
                        std::string(health) + "'; } } }\n");
  return {"nginx", std::vector<std::string>{"nginx", "-c", config, "-p", at}, port};
}

ServerProcess start_relay(const ScratchFolder& folder, const std::string& program) {
  const std::uint16_t port = bench::free_port();
  const std::string config = folder.write(
      "relay.yaml", "listeners:\n  - address: 127.0.0.1\n    port: " + std::to_string(port) +
                        "\nadmin:\n  enabled: false\nserver:\n  connections_max: 100000\n"
                        "  connections_per_address_max: 100000\nlimits:\n"
                        "  requests_per_minute: 6000000\n  burst: 1000000\n"
                        "log:\n  level: error\n  requests: false\n");
  return {"relay", std::vector<std::string>{program, "--config", config}, port};
}

struct Load {
  double requests = 0;
  double requests_per_second = 0;
  double failures = 0;
};

/// Runs wrk on the second processor and reads its summary.
Load drive(const ServerProcess& server, const std::string& path, const std::string& script,
           int seconds) {
  std::string command = "wrk -t1 -c" + std::to_string(connections) + " -d" +
                        std::to_string(seconds) + "s " + (script.empty() ? "" : "-s " + script) +
                        " http://127.0.0.1:" + std::to_string(server.port()) + path + " 2>&1";
  if (bench::processors() > 1) command = "taskset -c 1 " + command;
  const std::unique_ptr<std::FILE, decltype(&::pclose)> pipe(::popen(command.c_str(), "r"),
                                                             ::pclose);
  Load load;
  std::array<char, 512> line;
  while (pipe && std::fgets(line.data(), line.size(), pipe.get())) {
    double value = 0;
    if (std::sscanf(line.data(), " %lf requests in", &value) == 1) load.requests = value;
    if (std::sscanf(line.data(), "Requests/sec: %lf", &value) == 1) {
      load.requests_per_second = value;
    }
    if (std::sscanf(line.data(), " Non-2xx or 3xx responses: %lf", &value) == 1) {
      load.failures = value;
    }
  }
  return load;
}

struct Round {
  double cpu_us = 0;  // a request
  double requests_per_second = 0;
};

struct Row {
  const ServerProcess* server;
  std::string what;
  std::string path;
  std::string script;
  std::vector<Round> rounds;
  double failures = 0;

  Round median() const {
    std::vector<Round> sorted = rounds;
    std::sort(sorted.begin(), sorted.end(),
              [](const Round& a, const Round& b) { return a.cpu_us < b.cpu_us; });
    return sorted[sorted.size() / 2];
  }
};

void run_round(Row& row, int seconds) {
  const double before = row.server->cpu_seconds();
  const Load load = drive(*row.server, row.path, row.script, seconds);
  const double used = row.server->cpu_seconds() - before;
  row.failures += load.failures;
  row.rounds.push_back(
      {load.requests > 0 ? used * 1e6 / load.requests : 0, load.requests_per_second});
}

/// Memory a connection that has had one answer and is silent, in bytes.
double bytes_per_idle_socket(const ServerProcess& server) {
  const std::string request = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  const std::size_t before = server.resident_bytes();
  std::vector<int> sockets;
  std::array<char, 4096> answer;
  for (std::size_t i = 0; i < idle_sockets; ++i) {
    const int fd = bench::connect_loopback(server.port());
    if (fd < 0) break;
    sockets.push_back(fd);
    if (::write(fd, request.data(), request.size()) < 0) break;
    if (::read(fd, answer.data(), answer.size()) <= 0) break;
  }
  const std::size_t after = server.resident_bytes();
  for (int fd : sockets)
    ::close(fd);
  if (sockets.size() < idle_sockets) {
    std::printf("  %s: only %zu idle sockets could be opened\n", server.name().c_str(),
                sockets.size());
  }
  const double grown = after > before ? static_cast<double>(after - before) : 0;
  return sockets.empty() ? 0 : grown / static_cast<double>(sockets.size());
}

void print_load(const std::vector<Row>& rows) {
  std::printf("%-8s %-28s %14s %14s %10s\n", "server", "request", "CPU us/request", "requests/s",
              "x nginx");
  const double peer = rows.front().median().cpu_us;
  for (const Row& row : rows) {
    const Round round = row.median();
    std::printf("%-8s %-28s %14.2f %14.0f %10.2f\n", row.server->name().c_str(), row.what.c_str(),
                round.cpu_us, round.requests_per_second, peer > 0 ? round.cpu_us / peer : 0);
    if (row.failures > 0) std::printf("  %.0f answers were not 2xx\n", row.failures);
  }
}

bool read_options(int argc, char** argv, Options& options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--seconds") options.seconds = std::atoi(argv[i + 1]);
    if (name == "--rounds") options.rounds = std::atoi(argv[i + 1]);
    if (name == "--relay") options.relay = fs::absolute(argv[i + 1]).string();
  }
  return argc % 2 == 1 && options.seconds > 0 && options.rounds > 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!read_options(argc, argv, options)) {
    std::cerr << "usage: redoubt_healthz_bench [--seconds N] [--rounds N] [--relay PATH]\n";
    return 2;
  }
  rlimit files{8192, 8192};
  ::setrlimit(RLIMIT_NOFILE, &files);
  const ScratchFolder folder;
  const std::uint16_t core_port = bench::free_port();
  std::vector<ServerProcess> servers;
  servers.push_back(start_nginx(folder));
  servers.emplace_back(
      "core", [core_port] { serve_core(core_port); }, core_port);
  if (!options.relay.empty()) servers.push_back(start_relay(folder, options.relay));
  for (const ServerProcess& server : servers) {
    if (server.wait_ready()) continue;
    std::cerr << server.name() << " did not start (is it installed?)\n";
    return 2;
  }
  std::vector<std::size_t> idle;
  for (const ServerProcess& server : servers)
    idle.push_back(server.resident_bytes());

  std::vector<Row> rows;
  for (const ServerProcess& server : servers) {
    rows.push_back({&server, "GET /healthz", "/healthz", "", {}});
  }
  if (!options.relay.empty()) {
    const std::string script =
        folder.write("post.lua",
                     "wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\n"
                     "wrk.body = [[" +
                         std::string(strategy_request) + "]]\n");
    rows.push_back({&servers.back(), "POST /api/team-strategy", "/api/team-strategy", script, {}});
  }
  for (int round = 0; round < options.rounds; ++round) {
    for (Row& row : rows)
      run_round(row, options.seconds);
  }
  print_load(rows);

  std::printf("\n%-8s %18s %24s\n", "server", "idle memory MB", "bytes an idle socket");
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const double per_socket = bytes_per_idle_socket(servers[i]);
    std::printf("%-8s %18.1f %24.0f\n", servers[i].name().c_str(),
                static_cast<double>(idle[i]) / (1024 * 1024), per_socket);
  }
  return 0;
}
