// redoubt keys: provider keys, sealed in the relay's store.
#include <termios.h>
#include <unistd.h>
#include <memory>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <utility>

#include "engine/base/json.hpp"
#include "relay/auth/key_ring.hpp"
#include "relay/auth/key_table.hpp"
#include "relay/auth/secret_file.hpp"
#include "relay/storage/migrations.hpp"
#include "relay/storage/sqlite_key_table.hpp"
#include "relay/upstream/key_check.hpp"
#include "tools/cli/relay_config.hpp"
#include "tools/cli/terminal.hpp"

namespace redoubt::cli {
namespace {

constexpr const char* take_up = "A running relay takes it up on SIGHUP.";

std::int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::string utc(std::int64_t wall_ms) {
  const std::time_t seconds = static_cast<std::time_t>(wall_ms / 1'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &parts);
  return text.data();
}

auth::Nonce fresh_nonce() {
  auth::Nonce nonce;
  auth::fill_random(nonce);
  return nonce;
}

/// Turns the echo of a terminal off while it lives.
class Silence {
 public:
  Silence() : known_(tcgetattr(STDIN_FILENO, &before_) == 0) {
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (known_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  ~Silence() {
    if (known_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  termios before_{};
  bool known_;
};

// From a terminal one line, else to the end of the input.
auth::Secret read_bytes(bool terminal) {
  auth::Secret secret = auth::Secret::of_size(auth::provider_key_bytes_max + 2);
  std::size_t size = 0;
  while (size < secret.size()) {
    const ssize_t got = read(STDIN_FILENO, secret.writable().data() + size, secret.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
    if (terminal && secret.bytes()[size - 1] == '\n') break;
  }
  secret.shrink(size);
  secret.trim_end();
  return secret;
}

Result<auth::Secret> read_key(const std::string& name) {
  const bool terminal = isatty(STDIN_FILENO) == 1;
  auth::Secret secret;
  if (terminal) {
    std::fprintf(stderr, "Key for %s (not shown): ", name.c_str());
    const Silence silence;
    secret = read_bytes(true);
    std::fputc('\n', stderr);
  } else {
    secret = read_bytes(false);
  }
  if (auto checked = auth::check_provider_key(secret); !checked) return checked.error();
  return secret;
}

Result<config::Config> load_config(const VaultOptions& options) {
  std::vector<config::Override> overrides;
  if (!options.store_file.empty()) {
    overrides.push_back({"store.path", options.store_file, "--store"});
  }
  return load_relay_config(options.config_file, overrides);
}

struct Vault {
  config::Config config;
  auth::SecretSources sources;
  std::unique_ptr<storage::Database> database;  ///< where the table finds it, however this moves
  storage::SqliteKeyTable table{*database};
};

Result<Vault> open_vault(const VaultOptions& options) {
  // The variable is taken before the environment is copied anywhere.
  auth::Secret variable = auth::take_variable("REDOUBT_MASTER_KEY");
  auto config = load_config(options);
  if (!config) return config.error();
  auth::SecretSources sources{.master_key_file = config->vault.master_key_file,
                              .master_key_command = config->vault.master_key_command,
                              .master_key = std::move(variable)};
  if (!options.master_key_file.empty()) {
    sources.master_key_file = options.master_key_file;
    sources.master_key_command.clear();
    sources.master_key = auth::Secret();
  }
  auto database = storage::open(config->store.path);
  if (!database) return database.error();
  return Vault{.config = std::move(*config),
               .sources = std::move(sources),
               .database = std::make_unique<storage::Database>(std::move(*database))};
}

Result<auth::MasterKey> master_key(const Vault& vault) {
  auto key = auth::load_master_key(vault.sources);
  if (!key) return key.error();
  if (!*key) {
    return Error{.code = "no_master_key",
                 .message =
                     "no master key: name its file (--master-key, vault.master_key_file), "
                     "or make one with redoubt keys new-master FILE"};
  }
  return std::move(**key);
}

Json to_json(const auth::SealedKey& key) {
  Json json{{"name", key.name},
            {"provider", key.provider},
            {"version", key.version},
            {"fingerprint", key.fingerprint},
            {"weight", key.weight},
            {"master_key", key.master_key_id},
            {"created_ms", key.created_ms},
            {"last_used_ms", nullptr}};
  if (key.last_used_ms) json["last_used_ms"] = *key.last_used_ms;
  return json;
}

void show(const auth::SealedKey& key, const char* done, bool json) {
  if (json) {
    std::printf("%s\n", to_json(key).dump().c_str());
  } else {
    std::printf("%s %s (%s), version %lld, fingerprint %s. %s\n", done, key.name.c_str(),
                key.provider.c_str(), static_cast<long long>(key.version), key.fingerprint.c_str(),
                take_up);
  }
}

Result<void> add(const KeysOptions& options, Vault& vault) {
  if (!auth::is_key_name(options.name) || !auth::is_key_name(options.provider)) {
    return Error{.code = "bad_key_name",
                 .message =
                     "a name has 1 to 64 letters, digits, '.', '_' or '-', and begins with "
                     "a letter or digit"};
  }
  const auto master = master_key(vault);
  if (!master) return master.error();
  const auto key = read_key(options.name);
  if (!key) return key.error();
  const auth::KeyIdentity identity{
      .name = options.name, .provider = options.provider, .created_ms = now_ms()};
  auth::SealedKey record = auth::seal(*master, identity, *key, fresh_nonce());
  record.weight = options.weight;
  if (auto added = vault.table.add(record); !added) return added;
  show(record, "Added", options.vault.json);
  return {};
}

Result<void> list(const KeysOptions& options, Vault& vault) {
  const auto keys = vault.table.list();
  if (!keys) return keys.error();
  if (options.vault.json) {
    Json json = Json::array();
    for (const auth::SealedKey& key : *keys)
      json.push_back(to_json(key));
    std::printf("%s\n", json.dump().c_str());
    return {};
  }
  if (keys->empty()) std::printf("%s holds no keys.\n", vault.table.place().c_str());
  if (keys->empty()) return {};
  constexpr const char* line = "%-20s %-14s %7s  %6s  %-12s  %-16s  %-16s  %s\n";
  std::printf(line, "NAME", "PROVIDER", "VERSION", "WEIGHT", "FINGERPRINT", "CREATED (UTC)",
              "LAST USED", "MASTER KEY");
  for (const auth::SealedKey& key : *keys) {
    std::printf(
        line, key.name.c_str(), key.provider.c_str(), std::to_string(key.version).c_str(),
        std::to_string(key.weight).c_str(), key.fingerprint.c_str(), utc(key.created_ms).c_str(),
        key.last_used_ms ? utc(*key.last_used_ms).c_str() : "never", key.master_key_id.c_str());
  }
  return {};
}

#ifdef REDOUBT_ASKS_PROVIDERS
/// The provider's word on a key, as a line of the table and as members of its JSON.
Result<void> ask_provider(const config::Config& config, const auth::SealedKey& record,
                          const auth::Secret& key, Json& told, std::string& line) {
  upstream::KeyProvider provider{.name = record.provider};
  for (const config::Provider& given : config.providers) {
    if (given.name != record.provider) continue;
    provider = {.name = given.name,
                .dialect = given.dialect,
                .base_url = given.base_url,
                .authorities_file = given.authorities_file,
                .proxy = given.proxy};
  }
  const auto check = upstream::check_key(provider, key);
  if (!check) return check.error();
  using upstream::KeyVerdict;
  told["verdict"] = upstream::verdict_name(check->verdict);
  told["status"] = check->status;
  told["message"] = check->message;
  told["took_ms"] = check->took_ms;
  const std::string& whose = record.provider;
  const std::string status = " (" + std::to_string(check->status) + ")";
  const std::string says = check->message.empty() ? status : ": " + check->message + status;
  switch (check->verdict) {
    case KeyVerdict::taken:
      line += "; " + whose + " takes it, in " + std::to_string(check->took_ms) + " ms";
      return {};
    case KeyVerdict::unasked:
      line += "; " + whose + " answers no free request that would tell more";
      return {};
    case KeyVerdict::limited:
      line += "; " + whose + " takes it, but has enough of it" + says;
      return {};
    case KeyVerdict::refused:
      line += "; " + whose + " refuses it" + says;
      break;
    case KeyVerdict::unclear:
      line += "; " + whose + " says nothing of it" + says;
      break;
    case KeyVerdict::unreachable:
      line += "; " + whose + " could not be asked: " + check->message;
      break;
  }
  return Error{.code = std::string("key_") + upstream::verdict_name(check->verdict),
               .message = line};
}
#else
Result<void> ask_provider(const config::Config&, const auth::SealedKey&, const auth::Secret&,
                          Json& told, std::string& line) {
  told["verdict"] = "unasked";
  line += "; this build of the command does not ask providers";
  return {};
}
#endif

Result<void> test(const KeysOptions& options, Vault& vault) {
  const auto master = master_key(vault);
  if (!master) return master.error();
  const auto keys = vault.table.list();
  if (!keys) return keys.error();
  Json all = Json::array();
  std::optional<Error> fault;
  std::size_t failed = 0;
  for (const auth::SealedKey& key : *keys) {
    if (!options.name.empty() && key.name != options.name) continue;
    const auto opened = auth::open(*master, key);
    Json told{{"name", key.name}, {"provider", key.provider}, {"opens", opened.ok()}};
    std::string line = key.name + ": " + (opened ? "opens" : opened.error().message);
    Result<void> done;
    if (!opened) done = opened.error();
    if (opened && !options.offline) done = ask_provider(vault.config, key, *opened, told, line);
    if (!done && failed++ == 0) fault = done.error();
    if (!options.vault.json) std::printf("%s\n", line.c_str());
    all.push_back(std::move(told));
  }
  if (all.empty() && !options.name.empty()) {
    return Error{.code = "unknown_key", .message = "there is no key called " + options.name};
  }
  if (options.vault.json) std::printf("%s\n", all.dump().c_str());
  if (!fault) return {};
  // What is wrong with each was said.
  fault->message = std::to_string(failed) + " of " + counted(all.size(), "key") + " failed";
  return *fault;
}

Result<void> rotate(const KeysOptions& options, Vault& vault) {
  const auto master = master_key(vault);
  if (!master) return master.error();
  const auto before = auth::find_key(vault.table, options.name);
  if (!before) return before.error();
  // Whoever has the wrong master key finds out before the old value is gone.
  if (auto opened = auth::open(*master, *before); !opened) return opened.error();
  const auto key = read_key(options.name);
  if (!key) return key.error();
  const auth::KeyIdentity identity{.name = before->name,
                                   .provider = before->provider,
                                   .version = before->version + 1,
                                   .created_ms = now_ms()};
  const auth::SealedKey record = auth::seal(*master, identity, *key, fresh_nonce());
  if (auto done = vault.table.replace(record); !done) return done;
  show(record, "Rotated", options.vault.json);
  return {};
}

Result<void> weigh(const KeysOptions& options, Vault& vault) {
  if (auto done = vault.table.weigh(options.name, options.weight); !done) return done;
  const auto key = auth::find_key(vault.table, options.name);
  if (!key) return key.error();
  if (options.vault.json) {
    show(*key, "", true);
  } else {
    std::printf("%s has the weight %d now. %s\n", options.name.c_str(), options.weight, take_up);
  }
  return {};
}

Result<void> rotate_master(const KeysOptions& options, Vault& vault) {
  const auto from = master_key(vault);
  if (!from) return from.error();
  const auto text = auth::read_secret_file(options.file);
  if (!text) return text.error();
  const auto to = auth::MasterKey::parse(text->text());
  if (!to) return to.error();
  const auto count = auth::reseal_all(vault.table, *from, *to, fresh_nonce);
  if (!count) return count.error();
  if (options.vault.json) {
    std::printf("%s\n", Json{{"keys", *count}, {"master_key", to->id()}}.dump().c_str());
  } else {
    std::printf(
        "Sealed %s under the master key %s. Put it in the old one's place, then send "
        "the relay SIGHUP.\n",
        counted(*count, "key").c_str(), to->id().c_str());
  }
  return {};
}

Result<void> remove(const KeysOptions& options, Vault& vault) {
  if (auto removed = vault.table.remove(options.name); !removed) return removed;
  if (options.vault.json) {
    std::printf("%s\n", Json{{"removed", options.name}}.dump().c_str());
  } else {
    std::printf("Removed %s. %s\n", options.name.c_str(), take_up);
  }
  return {};
}

Result<void> new_master(const KeysOptions& options) {
  const auth::Secret text = auth::MasterKey::generate();
  if (auto written = auth::write_secret_file(options.file, text); !written) return written;
  const auto key = auth::MasterKey::parse(text.text());
  if (!key) return key.error();
  if (options.vault.json) {
    std::printf("%s\n", Json{{"file", options.file}, {"master_key", key->id()}}.dump().c_str());
  } else {
    std::printf("Wrote the master key %s to %s. Keep a copy: without it no sealed key opens.\n",
                key->id().c_str(), options.file.c_str());
  }
  return {};
}

Result<void> act(const KeysOptions& options) {
  if (options.action == KeysAction::new_master) return new_master(options);
  auto vault = open_vault(options.vault);
  if (!vault) return vault.error();
  switch (options.action) {
    case KeysAction::add:
      return add(options, *vault);
    case KeysAction::list:
      return list(options, *vault);
    case KeysAction::test:
      return test(options, *vault);
    case KeysAction::rotate:
      return rotate(options, *vault);
    case KeysAction::weigh:
      return weigh(options, *vault);
    case KeysAction::rotate_master:
      return rotate_master(options, *vault);
    case KeysAction::remove:
      return remove(options, *vault);
    case KeysAction::new_master:
      break;
  }
  return {};
}

}  // namespace

int keys(const KeysOptions& options) {
  const Result<void> done = act(options);
  if (!done) return report(done.error(), options.vault.json);
  return exit_ok;
}

}  // namespace redoubt::cli
