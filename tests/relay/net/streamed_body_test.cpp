// Streamed answers over a real socket: chunks, ends, cuts, clients that leave or read too slowly.
#include "relay/net/streamed_body.hpp"

#include <doctest/doctest.h>

#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <optional>

#include "tests/relay/net/loopback.hpp"

using namespace redoubt::net;
using namespace redoubt::net::test;
using namespace redoubt;

namespace {

/// What the handler of /stream hands to the test's thread: its end of the body.
class Producer {
 public:
  void offer(http::BodyStreamPtr body) {
    body->on_gone([this] {
      const std::lock_guard guard(lock_);
      gone_ = true;
      changed_.notify_all();
    });
    const std::lock_guard guard(lock_);
    bodies_.push_back(std::move(body));
    changed_.notify_all();
  }
  http::BodyStreamPtr take() {
    std::unique_lock guard(lock_);
    REQUIRE(changed_.wait_for(guard, patience, [&] { return !bodies_.empty(); }));
    http::BodyStreamPtr body = std::move(bodies_.front());
    bodies_.erase(bodies_.begin());
    return body;
  }
  bool wait_gone() {
    std::unique_lock guard(lock_);
    return changed_.wait_for(guard, patience, [&] { return gone_; });
  }
  bool was_told_gone() {
    const std::lock_guard guard(lock_);
    return gone_;
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  std::vector<http::BodyStreamPtr> bodies_;
  bool gone_ = false;
};

http::Router streaming_router(Producer& producer) {
  http::Router router = make_router();
  router.add(http::Method::get, "/stream", [&producer](http::Request&) {
    http::Response response;
    response.add("Content-Type", "text/event-stream");
    response.stream = [&producer](http::BodyStreamPtr body) { producer.offer(std::move(body)); };
    return response;
  });
  return router;
}

constexpr std::string_view ask = "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n";

bool read_until(Client& client, std::string_view end) {
  while (client.buffer().find(end) == std::string::npos) {
    if (!client.fill()) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("a streamed answer goes out write by write, and the connection lives on") {
  Producer producer;
  const http::Router router = streaming_router(producer);
  Running running(router);
  Client client(running.port());
  REQUIRE(client.send(ask));
  const auto body = producer.take();
  REQUIRE(read_until(client, "\r\n\r\n"));
  CHECK(client.buffer().find("Transfer-Encoding: chunked\r\n") != std::string::npos);
  CHECK(client.buffer().find("Content-Length") == std::string::npos);
  client.buffer().clear();
  body->write("one");
  REQUIRE(read_until(client, "3\r\none\r\n"));
  client.buffer().clear();
  body->write(std::string(300, 'x'));
  body->write("");
  body->end();
  CHECK(!body->open());
  REQUIRE(read_until(client, "0\r\n\r\n"));
  CHECK(client.buffer() == "12c\r\n" + std::string(300, 'x') + "\r\n0\r\n\r\n");
  client.buffer().clear();
  body->write("after the end");
  CHECK(client.ask(ping).body == "pong");
  CHECK(running.witness().count(ConnectionEvent::stream_cut) == 0);
}

TEST_CASE("requests pipelined behind a stream are answered after it") {
  Producer producer;
  const http::Router router = streaming_router(producer);
  Running running(router);
  Client client(running.port());
  REQUIRE(client.send(std::string(ping) + std::string(ask) + std::string(ping)));
  const auto body = producer.take();
  CHECK(client.answer().body == "pong");
  body->write("data");
  REQUIRE(client.send(ping));
  body->end();
  REQUIRE(read_until(client, "0\r\n\r\n"));
  client.buffer().erase(0, client.buffer().find("0\r\n\r\n") + 5);
  CHECK(client.answer().body == "pong");
  CHECK(client.answer().body == "pong");
}

TEST_CASE("an HTTP/1.0 client gets the body up to the end of the connection") {
  Producer producer;
  const http::Router router = streaming_router(producer);
  Running running(router);
  Client client(running.port());
  REQUIRE(client.send("GET /stream HTTP/1.0\r\nHost: a\r\n\r\n"));
  const auto body = producer.take();
  body->write("data");
  body->end();
  REQUIRE(read_until(client, "\r\n\r\n"));
  CHECK(client.buffer().find("Transfer-Encoding") == std::string::npos);
  while (client.fill()) {
  }
  CHECK(client.buffer().ends_with("\r\n\r\ndata"));
}

TEST_CASE("HEAD of a stream is its head") {
  Producer producer;
  const http::Router router = streaming_router(producer);
  Running running(router);
  Client client(running.port());
  REQUIRE(client.send("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(client.answer(true).status == 200);
  CHECK(client.ask(ping).body == "pong");
}

TEST_CASE("a producer that aborts leaves the body without its terminator") {
  Producer producer;
  const http::Router router = streaming_router(producer);
  Running running(router);
  Client client(running.port());
  REQUIRE(client.send(ask));
  const auto body = producer.take();
  body->write("half");
  body->abort();
  while (client.fill()) {
  }
  CHECK(client.buffer().ends_with("4\r\nhalf\r\n"));
  CHECK(running.witness().wait_for(ConnectionEvent::stream_cut, 1));
}

TEST_CASE("a producer that breaks off has what it wrote sent, and no terminator") {
  Producer producer;
  const http::Router router = streaming_router(producer);
  Running running(router);
  Client client(running.port());
  REQUIRE(client.send(ask));
  const auto body = producer.take();
  const std::string much(StreamedBody::queue_bytes_max / 2, 'x');
  body->write(much);
  body->write("half");
  body->break_off();
  CHECK_FALSE(body->open());
  body->write("after the end");
  body->end();
  while (client.fill()) {
  }
  CHECK(client.buffer().ends_with("x\r\n4\r\nhalf\r\n"));
  CHECK(client.buffer().size() > much.size());
  CHECK(running.witness().wait_for(ConnectionEvent::stream_cut, 1));
  CHECK_FALSE(producer.was_told_gone());
}

TEST_CASE("the producer is told when the client leaves") {
  Producer producer;
  const http::Router router = streaming_router(producer);
  Running running(router);
  {
    Client client(running.port());
    REQUIRE(client.send(ask));
    REQUIRE(read_until(client, "\r\n\r\n"));
  }
  const auto body = producer.take();
  CHECK(producer.wait_gone());
  CHECK(!body->open());
  body->write("to nobody");
  body->end();
  CHECK(running.witness().wait_for(ConnectionEvent::stream_cut, 1));
}

TEST_CASE("a client that reads too slowly is cut, others are unharmed") {
  Producer producer;
  const http::Router router = streaming_router(producer);
  Running running(router);
  Client slow(running.port(), 4096);
  REQUIRE(slow.send(ask));
  const auto body = producer.take();
  const std::string piece(64 * 1024, 'y');
  for (int i = 0; i < 400 && body->open(); ++i)
    body->write(piece);
  CHECK(producer.wait_gone());
  CHECK(running.witness().wait_for(ConnectionEvent::stream_slow, 1));
  Client other(running.port());
  CHECK(other.ask(ping).body == "pong");
}

/// A router whose stream at /stream is written by `write`, on the shard.
http::Router router_that_writes(std::function<void(http::BodyStreamPtr)> write) {
  http::Router router = make_router();
  router.add(http::Method::get, "/stream", [write = std::move(write)](http::Request&) {
    http::Response response;
    response.stream = write;
    return response;
  });
  return router;
}
/// Bytes of a body that fit into the budget of one address where nothing else is in it.
constexpr std::size_t body_bytes = 300 * 1024;
ServerOptions small_budget() {
  ServerOptions options;
  options.unfinished_bytes_max = 1024 * 1024;  // one address: 384 KiB
  return options;
}
int status_of_body(std::uint16_t port) {
  Client client(port);
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body_bytes) +
              "\r\n\r\n" + std::string(body_bytes - 1, 'b'));
  // What is held is seen before the body is whole.
  if (client.buffer().empty()) client.send("b");
  return client.answer().status;
}

TEST_CASE("what waits for a reader has a budget: over it the reader is cut, and it is given back") {
  std::size_t most = 0;
  std::promise<void> done;
  const http::Router router = router_that_writes([&](const http::BodyStreamPtr& body) {
    const std::string piece(8 * 1024, 'y');
    while (body->open()) {
      body->write(piece);
      most = std::max(most, body->waiting_bytes());
    }
    done.set_value();
  });
  Running running(router, small_budget());
  Client deaf(running.port(), 4096);
  REQUIRE(deaf.send(ask));
  REQUIRE(done.get_future().wait_for(patience) == std::future_status::ready);
  CHECK(most > 200 * 1024);
  CHECK(most <= 384 * 1024 + StreamedBody::queue_uncounted_bytes_max);
  CHECK(running.witness().wait_for(ConnectionEvent::stream_slow, 1));
  CHECK(status_of_body(running.port()) == 200);
}

TEST_CASE("who writes may hold the memory of what waits, and is told when it is sent") {
  std::promise<http::BodyStreamPtr> begun;
  std::promise<void> sent;
  std::shared_ptr<const void> held;
  std::size_t written = 0;
  const http::Router router = router_that_writes([&](const http::BodyStreamPtr& body) {
    held = body->hold(body_bytes);
    CHECK(held);
    CHECK_FALSE(body->hold(body_bytes));
    const std::string piece(8 * 1024, 'y');
    for (; body->open() && body->waiting_bytes() + piece.size() < body_bytes * 8 / 9;
         written += piece.size())
      body->write(piece);
    body->on_sent([&] { sent.set_value(); });
    begun.set_value(body);
  });
  Running running(router, small_budget());
  Client slow(running.port(), 4096);
  REQUIRE(slow.send(ask));
  auto future = begun.get_future();
  REQUIRE(future.wait_for(patience) == std::future_status::ready);
  const http::BodyStreamPtr body = future.get();
  CHECK(body->open());
  CHECK(body->waiting_bytes() > body_bytes / 2);
  auto all_sent = sent.get_future();
  CHECK(all_sent.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
  // What nobody holds any more is counted with the connection.
  held.reset();
  CHECK(body->open());
  CHECK_FALSE(body->hold(body_bytes));
  while (slow.buffer().size() < written)
    REQUIRE(slow.fill());
  CHECK(all_sent.wait_for(patience) == std::future_status::ready);
  CHECK(body->waiting_bytes() == 0);
  CHECK(body->hold(body_bytes));
  body->end();
  REQUIRE(read_until(slow, "\r\n0\r\n\r\n"));
}

TEST_CASE("who waits for a reader is told that it left") {
  Producer producer;
  std::promise<void> sent;
  const http::Router router = streaming_router(producer);
  Running running(router);
  std::optional<Client> client(std::in_place, running.port(), 4096);
  REQUIRE(client->send(ask));
  const auto body = producer.take();
  const std::string piece(64 * 1024, 'y');
  for (int i = 0; i < 200 && body->waiting_bytes() == 0; ++i)
    body->write(piece);
  client.reset();
  REQUIRE(producer.wait_gone());
  body->on_sent([&] { sent.set_value(); });
  CHECK(sent.get_future().wait_for(patience) == std::future_status::ready);
}

TEST_CASE("a stream under way ends a drain only by its own end") {
  Producer producer;
  const http::Router router = streaming_router(producer);
  Running running(router);
  Client client(running.port());
  REQUIRE(client.send(ask));
  const auto body = producer.take();
  running.server().drain();
  body->write("last");
  body->end();
  REQUIRE(read_until(client, "4\r\nlast\r\n0\r\n\r\n"));
  running.wait_end();
}
