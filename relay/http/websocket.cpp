#include "relay/http/websocket.hpp"

#include <algorithm>

namespace redoubt::http {

bool offers_protocol(const Request& request, std::string_view protocol) {
  if (protocol.empty()) return false;
  for (const HeaderView& header : request.headers) {
    if (!equal_ignoring_case(header.name, "sec-websocket-protocol")) continue;
    std::string_view list = header.value;
    while (!list.empty()) {
      const std::size_t cut = std::min(list.find(','), list.size());
      std::string_view offered = list.substr(0, cut);
      list.remove_prefix(std::min(cut + 1, list.size()));
      while (offered.starts_with(' '))
        offered.remove_prefix(1);
      while (offered.ends_with(' '))
        offered.remove_suffix(1);
      if (offered == protocol) return true;
    }
  }
  return false;
}

void WebSocketSession::on_binary(std::string_view, const WebSocketPeer& peer, Moment) {
  peer.close(close_code::unsupported_data, "only text messages are understood here");
}

}  // namespace redoubt::http
