// Application: a configuration turned into a relay: routers, gates, pools, the server.
//
// 1. Everything that handlers refer to lives here and outlives the server; the compute pool ends
//    before the server does.
// 2. Nothing is read from the file system but the certificates; the page, the store and the secrets
//    come in loaded.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/llm/models.hpp"
#include "relay/auth/key_ring.hpp"
#include "relay/config/config.hpp"
#include "relay/contract/route.hpp"
#include "relay/http/static_files.hpp"
#include "relay/net/server.hpp"
#include "relay/observe/log.hpp"
#include "relay/storage/database.hpp"
#include "relay/upstream/model_notes.hpp"

namespace redoubt::app {

/// What the relay keeps and what it knows of secrets.
struct Dependencies {
  storage::Database store;
  /// A second connection, for reads; nothing where the store is in memory.
  std::optional<storage::Database> reads;
  auth::TokenSecrets tokens;
  auth::KeyRingPtr keys;
  llm::ModelTable models;
};

/// Do providers and aliases fit together? As Application::listen says it, without a store. What
/// comes back is what to know of the models that they lead to; `today` in days since 1970; `keys`
/// null where nobody knows them.
Result<std::vector<upstream::ModelNote>> check_models(const config::Config& config,
                                                      const llm::ModelTable& models,
                                                      const auth::KeyRingPtr& keys,
                                                      std::int64_t today);

class Application {
 public:
  /// `log` outlives the application. Without a `page` none is served.
  Application(config::Config config, observe::Log& log, std::optional<http::StaticFiles> page,
              Dependencies dependencies);
  ~Application();
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  /// Binds every listener. Error where an address is taken or a certificate cannot be read.
  Result<void> listen();

  /// What the listeners answer, and the admin listener.
  const contract::Routes& routes() const;
  const contract::Routes& admin_routes() const;
  /// The OpenAPI document of routes(). REQUIRES: the configuration is one that listen() takes
  const std::string& openapi() const;

  /// A listener as people see it at the start.
  struct Opened {
    std::string url;        ///< http://127.0.0.1:8000
    std::string anonymous;  ///< off, local, on
    bool admin = false;
  };
  /// REQUIRES: listen() succeeded
  std::vector<Opened> opened() const;
  /// Serves until drained or stopped.
  void run();
  /// Readiness goes to 503; everything else goes on. Any thread.
  void announce_drain();
  /// As net::Server::drain. Any thread.
  void drain();
  void stop();
  /// After run(): everything that is to be stored is. False where the compute pool's work had no
  /// end in time: then the process must end without destroying the application.
  bool close();
  Result<void> reload_certificates();
  /// New secrets for old; requests go on. Any thread.
  void replace(auth::TokenSecrets tokens);
  void replace(auth::KeyRingPtr keys);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace redoubt::app
