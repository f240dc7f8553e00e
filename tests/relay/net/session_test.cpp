// HTTP/1.1 over a real socket: keep-alive, pipelining, bodies, refusals, and other clients
// unharmed.
#include "relay/net/session.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "tests/relay/net/loopback.hpp"

using namespace redoubt::net;
using namespace redoubt::net::test;
using redoubt::http::Router;

namespace {

std::string post(std::string_view path, std::string_view body) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

}  // namespace

TEST_CASE("one connection carries many requests") {
  const Router router = make_router();
  Running running(router);
  Client client(running.port());
  for (int i = 0; i < 100; ++i) {
    const Answer answer = client.ask(ping);
    CHECK(answer.status == 200);
    CHECK(answer.body == "pong");
    CHECK(answer.header("Connection") == "");
  }
  CHECK(running.witness().count(ConnectionEvent::opened) == 1);
}

TEST_CASE("HEAD is GET without a body, OPTIONS names the methods") {
  const Router router = make_router();
  Running running(router);
  Client client(running.port());
  client.send("HEAD /ping HTTP/1.1\r\nHost: a\r\n\r\n");
  const Answer head = client.answer(true);
  CHECK(head.status == 200);
  CHECK(head.header("Content-Length") == "4");
  const Answer options = client.ask("OPTIONS /ping HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(options.status == 204);
  CHECK(options.header("Allow") == "GET, HEAD, OPTIONS");
  CHECK(options.header("Content-Length") == "");
  const Answer wrong = client.ask("PUT /ping HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(wrong.status == 405);
  CHECK(wrong.header("Allow") == "GET, HEAD, OPTIONS");
  CHECK(client.ask("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n").status == 404);
  CHECK(client.ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").status == 204);
}

TEST_CASE("pipelined requests are answered in order, asynchronous ones among them") {
  const Router router = make_router();
  Running running(router);
  Client client(running.port());
  std::string requests;
  for (int i = 0; i < 300; ++i) {
    requests += post(i % 3 == 0 ? "/later" : "/echo", std::to_string(i));
  }
  REQUIRE(client.send(requests));
  for (int i = 0; i < 300; ++i) {
    CAPTURE(i);
    const std::string expected = (i % 3 == 0 ? "later " : "") + std::to_string(i);
    CHECK(client.answer().body == expected);
  }
}

TEST_CASE("pipelined requests for large bodies are answered in order") {
  const Router router = make_router();
  Running running(router);
  Client client(running.port());
  const std::string big = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
  REQUIRE(client.send(std::string(ping) + big + std::string(ping) + big + post("/later", "x")));
  CHECK(client.answer().body == "pong");
  CHECK(client.answer().body.size() == big_bytes);
  CHECK(client.answer().body == "pong");
  CHECK(client.answer().body.size() == big_bytes);
  CHECK(client.answer().body == "later x");
}

TEST_CASE("a connection closes when the client or the version asks for it") {
  const Router router = make_router();
  Running running(router);
  Client one(running.port());
  const Answer close = one.ask("GET /ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(close.header("Connection") == "close");
  CHECK(one.closed());
  Client two(running.port());
  CHECK(two.ask("GET /ping HTTP/1.0\r\n\r\n").status == 200);
  CHECK(two.closed());
  Client three(running.port());
  const std::string keep = "GET /ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  CHECK(three.ask(keep).header("Connection") == "keep-alive");
  CHECK(three.ask(keep).status == 200);
}

TEST_CASE("a chunked body arrives whole, in any pieces") {
  const Router router = make_router();
  Running running(router);
  const std::string request =
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n7;ext=1\r\n, world\r\n0\r\nTrailer: x\r\n\r\n";
  Client client(running.port());
  CHECK(client.ask(request).body == "hello, world");
  for (char c : request)
    REQUIRE(client.send(std::string_view(&c, 1)));
  CHECK(client.answer().body == "hello, world");
}

TEST_CASE("a client that expects 100-continue gets it before it sends the body") {
  const Router router = make_router();
  Running running(router);
  Client client(running.port());
  const std::string head =
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
  CHECK(client.ask(head).status == 100);
  CHECK(client.ask("hello").body == "hello");
  Client greedy(running.port());
  const Answer refused = greedy.ask(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n");
  CHECK(refused.status == 413);
  CHECK(greedy.closed());
}

TEST_CASE("a 10 MB body is refused with 413 and the client sees it") {
  const Router router = make_router();
  Running running(router);
  const std::string chunk(64 * 1024, 'b');
  SUBCASE("announced") {
    Client client(running.port());
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10485760\r\n\r\n");
    for (int i = 0; i < 160; ++i)
      REQUIRE(client.send(chunk));
    CHECK(client.answer().status == 413);
    client.shut_write();
    CHECK(client.closed());
  }
  SUBCASE("chunked") {
    Client client(running.port());
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 160; ++i)
      REQUIRE(client.send("10000\r\n" + chunk + "\r\n"));
    CHECK(client.answer().status == 413);
    client.shut_write();
    CHECK(client.closed());
  }
  Client other(running.port());
  CHECK(other.ask(ping).status == 200);
}

TEST_CASE("100 000 headers and an endless request line are refused") {
  const Router router = make_router();
  Running running(router);
  std::string headers = "GET /ping HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 100'000; ++i)
    headers += "X: y\r\n";
  Client many(running.port());
  many.send(headers + "\r\n");
  CHECK(many.answer().status == 431);
  many.shut_write();
  CHECK(many.closed());
  Client longer(running.port());
  longer.send("GET /" + std::string(100'000, 'a'));
  CHECK(longer.answer().status == 414);
}

TEST_CASE("what follows a refused request is not answered") {
  const Router router = make_router();
  Running running(router);
  Client client(running.port());
  client.send("GET /ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + std::string(ping));
  const Answer answer = client.answer();
  CHECK(answer.status == 400);
  CHECK(answer.header("Connection") == "close");
  client.shut_write();
  CHECK(client.closed());
}

TEST_CASE("NUL bytes anywhere are refused and harm nobody") {
  const Router router = make_router();
  Running running(router);
  const std::string request = "GET /ping HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\n";
  for (std::size_t i = 0; i < request.size(); ++i) {
    CAPTURE(i);
    std::string bad = request;
    bad[i] = '\0';
    Client client(running.port());
    client.send(bad);
    client.shut_write();
    const Answer answer = client.answer();
    // In place of the last LF the head is incomplete, and the half-closed connection just ends.
    CHECK(answer.status == (i + 1 < request.size() ? 400 : 0));
  }
  Client other(running.port());
  CHECK(other.ask(ping).status == 200);
}

TEST_CASE("a handler's exception is a 500 and the connection goes on") {
  const Router router = make_router();
  Running running(router);
  Client client(running.port());
  CHECK(client.ask("GET /broken HTTP/1.1\r\nHost: a\r\n\r\n").status == 500);
  CHECK(client.ask("GET /broken-later HTTP/1.1\r\nHost: a\r\n\r\n").status == 500);
  CHECK(client.ask(ping).status == 200);
  CHECK(running.witness().faults().size() == 2);
}

TEST_CASE("slow and half-open clients are reaped, others are served meanwhile") {
  const Router router = make_router();
  ServerOptions options;
  options.deadlines.head_ms = 1000;
  options.deadlines.body_ms = 1000;
  options.deadlines.idle_ms = 1000;
  options.deadlines.write_ms = 1000;
  options.deadlines.write_rate_min_bytes_s = 100'000'000;
  options.deadlines.linger_ms = 300;
  Running running(router, options);
  Client head(running.port());
  head.send("GET /ping HTTP/1.1\r\nHo");
  Client body(running.port());
  body.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  Client silent(running.port());
  Client slow_reader(running.port(), 4096);
  slow_reader.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
  Client half_open(running.port());
  half_open.send("GET /ping HTTP/1.1\r\nHost: a\r\n");
  half_open.shut_write();

  Client other(running.port());
  CHECK(other.ask(ping).status == 200);

  CHECK(head.answer().status == 408);
  CHECK(head.closed());
  CHECK(body.answer().status == 408);
  CHECK(body.closed());
  CHECK(silent.closed());
  CHECK(half_open.closed());
  // The slow reader reads nothing; the server must give up on its own.
  CHECK(running.witness().wait_for(ConnectionEvent::closed, 6));
  CHECK(running.witness().count(ConnectionEvent::timed_out) >= 4);
}

TEST_CASE("a client that goes away during its answer or handler leaves nothing behind") {
  const Router router = make_router();
  Running running(router);
  for (int i = 0; i < 20; ++i) {
    Client client(running.port(), 4096);
    client.send(i % 2 == 0 ? "GET /big HTTP/1.1\r\nHost: a\r\n\r\n"
                           : "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    const linger reset{1, 0};
    ::setsockopt(client.descriptor(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
  // A reset may overtake accept; what was opened must close.
  Client last(running.port());
  CHECK(last.ask(ping).status == 200);
  const std::size_t opened = running.witness().count(ConnectionEvent::opened);
  CHECK(running.witness().wait_for(ConnectionEvent::closed, opened - 1));
}

TEST_CASE("the idlest connection of an address makes room for a new one") {
  const Router router = make_router();
  ServerOptions options;
  options.connections_per_address_max = 2;
  Running running(router, options);
  Client one(running.port());
  CHECK(one.ask(ping).status == 200);
  Client two(running.port());
  CHECK(two.ask(ping).status == 200);
  Client three(running.port());
  CHECK(three.ask(ping).status == 200);
  CHECK(running.witness().count(ConnectionEvent::evicted) == 1);
  CHECK(one.closed());
  CHECK(two.ask(ping).status == 200);
}

TEST_CASE("connections are bounded by address, and none with a request under way is closed") {
  const Router router = make_router();
  ServerOptions options;
  options.connections_per_address_max = 2;
  Running running(router, options);
  Client one(running.port());
  CHECK(one.ask(ping).status == 200);
  one.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(one.answer().status == 100);
  Client two(running.port());
  two.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(two.answer().status == 100);
  Client three(running.port());
  CHECK(running.witness().wait_for(ConnectionEvent::refused_address, 1));
  CHECK(three.answer().status == 0);
  CHECK(one.ask("ab").body == "ab");
  CHECK(two.ask("ab").body == "ab");
}

TEST_CASE("a trusted proxy's connections are not counted by its address, its clients are") {
  Router router = make_router();
  router.before([](redoubt::http::Request& request) -> std::optional<redoubt::http::Response> {
    const char client = request.header_or("x-client", "?").front();
    request.payer = redoubt::http::Payer{.key = {static_cast<std::uint8_t>(client)}};
    return std::nullopt;
  });
  ServerOptions options;
  options.connections_per_address_max = 2;
  ListenerOptions listener;
  listener.name = "test";
  listener.trusted_peer = [](std::string_view address) { return address == "127.0.0.1"; };
  options.listeners.push_back(listener);
  Running running(router, options);
  const auto start = [](Client& client, const std::string& name) {
    return client
        .ask("POST /echo HTTP/1.1\r\nHost: a\r\nX-Client: " + name +
             "\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        .status;
  };
  Client one(running.port());
  Client two(running.port());
  Client three(running.port());
  Client four(running.port());
  CHECK(start(one, "a") == 100);
  CHECK(start(two, "a") == 100);
  CHECK(start(three, "a") == 429);
  CHECK(start(four, "b") == 100);
  CHECK(one.ask("ab").body == "ab");
  Client five(running.port());
  CHECK(start(five, "a") == 100);
}

TEST_CASE("the admin listener is reached when every other connection is taken") {
  const Router router = make_router();
  ServerOptions options;
  options.connections_max = 16;
  options.listeners.resize(2);
  options.listeners[0].name = "0";
  options.listeners[1].name = "admin";
  options.listeners[1].admin = true;
  Running running(router, options);
  std::vector<std::unique_ptr<Client>> greedy;
  while (running.witness().count(ConnectionEvent::refused_total) == 0) {
    greedy.push_back(std::make_unique<Client>(running.port(0)));
    greedy.back()->send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    greedy.back()->answer();  // 100, or the end of a connection that found no place
  }
  Client admin(running.port(1));
  CHECK(admin.ask(ping).status == 200);
}

TEST_CASE("unfinished bodies have a budget: over it 503, and what ends is given back") {
  std::promise<void> started;
  std::atomic<bool> release = false;
  Router router = make_router();
  router.add_async(redoubt::http::Method::post, "/held",
                   [&](redoubt::http::Request& request) -> Task<redoubt::http::Response> {
                     started.set_value();
                     const boost::asio::use_awaitable_t<Executor> use;
                     const Executor executor = co_await boost::asio::this_coro::executor;
                     while (!release)
                       co_await boost::asio::post(executor, use);
                     co_return redoubt::http::Response::text(200, std::string(request.body));
                   });
  ServerOptions options;
  options.unfinished_bytes_max = 1024 * 1024;  // one address: 384 KiB
  Running running(router, options);
  const auto refused = [&] {
    Client large(running.port());
    large.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 600000\r\n\r\n" +
               std::string(500'000, 'x'));
    const Answer answer = large.answer();
    CHECK(answer.status == 503);
    CHECK(answer.header("Retry-After") == "1");
    large.shut_write();
    CHECK(large.closed());
  };
  refused();
  // A body counts until its answer is there.
  Client holder(running.port());
  holder.send(post("/held", std::string(300'000, 'y')));
  REQUIRE(started.get_future().wait_for(patience) == std::future_status::ready);
  refused();
  release = true;
  CHECK(holder.answer().body.size() == 300'000);
  CHECK(holder.ask(post("/echo", std::string(300'000, 'y'))).status == 200);
  CHECK(running.witness().count(ConnectionEvent::refused_memory) == 2);
}

TEST_CASE("the bodies of one caller have a part of the budget, whatever addresses they come from") {
  std::promise<void> both_held;
  std::atomic<int> held = 0;
  std::atomic<bool> release = false;
  Router router = make_router();
  router.before([](redoubt::http::Request& request) -> std::optional<redoubt::http::Response> {
    const char address = request.header_or("x-address", "?").front();
    request.payer =
        redoubt::http::Payer{.key = {static_cast<std::uint8_t>(address)},
                             .identity = std::string(request.header_or("x-caller", ""))};
    return std::nullopt;
  });
  router.add_async(redoubt::http::Method::post, "/held",
                   [&](redoubt::http::Request&) -> Task<redoubt::http::Response> {
                     if (++held == 2) both_held.set_value();
                     const boost::asio::use_awaitable_t<Executor> use;
                     const Executor executor = co_await boost::asio::this_coro::executor;
                     while (!release)
                       co_await boost::asio::post(executor, use);
                     co_return redoubt::http::Response::text(200, "held");
                   });
  ServerOptions options;
  options.unfinished_bytes_max = 1024 * 1024;  // one caller: 384 KiB
  Running running(router, options);
  const auto body_of = [](const std::string& caller, const std::string& address, std::size_t size) {
    return "POST /held HTTP/1.1\r\nHost: a\r\nX-Caller: " + caller + "\r\nX-Address: " + address +
           "\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" + std::string(size, 'x');
  };
  Client one(running.port());
  one.send(body_of("ada", "1", 150'000));
  Client two(running.port());
  two.send(body_of("ada", "2", 150'000));
  REQUIRE(both_held.get_future().wait_for(patience) == std::future_status::ready);
  Client three(running.port());
  three.send(body_of("ada", "3", 150'000));
  CHECK(three.answer().status == 503);
  Client other(running.port());
  other.send(body_of("eve", "2", 150'000));
  release = true;
  CHECK(other.answer().status == 200);
  CHECK(one.answer().status == 200);
  CHECK(two.answer().status == 200);
}

TEST_CASE(
    "long answers that nobody reads have a budget: over it 503, and what is read is given back") {
  constexpr std::size_t long_bytes = 13'000'000;  // more than a socket takes at once
  Router router = make_router();
  router.add(redoubt::http::Method::get, "/made", [](redoubt::http::Request&) {
    return redoubt::http::Response::text(200, std::string(long_bytes, 'm'));
  });
  const auto kept = std::make_shared<const std::string>(long_bytes, 'k');
  router.add(redoubt::http::Method::get, "/kept", [kept](redoubt::http::Request&) {
    redoubt::http::Response response = redoubt::http::Response::text(200, "");
    response.shared_body = kept;
    return response;
  });
  ServerOptions options;
  options.unfinished_bytes_max = 64 * 1024 * 1024;  // one address: 24 MiB
  Running running(router, options);
  const std::string made = "GET /made HTTP/1.1\r\nHost: a\r\n\r\n";
  Client deaf(running.port());
  deaf.send(made);
  REQUIRE(deaf.fill());  // the head is out, so the answer is counted
  Client other(running.port());
  const Answer refused = other.ask(made);
  CHECK(refused.status == 503);
  CHECK(refused.header("Retry-After") == "1");
  // What is kept anyway costs nothing, and a short answer goes out.
  CHECK(other.ask("GET /kept HTTP/1.1\r\nHost: a\r\n\r\n").status == 200);
  CHECK(other.ask(ping).status == 200);
  CHECK(deaf.answer().body.size() == long_bytes);
  CHECK(deaf.ask(ping).status == 200);  // so what came before it is done with
  CHECK(other.ask(made).body.size() == long_bytes);
  // Who goes away gives back what they did not read.
  {
    Client leaving(running.port());
    leaving.send(made);
    REQUIRE(leaving.fill());
  }
  REQUIRE(running.witness().wait_for(ConnectionEvent::closed, 1));
  CHECK(other.ask(made).status == 200);
  CHECK(running.witness().count(ConnectionEvent::refused_memory) == 1);
}

TEST_CASE("a reader that stands still is cut while others wait for memory, and not before") {
  constexpr std::size_t long_bytes = 13'000'000;  // more than a socket takes at once
  Router router = make_router();
  router.add(redoubt::http::Method::get, "/made", [](redoubt::http::Request&) {
    return redoubt::http::Response::text(200, std::string(long_bytes, 'm'));
  });
  std::atomic<bool> waits = false;
  ServerOptions options;
  options.answers_wait = [&] { return waits.load(); };
  options.deadlines.short_window_ms = 1;
  options.deadlines.short_write_rate_min_bytes_s = 1'000'000'000;
  Running running(router, options);
  const std::string made = "GET /made HTTP/1.1\r\nHost: a\r\n\r\n";
  Client patient(running.port());
  patient.send(made);
  REQUIRE(patient.fill());
  CHECK(patient.answer().body.size() == long_bytes);
  Client deaf(running.port());
  deaf.send(made);
  REQUIRE(deaf.fill());
  waits = true;
  REQUIRE(running.witness().wait_for(ConnectionEvent::timed_out, 1));
  Client other(running.port());
  CHECK(other.ask(ping).status == 200);
}

TEST_CASE("memory grows with the bytes that came, not with what was announced") {
  const Router router = make_router();
  ServerOptions options;
  options.unfinished_bytes_max = 1024 * 1024;
  Running running(router, options);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<Client>(running.port()));
    clients.back()->send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
        "Content-Length: 1000000\r\n\r\n");
    CHECK(clients.back()->answer().status == 100);
    clients.back()->send("x");
  }
  Client other(running.port());
  CHECK(other.ask(post("/echo", std::string(100'000, 'y'))).status == 200);
}

TEST_CASE("heads that are never finished make room for later ones") {
  const Router router = make_router();
  ServerOptions options;
  options.unfinished_bytes_max = 1024 * 1024;  // what arrives: 256 KiB
  Running running(router, options);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 60; ++i) {
    clients.push_back(std::make_unique<Client>(running.port()));
    clients.back()->send("GET /ping HTTP/1.1\r\nHost: a\r\nX: " + std::string(9'000, 'x'));
  }
  CHECK(running.witness().wait_for(ConnectionEvent::evicted, 30));
  Client slow(running.port());
  slow.send(ping.substr(0, 20));
  Client other(running.port());
  CHECK(other.ask(ping).status == 200);
  CHECK(slow.ask(ping.substr(20)).status == 200);
}

TEST_CASE("a body must come at the least rate") {
  const Router router = make_router();
  ServerOptions options;
  options.deadlines.body_ms = 600'000;
  options.deadlines.read_grace_ms = 0;
  options.deadlines.read_rate_min_bytes_s = 1'000'000'000;
  Running running(router, options);
  Client slow(running.port());
  slow.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc");
  CHECK(slow.answer().status == 408);
  CHECK(slow.closed());
}

namespace {

/// A router whose filter refuses every request with `X-Refuse`, and that counts its handlers.
Router refusing_router() {
  Router router = make_router();
  router.before([](redoubt::http::Request& request) -> std::optional<redoubt::http::Response> {
    CHECK(request.body.empty());
    if (!request.header("x-refuse")) return std::nullopt;
    return redoubt::http::Response::text(401, "no");
  });
  return router;
}

std::string refused_head(const std::string& lines, const std::string& path = "/echo") {
  return "POST " + path + " HTTP/1.1\r\nHost: a\r\nX-Refuse: y\r\n" + lines + "\r\n";
}

}  // namespace

TEST_CASE("who is refused is told at the head, before the body is sent") {
  const Router router = refusing_router();
  Running running(router);
  struct Row {
    const char* what;
    std::string head;
    int status;
  };
  const std::string post_to = "POST ";
  const std::string with_body = " HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n";
  const Row rows[] = {
      {"a filter refuses", refused_head("Content-Length: 900000\r\n"), 401},
      {"before the body's bound", refused_head("Content-Length: 99999999\r\n"), 401},
      {"before 100 Continue", refused_head("Content-Length: 5\r\nExpect: 100-continue\r\n"), 401},
      {"no such path", post_to + "/nothing" + with_body, 404},
      {"no such method", post_to + "/ping" + with_body, 405},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Client client(running.port());
    const Answer answer = client.ask(row.head);
    CHECK(answer.status == row.status);
    CHECK(answer.header("Connection") == "close");
    client.shut_write();
    CHECK(client.closed());
  }
}

TEST_CASE("a short body of a refused request is skipped and the connection lives on") {
  const Router router = refusing_router();
  Running running(router);
  Client client(running.port());
  CHECK(client.ask(refused_head("Content-Length: 5\r\n") + "hello").status == 401);
  CHECK(client.ask(post("/nothing", "hello")).status == 404);
  CHECK(
      client.ask(refused_head("Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n0\r\n\r\n").status ==
      401);
  CHECK(client.ask(ping).body == "pong");
  CHECK(client.ask(post("/echo", "still here")).body == "still here");
  SUBCASE("a chunked body that goes on for too long ends it") {
    const std::string chunk = "8000\r\n" + std::string(0x8000, 'x') + "\r\n";
    client.send(refused_head("Transfer-Encoding: chunked\r\n") + chunk + chunk + chunk);
    CHECK(client.answer().status == 401);
    client.shut_write();
    CHECK(client.closed());
  }
  SUBCASE("a body that is none ends it with the same answer") {
    client.send(refused_head("Transfer-Encoding: chunked\r\n") + "no size\r\n");
    CHECK(client.answer().status == 401);
    client.shut_write();
    CHECK(client.closed());
  }
}

TEST_CASE("a client that sends many requests at once takes its turn with the others") {
  constexpr int requests = 400;
  std::atomic<int> handled = 0;
  std::promise<void> both_sent;
  std::shared_future<void> sent = both_sent.get_future().share();
  const auto work = [&] {
    sent.wait();  // holds the shard until the other client's request is there too
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(100);
    while (std::chrono::steady_clock::now() < until) {
    }
    ++handled;
  };
  Router router = make_router();
  router.add(redoubt::http::Method::get, "/many", [&](redoubt::http::Request&) {
    work();
    return redoubt::http::Response::text(200, "x");
  });
  router.add_async(redoubt::http::Method::get, "/many-later",
                   [&](redoubt::http::Request&) -> Task<redoubt::http::Response> {
                     work();
                     co_return redoubt::http::Response::text(200, "x");
                   });
  router.add(redoubt::http::Method::get, "/handled", [&](redoubt::http::Request&) {
    return redoubt::http::Response::text(200, std::to_string(handled.load()));
  });
  std::string path;
  SUBCASE("of plain handlers") {
    path = "/many";
  }
  SUBCASE("of handlers that could wait and do not") {
    path = "/many-later";
  }
  Running running(router);
  Client other(running.port());
  REQUIRE(other.ask(ping).status == 200);
  Client greedy(running.port());
  std::string all;
  for (int i = 0; i < requests; ++i)
    all += "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
  REQUIRE(greedy.send(all));
  REQUIRE(other.send("GET /handled HTTP/1.1\r\nHost: a\r\n\r\n"));
  both_sent.set_value();
  CHECK(std::stoi(other.answer().body) < requests);
  for (int i = 0; i < requests; ++i)
    REQUIRE(greedy.answer().status == 200);
}

TEST_CASE("filters stop a request, finishers see every answer, refusals too") {
  Router router = make_router();
  router.after([](const redoubt::http::Request&, redoubt::http::Response& response) {
    response.add("X-Finished", "yes");
  });
  router.before([](redoubt::http::Request& request) -> std::optional<redoubt::http::Response> {
    if (request.header("x-stop")) return redoubt::http::Response::empty(403);
    return std::nullopt;
  });
  Running running(router);
  Client client(running.port());
  CHECK(client.ask("GET /ping HTTP/1.1\r\nHost: a\r\nX-Stop: 1\r\n\r\n").status == 403);
  CHECK(client.ask(ping).header("X-Finished") == "yes");
  const Answer refused = client.ask("GET /ping HTTP/1.1\r\n\r\n");
  CHECK(refused.status == 400);
  CHECK(refused.header("X-Finished") == "yes");
}
