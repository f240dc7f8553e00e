#include "relay/app/config_files.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "engine/base/message.hpp"
#include "relay/net/tls.hpp"
#include "relay/services/runs/catalogue.hpp"
#include "relay/storage/migrations.hpp"
#include "relay/storage/sqlite_key_table.hpp"
#include "relay/upstream/provider_address.hpp"

namespace redoubt::app {
namespace {

namespace fs = std::filesystem;

class Checker {
 public:
  Checker(const config::Loaded& loaded, const auth::SecretSources& sources)
      : loaded_(loaded), config_(loaded.config), sources_(sources) {}

  FilesChecked check() {
    check_store();
    check_tokens();
    check_listeners();
    check_providers();
    check_workflows();
    return std::move(out_);
  }

 private:
  /// The error with the key, and where that was set.
  Error of(const std::string& key, Error error) const {
    error.message = joined({config::where(loaded_, key), ": ", error.message});
    return error;
  }
  void fault(const std::string& key, const Error& error) { out_.faults.push_back(of(key, error)); }
  void fault(const std::string& key, const Result<void>& result) {
    if (!result) fault(key, result.error());
  }

  void check_store() {
    std::string vault = "vault.master_key_file";
    if (!config_.vault.master_key_command.empty()) vault = "vault.master_key_command";
    const auto master = auth::load_master_key(sources_);
    if (!master) fault(vault, master.error());
    const std::string& path = config_.store.path;
    std::error_code ignored;
    if (path == storage::in_memory || !fs::exists(path, ignored)) {
      check_store_folder(path);
      // No sealed keys, but those of the environment.
      auto empty = storage::open(std::string(storage::in_memory));
      if (!empty) return fault("store.path", empty.error());
      return open_keys(vault, *empty, std::nullopt);
    }
    auto database = storage::Database::open(path);
    if (!database) return fault("store.path", database.error());
    const auto steps = storage::applied_migrations(*database, storage::migrations());
    if (!steps) return fault("store.path", steps.error());
    // An older store is migrated by the start, and its keys are read then.
    const bool current = static_cast<std::size_t>(*steps) == storage::migrations().size();
    if (master && current) open_keys(vault, *database, *master);
  }

  void open_keys(const std::string& key, storage::Database& database,
                 const std::optional<auth::MasterKey>& master) {
    storage::SqliteKeyTable table(database);
    auto ring = auth::KeyRing::open(table, master, sources_.provider_keys);
    if (!ring) return fault(key, ring.error());
    out_.keys = std::move(*ring);
  }

  void check_store_folder(const std::string& path) {
    if (path == storage::in_memory) return;
    fs::path folder = fs::path(path).parent_path();
    if (folder.empty()) folder = ".";
    std::error_code ignored;
    std::string why;
    if (!fs::is_directory(folder, ignored)) {
      why = "is no folder";
    } else if (access(folder.c_str(), W_OK | X_OK) != 0) {
      why = "cannot be written to";
    }
    if (why.empty()) return;
    fault("store.path",
          Error{.code = "bad_store",
                .message = joined({path, ": cannot be made: ", folder.string(), " ", why})});
  }

  // One at a time, so that each says what is wrong with it.
  void check_tokens() {
    const config::Tokens& tokens = config_.tokens;
    check_secret("tokens.keys_file", {.token_keys_file = tokens.keys_file});
    check_secret("tokens.nextauth_secret_file",
                 {.nextauth_secret_file = tokens.nextauth_secret_file});
    check_secret("tokens.service_secret_file", {.service_secret_file = tokens.service_secret_file});
  }
  void check_secret(const char* key, const auth::SecretSources& only) {
    const auto loaded = auth::load_token_secrets(only);
    if (!loaded) fault(key, loaded.error());
  }

  void check_listeners() {
    for (std::size_t i = 0; i < config_.listeners.size(); ++i) {
      const config::Listener& listener = config_.listeners[i];
      if (listener.tls_certificate.empty()) continue;
      const net::Tls tls(
          {.certificate_file = listener.tls_certificate, .key_file = listener.tls_key});
      fault(joined({"listeners[", i, "].tls_certificate"}), tls.check());
    }
  }

  void check_providers() {
    for (std::size_t i = 0; i < config_.providers.size(); ++i) {
      const config::Provider& provider = config_.providers[i];
      if (provider.authorities_file.empty()) continue;
      // Any address: its own is looked at with the aliases.
      const auto opened = upstream::destination_of({.base_url = "https://localhost",
                                                    .authorities_file = provider.authorities_file,
                                                    .proxy = {}});
      if (!opened) fault(joined({"providers[", i, "].authorities_file"}), opened.error());
    }
  }

  void check_workflows() {
    constexpr const char* key = "workflows.directory";
    if (config_.workflows.directory.empty()) return;
    const auto files = runs::read_folder(config_.workflows.directory);
    if (!files) return fault(key, files.error());
    auto shipped = runs::Catalogue::shipped();
    if (!shipped) return fault(key, shipped.error());
    runs::WorkflowFolder folder(std::move(*shipped), workflow_variables(config_));
    const runs::WorkflowFolder::Look found = folder.look(*files);
    for (const std::vector<Error>* said : {&found.faults, &found.notes})
      for (const Error& error : *said) {
        Error told = error;
        told.message =
            joined({error.path, ":", error.line, ":", error.column, ": ", error.message});
        out_.warnings.push_back(of(key, std::move(told)));
      }
  }

  const config::Loaded& loaded_;
  const config::Config& config_;
  const auth::SecretSources& sources_;
  FilesChecked out_;
};

}  // namespace

Variables workflow_variables(const config::Config& config) {
  Variables variables{{}, config.workflows.variables, "workflows.variables"};
  for (const std::string& name : config.workflows.variables)
    if (const char* value = std::getenv(name.c_str())) variables.values.emplace(name, value);
  return variables;
}

FilesChecked check_files(const config::Loaded& loaded, const auth::SecretSources& sources) {
  return Checker(loaded, sources).check();
}

}  // namespace redoubt::app
