// The mock's rim: a listener on the loopback that carries out steps, one coroutine a connection.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "tools/mock-upstream/script.hpp"

namespace redoubt::mock {

/// An exchange as recorded: answered with these bytes where path and body are asked again.
struct Recording {
  std::string path;
  std::string request;  ///< the JSON body, canonical
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

/// Reads a file of recorded exchanges, one JSON object a line. Errors: bad_recording.
Result<std::vector<Recording>> read_recordings(const std::string& text);

struct Options {
  std::uint16_t port = 0;
  Script script;
  std::vector<Recording> recordings;
  std::string certificate_file;  ///< PEM; empty: plain HTTP
  std::string key_file;
};

/// Serves until SIGINT or SIGTERM; prints "listening on PORT" once. Errors: cannot_listen.
Result<void> serve(Options options);

}  // namespace redoubt::mock
