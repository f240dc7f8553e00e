// Application: a configuration turned into a relay: routers, gates, pools, the server.
//
// 1. Everything that handlers refer to lives here and outlives the server; the compute pool ends
//    before the server does.
// 2. Nothing is read from the file system or the environment but what the configuration names.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "relay/config/config.hpp"
#include "relay/net/server.hpp"
#include "relay/observe/log.hpp"

namespace redoubt::api {

class Application {
 public:
  /// `log` outlives the application.
  Application(config::Config config, observe::Log& log);
  ~Application();
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  /// Binds every listener. Error where an address is taken or a certificate cannot be read.
  Result<void> listen();

  /// A listener as people see it at the start.
  struct Opened {
    std::string url;        ///< http://127.0.0.1:8000
    std::string anonymous;  ///< off, local, on
    bool admin = false;
  };
  /// REQUIRES: listen() succeeded
  std::vector<Opened> opened() const;
  /// The page's folder, empty where none is served.
  const std::string& www() const;

  /// Serves until drained or stopped.
  void run();
  /// Readiness goes to 503; everything else goes on. Any thread.
  void announce_drain();
  /// As net::Server::drain. Any thread.
  void drain();
  void stop();
  Result<void> reload_certificates();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace redoubt::api
