#include "relay/http/engineio/message.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/base/ascii.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::http::engineio {
namespace {

enum class Type : char {
  connect = '0',
  disconnect = '1',
  event = '2',
  ack = '3',
  connect_error = '4',
  binary_event = '5',
  binary_ack = '6',
};

constexpr std::array<std::string_view, 6> reserved_events{
    "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"};
constexpr std::string_view binary_refused =
    "binary attachments are not taken here; send the bytes as base64 text, or by HTTP";

ReadMessage bad(std::string message) {
  return {.message = std::nullopt,
          .fault = {.error = {.code = "bad_message", .message = std::move(message)}}};
}

/// The digits at the front of `text`, which go; nothing where there are none or they exceed `max`.
std::optional<std::uint64_t> take_number(std::string_view& text, std::uint64_t max) {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || value > max) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

ReadMessage refuse_binary(std::string_view text) {
  const auto attachments = take_number(text, attachments_max);
  if (!attachments || !text.starts_with('-'))
    return bad("a binary packet says how many attachments it has, as in 51-[...], at most " +
               std::to_string(attachments_max));
  text.remove_prefix(1);
  std::string_view name_space = "/";
  if (text.starts_with('/')) name_space = text.substr(0, text.find(','));
  if (!is_namespace(name_space)) return bad("a packet's namespace is malformed");
  return {.message = std::nullopt,
          .fault = {.error = {.code = "binary_refused", .message = std::string(binary_refused)},
                    .name_space = std::string(name_space),
                    .attachments = static_cast<int>(*attachments)}};
}

/// Nothing where the data fits the kind, else what is wrong; an event's name leaves its data.
std::optional<std::string> take_data(Message& message, std::optional<Json> data) {
  switch (message.kind) {
    case MessageKind::connect:
      if (data && !data->is_object()) return "the data of a CONNECT is an object";
      break;
    case MessageKind::disconnect:
      if (data) return "a DISCONNECT has no data";
      return std::nullopt;
    case MessageKind::ack:
      if (!message.ack) return "an acknowledgement has the id of what it answers";
      if (!data || !data->is_array()) return "an acknowledgement's data is a list";
      break;
    case MessageKind::event: {
      if (!data || !data->is_array() || data->empty() || !data->front().is_string())
        return "an event's data is a list that begins with the event's name";
      message.event = data->front().get_ref<const std::string&>();
      if (message.event.size() > event_name_bytes_max)
        return joined({"an event's name has over ", event_name_bytes_max, " bytes"});
      if (is_reserved_event(message.event))
        return joined({"the event name \"", message.event, "\" is reserved"});
      data->erase(0);
      break;
    }
  }
  if (data) message.data = std::make_shared<const Json>(std::move(*data));
  return std::nullopt;
}

void append_start(std::string& out, Type type, std::string_view name_space) {
  out.push_back(static_cast<char>(type));
  if (name_space != "/") out.append(name_space).push_back(',');
}

std::string json_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

bool is_namespace(std::string_view name) {
  return name.starts_with('/') && name.size() <= namespace_bytes_max &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return c > ' ' && c < 127 && c != ','; });
}

bool is_reserved_event(std::string_view event) {
  return std::find(reserved_events.begin(), reserved_events.end(), event) != reserved_events.end();
}

ReadMessage read_message(std::string_view text) {
  if (text.empty()) return bad("a packet is empty; it begins with its type, 0 to 6");
  const Type type{text.front()};
  text.remove_prefix(1);
  Message message;
  switch (type) {
    case Type::connect:
      message.kind = MessageKind::connect;
      break;
    case Type::disconnect:
      message.kind = MessageKind::disconnect;
      break;
    case Type::event:
      message.kind = MessageKind::event;
      break;
    case Type::ack:
      message.kind = MessageKind::ack;
      break;
    case Type::binary_event:
    case Type::binary_ack:
      return refuse_binary(text);
    case Type::connect_error:
      return bad("a CONNECT_ERROR is the server's to send");
    default:
      return bad("a packet of an unknown type; the types are 0 to 6");
  }
  if (text.starts_with('/')) {
    const std::string_view name = text.substr(0, text.find(','));
    if (!is_namespace(name)) return bad("a packet's namespace is malformed");
    message.name_space = name;
    text.remove_prefix(std::min(text.size(), name.size() + 1));
  }
  if (!text.empty() && is_ascii_digit(text.front())) {
    message.ack = take_number(text, ack_id_max);
    if (!message.ack) return bad("an acknowledgement's id is too large");
    if (message.kind == MessageKind::connect || message.kind == MessageKind::disconnect)
      return bad("only events and acknowledgements have an id");
  }
  std::optional<Json> data;
  if (!text.empty()) {
    auto parsed = parse_json(text, {.bytes_max = text.size(),
                                    .depth_max = message_depth_max,
                                    .memory_max = message_memory_bytes_max});
    if (!parsed) return bad("a packet's data is no JSON that is taken: " + parsed.error().message);
    data = std::move(*parsed);
  }
  if (auto wrong = take_data(message, std::move(data))) return bad(std::move(*wrong));
  return {.message = std::move(message), .fault = {}};
}

std::string connect_text(std::string_view name_space, std::string_view sid) {
  std::string text;
  append_start(text, Type::connect, name_space);
  return text.append("{\"sid\":\"").append(sid).append("\"}");
}

std::string connect_error_text(std::string_view name_space, std::string_view message,
                               const JsonPtr& data) {
  std::string text;
  append_start(text, Type::connect_error, name_space);
  Json error{{"message", message}};
  if (data) error["data"] = *data;
  return text.append(json_text(error));
}

std::string disconnect_text(std::string_view name_space) {
  std::string text;
  append_start(text, Type::disconnect, name_space);
  return text;
}

std::string event_text(std::string_view name_space, std::string_view event, const Json& arguments,
                       std::optional<std::uint64_t> ack) {
  std::string text;
  append_start(text, Type::event, name_space);
  if (ack) text.append(std::to_string(*ack));
  Json list = Json::array({event});
  list.insert(list.end(), arguments.begin(), arguments.end());
  return text.append(json_text(list));
}

std::string ack_text(std::string_view name_space, std::uint64_t ack, const Json& arguments) {
  std::string text;
  append_start(text, Type::ack, name_space);
  return text.append(std::to_string(ack)).append(json_text(arguments));
}

}  // namespace redoubt::http::engineio
