// Engine.IO 4 packets (https://socket.io/docs/v4/engine-io-protocol/): a type and its data.
//
//   a WebSocket message is one packet:        "4hello"
//   a body of HTTP polling is a payload:      "4hello" U+001E "2"
//
// 1. Reading is strict: an unknown type, an empty packet and a payload over its bounds are refused,
//    each with words that say what is wrong.
// 2. Binary data ("b" and base64 in a payload, a binary message of a WebSocket) is recognised and
//    checked, not decoded: nothing of the relay's takes it.
// 3. What is read are views into the text that was read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"

namespace redoubt::http::engineio {

inline constexpr std::size_t packets_per_payload_max = 1'024;
inline constexpr char record_separator = '\x1e';

enum class PacketType : std::uint8_t { open, close, ping, pong, message, upgrade, noop };

struct Packet {
  PacketType type = PacketType::noop;
  std::string_view data;  ///< of a binary packet the base64 text
  bool binary = false;    ///< a message whose data is bytes
};

/// Error bad_packet. O(text)
Result<Packet> read_packet(std::string_view text);
/// Error bad_payload, or bad_packet with the packet's number. O(body)
Result<std::vector<Packet>> read_payload(std::string_view body);

std::string packet_text(PacketType type, std::string_view data = {});
/// Appends a packet's text to a payload.
void append_record(std::string& payload, std::string_view packet);

}  // namespace redoubt::http::engineio
