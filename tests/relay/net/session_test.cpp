// HTTP/1.1 over a real socket: keep-alive, pipelining, bodies, refusals, and other clients
// unharmed.
#include "relay/net/session.hpp"

#include <doctest/doctest.h>

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

TEST_CASE("connections are bounded by address") {
  const Router router = make_router();
  ServerOptions options;
  options.connections_per_address_max = 2;
  Running running(router, options);
  Client one(running.port());
  Client two(running.port());
  CHECK(one.ask(ping).status == 200);
  CHECK(two.ask(ping).status == 200);
  Client three(running.port());
  CHECK(running.witness().wait_for(ConnectionEvent::refused_address, 1));
  CHECK(three.answer().status == 0);
  one.close();
  // The place is free once the server has seen the end: ask until it is.
  int status = 0;
  for (int i = 0; i < 1000 && status == 0; ++i) {
    Client four(running.port());
    status = four.ask(ping).status;
  }
  CHECK(status == 200);
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
