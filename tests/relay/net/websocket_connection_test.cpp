// WebSocket over a real socket: echo, shared frames from other threads, slow readers, closing.
#include "relay/net/websocket_connection.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <map>

#include "tests/relay/net/loopback.hpp"

using namespace redoubt::net;
using namespace redoubt::net::test;
using namespace redoubt::http;

namespace {

constexpr std::string_view upgrade =
    "GET /ws/one HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

std::string client_frame(int first, std::string_view payload) {
  std::string out(1, static_cast<char>(first));
  if (payload.size() < 126) {
    out.push_back(static_cast<char>(0x80 | payload.size()));
  } else {
    out.push_back(static_cast<char>(0x80 | 126));
    out.push_back(static_cast<char>(payload.size() >> 8));
    out.push_back(static_cast<char>(payload.size()));
  }
  out.append("\0\0\0\0", 4);  // the mask that changes nothing
  return out.append(payload);
}

std::string close_frame(int code) {
  return client_frame(0x88, std::string{static_cast<char>(code >> 8), static_cast<char>(code)});
}

struct ServerFrame {
  int first = -1;  // -1: the connection ended
  std::string payload;
  int close_code() const {
    if (payload.size() < 2) return 0;
    return static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
  }
};

ServerFrame next_frame(Client& client) {
  std::string& in = client.buffer();
  while (true) {
    if (in.size() >= 2) {
      std::size_t length = static_cast<unsigned char>(in[1]);
      std::size_t head = 2;
      if (length == 126) head = 4;
      if (length == 127) head = 10;
      if (in.size() >= head) {
        if (head > 2) {
          length = 0;
          for (std::size_t i = 2; i < head; ++i) {
            length = length << 8 | static_cast<unsigned char>(in[i]);
          }
        }
        if (in.size() >= head + length) {
          ServerFrame frame{static_cast<unsigned char>(in[0]), in.substr(head, length)};
          in.erase(0, head + length);
          return frame;
        }
      }
    }
    if (!client.fill()) return {};
  }
}

/// What the application sees, shared by all sockets of a test.
struct Log {
  std::mutex lock;
  std::condition_variable changed;
  std::vector<WebSocketPeer> peers;
  std::map<int, int> closes;  // by code
  std::string reason;

  bool wait_for_close(int code) {
    std::unique_lock guard(lock);
    return changed.wait_for(guard, patience, [&] { return closes[code] > 0; });
  }
  bool wait_for_peers(std::size_t n) {
    std::unique_lock guard(lock);
    return changed.wait_for(guard, patience, [&] { return peers.size() >= n; });
  }
};

class Echo final : public WebSocketSession {
 public:
  Echo(Log& log, std::string name) : log_(log), name_(std::move(name)) {}
  void on_open(const Request&, const WebSocketPeer& peer) override {
    peer_ = peer;
    peer_.send_text("hello " + name_);
    const std::lock_guard guard(log_.lock);
    log_.peers.push_back(peer);
    log_.changed.notify_all();
  }
  void on_text(std::string_view text, Moment) override {
    if (text == "throw") throw std::runtime_error("asked to");
    if (text == "close") {
      peer_.close(close_code::policy_violation, "asked to");
      return;
    }
    peer_.send_text(text);
  }
  void on_close(std::uint16_t code, std::string_view reason, Moment) override {
    const std::lock_guard guard(log_.lock);
    ++log_.closes[code];
    log_.reason = reason;
    log_.changed.notify_all();
  }

 private:
  Log& log_;
  std::string name_;
  WebSocketPeer peer_;
};

Router make_ws_router(Log& log, WebSocketOptions options = {}) {
  Router router = make_router();
  const auto accept =
      [&log](Request& request) -> std::variant<Response, std::unique_ptr<WebSocketSession>> {
    if (request.parameter("id") == "forbidden") return Response::empty(403);
    return std::make_unique<Echo>(log, std::string(request.parameter("id")));
  };
  router.add_websocket("/ws/{id}", accept, options);
  return router;
}

/// Upgrades and reads the greeting.
void open(Client& client) {
  const Answer answer = client.ask(upgrade);
  REQUIRE(answer.status == 101);
  CHECK(answer.header("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  REQUIRE(next_frame(client).payload == "hello one");
}

}  // namespace

TEST_CASE("messages go both ways, pings are answered, closing is orderly") {
  Log log;
  const Router router = make_ws_router(log);
  Running running(router);
  Client client(running.port());
  // A frame right behind the handshake is not lost.
  client.send(std::string(upgrade) + client_frame(0x81, "early"));
  CHECK(client.answer().status == 101);
  CHECK(next_frame(client).payload == "hello one");
  CHECK(next_frame(client).payload == "early");
  client.send(client_frame(0x89, "are you there"));
  const ServerFrame pong = next_frame(client);
  CHECK(pong.first == 0x8a);
  CHECK(pong.payload == "are you there");
  const std::string large(60'000, 'x');
  client.send(client_frame(0x81, large));
  CHECK(next_frame(client).payload == large);
  client.send(close_frame(1000));
  const ServerFrame close = next_frame(client);
  CHECK(close.first == 0x88);
  CHECK(close.close_code() == 1000);
  client.shut_write();
  CHECK(client.closed());
  CHECK(log.wait_for_close(1000));
}

TEST_CASE("of many pings the newest is answered") {
  Log log;
  const Router router = make_ws_router(log);
  Running running(router);
  Client client(running.port());
  open(client);
  std::string pings;
  for (int n = 0; n < 300; ++n)
    pings += client_frame(0x89, std::to_string(n));
  client.send(pings);
  int pongs = 0;
  ServerFrame pong;
  do {
    pong = next_frame(client);
    REQUIRE(pong.first == 0x8a);
    ++pongs;
  } while (pong.payload != "299");
  CHECK(pongs < 100);
}

TEST_CASE("control frames and small fragments have a rate, messages have none") {
  Log log;
  const Router router = make_ws_router(log);
  Running running(router);
  Client client(running.port());
  open(client);
  std::string frames;
  SUBCASE("pings") {
    for (int n = 0; n < 5'000; ++n)
      frames += client_frame(0x89, "");
  }
  SUBCASE("pongs") {
    for (int n = 0; n < 5'000; ++n)
      frames += client_frame(0x8a, "");
  }
  SUBCASE("empty fragments") {
    frames = client_frame(0x01, "");
    for (int n = 0; n < 5'000; ++n)
      frames += client_frame(0x00, "");
  }
  // Messages in one frame each are nobody's bother.
  for (int n = 0; n < 2'000; ++n) {
    client.send(client_frame(0x81, "x"));
    REQUIRE(next_frame(client).payload == "x");
  }
  std::string messages;
  for (int n = 0; n < 2'000; ++n)
    messages += client_frame(0x81, std::to_string(n));
  client.send(messages);
  for (int n = 0; n < 2'000; ++n)
    REQUIRE(next_frame(client).payload == std::to_string(n));
  if (frames.empty()) return;
  client.send(frames);
  ServerFrame frame = next_frame(client);
  while (frame.first == 0x8a)
    frame = next_frame(client);
  CHECK(frame.first == 0x88);
  CHECK(frame.close_code() == close_code::policy_violation);
  CHECK(log.wait_for_close(close_code::policy_violation));
}

TEST_CASE("refused upgrades are plain answers") {
  Log log;
  const Router router = make_ws_router(log);
  Running running(router);
  Client client(running.port());
  const Answer plain = client.ask("GET /ws/one HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(plain.status == 426);
  CHECK(plain.header("Upgrade") == "websocket");
  CHECK(client
            .ask("GET /ws/one HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Version: 8\r\n\r\n")
            .header("Sec-WebSocket-Version") == "13");
  std::string forbidden(upgrade);
  forbidden.replace(forbidden.find("one"), 3, "forbidden");
  CHECK(client.ask(forbidden).status == 403);
  CHECK(client.ask(ping).status == 200);
}

TEST_CASE("a protocol error is told and ends the socket") {
  struct Row {
    std::string bytes;
    int code;
  };
  for (const Row& row : {Row{"\x81\x01z", 1002}, Row{client_frame(0x81, "\xff"), 1007},
                         Row{client_frame(0x82, "binary"), 1003},
                         Row{std::string("\x82\xff\0\0\0\0\x7f\0\0\0mask", 14), 1009}}) {
    Log log;
    const Router router = make_ws_router(log);
    Running running(router);
    Client client(running.port());
    open(client);
    client.send(row.bytes);
    const ServerFrame close = next_frame(client);
    CHECK(close.first == 0x88);
    CHECK(close.close_code() == row.code);
    client.send(close_frame(row.code));
    client.shut_write();
    CHECK(client.closed());
    CHECK(log.wait_for_close(row.code));
  }
}

TEST_CASE("the application may close, and its exception closes with 1011") {
  Log log;
  const Router router = make_ws_router(log);
  Running running(router);
  Client one(running.port());
  open(one);
  one.send(client_frame(0x81, "close"));
  CHECK(next_frame(one).close_code() == 1008);
  one.send(close_frame(1008));
  one.shut_write();
  CHECK(one.closed());
  CHECK(log.wait_for_close(1008));
  Client two(running.port());
  open(two);
  two.send(client_frame(0x81, "throw"));
  CHECK(next_frame(two).close_code() == 1011);
  two.close();
  CHECK(log.wait_for_close(1011));
  CHECK(running.witness().faults().size() == 1);
}

TEST_CASE("a client that vanishes is reported as 1006, and its peer is harmless") {
  Log log;
  const Router router = make_ws_router(log);
  Running running(router);
  {
    Client client(running.port());
    open(client);
  }
  CHECK(log.wait_for_close(1006));
  CHECK(running.witness().wait_for(ConnectionEvent::closed, 1));
  CHECK_FALSE(log.peers.at(0).open());
  log.peers.at(0).send_text("nobody hears");
  log.peers.at(0).close(1000, "");
}

TEST_CASE("one frame goes from another thread to sockets on two shards, in order") {
  Log log;
  const Router router = make_ws_router(log);
  ServerOptions options;
  options.shards = 2;
  Running running(router, options);
  constexpr std::size_t sockets = 16;
  constexpr int messages = 200;
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < sockets; ++i) {
    clients.push_back(std::make_unique<Client>(running.port()));
    open(*clients.back());
  }
  REQUIRE(log.wait_for_peers(sockets));
  std::thread sender([&] {
    for (int n = 0; n < messages; ++n) {
      const FramePtr frame = Frame::text(std::to_string(n));
      for (const auto& peer : log.peers)
        peer.send(frame);
    }
  });
  for (auto& client : clients) {
    for (int n = 0; n < messages; ++n)
      REQUIRE(next_frame(*client).payload == std::to_string(n));
  }
  sender.join();
}

TEST_CASE("a slow reader is dropped with 1013 and others are not held up") {
  Log log;
  WebSocketOptions ws;
  ws.queue_bytes_max = 256 * 1024;
  ws.close_ms_max = 100;
  const Router router = make_ws_router(log, ws);
  Running running(router);
  Client slow(running.port(), 4096);
  open(slow);
  REQUIRE(log.wait_for_peers(1));
  const FramePtr frame = Frame::text(std::string(64 * 1024, 's'));
  // The kernel's buffers take some megabytes first; the peer closes once the queue is over.
  for (int i = 0; i < 10'000 && log.peers[0].open(); ++i)
    log.peers[0].send(frame);
  Client other(running.port());
  open(other);
  other.send(client_frame(0x81, "quick"));
  CHECK(next_frame(other).payload == "quick");
  CHECK(log.wait_for_close(1013));
  CHECK(running.witness().wait_for(ConnectionEvent::websocket_slow, 1));
}

TEST_CASE("frames that wait for their reader have a budget: over it the reader is dropped") {
  Log log;
  WebSocketOptions ws;
  ws.queue_bytes_max = 1u << 30;
  ws.queue_frames_max = 1u << 30;
  const Router router = make_ws_router(log, ws);
  ServerOptions options;
  options.unfinished_bytes_max = 1024 * 1024;  // one address: 384 KiB
  Running running(router, options);
  Client slow(running.port(), 4096);
  open(slow);
  REQUIRE(log.wait_for_peers(1));
  // The kernel's buffers take some megabytes first.
  std::size_t bytes = 64u << 20;
  SUBCASE("long ones") {
    const FramePtr frame = Frame::text(std::string(16 * 1024, 's'));
    for (; bytes > frame->bytes().size() && log.peers[0].open(); bytes -= frame->bytes().size())
      log.peers[0].send(frame);
  }
  SUBCASE("a single one") {
    log.peers[0].send(Frame::text(std::string(bytes, 's')));
  }
  CHECK(running.witness().wait_for(ConnectionEvent::websocket_slow, 1));
  CHECK(running.witness().wait_for(ConnectionEvent::websocket_closed, 1));
  // What was held is free again.
  Client other(running.port());
  open(other);
  REQUIRE(log.wait_for_peers(2));
  CHECK(log.peers[1].hold(300 * 1024));
}

TEST_CASE("silent clients are pinged, then dropped") {
  Log log;
  WebSocketOptions ws;
  ws.ping_ms = 100;
  ws.silence_ms_max = 1500;
  const Router router = make_ws_router(log, ws);
  Running running(router);
  Client client(running.port());
  open(client);
  CHECK(next_frame(client).first == 0x89);
  CHECK(log.wait_for_close(1006));
  CHECK(client.closed());
}

TEST_CASE("drain closes WebSockets with 1001") {
  Log log;
  const Router router = make_ws_router(log);
  Running running(router);
  Client client(running.port());
  open(client);
  running.server().drain();
  CHECK(next_frame(client).close_code() == 1001);
  client.send(close_frame(1001));
  client.shut_write();
  CHECK(client.closed());
  running.wait_end();
  CHECK(log.wait_for_close(1001));
}

TEST_CASE("a third party's client agrees about every frame") {
  // The first of the machine's interpreters that has the package.
  std::string python;
  for (const char* candidate : {"python3", "/usr/bin/python3"}) {
    const std::string probe = std::string(candidate) + " -c 'import wsproto' 2>/dev/null";
    if (python.empty() && std::system(probe.c_str()) == 0) python = candidate;
  }
  if (python.empty()) {
    MESSAGE("skipped: python3-wsproto is not installed");
    return;
  }
  Log log;
  const Router router = make_ws_router(log);
  Running running(router);
  const std::string command =
      python + " tests/relay/net/wsproto_client.py " + std::to_string(running.port());
  CHECK(std::system(command.c_str()) == 0);
  CHECK(log.wait_for_close(1000));
}

TEST_CASE("unfinished messages have a budget: over it 1013, whole or in fragments") {
  Log log;
  const Router router = make_ws_router(log);
  ServerOptions options;
  options.unfinished_bytes_max = 256 * 1024;  // one address: 96 KiB
  Running running(router, options);
  const std::string piece(60'000, 'x');
  Client client(running.port());
  open(client);
  SUBCASE("in fragments") {
    client.send(client_frame(0x01, piece) + client_frame(0x00, piece));
  }
  SUBCASE("of one frame") {
    const std::string header{"\x81\xff\0\0\0\0\0\x03\0\0\0\0\0\0", 14};  // 196,608 bytes
    client.send(header + piece + piece);
  }
  CHECK(next_frame(client).close_code() == close_code::try_again_later);
  CHECK(log.wait_for_close(close_code::try_again_later));
  CHECK(running.witness().count(ConnectionEvent::refused_memory) == 1);
  // What was held is free again.
  Client other(running.port());
  open(other);
  other.send(client_frame(0x81, piece));
  CHECK(next_frame(other).payload.size() == piece.size());
}

TEST_CASE("a message has a deadline from its first byte, also in fragments and between pings") {
  Log log;
  const Router router = make_ws_router(log);
  ServerOptions options;
  options.deadlines.read_grace_ms = 0;
  options.deadlines.read_rate_min_bytes_s = 1'000'000'000;
  Running running(router, options);
  Client client(running.port());
  open(client);
  SUBCASE("the first byte of a frame") {
    client.send("\x81");
  }
  SUBCASE("a fragment") {
    client.send(client_frame(0x01, "abc"));
  }
  SUBCASE("a fragment behind a whole message, and a ping") {
    client.send(client_frame(0x81, "abc") + client_frame(0x01, "abc") + client_frame(0x89, ""));
    CHECK(next_frame(client).payload == "abc");
    CHECK(next_frame(client).first == 0x8a);
  }
  CHECK(next_frame(client).close_code() == close_code::policy_violation);
  CHECK(log.wait_for_close(close_code::policy_violation));
}

TEST_CASE("an application counts what it keeps of a message") {
  Log log;
  const Router router = make_ws_router(log);
  ServerOptions options;
  options.unfinished_bytes_max = 800'000;  // one address: 300,000
  Running running(router, options);
  Client client(running.port());
  open(client);
  REQUIRE(log.wait_for_peers(1));
  const std::lock_guard guard(log.lock);
  auto held = log.peers.at(0).hold(200'000);
  CHECK(held);
  CHECK_FALSE(log.peers.at(0).hold(200'000));
  held.reset();
  CHECK(log.peers.at(0).hold(200'000));
}
