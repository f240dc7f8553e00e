#include "relay/app/application.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <random>

#include "engine/base/ascii.hpp"
#include "relay/app/config_files.hpp"
#include "relay/bus/in_process_bus.hpp"
#include "relay/contract/checked_bodies.hpp"
#include "relay/contract/gate.hpp"
#include "relay/contract/telemetry.hpp"
#include "relay/net/compute_pool.hpp"
#include "relay/services/game/game.hpp"
#include "relay/services/game/push_socket.hpp"
#include "relay/services/models/embeddings.hpp"
#include "relay/services/models/model_socket.hpp"
#include "relay/services/models/models.hpp"
#include "relay/services/models/usage.hpp"
#include "relay/services/runs/runs.hpp"
#include "relay/services/status/documents.hpp"
#include "relay/services/status/status.hpp"
#include "relay/services/tokens/sessions.hpp"
#include "relay/storage/memory_ledger.hpp"
#include "relay/storage/reader.hpp"
#include "relay/storage/sqlite_agent_memory_store.hpp"
#include "relay/storage/sqlite_answer_store.hpp"
#include "relay/storage/sqlite_key_table.hpp"
#include "relay/storage/sqlite_ledger.hpp"
#include "relay/storage/sqlite_run_store.hpp"
#include "relay/storage/writer.hpp"

namespace redoubt::app {
namespace {

constexpr std::int64_t second_ms = 1'000;
// An answer of the greatest length takes longer to read; nobody waits for it any more.
constexpr std::chrono::milliseconds pool_end_max{300};
constexpr const char* admin_name = "admin";

// One answer takes so small a part of the cache at most.
constexpr std::size_t cache_share = 16;

std::uint64_t random_seed() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device();
}

services::PushPolicy push_policy(const config::Config& config) {
  return {.directive_interval_ms = config.push.directive_interval_s * second_ms,
          .directive_early_ms = config.push.directive_early_s * second_ms,
          .recommendation_interval_ms = config.push.recommendation_interval_s * second_ms,
          .class_gap_percent = static_cast<double>(config.push.class_gap_percent),
          .frames_per_second_max = static_cast<int>(config.push.frames_per_second_max),
          .depth_max = static_cast<int>(config.json.depth_max)};
}

std::optional<limits::Picodollars> picodollars(config::OptionalLimit microusd) {
  if (!microusd) return std::nullopt;
  return *microusd * limits::picodollars_per_microdollar;
}

limits::Rules rules(config::OptionalLimit requests, config::OptionalLimit tokens,
                    config::OptionalLimit concurrent, config::OptionalLimit day_microusd,
                    config::OptionalLimit month_microusd) {
  return {.requests_per_minute = requests,
          .tokens_per_minute = tokens,
          .concurrent_max = concurrent,
          .day_picodollars = picodollars(day_microusd),
          .month_picodollars = picodollars(month_microusd)};
}

std::shared_ptr<upstream::AnswerMemory> answer_memory(const config::Models& models) {
  return std::make_shared<upstream::AnswerMemory>(upstream::AnswerBudget::Options{
      .bytes_max = static_cast<std::size_t>(models.answers_bytes_max),
      .answer_bytes_max = static_cast<std::size_t>(models.answer_bytes_max)});
}

upstream::GatewayOptions gateway_options(const config::Config& config) {
  upstream::GatewayOptions options;
  for (const config::Provider& p : config.providers) {
    options.providers.push_back({.name = p.name,
                                 .dialect = p.dialect,
                                 .base_url = p.base_url,
                                 .authorities_file = p.authorities_file,
                                 .proxy = p.proxy,
                                 .free = p.free,
                                 .concurrent_max = static_cast<int>(p.concurrent_max)});
  }
  for (const config::Alias& alias : config.aliases)
    options.aliases.push_back({.name = alias.name, .targets = alias.targets});
  const config::Models& m = config.models;
  options.direct_targets = m.direct_targets;
  options.pass_through = llm::PassThrough::parse(m.pass_through).value();  // looked at before
  options.unknown_output_tokens_max = m.unknown_output_tokens_max;
  options.all = rules(m.all_requests_per_minute, m.all_tokens_per_minute, m.all_concurrent_max,
                      m.all_day_microusd, m.all_month_microusd);
  options.player = rules(m.player_requests_per_minute, m.player_tokens_per_minute,
                         m.player_concurrent_max, m.player_day_microusd, m.player_month_microusd);
  options.anonymous =
      rules(m.anonymous_requests_per_minute, m.anonymous_tokens_per_minute,
            m.anonymous_concurrent_max, m.anonymous_day_microusd, m.anonymous_month_microusd);
  for (upstream::ModelCallOptions* call : {&options.stream_call, &options.whole_call}) {
    call->deadline_ms = m.deadline_s * second_ms;
    call->first_token_ms = m.first_token_timeout_s * second_ms;
    call->progress_ms = m.progress_timeout_s * second_ms;
    call->connect_ms = m.connect_timeout_ms;
  }
  options.game_call.connect_ms = m.connect_timeout_ms;
  options.share_answers = m.cache.enabled;
  options.cache.ttl_ms = m.cache.ttl_s * second_ms;
  options.cache.entries_max = static_cast<std::size_t>(m.cache.entries_max);
  options.cache.bytes_max = static_cast<std::size_t>(m.cache.bytes_max);
  options.cache.entry_bytes_max =
      std::min(options.cache.entry_bytes_max, options.cache.bytes_max / cache_share);
  return options;
}

Result<std::unique_ptr<upstream::Gateway>> make_gateway(
    const config::Config& config, llm::ModelTable models, auth::CurrentKeys& keys,
    limits::Ledger& ledger, upstream::AnswerStore* kept_answers, observe::Metrics& metrics,
    observe::Log* log = nullptr, net::ComputePool* pool = nullptr,
    std::shared_ptr<upstream::AnswerMemory> answers = nullptr) {
  upstream::GatewayOptions options = gateway_options(config);
  options.answers = std::move(answers);
  options.kept_answers = kept_answers;
  options.log = log;
  options.pool = pool;
  return upstream::Gateway::make(std::move(options), std::move(models), keys, ledger, metrics,
                                 random_seed());
}

limits::RatePolicy session_rate_policy(const config::Config& config) {
  const auto sessions = static_cast<int>(config.tokens.sessions_per_minute);
  return limits::per_minute(sessions, sessions,
                            static_cast<std::size_t>(config.limits.addresses_max));
}

net::ServerOptions server_options(const config::Config& config) {
  const config::Server& server = config.server;
  net::ServerOptions options;
  options.shards = static_cast<int>(server.shards);
  options.head_bytes_max = static_cast<std::size_t>(server.head_bytes_max);
  options.headers_max = static_cast<std::size_t>(server.headers_max);
  options.body_bytes_max = static_cast<std::size_t>(server.body_bytes_max);
  options.connections_max = static_cast<std::size_t>(server.connections_max);
  options.connections_per_address_max =
      static_cast<std::size_t>(server.connections_per_address_max);
  options.unfinished_bytes_max = static_cast<std::size_t>(server.unfinished_bytes_max);
  options.deadlines.read_rate_min_bytes_s = server.read_rate_min_bytes_s;
  options.deadlines.head_ms = server.head_timeout_s * second_ms;
  options.deadlines.body_ms = server.body_timeout_s * second_ms;
  options.deadlines.idle_ms = server.idle_timeout_s * second_ms;
  options.deadlines.write_ms = server.write_timeout_s * second_ms;
  options.drain_ms_max = server.drain_timeout_s * second_ms;
  return options;
}

bool has_ipv6_loopback() {
  const int descriptor = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return false;
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  const bool bound = ::bind(descriptor, generic, sizeof address) == 0;
  ::close(descriptor);
  return bound;
}

// localhost is both loopback addresses where the machine has both.
std::vector<std::string> addresses_of(const std::string& address, std::int64_t port) {
  if (address != "localhost") return {address};
  // With a port that the system chooses the two would get different ones.
  if (port == 0 || !has_ipv6_loopback()) return {"127.0.0.1"};
  return {"127.0.0.1", "::1"};
}

std::string bracketed(const std::string& address) {
  return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

std::vector<std::string> hosts_of(const std::vector<std::string>& configured,
                                  const std::string& address) {
  std::vector<std::string> hosts = configured;
  for (std::string& host : hosts) {
    std::transform(host.begin(), host.end(), host.begin(), [](char c) { return ascii_lower(c); });
  }
  hosts.push_back(bracketed(address));
  return hosts;
}

std::function<bool(std::string_view)> is_among(std::vector<auth::Network> networks) {
  return [networks = std::move(networks)](std::string_view text) {
    const auto address = auth::parse_address(text);
    return address && std::any_of(networks.begin(), networks.end(),
                                  [&](const auto& network) { return network.contains(*address); });
  };
}

std::string to_text(auth::Anonymous anonymous) {
  constexpr std::array<const char*, 3> names{"off", "local", "on"};
  return names[static_cast<std::size_t>(anonymous)];
}

}  // namespace

struct Application::Parts {
  Parts(config::Config c, observe::Log& l, std::optional<http::StaticFiles> p, Dependencies b)
      : config(std::move(c)),
        log(l),
        page(std::move(p)),
        store(std::move(b.store)),
        reads(store, std::move(b.reads)),
        authority({.audience = config.tokens.audience, .leeway_s = config.tokens.leeway_s},
                  std::move(b.tokens)),
        keys(std::move(b.keys)),
        telemetry(metrics, log, config.log.requests),
        status(metrics, telemetry, observe::wall_now_ms()),
        pool(std::make_unique<net::ComputePool>(static_cast<int>(config.server.compute_threads),
                                                static_cast<int>(config.server.compute_queue_max))),
        push(push_policy(config), static_cast<std::size_t>(config.push.frame_bytes_max), *pool, bus,
             metrics, log),
        game(*pool, push, metrics, static_cast<int>(config.json.depth_max)),
        ledger(store, reads),
        agent_memories(store, reads),
        session_rate(session_rate_policy(config), random_seed()),
        sessions({.lifetime_s = config.tokens.lifetime_s,
                  .depth_max = static_cast<int>(config.json.depth_max),
                  .tenants = config.tokens.service_tenants},
                 authority, session_rate, metrics) {
    if (config.limits.requests_per_minute) {
      const auto policy = limits::per_minute(static_cast<int>(*config.limits.requests_per_minute),
                                             static_cast<int>(config.limits.burst),
                                             static_cast<std::size_t>(config.limits.addresses_max));
      rate = std::make_unique<contract::RateGate>(policy, random_seed());
    }
    if (config.limits.refusals_per_minute > 0) {
      const auto policy = limits::per_minute(static_cast<int>(config.limits.refusals_per_minute),
                                             static_cast<int>(config.limits.refusals_burst),
                                             static_cast<std::size_t>(config.limits.addresses_max));
      refusals = std::make_unique<contract::RateGate>(policy, random_seed());
    }
    status.watch_store([this] {
      const storage::StoreFault fault = store.fault();
      return fault == storage::StoreFault::none ? std::string_view() : storage::fault_name(fault);
    });
    keys.note_uses_by(
        [this](const std::string& name, std::int64_t now_ms) { note_use(name, now_ms); });
    write_lost_calls();
    open_gateway(std::move(b.models));
    open_runs();
    observe::add_process_metrics(metrics);
    metrics.computed("redoubt_ledger_lines_lost_total",
                     "Lines of model calls that could not be written.", "counter",
                     [this] { return static_cast<double>(ledger.lines_lost()); });
    metrics.computed("redoubt_provider_keys", "Provider keys that are open.", "gauge",
                     [this] { return static_cast<double>(keys.get()->keys().size()); });
    metrics.computed("redoubt_log_lines_dropped_total", "Log lines that found the queue full.",
                     "counter", [this] { return static_cast<double>(log.dropped()); });
    declare_routes();
    open_listeners();
  }

  ~Parts() {
    if (!closed) close();
  }

  /// False where the pool's work had no end in time: it goes on, and all that it reads stays.
  bool close() {
    closed = true;
    // Its callbacks know shards and gateway; what it has under way is taken up at the next start.
    if (run_service) run_service->stop();
    const bool ended = !pool || pool->end_within(pool_end_max);
    if (!ended) {
      (void)pool.release();
      (void)server.release();
    }
    pool.reset();
    if (model_sockets) model_sockets->release();
    server.reset();
    // What the store was asked for is told to a gateway that still lives; then leases go back.
    store.flush();
    reads.flush();
    if (gateway) gateway->close();
    store.flush();
    reads.flush();
    return ended;
  }

  void note_use(const std::string& name, std::int64_t now_ms);
  void write_lost_calls();
  void open_gateway(llm::ModelTable cards);
  void open_runs();
  void declare_routes();
  void open_listeners();
  void open(const std::string& name, const std::string& address, std::int64_t port,
            contract::GatePolicy gate, const config::Listener* listener);
  void fill(http::Router& router, bool admin);

  config::Config config;
  observe::Log& log;
  const std::optional<http::StaticFiles> page;
  storage::Writer store;
  storage::Reader reads;
  auth::Authority authority;
  auth::CurrentKeys keys;
  observe::Metrics metrics;
  contract::Telemetry telemetry;
  services::Status status;
  std::unique_ptr<net::ComputePool> pool;
  std::unique_ptr<contract::RateGate> rate;
  std::unique_ptr<contract::RateGate> refusals;  ///< of all listeners, the admin listener's too
  bus::InProcessBus bus;
  services::PushSockets push;
  services::Game game;
  storage::SqliteLedger ledger;
  std::optional<storage::SqliteAnswerStore> kept_answers;
  std::shared_ptr<upstream::AnswerMemory> answers;
  std::unique_ptr<upstream::Gateway> gateway;
  Result<void> gateway_made;  ///< the error that listen() gives
  std::optional<services::Embeddings> embeddings;
  std::optional<services::Models> models;
  std::optional<services::Usage> usage;
  std::optional<services::ModelSockets> model_sockets;
  std::optional<runs::LiveCatalogue> workflows;
  std::optional<services::Adviser> adviser;
  std::optional<storage::SqliteRunStore> run_store;
  storage::SqliteAgentMemoryStore agent_memories;
  std::unique_ptr<runs::RunService> run_service;
  std::optional<services::Runs> runs;
  contract::RateGate session_rate;
  services::Sessions sessions;
  services::Documents documents;
  contract::Routes routes;
  contract::Routes admin_routes;
  std::vector<std::unique_ptr<contract::Gate>> gates;
  std::vector<std::unique_ptr<http::Router>> routers;
  std::vector<Opened> opened;
  net::ServerOptions options;
  std::unique_ptr<net::Server> server;
  bool closed = false;
};

/// Before any call: what was under way as the last process died is spent, and its budgets say so.
void Application::Parts::write_lost_calls() {
  ledger.write_lost([this](const Result<limits::LostCalls>& lost) {
    observe::Line line(observe::Level::warning, "model_calls_lost", observe::wall_now_ms());
    if (lost) {
      line.number("calls", lost->calls)
          .number("cost_microusd", limits::microdollars_up(lost->cost));
    } else {
      line.text("message", lost.error().message);
    }
    log.write(line);
  });
}

void Application::Parts::note_use(const std::string& name, std::int64_t now_ms) {
  // A full queue loses a note; the next interval brings another.
  (void)store.post({.work = [name, now_ms](storage::Database& database) {
    return storage::SqliteKeyTable(database).note_use(name, now_ms);
  }});
}

void Application::Parts::open_gateway(llm::ModelTable cards) {
  if (config.models.cache.stored) {
    const config::ModelCache& cache = config.models.cache;
    kept_answers.emplace(store, upstream::AnswerStoreBounds{
                                    .entries_max = static_cast<std::size_t>(cache.entries_max),
                                    .bytes_max = static_cast<std::size_t>(cache.bytes_max)});
  }
  answers = answer_memory(config.models);
  auto made =
      make_gateway(config, std::move(cards), keys, ledger, kept_answers ? &*kept_answers : nullptr,
                   metrics, &log, pool.get(), answers);
  if (!made) {
    gateway_made = made.error();
    return;
  }
  gateway = std::move(*made);
  const auto body_bytes_max = static_cast<std::size_t>(config.models.body_bytes_max);
  embeddings.emplace(*gateway, *pool, body_bytes_max);
  models.emplace(*gateway, *embeddings, *pool, body_bytes_max);
  usage.emplace(*gateway, ledger, log);
  model_sockets.emplace(*gateway, *pool, rate.get(), metrics, body_bytes_max,
                        config.models.stream_hold_s * second_ms);
}

void Application::Parts::open_runs() {
  auto catalogue = runs::Catalogue::shipped();
  if (!catalogue) {
    gateway_made = catalogue.error();
    return;
  }
  workflows.emplace(*catalogue);
  runs::OwnerBounds bounds;
  bounds.weight_max = static_cast<std::uint64_t>(config.workflows.owner_memory_bytes_max);
  run_store.emplace(store, reads, bounds);
  runs::RunService::Dependencies around{.store = *run_store,
                                        .memories = agent_memories,
                                        .gateway = gateway.get(),
                                        .log = log,
                                        .metrics = metrics,
                                        .catalogue = *workflows,
                                        .folder = config.workflows.directory};
  around.weight_all_max = static_cast<std::uint64_t>(config.workflows.memory_bytes_max);
  around.variables = workflow_variables(config);
  if (gateway) {
    adviser.emplace(*gateway, *workflows, *pool);
    game.use(&*adviser);
    push.use(&*adviser);
  }
  run_service = std::make_unique<runs::RunService>(std::move(*catalogue), around);
  runs.emplace(*run_service, *pool, log);
}

void Application::Parts::open_listeners() {
  options = server_options(config);
  options.answers_wait = [memory = answers] { return memory && memory->is_short(); };
  // The configuration was checked: what is parsed here again is well-formed.
  const auth::Origins origins = auth::parse_origins(config.cors.origins).value();
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const config::Listener& listener = config.listeners[i];
    for (const std::string& address : addresses_of(listener.address, listener.port)) {
      contract::GatePolicy gate{.anonymous = listener.anonymous,
                                .hosts = hosts_of(listener.hosts, address),
                                .origins = origins,
                                .rate = rate.get(),
                                .refusals = refusals.get(),
                                .authority = &authority};
      for (const std::string& proxy : listener.trusted_proxies) {
        gate.trusted_proxies.push_back(*auth::parse_network(proxy));
      }
      open(std::to_string(i), address, listener.port, std::move(gate), &listener);
    }
  }
  if (!config.admin.enabled) return;
  for (const std::string& address : addresses_of(config.admin.address, config.admin.port)) {
    contract::GatePolicy gate{.anonymous = config.admin.anonymous,
                              .hosts = hosts_of(config.admin.hosts, address),
                              .refusals = refusals.get(),
                              .admin = true,
                              .authority = &authority};
    open(admin_name, address, config.admin.port, std::move(gate), nullptr);
  }
}

void Application::Parts::open(const std::string& name, const std::string& address,
                              std::int64_t port, contract::GatePolicy gate,
                              const config::Listener* listener) {
  const bool admin = listener == nullptr;
  Opened& shown = opened.emplace_back();
  shown.anonymous = to_text(gate.anonymous);
  shown.admin = admin;
  std::function<bool(std::string_view)> trusted_peer;
  if (!gate.trusted_proxies.empty()) trusted_peer = is_among(gate.trusted_proxies);
  gates.push_back(
      std::make_unique<contract::Gate>(std::move(gate), admin ? admin_routes : routes, metrics));
  routers.push_back(std::make_unique<http::Router>());
  gates.back()->install(*routers.back());
  fill(*routers.back(), admin);

  net::ListenerOptions& bound = options.listeners.emplace_back();
  bound.name = name;
  bound.address = address;
  bound.port = static_cast<std::uint16_t>(port);
  bound.router = routers.back().get();
  bound.admin = admin;
  bound.trusted_peer = std::move(trusted_peer);
  if (!admin && !listener->tls_certificate.empty()) {
    bound.tls = net::TlsOptions{.certificate_file = listener->tls_certificate,
                                .key_file = listener->tls_key};
  }
  const bool named = !admin && listener->address == "localhost";
  shown.url = std::string(bound.tls ? "https" : "http") + "://" +
              (named ? listener->address : bracketed(address));
}

void Application::Parts::declare_routes() {
  http::Fallback files;
  if (page) files = [this](const http::Request& request) { return page->answer(request); };
  routes.add_all(status.routes(files));
  routes.add_all(game.routes());
  routes.add_all(push.routes());
  routes.add_all(sessions.routes());
  if (models) routes.add_all(models->routes());
  if (usage) routes.add_all(usage->routes());
  routes.add_prefixes(services::Models::prefixes());
  if (embeddings) routes.add_all(embeddings->routes());
  if (model_sockets) routes.add_all(model_sockets->routes());
  if (runs) routes.add_all(runs->routes());
  routes.add_all(documents.routes());
  if (gateway_made) documents.describe(routes);
  admin_routes.add_all(status.admin_routes());
  for (const contract::Routes* declared : {&routes, &admin_routes}) {
    for (const contract::Route& route : declared->all()) {
      // Machines ask for these all the time.
      const bool routine = route.access == contract::Access::probe() ||
                           route.access == contract::Access::scoped(auth::Scope::operator_read);
      telemetry.add_route(route.pattern, routine ? observe::Level::debug : observe::Level::info);
    }
  }
}

void Application::Parts::fill(http::Router& router, bool admin) {
  if (admin) return admin_routes.mount(router);
  if (!gateway_made) return;
  routes.mount(router, contract::CheckedBodies(*pool, static_cast<int>(config.json.depth_max),
                                               documents.openapi()));
  if (page)
    router.set_fallback([this](const http::Request& request) { return page->answer(request); });
  for (const char* segment : {"v1", "v1beta"})
    router.take_loosely(segment);
}

Application::Application(config::Config config, observe::Log& log,
                         std::optional<http::StaticFiles> page, Dependencies dependencies)
    : parts_(std::make_unique<Parts>(std::move(config), log, std::move(page),
                                     std::move(dependencies))) {
  parts_->server = std::make_unique<net::Server>(parts_->options, parts_->telemetry);
}

Application::~Application() = default;

Result<void> Application::listen() {
  if (!parts_->gateway_made) return parts_->gateway_made;
  return parts_->server->listen();
}

const contract::Routes& Application::routes() const {
  return parts_->routes;
}

const contract::Routes& Application::admin_routes() const {
  return parts_->admin_routes;
}

const std::string& Application::openapi() const {
  return parts_->documents.openapi();
}

std::vector<Application::Opened> Application::opened() const {
  std::vector<Opened> opened = parts_->opened;
  for (std::size_t i = 0; i < opened.size(); ++i) {
    opened[i].url += ":" + std::to_string(parts_->server->port(i));
  }
  return opened;
}

void Application::run() {
  if (parts_->run_service) parts_->run_service->begin();
  parts_->server->run();
}

void Application::announce_drain() {
  parts_->status.set_draining();
}

void Application::drain() {
  parts_->status.set_draining();
  if (parts_->model_sockets) parts_->model_sockets->drain();
  parts_->server->drain();
}

bool Application::close() {
  return parts_->close();
}

void Application::stop() {
  parts_->server->stop();
}

Result<void> Application::reload_certificates() {
  return parts_->server->reload_certificates();
}

void Application::replace(auth::TokenSecrets tokens) {
  parts_->authority.replace(std::move(tokens));
}

void Application::replace(auth::KeyRingPtr keys) {
  parts_->keys.replace(std::move(keys));
  if (parts_->gateway) parts_->gateway->reload_keys();
}

Result<std::vector<upstream::ModelNote>> check_models(const config::Config& config,
                                                      const llm::ModelTable& models,
                                                      const auth::KeyRingPtr& keys,
                                                      std::int64_t today) {
  auth::CurrentKeys current(keys);
  storage::MemoryLedger ledger;
  observe::Metrics metrics;
  auto made = make_gateway(config, models, current, ledger, nullptr, metrics);
  if (!made) return made.error();
  return (*made)->model_notes(today);
}

}  // namespace redoubt::app
