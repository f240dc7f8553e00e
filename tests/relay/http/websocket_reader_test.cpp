// RFC 6455's rules for a server that reads, each at every cut of the bytes.
#include "relay/http/websocket_reader.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace redoubt::http;
using Event = WebSocketReader::Event;

namespace {

constexpr std::size_t limit = 70'000;

/// A client's frame: first byte, payload, masked.
std::string frame(int first, std::string_view payload, int forced_length_form = 0) {
  const std::string mask = "\x11\x22\x33\x44";
  std::string out(1, static_cast<char>(first));
  const std::size_t size = payload.size();
  int bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
  if (forced_length_form > 0) bytes = forced_length_form;
  out.push_back(static_cast<char>(0x80 | (bytes == 0   ? static_cast<int>(size)
                                          : bytes == 2 ? 126
                                                       : 127)));
  for (int i = bytes - 1; i >= 0; --i) {
    out.push_back(static_cast<char>(static_cast<std::uint64_t>(size) >> (8 * i)));
  }
  out += mask;
  for (std::size_t i = 0; i < size; ++i) {
    out.push_back(static_cast<char>(payload[i] ^ mask[i % 4]));
  }
  return out;
}

std::string close_payload(int code, std::string_view reason = "") {
  std::string payload;
  payload.push_back(static_cast<char>(code >> 8));
  payload.push_back(static_cast<char>(code));
  return payload.append(reason);
}

/// Every event as text; the same whatever the pieces.
std::string read(std::string_view bytes, std::size_t first, std::size_t piece) {
  WebSocketReader reader(limit);
  std::string trace;
  std::size_t size = first;
  while (!bytes.empty()) {
    std::string_view input = bytes.substr(0, size);
    bytes.remove_prefix(input.size());
    size = piece;
    while (true) {
      const Event event = reader.feed(input);
      const std::string payload(reader.payload());
      if (event == Event::need_more) break;
      if (event == Event::text) trace += "text(" + payload + ")";
      if (event == Event::binary) trace += "binary(" + std::to_string(payload.size()) + ")";
      if (event == Event::ping) trace += "ping(" + payload + ")";
      if (event == Event::pong) trace += "pong(" + payload + ")";
      if (event == Event::close) {
        return trace + "close " + std::to_string(reader.close_code()) + "(" + payload + ")";
      }
      if (event == Event::failed) return trace + "failed " + std::to_string(reader.close_code());
    }
  }
  return trace;
}

struct Case {
  std::string name;
  std::string bytes;
  std::string trace;
};

std::vector<Case> cases() {
  std::vector<Case> list = {
      {"text", frame(0x81, "hello"), "text(hello)"},
      {"empty text", frame(0x81, ""), "text()"},
      {"two texts", frame(0x81, "a") + frame(0x81, "b"), "text(a)text(b)"},
      {"binary", frame(0x82, "abc"), "binary(3)"},
      {"125 bytes", frame(0x82, std::string(125, 'a')), "binary(125)"},
      {"126 bytes", frame(0x82, std::string(126, 'a')), "binary(126)"},
      {"65535 bytes", frame(0x82, std::string(65535, 'a')), "binary(65535)"},
      {"65536 bytes", frame(0x82, std::string(65536, 'a')), "binary(65536)"},
      {"ping", frame(0x89, "p"), "ping(p)"},
      {"ping of 125 bytes", frame(0x89, std::string(125, 'p')),
       "ping(" + std::string(125, 'p') + ")"},
      {"pong unasked", frame(0x8a, ""), "pong()"},
      {"fragments", frame(0x01, "he") + frame(0x00, "l") + frame(0x80, "lo"), "text(hello)"},
      {"empty fragments", frame(0x01, "") + frame(0x00, "") + frame(0x80, ""), "text()"},
      {"ping between fragments", frame(0x01, "he") + frame(0x89, "p") + frame(0x80, "llo"),
       "ping(p)text(hello)"},
      {"character split over fragments", frame(0x01, "\xc3") + frame(0x80, "\xa9"),
       "text(\xc3\xa9)"},

      {"not masked", std::string("\x81\x01") + "a", "failed 1002"},
      {"RSV1", frame(0xc1, "a"), "failed 1002"},
      {"RSV2", frame(0xa1, "a"), "failed 1002"},
      {"RSV3", frame(0x91, "a"), "failed 1002"},
      {"ping of 126 bytes", frame(0x89, std::string(126, 'p')), "failed 1002"},
      {"ping fragmented", frame(0x09, "p"), "failed 1002"},
      {"close fragmented", frame(0x08, ""), "failed 1002"},
      {"continuation of nothing", frame(0x80, "a"), "failed 1002"},
      {"continuation after the end", frame(0x81, "a") + frame(0x80, "b"), "text(a)failed 1002"},
      {"text within a message", frame(0x01, "a") + frame(0x81, "b"), "failed 1002"},
      {"binary within a message", frame(0x01, "a") + frame(0x02, "b"), "failed 1002"},
      {"16-bit length for 5 bytes", frame(0x81, "hello", 2), "failed 1002"},
      {"64-bit length for 5 bytes", frame(0x81, "hello", 8), "failed 1002"},
      {"64-bit length with the top bit", std::string("\x82\xff\x80\0\0\0\0\0\0\0", 10) + "mask",
       "failed 1002"},

      {"too long", frame(0x82, std::string(limit + 1, 'a')), "failed 1009"},
      {"too long announced", std::string("\x82\xff\0\0\0\x7f\xff\xff\xff\xff", 10) + "mask",
       "failed 1009"},
      {"too long in fragments", frame(0x02, std::string(limit, 'a')) + frame(0x80, "b"),
       "failed 1009"},

      {"invalid UTF-8", frame(0x81, "a\xff"), "failed 1007"},
      {"overlong slash", frame(0x81, "\xc0\xaf"), "failed 1007"},
      {"overlong, three bytes", frame(0x81, "\xe0\x80\xaf"), "failed 1007"},
      {"surrogate", frame(0x81, "\xed\xa0\x80"), "failed 1007"},
      {"beyond U+10FFFF", frame(0x81, "\xf4\x90\x80\x80"), "failed 1007"},
      {"five-byte form", frame(0x81, "\xf8\x88\x80\x80\x80"), "failed 1007"},
      {"character cut at the end", frame(0x81, "\xc3"), "failed 1007"},
      {"bad byte in an early fragment", frame(0x01, "\xff"), "failed 1007"},
      {"largest code point", frame(0x81, "\xf4\x8f\xbf\xbf"), "text(\xf4\x8f\xbf\xbf)"},
      {"binary needs no UTF-8", frame(0x82, "\xff"), "binary(1)"},

      {"close empty", frame(0x88, ""), "close 1005()"},
      {"close with a reason", frame(0x88, close_payload(1000, "bye")), "close 1000(bye)"},
      {"close after a fragment", frame(0x01, "a") + frame(0x88, close_payload(1001)),
       "close 1001()"},
      {"nothing after close", frame(0x88, close_payload(1000)) + frame(0x81, "a"), "close 1000()"},
      {"close of one byte", frame(0x88, "a"), "failed 1002"},
      {"close reason not UTF-8", frame(0x88, close_payload(1000, "\xff")), "failed 1007"},
      {"close reason of 123 bytes", frame(0x88, close_payload(1000, std::string(123, 'r'))),
       "close 1000(" + std::string(123, 'r') + ")"},
      {"close reason of 124 bytes", frame(0x88, close_payload(1000, std::string(124, 'r'))),
       "failed 1002"},
  };
  for (int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    list.push_back(
        {"reserved opcode " + std::to_string(opcode), frame(0x80 | opcode, ""), "failed 1002"});
  }
  for (int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000,
                   3999, 4000, 4999}) {
    list.push_back({"close code " + std::to_string(code), frame(0x88, close_payload(code)),
                    "close " + std::to_string(code) + "()"});
  }
  for (int code : {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    list.push_back(
        {"close code " + std::to_string(code), frame(0x88, close_payload(code)), "failed 1002"});
  }
  return list;
}

}  // namespace

TEST_CASE("RFC 6455's rules hold at every cut of the bytes") {
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    CHECK(read(c.bytes, c.bytes.size(), c.bytes.size()) == c.trace);
    CHECK(read(c.bytes, 1, 1) == c.trace);
    const std::size_t cuts = std::min<std::size_t>(c.bytes.size(), 300);
    for (std::size_t cut = 1; cut < cuts; ++cut) {
      CAPTURE(cut);
      CHECK(read(c.bytes, cut, c.bytes.size()) == c.trace);
    }
  }
}

TEST_CASE("a bad byte is refused when it comes, not at the message's end") {
  WebSocketReader reader(limit);
  const std::string whole = frame(0x81, "a\xff" + std::string(100, 'b'));
  std::string_view input = std::string_view(whole).substr(0, 8);
  CHECK(reader.feed(input) == Event::failed);
}

TEST_CASE("server frames have the right lengths and are not masked") {
  for (std::size_t size : {0, 1, 125, 126, 65535, 65536}) {
    const FramePtr made = Frame::text(std::string(size, 'a'));
    const std::string_view bytes = made->bytes();
    const std::size_t head = size < 126 ? 2 : size < 65536 ? 4 : 10;
    CHECK(bytes.size() == head + size);
    CHECK(static_cast<unsigned char>(bytes[0]) == 0x81);
    CHECK((static_cast<unsigned char>(bytes[1]) & 0x80) == 0);
  }
  CHECK(Frame::close(1000, "x")->bytes() == std::string("\x88\x03\x03\xe8x"));
  // Cut between characters: 123 bytes would end inside the last e acute.
  std::string reason;
  for (int i = 0; i < 100; ++i)
    reason += "\xc3\xa9";
  CHECK(Frame::close(1000, reason)->bytes().size() == 2 + 2 + 122);
  CHECK(Frame::ping(std::string(200, 'p'))->bytes().size() == 2 + 125);
}

TEST_CASE("the handshake's answer is the RFC's example") {
  CHECK(websocket_accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("an upgrade request is checked") {
  Request request;
  const HeaderView key{"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="};
  const HeaderView version{"Sec-WebSocket-Version", "13"};
  request.headers = {key, version};
  CHECK_FALSE(check_websocket_handshake(request));
  request.headers = {key, {"Sec-WebSocket-Version", "8"}};
  CHECK(check_websocket_handshake(request)->status == 426);
  request.headers = {version};
  CHECK(check_websocket_handshake(request)->status == 400);
  request.headers = {key, key, version};
  CHECK(check_websocket_handshake(request)->status == 400);
  request.headers = {{"Sec-WebSocket-Key", "short"}, version};
  CHECK(check_websocket_handshake(request)->status == 400);
  request.headers = {key, version};
  request.version_minor = 0;
  CHECK(check_websocket_handshake(request)->status == 400);
}
