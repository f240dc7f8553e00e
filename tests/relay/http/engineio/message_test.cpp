// Socket.IO packets: what is read, each malformed shape with what it is told, what is written.
#include "relay/http/engineio/message.hpp"

#include <doctest/doctest.h>

#include "engine/base/json.hpp"

using namespace redoubt;
using namespace redoubt::http::engineio;

namespace {

Message good(std::string_view text) {
  ReadMessage read = read_message(text);
  INFO(text, " ", read.fault.error.message);
  REQUIRE(read.message.has_value());
  return std::move(*read.message);
}

std::string refusal(std::string_view text) {
  const ReadMessage read = read_message(text);
  INFO(text);
  REQUIRE_FALSE(read.message.has_value());
  return read.fault.error.message;
}

}  // namespace

TEST_CASE("Socket.IO: CONNECT has a namespace and what the client sent as auth") {
  CHECK(good("0").name_space == "/");
  CHECK(good("0").data == nullptr);
  CHECK(good("0{\"token\":\"t\"}").data->at("token") == "t");
  CHECK(good("0/chat,").name_space == "/chat");
  CHECK(good("0/chat").name_space == "/chat");
  CHECK(good("0/chat,{\"a\":1}").data->at("a") == 1);
  CHECK(good("1/chat,").kind == MessageKind::disconnect);
}

TEST_CASE("Socket.IO: an event has a name and arguments, an acknowledgement the event's id") {
  const Message event = good("2[\"say\",\"hello\",{\"n\":1}]");
  CHECK(event.kind == MessageKind::event);
  CHECK(event.event == "say");
  CHECK(event.data->dump() == "[\"hello\",{\"n\":1}]");
  CHECK_FALSE(event.ack.has_value());
  const Message asked = good("2/chat,17[\"say\"]");
  CHECK(asked.name_space == "/chat");
  CHECK(asked.ack == 17);
  CHECK(asked.data->dump() == "[]");
  const Message ack = good("3/chat,9007199254740991[true]");
  CHECK(ack.kind == MessageKind::ack);
  CHECK(ack.ack == ack_id_max);
  CHECK(ack.data->dump() == "[true]");
}

TEST_CASE("Socket.IO: malformed packets say what is wrong") {
  const std::string no_list = "an event's data is a list that begins with the event's name";
  CHECK(refusal("") == "a packet is empty; it begins with its type, 0 to 6");
  CHECK(refusal("7") == "a packet of an unknown type; the types are 0 to 6");
  CHECK(refusal("x[]") == "a packet of an unknown type; the types are 0 to 6");
  CHECK(refusal("4{\"message\":\"x\"}") == "a CONNECT_ERROR is the server's to send");
  for (const char* bad : {"2", "2{}", "2[]", "2[1]", "2[null]", "2\"say\""})
    CHECK(refusal(bad) == no_list);
  CHECK(refusal("2[\"connect\"]") == "the event name \"connect\" is reserved");
  CHECK(refusal("2[\"" + std::string(event_name_bytes_max + 1, 'n') + "\"]") ==
        "an event's name has over 256 bytes");
  CHECK(refusal("0[]") == "the data of a CONNECT is an object");
  CHECK(refusal("0\"t\"") == "the data of a CONNECT is an object");
  CHECK(refusal("1{}") == "a DISCONNECT has no data");
  CHECK(refusal("3[1]") == "an acknowledgement has the id of what it answers");
  CHECK(refusal("31{}") == "an acknowledgement's data is a list");
  CHECK(refusal("31") == "an acknowledgement's data is a list");
  CHECK(refusal("01{}") == "only events and acknowledgements have an id");
  CHECK(refusal("29007199254740992[\"a\"]") == "an acknowledgement's id is too large");
  CHECK(refusal("299999999999999999999999[\"a\"]") == "an acknowledgement's id is too large");
  CHECK(refusal("0/ch at,") == "a packet's namespace is malformed");
  CHECK(refusal("0/\xc3\xa9,") == "a packet's namespace is malformed");
  CHECK(refusal("0/" + std::string(namespace_bytes_max, 'n')) ==
        "a packet's namespace is malformed");
  for (const char* bad : {"2[\"a\"", "2[\"a\"]x", "2[\"a\",]", "2[\"\xff\"]", "2-1[\"a\"]", "2 "}) {
    INFO(bad);
    CHECK(refusal(bad).starts_with("a packet's data is no JSON that is taken: "));
  }
}

TEST_CASE("Socket.IO: JSON is bounded in depth and in memory") {
  const auto nested = [](int depth) {
    return "2[\"a\"," + std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']') + "]";
  };
  CHECK(read_message(nested(message_depth_max - 1)).message.has_value());
  CHECK_FALSE(read_message(nested(message_depth_max)).message.has_value());
  std::string many = "2[\"a\"";
  for (int i = 0; i < 200'000; ++i)
    many += ",[]";
  CHECK(refusal(many + "]").starts_with("a packet's data is no JSON that is taken: "));
}

TEST_CASE("Socket.IO: binary attachments are refused with a clear error") {
  const ReadMessage read = read_message("52-/chat,7[\"file\",{\"_placeholder\":true,\"num\":0}]");
  CHECK_FALSE(read.message.has_value());
  CHECK(read.fault.error.code == "binary_refused");
  CHECK(read.fault.error.message ==
        "binary attachments are not taken here; send the bytes as base64 text, or by HTTP");
  CHECK(read.fault.name_space == "/chat");
  CHECK(read.fault.attachments == 2);
  CHECK(read_message("61-1[{\"_placeholder\":true,\"num\":0}]").fault.error.code ==
        "binary_refused");
  for (const char* bad : {"5", "5[\"a\"]", "51", "5-[]", "565-[]", "599999999999999999999-[]"}) {
    INFO(bad);
    CHECK(read_message(bad).fault.error.code == "bad_message");
  }
  CHECK(read_message("51-/a b,[]").fault.error.code == "bad_message");
}

TEST_CASE("Socket.IO: what the server writes a client reads") {
  CHECK(connect_text("/", "abc") == "0{\"sid\":\"abc\"}");
  CHECK(connect_text("/chat", "abc") == "0/chat,{\"sid\":\"abc\"}");
  CHECK(connect_error_text("/", "no \"way\"", nullptr) == "4{\"message\":\"no \\\"way\\\"\"}");
  CHECK(connect_error_text("/c", "no", std::make_shared<const Json>(Json{{"code", "x"}})) ==
        "4/c,{\"data\":{\"code\":\"x\"},\"message\":\"no\"}");
  CHECK(disconnect_text("/chat") == "1/chat,");
  const Json arguments = Json::array({"hi", 1});
  CHECK(event_text("/", "say", arguments, std::nullopt) == "2[\"say\",\"hi\",1]");
  CHECK(event_text("/chat", "say", arguments, 5) == "2/chat,5[\"say\",\"hi\",1]");
  CHECK(ack_text("/", 5, Json::array()) == "35[]");
  CHECK(ack_text("/chat", 5, Json::array({1})) == "3/chat,5[1]");
  CHECK(good(event_text("/chat", "say", arguments, 5)).data->dump() == "[\"hi\",1]");
}
