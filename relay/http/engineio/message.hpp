// Socket.IO 5 packets (https://socket.io/docs/v4/socket-io-protocol/), which are the data of
// Engine.IO's message packets:
//
//   TYPE [namespace ","] [ack id] [JSON]      "0/chat,{"token":"t"}"   "2["say","hello"]"   "31[7]"
//
// 1. Reading is strict and says what is wrong: an event is a list that begins with a name that is
//    not reserved, an acknowledgement is a list and has an id, a CONNECT's data is an object.
// 2. JSON is bounded in bytes, depth and memory (message_json_limits).
// 3. Binary packets are refused as "binary_refused": the error has their namespace and how many
//    attachments follow, so that they can be passed over.
// 4. Pure; a value's text lives in the value.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace redoubt::http::engineio {

inline constexpr std::size_t namespace_bytes_max = 128;
inline constexpr std::size_t event_name_bytes_max = 256;
inline constexpr int message_depth_max = 32;
/// What one message's JSON takes in memory, whatever its text's length.
inline constexpr std::size_t message_memory_bytes_max = 4u << 20;
inline constexpr std::uint64_t ack_id_max = (std::uint64_t{1} << 53) - 1;  ///< JavaScript's
inline constexpr int attachments_max = 64;

using JsonPtr = std::shared_ptr<const nlohmann::json>;

enum class MessageKind : std::uint8_t { connect, disconnect, event, ack };

struct Message {
  MessageKind kind = MessageKind::connect;
  std::string name_space = "/";
  std::optional<std::uint64_t> ack;  ///< an event's that wants an answer; an answer's
  /// Of an event its arguments without its name, of an ack its arguments, of CONNECT its `auth`;
  /// null where it has none.
  JsonPtr data;
  std::string event;  ///< an event's name
};

/// What was sent instead of a Message.
struct MessageFault {
  Error error;             ///< bad_message, binary_refused
  std::string name_space;  ///< of binary_refused
  int attachments = 0;     ///< of binary_refused: so many binary packets follow
};

/// One of the two.
struct ReadMessage {
  std::optional<Message> message;
  MessageFault fault;
};
ReadMessage read_message(std::string_view text);

// What the server says, as the data of a message packet. `arguments` are a list.
std::string connect_text(std::string_view name_space, std::string_view sid);
/// `data` is what the client's error has beside its message; null: nothing.
std::string connect_error_text(std::string_view name_space, std::string_view message,
                               const JsonPtr& data);
std::string disconnect_text(std::string_view name_space);
std::string event_text(std::string_view name_space, std::string_view event,
                       const nlohmann::json& arguments, std::optional<std::uint64_t> ack);
std::string ack_text(std::string_view name_space, std::uint64_t ack,
                     const nlohmann::json& arguments);

/// Could a client ask for it? It begins with '/', and is printable ASCII without ',' or space.
bool is_namespace(std::string_view name);
/// Names that the protocol's libraries keep for themselves ("connect", "disconnect", ...).
bool is_reserved_event(std::string_view event);

}  // namespace redoubt::http::engineio
