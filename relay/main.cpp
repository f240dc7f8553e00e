// redoubt-relay: the program. Reads its configuration, opens its listeners, serves until a signal.
//
// Exit codes: 0 served and drained (or did what an option asked), 1 could not start, or was stopped
// before it had drained, 2 bad use or bad configuration.

#include <pthread.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <thread>

#include "engine/base/utc_date.hpp"
#include "engine/llm/models.hpp"
#include "relay/app/application.hpp"
#include "relay/app/config_files.hpp"
#include "relay/auth/key_ring.hpp"
#include "relay/auth/secret.hpp"
#include "relay/config/command_line.hpp"
#include "relay/config/keys.hpp"
#include "relay/config/load.hpp"
#include "relay/config/provider_variables.hpp"
#include "relay/contract/gate.hpp"
#include "relay/observe/log.hpp"
#include "relay/observe/version.hpp"
#include "relay/services/status/status.hpp"
#include "relay/storage/migrations.hpp"
#include "relay/storage/relay_lock.hpp"
#include "relay/storage/sqlite_key_table.hpp"

extern char** environ;

namespace redoubt {
namespace {

constexpr int exit_served = 0;
constexpr int exit_not_started = 1;
constexpr int exit_bad_use = 2;
constexpr const char* master_key_variable = "REDOUBT_MASTER_KEY";

struct Options {
  std::string config_file;
  std::string host;
  std::string port;
  std::string www;
  bool check = false;
  bool print = false;
  bool document = false;
};

// Takes the keys of providers out of the environment, whatever becomes of them.
// REQUIRES: no other thread
std::vector<auth::EnvironmentKey> take_provider_keys() {
  std::vector<auth::EnvironmentKey> keys;
  for (const config::ProviderVariables& row : config::provider_variables()) {
    bool found = false;
    for (const std::string_view name : row.keys) {
      if (name.empty()) continue;
      const std::string variable(name);
      auth::Secret key = auth::take_variable(variable.c_str());
      if (key.empty() || std::exchange(found, true)) continue;
      keys.push_back({std::string(row.provider), variable, std::move(key)});
    }
  }
  return keys;
}

// With a word in the place of each key that was taken.
config::Environment environment(const std::vector<auth::EnvironmentKey>& taken) {
  config::Environment variables;
  for (const auth::EnvironmentKey& key : taken)
    variables.emplace_back(key.variable, "taken");
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

void limit_process() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
}

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  // One byte more than is allowed is enough to tell that it is too large.
  std::string text(config::file_bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::vector<config::Override> overrides(const Options& options) {
  std::vector<config::Override> values;
  if (!options.host.empty()) values.push_back({"listeners[0].address", options.host, "--host"});
  if (!options.port.empty()) values.push_back({"listeners[0].port", options.port, "--port"});
  if (!options.www.empty()) values.push_back({"www", options.www, "--www"});
  return values;
}

std::optional<config::Loaded> load(const Options& options,
                                   const std::vector<auth::EnvironmentKey>& taken) {
  std::optional<config::Source> source;
  if (!options.config_file.empty()) {
    std::optional<std::string> text = read_file(options.config_file);
    if (!text) {
      std::cerr << "redoubt-relay: " << options.config_file << ": cannot be read\n";
      return std::nullopt;
    }
    source = config::Source{options.config_file, std::move(*text)};
  }
  auto loaded = config::load(source, environment(taken), overrides(options));
  if (const auto* faults = std::get_if<config::Faults>(&loaded)) {
    for (const Error& fault : *faults)
      std::cerr << "redoubt-relay: " << fault.message << '\n';
    return std::nullopt;
  }
  return std::move(std::get<config::Loaded>(loaded));
}

bool is_page(const std::filesystem::path& folder) {
  std::error_code error;
  return std::filesystem::is_regular_file(folder / "index.html", error);
}

// The page's folder: where it was named, else where it usually lies, else "".
std::string find_page(const std::string& named) {
  if (!named.empty()) return named;
  std::error_code error;
  const std::filesystem::path program =
      std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  for (const std::filesystem::path& place :
       {std::filesystem::path("www"), program / "www", program / "../share/redoubt/www"}) {
    if (is_page(place)) return place.lexically_normal().string();
  }
  return "";
}

void say(observe::Log& log, observe::Level level, std::string_view event, std::string_view detail) {
  observe::Line line(level, event, observe::wall_now_ms());
  if (!detail.empty()) line.text("detail", detail);
  log.write(line);
}

std::string dollars(std::int64_t microusd) {
  std::string text = std::to_string(microusd % 1'000'000);
  text.insert(0, 6 - text.size(), '0');
  while (text.size() > 2 && text.back() == '0')
    text.pop_back();
  return "$" + std::to_string(microusd / 1'000'000) + "." + text;
}

// What models may cost and whose keys they are called with; "" where no alias leads to any.
std::string purse_text(const config::Config& config,
                       const std::vector<auth::EnvironmentKey>& keys_taken) {
  std::string text;
  for (const config::Alias& alias : config.aliases) {
    text += (text.empty() ? "" : "; ") + alias.name + " is ";
    for (std::size_t i = 0; i < alias.targets.size(); ++i)
      text += (i > 0 ? ", then " : "") + alias.targets[i];
  }
  if (text.empty()) return text;
  if (config.vault.environment_keys) {
    std::string names;
    for (const auth::EnvironmentKey& key : keys_taken)
      names += (names.empty() ? "" : ", ") + key.variable;
    if (!names.empty()) text += " (key: " + names + ")";
  }
  const auto limit = [&](const config::OptionalLimit& microusd, const char* whose) {
    if (microusd) text += std::string("; at most ") + dollars(*microusd) + whose;
  };
  limit(config.models.all_day_microusd, " a day in all (models.all_day_microusd)");
  limit(config.models.all_month_microusd, " a month in all");
  limit(config.models.player_day_microusd, " a day for each player");
  limit(config.models.anonymous_day_microusd, " a day for all without a token");
  return text;
}

// Why no model is asked, and what brings one.
std::string no_models_text(const config::Config& config) {
  constexpr const char* who = "none, the engine answers: ";
  if (!config.providers.empty())
    return std::string(who) +
           "no entry of `aliases` leads to a model of a provider (docs/models.md)";
  if (!config.vault.environment_keys)
    return std::string(who) + "`providers` and `aliases` bring one (docs/models.md)";
  return std::string(who) +
         "OPENAI_API_KEY or another provider's key in the environment brings one (docs/models.md)";
}

void announce(const app::Application& application, const std::string& www, observe::Log& log,
              const std::string& models) {
  std::cerr << "redoubt-relay " << observe::relay_version << '\n';
  std::string last;
  for (const app::Application::Opened& opened : application.opened()) {
    // localhost is two addresses of one URL.
    if (opened.url == last) continue;
    last = opened.url;
    observe::Line line(observe::Level::info, "listening", observe::wall_now_ms());
    log.write(line.text("url", opened.url)
                  .text("anonymous", opened.anonymous)
                  .flag("admin", opened.admin));
    if (opened.admin) {
      std::cerr << "  metrics  " << opened.url << "/metrics";
    } else {
      std::cerr << "  serves   " << opened.url;
    }
    std::cerr << "  (anonymous: " << opened.anonymous << ")\n";
  }
  if (www.empty()) {
    std::cerr << "  no page: no folder www was found (--www DIR)\n";
  } else {
    std::cerr << "  page     " << www << '\n';
  }
  std::cerr << "  models   " << models << '\n';
  say(log, observe::Level::info, "models", models);
  std::cerr << "Ctrl-C drains and stops; a second one stops at once." << std::endl;
}

// The shipped cards of models, with the operator's own before them.
std::optional<llm::ModelTable> load_cards(const config::Loaded& loaded) {
  const std::string& file = loaded.config.models.cards_file;
  const std::string key = config::where(loaded, "models.cards_file");
  auto table = llm::ModelTable::read(llm::default_models_json());
  if (!file.empty() && table.ok()) {
    const std::optional<std::string> text = read_file(file);
    if (!text) {
      std::cerr << "redoubt-relay: " << key << ": " << file << ": cannot be read\n";
      return std::nullopt;
    }
    table = table.value().with(*text);
  }
  if (table.ok()) return std::move(*table);
  const Error& error = table.error();
  std::cerr << "redoubt-relay: " << key << ": " << file << ':';
  if (error.line > 0) std::cerr << error.line << ':' << error.column << ':';
  std::cerr << ' ' << error.message << '\n';
  return std::nullopt;
}

std::int64_t today() {
  return observe::wall_now_ms() / 1'000 / seconds_per_day;
}

// Where secrets come from, and the connection on which provider keys are read again: the writer's
// own belongs to its thread.
struct Keeping {
  auth::SecretSources sources;
  storage::Database store;
};

void tell(observe::Log& log, std::string_view what, const Result<void>& done) {
  if (done) {
    say(log, observe::Level::info, std::string(what) + "_reloaded", "");
  } else {
    say(log, observe::Level::error, std::string(what) + "_kept", done.error().message);
  }
}

Result<void> reload_tokens(app::Application& application, Keeping& keeping) {
  auto tokens = auth::load_token_secrets(keeping.sources);
  if (!tokens) return tokens.error();
  application.replace(std::move(*tokens));
  return {};
}

Result<void> reload_keys(app::Application& application, Keeping& keeping) {
  storage::SqliteKeyTable table(keeping.store);
  auto keys = auth::load_key_ring(keeping.sources, table);
  if (!keys) return keys.error();
  application.replace(std::move(*keys));
  return {};
}

// Each of the three is replaced as a whole, or stays as it was.
void reload(app::Application& application, Keeping& keeping, observe::Log& log) {
  tell(log, "certificates", application.reload_certificates());
  tell(log, "tokens", reload_tokens(application, keeping));
  tell(log, "provider_keys", reload_keys(application, keeping));
}

// Waits for signals on a thread of its own, so that handlers may lock and allocate.
class Signals {
 public:
  // REQUIRES: constructed before any other thread, which inherit the blocked signals.
  explicit Signals(std::int64_t drain_delay_s) : drain_delay_s_(drain_delay_s) {
    std::signal(SIGPIPE, SIG_IGN);
    // A limit on the size of files is the store's fault to tell, not the process's end.
    std::signal(SIGXFSZ, SIG_IGN);
    sigemptyset(&set_);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP})
      sigaddset(&set_, signal);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }

  void serve(app::Application& application, Keeping& keeping, observe::Log& log) {
    waiter_ =
        std::thread([this, &application, &keeping, &log] { wait(application, keeping, log); });
  }

  /// Ends the waiting; was the relay stopped before it had drained?
  bool finish() {
    done_.store(true);
    pthread_kill(waiter_.native_handle(), SIGHUP);
    waiter_.join();
    return stopped_at_once_.load();
  }

 private:
  void wait(app::Application& application, Keeping& keeping, observe::Log& log) {
    bool draining = false;
    while (true) {
      int signal = 0;
      sigwait(&set_, &signal);
      if (done_.load()) return;
      if (signal == SIGHUP) {
        reload(application, keeping, log);
      } else if (!draining && !hurried(application, log)) {
        draining = true;
        application.drain();
      } else {
        stopped_at_once_.store(true);
        say(log, observe::Level::warning, "stopping_at_once", "");
        application.stop();
      }
    }
  }

  // Tells readiness and waits the delay; did a second signal cut it short?
  bool hurried(app::Application& application, observe::Log& log) {
    say(log, observe::Level::info, "draining", "");
    application.announce_drain();
    if (drain_delay_s_ == 0) return false;
    sigset_t stop = set_;
    sigdelset(&stop, SIGHUP);
    const timespec delay{.tv_sec = drain_delay_s_, .tv_nsec = 0};
    return sigtimedwait(&stop, nullptr, &delay) > 0;
  }

  const std::int64_t drain_delay_s_;
  sigset_t set_{};
  std::thread waiter_;
  std::atomic<bool> done_ = false;
  std::atomic<bool> stopped_at_once_ = false;
};

// Nothing where the folder cannot be served; the reason is told.
std::optional<http::StaticFiles> load_page(const config::Loaded& loaded,
                                           const std::string& folder) {
  Error error{.message = "expected a folder with an index.html, got \"" + folder + "\""};
  if (is_page(folder)) {
    http::StaticOptions options;
    options.directory = folder;
    options.content_security_policy = contract::page_policy(loaded.config.page.connect);
    options.referrer_policy = "no-referrer";
    Result<http::StaticFiles> page = http::StaticFiles::load(options);
    if (page) return std::move(*page);
    error = page.error();
  }
  std::cerr << "redoubt-relay: " << config::where(loaded, "www") << ": " << error.message << '\n';
  return std::nullopt;
}

auth::SecretSources secret_sources(const config::Config& config,
                                   std::vector<auth::EnvironmentKey> keys) {
  if (!config.vault.environment_keys) keys.clear();
  return {.master_key_file = config.vault.master_key_file,
          .master_key_command = config.vault.master_key_command,
          .master_key = auth::take_variable(master_key_variable),
          .provider_keys = std::move(keys),
          .token_keys_file = config.tokens.keys_file,
          .nextauth_secret_file = config.tokens.nextauth_secret_file,
          .service_secret_file = config.tokens.service_secret_file};
}

Error in_key(std::string_view key, Error error) {
  error.message = std::string(key) + ": " + error.message;
  return error;
}

/// Opens the store and reads the secrets. REQUIRES: no other thread
Result<std::pair<Keeping, app::Dependencies>> open_dependencies(
    const config::Config& config, llm::ModelTable models,
    std::vector<auth::EnvironmentKey> keys_taken) {
  auth::SecretSources sources = secret_sources(config, std::move(keys_taken));
  auto store = storage::open(config.store.path);
  if (!store) return in_key("store.path", store.error());
  auto tokens = auth::load_token_secrets(sources);
  if (!tokens) return in_key("tokens", tokens.error());
  storage::SqliteKeyTable table(*store);
  auto keys = auth::load_key_ring(sources, table);
  if (!keys) return in_key("vault", keys.error());
  auto second = storage::open(config.store.path);
  if (!second) return in_key("store.path", second.error());
  std::optional<storage::Database> reads;
  if (config.store.path != storage::in_memory) {
    auto opened = storage::Database::open(config.store.path);
    if (!opened) return in_key("store.path", opened.error());
    reads = std::move(*opened);
  }
  return std::pair(Keeping{.sources = std::move(sources), .store = std::move(*second)},
                   app::Dependencies{.store = std::move(*store),
                                     .reads = std::move(reads),
                                     .tokens = std::move(*tokens),
                                     .keys = std::move(*keys),
                                     .models = std::move(models)});
}

// May strangers spend the operator's money without a bound?
bool open_purse(const config::Config& config) {
  const config::Models& models = config.models;
  const bool bounded = models.all_day_microusd || models.all_month_microusd ||
                       models.anonymous_day_microusd || models.anonymous_month_microusd;
  const bool strangers =
      std::any_of(config.listeners.begin(), config.listeners.end(),
                  [](const auto& listener) { return listener.anonymous == auth::Anonymous::on; });
  return strangers && !config.aliases.empty() && !bounded;
}

// Tells what is wrong with providers and aliases, else gives what is to know of their models.
bool models_are_good(const config::Loaded& loaded, const llm::ModelTable& models,
                     const auth::KeyRingPtr& keys, std::vector<upstream::ModelNote>& notes) {
  auto checked = app::check_models(loaded.config, models, keys, today());
  if (checked) {
    notes = std::move(*checked);
  } else {
    std::cerr << "redoubt-relay: " << config::placed(loaded, checked.error()) << '\n';
  }
  return checked.ok();
}

// What chooses another port for a listener (Error.path of "cannot_listen").
std::string other_port_text(const std::string& listener) {
  if (listener == "admin")
    return "; admin.port (REDOUBT_ADMIN_PORT) chooses another, admin.enabled: false does without";
  return std::string("; ") + (listener == "0" ? "--port or " : "") + "listeners[" + listener +
         "].port (REDOUBT_LISTENERS_" + listener + "_PORT) chooses another";
}

// To the log, and to whoever starts the program.
void warn(observe::Log& log, std::string_view name, const std::string& warning) {
  say(log, observe::Level::warning, name, warning);
  std::cerr << "  warning  " << warning << std::endl;
}

int serve(config::Loaded loaded, const std::string& www, std::optional<http::StaticFiles> page,
          llm::ModelTable models, std::vector<auth::EnvironmentKey> keys_taken) {
  const config::Config& config = loaded.config;
  Signals signals(config.server.drain_delay_s);
  limit_process();
  const auto lock = storage::RelayLock::take(config.store.path);
  if (!lock) {
    std::cerr << "redoubt-relay: store.path: " << lock.error().message << '\n';
    return exit_not_started;
  }
  std::string models_text = purse_text(config, keys_taken);
  if (models_text.empty()) models_text = no_models_text(config);
  auto opened = open_dependencies(config, std::move(models), std::move(keys_taken));
  if (!opened) {
    std::cerr << "redoubt-relay: " << opened.error().message << '\n';
    return exit_not_started;
  }
  auto& [keeping, dependencies] = *opened;
  std::vector<upstream::ModelNote> notes;
  if (!models_are_good(loaded, dependencies.models, dependencies.keys, notes))
    return exit_not_started;
  const auto level = static_cast<observe::Level>(config.log.level);
  const auto queue_lines_max = static_cast<std::size_t>(config.log.queue_lines_max);
  observe::Log log(1, level, queue_lines_max);
  const bool unbounded = open_purse(config);
  for (const std::string& warning : config::warnings(config))
    warn(log, "limit_of_nothing", warning);
  for (const std::string& warning : loaded.unread)
    warn(log, "variable_not_read", warning);
  app::Application application(std::move(loaded.config), log, std::move(page),
                               std::move(dependencies));
  const Result<void> listening = application.listen();
  if (!listening) {
    const Error& fault = listening.error();
    std::cerr << "redoubt-relay: " << fault.message
              << (fault.code == "cannot_listen" ? other_port_text(fault.path) : "") << '\n';
    return exit_not_started;
  }
  announce(application, www, log, models_text);
  for (const upstream::ModelNote& note : notes)
    warn(log, upstream::note_name(note.kind), note.text);
  if (unbounded)
    warn(log, "open_purse",
         "anybody may call models and no budget bounds it: set models.anonymous_day_microusd");
  signals.serve(application, keeping, log);
  application.run();
  const bool at_once = signals.finish();
  const bool closed = application.close();
  say(log, observe::Level::info, "stopped", at_once ? "before it had drained" : "");
  const int code = at_once ? exit_not_started : exit_served;
  if (!closed) {
    log.end();
    std::_Exit(code);
  }
  return code;
}

// Tells all faults of what the configuration names; gives the keys of providers.
bool files_are_good(const config::Loaded& loaded, std::vector<auth::EnvironmentKey> keys_taken,
                    auth::KeyRingPtr& keys) {
  app::FilesChecked checked =
      app::check_files(loaded, secret_sources(loaded.config, std::move(keys_taken)));
  for (const Error& fault : checked.faults)
    std::cerr << "redoubt-relay: " << fault.message << '\n';
  for (const Error& warning : checked.warnings)
    std::cerr << "redoubt-relay: warning: " << warning.message << '\n';
  keys = std::move(checked.keys);
  return checked.faults.empty();
}

int run(const Options& options) {
  if (options.document) {
    std::cout << config::document();
    return exit_served;
  }
  std::vector<auth::EnvironmentKey> keys_taken = take_provider_keys();
  std::optional<config::Loaded> loaded = load(options, keys_taken);
  if (!loaded) return exit_bad_use;
  std::optional<llm::ModelTable> models = load_cards(*loaded);
  const std::string www = find_page(loaded->config.www);
  std::optional<http::StaticFiles> page;
  if (!www.empty()) page = load_page(*loaded, www);
  bool good = models && (www.empty() || page);
  auth::KeyRingPtr keys;
  if (options.check) good = files_are_good(*loaded, std::move(keys_taken), keys) && good;
  std::vector<upstream::ModelNote> notes;
  if (models) good = models_are_good(*loaded, *models, keys, notes) && good;
  if (!good) return exit_bad_use;
  if (options.print) std::cout << config::print(*loaded);
  if (options.check && !options.print) std::cout << "the configuration is good\n";
  if (!options.print && !options.check)
    return serve(std::move(*loaded), www, std::move(page), std::move(*models),
                 std::move(keys_taken));
  for (const std::string& warning : config::warnings(loaded->config))
    std::cerr << "redoubt-relay: warning: " << warning << '\n';
  for (const std::string& warning : loaded->unread)
    std::cerr << "redoubt-relay: warning: " << warning << '\n';
  for (const upstream::ModelNote& note : notes)
    std::cerr << "redoubt-relay: warning: " << note.text << '\n';
  return exit_served;
}

}  // namespace
}  // namespace redoubt

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace {

/// Longer texts (bodies, histories, bundles) have memory of their own, which the system has back
/// when they go. Without this glibc keeps them in its heaps once one was freed, and holes between
/// them.
constexpr int own_memory_bytes_min = 256 * 1024;

void give_memory_back() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, own_memory_bytes_min);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  give_memory_back();
  // Before anything is read: a core file would hold players' requests and keys.
  redoubt::auth::forbid_core_files();
  CLI::App app{
      "The relay of Redoubt: strategy for games over HTTP and WebSocket, answered by the engine.\n"
      "Without options it serves on http://127.0.0.1:8000. docs/configuration.md lists every key.",
      "redoubt-relay"};
  redoubt::Options options;
  app.add_option("--config", options.config_file, "Configuration file (YAML)")
      ->envname("REDOUBT_CONFIG");
  app.add_option("--host", options.host,
                 "Address of the first listener; localhost for both loopback addresses");
  app.add_option("--port", options.port, "Port of the first listener; 0 lets the system choose");
  app.add_option("--www", options.www, "Folder of the page");
  app.add_flag("--check-config", options.check,
               "Check the configuration and what it names, and exit");
  app.add_flag("--print-config", options.print,
               "Print the configuration, with where each value comes from, and exit");
  app.add_flag("--document-config", options.document,
               "Print the description of every key (docs/configuration.md) and exit");
  app.footer(
      "Examples:\n"
      "  redoubt-relay --port 8080 --www web/game/dist\n"
      "  redoubt-relay --config /etc/redoubt/relay.yaml --check-config\n"
      "  OPENAI_API_KEY=... redoubt-relay --host localhost");
  app.set_version_flag("--version",
                       "redoubt-relay " + std::string(redoubt::observe::relay_version));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    const std::string unknown = redoubt::config::unknown_word(
        app, {argv + 1, static_cast<std::size_t>(argc > 0 ? argc - 1 : 0)});
    std::cerr << "redoubt-relay: " << (unknown.empty() ? error.what() : unknown)
              << "\nRun with --help for more information.\n";
    return redoubt::exit_bad_use;
  }
  try {
    return redoubt::run(options);
  } catch (const std::exception& error) {
    std::cerr << "redoubt-relay: " << error.what() << '\n';
    return redoubt::exit_not_started;
  }
}
