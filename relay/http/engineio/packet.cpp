#include "relay/http/engineio/packet.hpp"

#include <algorithm>

#include "engine/base/ascii.hpp"
#include "engine/base/message.hpp"

namespace redoubt::http::engineio {
namespace {

Error bad_packet(std::string message) {
  return {.code = "bad_packet", .message = std::move(message)};
}

bool is_base64(std::string_view text) {
  if (text.size() % 4 != 0) return false;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding)
    text.remove_suffix(1);
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_ascii_alnum(c) || c == '+' || c == '/'; });
}

}  // namespace

Result<Packet> read_packet(std::string_view text) {
  if (text.empty()) return bad_packet("a packet is empty; it begins with its type, 0 to 6");
  const char type = text.front();
  const std::string_view data = text.substr(1);
  if (type == 'b') {
    if (!is_base64(data)) return bad_packet("a binary packet's data is no base64");
    return Packet{PacketType::message, data, true};
  }
  if (type < '0' || type > '6')
    return bad_packet("a packet of an unknown type; the types are 0 to 6");
  return Packet{static_cast<PacketType>(type - '0'), data, false};
}

Result<std::vector<Packet>> read_payload(std::string_view body) {
  std::vector<Packet> packets;
  while (true) {
    if (packets.size() == packets_per_payload_max) {
      return Error{.code = "bad_payload",
                   .message = joined({"a payload has over ", packets_per_payload_max,
                                      " packets; send them in several"})};
    }
    const std::size_t end = std::min(body.find(record_separator), body.size());
    auto packet = read_packet(body.substr(0, end));
    if (!packet) {
      packet.error().path = joined({"packet ", packets.size() + 1});
      return packet.error();
    }
    packets.push_back(*packet);
    if (end == body.size()) return packets;
    body.remove_prefix(end + 1);
  }
}

std::string packet_text(PacketType type, std::string_view data) {
  std::string text;
  text.reserve(data.size() + 1);
  text.push_back(static_cast<char>('0' + static_cast<int>(type)));
  text.append(data);
  return text;
}

void append_record(std::string& payload, std::string_view packet) {
  if (!payload.empty()) payload.push_back(record_separator);
  payload.append(packet);
}

}  // namespace redoubt::http::engineio
