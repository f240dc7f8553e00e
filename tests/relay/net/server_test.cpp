// Shards, listeners, drain.
#include "relay/net/server.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <memory>
#include <set>

#include "relay/net/compute_pool.hpp"
#include "tests/relay/net/loopback.hpp"

using namespace redoubt::net;
using namespace redoubt::net::test;
using redoubt::http::Method;
using redoubt::http::Request;
using redoubt::http::Response;
using redoubt::http::Router;

TEST_CASE("two shards share one port and both serve") {
  Router router = make_router();
  std::mutex lock;
  std::set<std::thread::id> threads;
  std::set<std::string> ids;
  router.add(Method::get, "/who", [&](Request& request) {
    const std::lock_guard guard(lock);
    threads.insert(std::this_thread::get_id());
    ids.insert(std::string(request.context.request_id));
    return Response::empty(204);
  });
  ServerOptions options;
  options.shards = 2;
  Running running(router, options);
  constexpr std::size_t clients = 64;
  std::vector<std::thread> drivers;
  std::atomic<std::size_t> answered{0};
  for (int d = 0; d < 4; ++d) {
    drivers.emplace_back([&] {
      for (std::size_t i = 0; i < clients / 4; ++i) {
        Client client(running.port());
        for (int n = 0; n < 5; ++n) {
          answered += client.ask("GET /who HTTP/1.1\r\nHost: a\r\n\r\n").status == 204 ? 1 : 0;
        }
      }
    });
  }
  for (auto& driver : drivers)
    driver.join();
  CHECK(answered == clients * 5);
  CHECK(ids.size() == clients * 5);
  // The kernel spreads 64 connections by hash: that one shard got none has a chance of 2^-63.
  CHECK(threads.size() == 2);
}

TEST_CASE("a port in use is an error with two shards too") {
  const Router router = make_router();
  Running running(router);
  for (int shards : {1, 2}) {
    ServerOptions options;
    options.shards = shards;
    ListenerOptions listener;
    listener.name = "second";
    listener.port = running.port();
    listener.router = &router;
    options.listeners = {listener};
    Witness witness;
    Server second(options, witness);
    const auto result = second.listen();
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code == "cannot_listen");
    CHECK(result.error().message.find("second") != std::string::npos);
  }
}

TEST_CASE("a crowd is let in before the work of the first goes on") {
  constexpr std::size_t crowd = 48;
  Witness witness;
  std::size_t let_in = 0;
  Router router;
  router.add_async(Method::get, "/who", [&](Request&) -> Task<Response> {
    const boost::asio::use_awaitable_t<Executor> use;
    const Executor executor = co_await boost::asio::this_coro::executor;
    co_await boost::asio::post(executor, use);
    if (let_in == 0) let_in = witness.count(ConnectionEvent::opened);
    co_return Response::empty(204);
  });
  ServerOptions options;
  ListenerOptions listener;
  listener.router = &router;
  options.listeners = {listener};
  Server server(options, witness);
  REQUIRE(server.listen().ok());
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < crowd; ++i) {
    clients.push_back(std::make_unique<Client>(server.port(0)));
    clients.back()->send("GET /who HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  std::thread serving([&] { server.run(); });
  for (auto& client : clients)
    CHECK(client->answer().status == 204);
  server.stop();
  serving.join();
  CHECK(let_in == crowd);
}

TEST_CASE("an address that is none is an error") {
  const Router router = make_router();
  ServerOptions options;
  ListenerOptions listener;
  listener.address = "not-an-address";
  listener.router = &router;
  options.listeners = {listener};
  Witness witness;
  Server server(options, witness);
  CHECK_FALSE(server.listen().ok());
}

TEST_CASE("each listener has its own routes") {
  Router pages = make_router();
  Router admin;
  admin.add(Method::get, "/metrics", [](Request& request) {
    return Response::text(200, std::string(request.context.listener));
  });
  ServerOptions options;
  ListenerOptions first;
  first.name = "pages";
  first.router = &pages;
  ListenerOptions second;
  second.name = "admin";
  second.router = &admin;
  options.listeners = {first, second};
  Running running(pages, options);
  const std::string metrics = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
  Client outside(running.port(0));
  CHECK(outside.ask(metrics).status == 404);
  Client inside(running.port(1));
  CHECK(inside.ask(metrics).body == "admin");
}

TEST_CASE("drain answers what is under way, closes what is idle, accepts nothing") {
  Router router = make_router();
  ComputePool pool(1, 4);
  std::mutex gate;
  gate.lock();
  std::atomic<bool> started{false};
  router.add_async(Method::get, "/held", [&](Request&) -> Task<Response> {
    auto work = [&gate, &started] {
      started = true;
      const std::lock_guard guard(gate);
      return 7;
    };
    const std::optional<int> result = co_await pool.run("a caller", std::move(work));
    Response response = Response::text(200, std::to_string(result.value_or(0)));
    co_return response;
  });
  Running running(router);
  Client idle(running.port());
  CHECK(idle.ask(ping).status == 200);
  Client held(running.port());
  held.send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
  while (!started)
    std::this_thread::yield();
  running.server().drain();
  CHECK(idle.closed());
  gate.unlock();
  const Answer answer = held.answer();
  CHECK(answer.body == "7");
  CHECK(answer.header("Connection") == "close");
  CHECK(held.closed());
  held.close();
  running.wait_end();
  CHECK(running.server().connections() == 0);
}

TEST_CASE("drain ends at its deadline whatever clients do") {
  const Router router = make_router();
  ServerOptions options;
  options.drain_ms_max = 100;
  Running running(router, options);
  Client stuck(running.port(), 4096);
  stuck.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(stuck.fill());
  running.server().drain();
  running.wait_end();
}

TEST_CASE("a full compute pool says so at once") {
  Router router = make_router();
  ComputePool pool(1, 1);
  std::mutex gate;
  gate.lock();
  std::atomic<bool> started{false};
  router.add_async(Method::get, "/held", [&](Request&) -> Task<Response> {
    auto work = [&gate, &started] {
      started = true;
      const std::lock_guard guard(gate);
      return 1;
    };
    const std::optional<int> result = co_await pool.run("a caller", std::move(work));
    Response response = Response::empty(result ? 200 : 503);
    co_return response;
  });
  Running running(router);
  Client first(running.port());
  first.send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
  while (!started)
    std::this_thread::yield();
  Client second(running.port());
  CHECK(second.ask("GET /held HTTP/1.1\r\nHost: a\r\n\r\n").status == 503);
  gate.unlock();
  CHECK(first.answer().status == 200);
}
