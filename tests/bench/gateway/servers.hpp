// The servers of the comparison, each a process of its own: the mock as the provider on one
// processor, and in front of it, on the other, nginx, the relay or Portkey's gateway.
#pragma once

#include <cstdint>
#include <string>

#include "tests/bench/scratch_folder.hpp"
#include "tests/bench/server_process.hpp"

namespace redoubt::bench {

/// Where the programs are; paths are absolute.
struct Programs {
  std::string relay;
  std::string mock;
  std::string portkey;  ///< its start-server.js; empty: left out
};

constexpr int server_processor = 0;
constexpr int load_processor = 1;  ///< the mock and the load generator

ServerProcess start_mock(const ScratchFolder& folder, const Programs& programs);
/// One worker, no access log, buffering off, connections to the mock kept.
ServerProcess start_nginx(const ScratchFolder& folder, std::uint16_t mock_port);
/// One shard with every stage on: players only with a token, limits of each kind (too wide to be
/// met), ledger and log in files, metrics.
ServerProcess start_relay(const ScratchFolder& folder, const Programs& programs,
                          std::uint16_t mock_port);
ServerProcess start_portkey(const ScratchFolder& folder, const Programs& programs);

/// A player's token, from the relay; "" where it gives none.
std::string player_token(const ServerProcess& relay);

/// What is asked of a model.
enum class Ask : std::uint8_t {
  small,
  long_prompt,   ///< 24 KB
  short_stream,  ///< a few events at once
  paced_stream,  ///< an event each few milliseconds, for a second
  held_stream,   ///< one event, then nothing
};

/// The bytes of the request: the same for all, but for the headers that one needs and others
/// ignore.
std::string request_bytes(Ask ask, const std::string& token, std::uint16_t mock_port);

}  // namespace redoubt::bench
