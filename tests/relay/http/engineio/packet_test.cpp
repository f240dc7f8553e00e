// Engine.IO packets: what is read, and each malformed shape with what it is told.
#include "relay/http/engineio/packet.hpp"

#include <doctest/doctest.h>

using namespace redoubt::http::engineio;

TEST_CASE("Engine.IO: a packet is its type and its data") {
  const auto message = read_packet("4hello");
  REQUIRE(message);
  CHECK(message->type == PacketType::message);
  CHECK(message->data == "hello");
  CHECK_FALSE(message->binary);
  CHECK(read_packet("2probe")->type == PacketType::ping);
  CHECK(read_packet("2probe")->data == "probe");
  CHECK(read_packet("4")->data.empty());
  for (int type = 0; type <= 6; ++type) {
    const std::string text = packet_text(static_cast<PacketType>(type), "x");
    CHECK(text == std::to_string(type) + "x");
    CHECK(static_cast<int>(read_packet(text)->type) == type);
  }
}

TEST_CASE("Engine.IO: binary data is a checked base64 text") {
  const auto packet = read_packet("bAQIDBA==");
  REQUIRE(packet);
  CHECK(packet->type == PacketType::message);
  CHECK(packet->binary);
  CHECK(packet->data == "AQIDBA==");
  CHECK(read_packet("b")->binary);
  for (const char* bad : {"bA", "bAQID*A==", "b====", "bAQI=DBA=", "bAQIDB==="}) {
    INFO(bad);
    CHECK_FALSE(read_packet(bad));
  }
}

TEST_CASE("Engine.IO: malformed packets and payloads say what is wrong") {
  CHECK(read_packet("").error().message == "a packet is empty; it begins with its type, 0 to 6");
  for (const char* bad : {"7", "x", "-1", " 4", "\x1e"}) {
    INFO(bad);
    CHECK(read_packet(bad).error().message == "a packet of an unknown type; the types are 0 to 6");
  }
  CHECK_FALSE(read_payload(""));
  CHECK_FALSE(read_payload("\x1e"));
  CHECK(read_payload("4a\x1e").error().path == "packet 2");
  CHECK(read_payload("4a\x1e\x1e"
                     "4b")
            .error()
            .path == "packet 2");
}

TEST_CASE("Engine.IO: a payload's packets are apart by U+001E, and bounded") {
  std::string body;
  for (const char* packet : {"4one", "2", "bAA=="})
    append_record(body, packet);
  CHECK(body ==
        "4one\x1e"
        "2\x1e"
        "bAA==");
  const auto packets = read_payload(body);
  REQUIRE(packets);
  REQUIRE(packets->size() == 3);
  CHECK((*packets)[0].data == "one");
  CHECK((*packets)[1].type == PacketType::ping);
  CHECK((*packets)[2].binary);

  std::string most;
  for (std::size_t i = 0; i < packets_per_payload_max; ++i)
    append_record(most, "4");
  CHECK(read_payload(most)->size() == packets_per_payload_max);
  append_record(most, "4");
  CHECK(read_payload(most).error().message ==
        "a payload has over 1024 packets; send them in several");
}
