// Config: everything that can be set about a relay, as one value.
//
// 1. A default-constructed Config is the default configuration; nothing else holds a default.
// 2. relay/config/keys.cpp declares each member once: its name in YAML and in the environment, its
//    range or choices and what it means. Loading, printing and docs/configuration.md follow it.
// 3. Units stand last in a name: _ms, _s, _bytes, _max counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "relay/auth/caller.hpp"

namespace redoubt::config {

constexpr std::size_t listeners_max = 16;
constexpr std::size_t providers_max = 32;
constexpr std::size_t aliases_max = 256;

/// Absent (`none`) is no limit; 0 is nothing.
using OptionalLimit = std::optional<std::int64_t>;

enum class LogLevel : std::uint8_t { debug, info, warning, error, off };

struct Listener {
  std::string address = "127.0.0.1";
  std::int64_t port = 8000;
  auth::Anonymous anonymous = auth::Anonymous::local;
  std::vector<std::string> hosts;
  std::vector<std::string> trusted_proxies;
  std::string tls_certificate;
  std::string tls_key;
};

struct Admin {
  bool enabled = true;
  std::string address = "127.0.0.1";
  std::int64_t port = 9464;
  auth::Anonymous anonymous = auth::Anonymous::local;
  std::vector<std::string> hosts;
};

struct Server {
  std::int64_t shards = 1;
  std::int64_t compute_threads = 1;
  std::int64_t compute_queue_max = 256;
  std::int64_t connections_max = 10'000;
  std::int64_t connections_per_address_max = 256;
  std::int64_t head_bytes_max = 16'384;
  std::int64_t headers_max = 100;
  std::int64_t body_bytes_max = 1'048'576;
  std::int64_t unfinished_bytes_max = 67'108'864;
  std::int64_t read_rate_min_bytes_s = 1'024;
  std::int64_t head_timeout_s = 10;
  std::int64_t body_timeout_s = 30;
  std::int64_t idle_timeout_s = 75;
  std::int64_t write_timeout_s = 20;
  std::int64_t drain_delay_s = 0;
  std::int64_t drain_timeout_s = 10;
};

struct Json {
  std::int64_t depth_max = 32;
};

struct Cors {
  std::vector<std::string> origins{"http://localhost:*", "http://127.0.0.1:*",
                                   "https://localhost:*", "https://127.0.0.1:*"};
};

struct Workflows {
  std::string directory;
  std::vector<std::string> variables;
  std::int64_t memory_bytes_max = 50'331'648;
  std::int64_t owner_memory_bytes_max = 41'943'040;
};

struct Page {
  std::vector<std::string> connect;
};

struct Limits {
  OptionalLimit requests_per_minute = 1'200;
  std::int64_t burst = 200;
  std::int64_t addresses_max = 65'536;
  std::int64_t refusals_per_minute = 120;
  std::int64_t refusals_burst = 100;
};

struct Push {
  std::int64_t directive_interval_s = 30;
  std::int64_t directive_early_s = 5;
  std::int64_t class_gap_percent = 10;
  std::int64_t recommendation_interval_s = 30;
  std::int64_t frames_per_second_max = 10;
  std::int64_t frame_bytes_max = 262'144;
};

struct Provider {
  std::string name;
  std::string dialect;
  std::string base_url;
  std::string authorities_file;
  std::string proxy;
  bool free = false;
  std::int64_t concurrent_max = 1'000;
};

struct Alias {
  std::string name;
  std::vector<std::string> targets;
};

/// Answers of models that are given again.
struct ModelCache {
  bool enabled = true;
  std::int64_t ttl_s = 300;
  std::int64_t entries_max = 10'000;
  std::int64_t bytes_max = 16'777'216;
  bool stored = false;
};

struct Models {
  ModelCache cache;
  bool direct_targets = false;
  std::vector<std::string> pass_through;
  std::string cards_file;
  std::int64_t unknown_output_tokens_max = 0;
  std::int64_t body_bytes_max = 8'388'608;
  std::int64_t answer_bytes_max = 4'194'304;
  std::int64_t answers_bytes_max = 27'262'976;
  std::int64_t deadline_s = 600;
  std::int64_t first_token_timeout_s = 60;
  std::int64_t progress_timeout_s = 60;
  std::int64_t connect_timeout_ms = 3'000;
  std::int64_t stream_hold_s = 15;
  OptionalLimit all_requests_per_minute;
  OptionalLimit all_tokens_per_minute;
  OptionalLimit all_concurrent_max;
  OptionalLimit all_day_microusd;
  OptionalLimit all_month_microusd;
  OptionalLimit player_requests_per_minute;
  OptionalLimit player_tokens_per_minute;
  OptionalLimit player_concurrent_max = 8;
  OptionalLimit player_day_microusd;
  OptionalLimit player_month_microusd;
  OptionalLimit anonymous_requests_per_minute;
  OptionalLimit anonymous_tokens_per_minute;
  OptionalLimit anonymous_concurrent_max = 8;
  OptionalLimit anonymous_day_microusd;
  OptionalLimit anonymous_month_microusd;
};

struct Store {
  std::string path = "redoubt-relay.db";
};

struct Tokens {
  std::string keys_file;
  std::string nextauth_secret_file;
  std::string service_secret_file;
  std::string audience = "redoubt";
  std::int64_t leeway_s = 30;
  std::int64_t lifetime_s = 900;
  std::int64_t sessions_per_minute = 10;
  std::vector<std::string> service_tenants{"default"};
};

struct Vault {
  std::string master_key_file;
  std::string master_key_command;
  bool environment_keys = true;
};

struct Log {
  LogLevel level = LogLevel::info;
  bool requests = true;
  std::int64_t queue_lines_max = 8'192;
};

struct Config {
  std::vector<Listener> listeners{Listener{}};
  Admin admin;
  std::string www;
  Server server;
  Json json;
  Cors cors;
  Page page;
  Workflows workflows;
  Limits limits;
  Push push;
  std::vector<Provider> providers;
  std::vector<Alias> aliases;
  Models models;
  Store store;
  Tokens tokens;
  Vault vault;
  Log log;
};

}  // namespace redoubt::config
