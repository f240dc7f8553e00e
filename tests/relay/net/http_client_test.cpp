// Calls to other servers over real sockets: kept connections, TLS, proxies, every way to fail.
#include "relay/net/http_client.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <functional>

#include "tests/relay/net/certificate.hpp"
#include "tests/relay/net/loopback.hpp"

using namespace redoubt::net;
using namespace redoubt::net::test;
using namespace redoubt;

namespace {

struct Recorded final : CallSink {
  void on_head(const http::ResponseHead& head) override {
    status = head.status;
    ++heads;
  }
  void on_body(std::string_view bytes) override {
    body.append(bytes);
    if (on_piece) on_piece();
  }
  void on_end() override { ++ends; }
  void on_failure(const CallFailure& f) override {
    ++ends;
    failure = f;
  }
  int status = 0;
  int heads = 0;
  int ends = 0;
  std::string body;
  std::optional<CallFailure> failure;
  std::function<void()> on_piece;
};

/// The client under test with an io_context of its own, driven by the test's thread.
struct Shardless {
  boost::asio::io_context io{1};
  HttpClient& client = HttpClient::of(io.get_executor());

  std::shared_ptr<Recorded> call(OutgoingRequest request) {
    auto sink = std::make_shared<Recorded>();
    last = client.start(std::move(request), sink);
    CHECK(sink->ends == 0);
    until([&] { return sink->ends > 0; });
    CHECK(sink->ends == 1);
    return sink;
  }
  void until(const std::function<bool()>& done) {
    const auto give_up = std::chrono::steady_clock::now() + patience;
    while (!done() && std::chrono::steady_clock::now() < give_up)
      io.run_one_until(give_up);
    REQUIRE(done());
  }
  std::shared_ptr<Call> last;
};

OutgoingRequest request_to(std::uint16_t port, std::string method, std::string target,
                           std::string body = "") {
  OutgoingRequest request;
  Destination to;
  to.host = "127.0.0.1";
  to.port = port;
  request.destination = std::make_shared<const Destination>(std::move(to));
  request.method = std::move(method);
  request.target = std::move(target);
  if (!body.empty()) request.body = std::make_shared<const std::string>(std::move(body));
  return request;
}

/// Accepts one connection after another and lets the script talk over it.
class Scripted {
 public:
  using Script = std::function<void(int descriptor, int connection)>;

  Scripted(Script script, int connections) {
    listening_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listening_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listening_, 8) == 0);
    socklen_t size = sizeof address;
    ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, script = std::move(script), connections] {
      for (int i = 0; i < connections; ++i) {
        const int fd = ::accept(listening_, nullptr, nullptr);
        if (fd < 0) return;
        ++accepted_;
        script(fd, i);
        ::close(fd);
      }
    });
  }
  ~Scripted() {
    ::shutdown(listening_, SHUT_RDWR);
    thread_.join();
    ::close(listening_);
  }
  std::uint16_t port() const { return port_; }
  int accepted() const { return accepted_; }

 private:
  int listening_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> accepted_{0};
  std::thread thread_;
};

/// Reads one request's head; "" where the client left.
std::string read_head(int fd) {
  std::string text;
  std::array<char, 4096> bytes;
  while (text.find("\r\n\r\n") == std::string::npos) {
    const ssize_t n = ::recv(fd, bytes.data(), bytes.size(), 0);
    if (n <= 0) return "";
    text.append(bytes.data(), static_cast<std::size_t>(n));
  }
  return text;
}
void say(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}
/// Waits for the client to leave.
void read_to_end(int fd) {
  std::array<char, 4096> bytes;
  while (::recv(fd, bytes.data(), bytes.size(), 0) > 0) {
  }
}

CallFault fault_of(const std::shared_ptr<Recorded>& sink) {
  REQUIRE(sink->failure.has_value());
  return sink->failure->fault;
}

}  // namespace

TEST_CASE("calls go over one kept connection") {
  const http::Router router = make_router();
  Running running(router);
  Shardless here;
  const OutgoingRequest first = request_to(running.port(), "POST", "/echo", "hello");
  for (int i = 0; i < 20; ++i) {
    const auto sink = here.call(first);
    CHECK(sink->status == 200);
    CHECK(sink->body == "hello");
    CHECK(here.last->times().reused == (i > 0));
  }
  OutgoingRequest big = first;
  big.method = "GET";
  big.target = "/big";
  big.body = nullptr;
  CHECK(here.call(big)->body.size() == big_bytes);
  CHECK(running.witness().count(ConnectionEvent::opened) == 1);
  CHECK(here.client.idle_connections() == 1);
}

TEST_CASE("calls at the same time have connections of their own, and a bounded number is kept") {
  const http::Router router = make_router();
  Running running(router);
  Shardless here;
  PoolLimits limits;
  limits.idle_per_destination_max = 3;
  here.client.set_pool_limits(limits);
  const OutgoingRequest request = request_to(running.port(), "POST", "/later", "x");
  std::vector<std::shared_ptr<Recorded>> sinks;
  for (int i = 0; i < 10; ++i) {
    sinks.push_back(std::make_shared<Recorded>());
    here.client.start(request, sinks.back());
  }
  for (const auto& sink : sinks) {
    here.until([&] { return sink->ends > 0; });
    CHECK(sink->body == "later x");
  }
  CHECK(here.client.idle_connections() == 3);
}

TEST_CASE("a large body is sent while the server reads slowly") {
  std::atomic<std::size_t> got{0};
  Scripted server(
      [&](int fd, int) {
        std::array<char, 65536> bytes;
        while (got < 4 * 1024 * 1024) {
          const ssize_t n = ::recv(fd, bytes.data(), bytes.size(), 0);
          if (n <= 0) return;
          got += static_cast<std::size_t>(n);
        }
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        read_to_end(fd);
      },
      1);
  Shardless here;
  auto request = request_to(server.port(), "POST", "/", std::string(4 * 1024 * 1024, 'z'));
  CHECK(here.call(request)->body == "ok");
}

namespace {

constexpr std::string_view small_answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na";

/// Answers the first request of each connection and reads a second one, which it leaves unanswered.
struct LeavingAfterOne {
  std::atomic<int> requests{0};
  Scripted server;

  explicit LeavingAfterOne(int connections)
      : server(
            [this](int fd, int) {
              if (read_head(fd).empty()) return;
              ++requests;
              say(fd, small_answer);
              if (!read_head(fd).empty()) ++requests;
            },
            connections) {}
};

}  // namespace

TEST_CASE("a POST whose kept connection closes once it was written is not sent again") {
  LeavingAfterOne peer(1);
  Shardless here;
  const OutgoingRequest request = request_to(peer.server.port(), "POST", "/", "q");
  CHECK(here.call(request)->body == "a");
  const auto sink = here.call(request);
  CHECK(here.last->times().reused);
  CHECK(fault_of(sink) == CallFault::lost);
  CHECK(sink->failure->sent);
  CHECK(peer.requests == 2);
  CHECK(peer.server.accepted() == 1);
}

TEST_CASE("a GET whose kept connection closes is sent again on a fresh one") {
  LeavingAfterOne peer(3);
  Shardless here;
  const OutgoingRequest request = request_to(peer.server.port(), "GET", "/");
  for (int i = 0; i < 3; ++i) {
    const auto sink = here.call(request);
    CHECK(sink->body == "a");
    CHECK(!sink->failure);
  }
  CHECK(peer.server.accepted() == 3);
}

TEST_CASE("a kept connection that was closed before a request is written carries none") {
  std::atomic<int> requests{0};
  std::atomic<int> closed{0};
  Scripted server(
      [&](int fd, int) {
        if (read_head(fd).empty()) return;
        ++requests;
        say(fd, small_answer);
        ::shutdown(fd, SHUT_RDWR);
        ++closed;
      },
      3);
  Shardless here;
  const OutgoingRequest request = request_to(server.port(), "POST", "/", "q");
  for (int i = 1; i <= 3; ++i) {
    const auto sink = here.call(request);
    CHECK(sink->body == "a");
    CHECK(!here.last->times().reused);
    while (closed < i)
      std::this_thread::yield();
  }
  CHECK(requests == 3);
}

TEST_CASE("a connection is kept for less than the server says that it keeps it") {
  struct Case {
    const char* field;
    std::size_t kept;
  };
  constexpr std::array<Case, 7> cases{{{"", 1},
                                       {"Keep-Alive: timeout=5\r\n", 1},
                                       {"Keep-Alive: max=100, timeout=75\r\n", 1},
                                       {"Keep-Alive: timeout=1\r\n", 0},
                                       {"Keep-Alive: timeout=0\r\n", 0},
                                       {"Keep-Alive: timeout=soon\r\n", 1},
                                       {"Keep-Alive: timeout=99999999999999999999\r\n", 1}}};
  for (const Case& one : cases) {
    CAPTURE(one.field);
    Scripted server(
        [&](int fd, int) {
          if (read_head(fd).empty()) return;
          say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n" + std::string(one.field) + "\r\na");
          read_to_end(fd);
        },
        1);
    Shardless here;
    CHECK(here.call(request_to(server.port(), "POST", "/", "q"))->body == "a");
    CHECK(here.client.idle_connections() == one.kept);
  }
}

TEST_CASE("a connection that was kept for too long carries nothing more") {
  LeavingAfterOne peer(2);
  Shardless here;
  here.client.set_pool_limits({.idle_ms = 1});
  const OutgoingRequest request = request_to(peer.server.port(), "POST", "/", "q");
  CHECK(here.call(request)->body == "a");
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
  while (std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  CHECK(here.call(request)->body == "a");
  CHECK(!here.last->times().reused);
}

TEST_CASE("an answer that ends too soon is a failure, also on a kept connection") {
  Scripted server(
      [](int fd, int) {
        read_head(fd);
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
        if (read_head(fd).empty()) return;
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal");
      },
      1);
  Shardless here;
  const OutgoingRequest request = request_to(server.port(), "POST", "/", "q");
  CHECK(here.call(request)->body == "a");
  const auto sink = here.call(request);
  CHECK(sink->heads == 1);
  CHECK(sink->body == "hal");
  CHECK(fault_of(sink) == CallFault::lost);
  CHECK(sink->failure->sent);
}

TEST_CASE("every fault has its name") {
  Shardless here;
  SUBCASE("refused") {
    std::uint16_t port = 0;
    {
      port = Scripted([](int, int) {}, 1).port();
    }
    const auto sink = here.call(request_to(port, "GET", "/"));
    CHECK(fault_of(sink) == CallFault::connect);
    CHECK(!sink->failure->sent);
  }
  SUBCASE("a name without an address") {
    auto request = request_to(1, "GET", "/");
    Destination to;
    to.host = "nothing.invalid";
    to.port = 80;
    request.destination = std::make_shared<const Destination>(std::move(to));
    CHECK(fault_of(here.call(request)) == CallFault::resolve);
  }
  SUBCASE("no answer") {
    Scripted server([](int fd, int) { read_to_end(fd); }, 1);
    auto request = request_to(server.port(), "GET", "/");
    request.timeouts.first_byte_ms = 20;
    CHECK(fault_of(here.call(request)) == CallFault::first_byte_timeout);
  }
  SUBCASE("a stall") {
    Scripted server(
        [](int fd, int) {
          read_head(fd);
          say(fd, "HTTP/1.1 200 OK\r\n\r\nfirst");
          read_to_end(fd);
        },
        1);
    auto request = request_to(server.port(), "GET", "/");
    request.timeouts.idle_ms = 20;
    const auto sink = here.call(request);
    CHECK(fault_of(sink) == CallFault::idle_timeout);
    CHECK(sink->body == "first");
  }
  SUBCASE("too long in all") {
    Scripted server([](int fd, int) { read_to_end(fd); }, 1);
    auto request = request_to(server.port(), "GET", "/");
    request.timeouts.total_ms = 20;
    CHECK(fault_of(here.call(request)) == CallFault::total_timeout);
  }
  SUBCASE("not HTTP") {
    Scripted server(
        [](int fd, int) {
          read_head(fd);
          say(fd, "220 mail.example ESMTP\r\n\r\n");
        },
        1);
    CHECK(fault_of(here.call(request_to(server.port(), "GET", "/"))) == CallFault::protocol);
  }
  SUBCASE("too large") {
    Scripted server(
        [](int fd, int) {
          read_head(fd);
          say(fd, "HTTP/1.1 200 OK\r\n\r\n");
          const std::string piece(65536, 'x');
          for (int i = 0; i < 64; ++i)
            say(fd, piece);
        },
        1);
    auto request = request_to(server.port(), "GET", "/");
    request.limits.body_bytes_max = 1'000'000;
    CHECK(fault_of(here.call(request)) == CallFault::too_large);
  }
}

TEST_CASE("a cancelled call tells nothing more and closes its connection") {
  std::atomic<bool> closed{false};
  {
    Scripted server(
        [&](int fd, int) {
          read_head(fd);
          say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
          read_to_end(fd);
          closed = true;
        },
        1);
    Shardless here;
    auto sink = std::make_shared<Recorded>();
    std::shared_ptr<Call> call;
    sink->on_piece = [&] { call->cancel(); };
    call = here.client.start(request_to(server.port(), "GET", "/"), sink);
    here.until([&] { return !sink->body.empty(); });
    here.io.poll();
    CHECK(sink->ends == 0);
    call->cancel();
  }
  CHECK(closed);
}

TEST_CASE("a sink that nobody else holds may cancel its call and go on") {
  struct Leaving final : CallSink {
    Leaving(std::shared_ptr<Call>& c, bool at_head, int& t)
        : call(c), leaves_at_head(at_head), told(t) {}
    ~Leaving() override { told = -told; }
    void on_head(const http::ResponseHead&) override { tell(leaves_at_head); }
    void on_body(std::string_view) override { tell(!leaves_at_head); }
    void on_end() override { tell(false); }
    void on_failure(const CallFailure&) override { tell(false); }
    void tell(bool leaves) {
      if (leaves) call->cancel();
      CHECK(told >= 0);
      ++told;
    }
    std::shared_ptr<Call>& call;
    bool leaves_at_head;
    int& told;
  };
  for (const bool at_head : {true, false}) {
    Scripted server(
        [](int fd, int) {
          read_head(fd);
          say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd");
          read_head(fd);
        },
        1);
    Shardless shard;
    int told = 0;
    shard.last = nullptr;
    shard.last = shard.client.start(request_to(server.port(), "GET", "/"),
                                    std::make_shared<Leaving>(shard.last, at_head, told));
    shard.until([&] { return told < 0; });
    CHECK(told == (at_head ? -1 : -2));
  }
}

TEST_CASE("a call does nothing within whoever starts it, who may be told of another one") {
  struct Asked final : CallSink {
    std::size_t readable_bytes(std::size_t) override {
      was_asked = true;
      return 1'000;
    }
    void on_head(const http::ResponseHead&) override {}
    void on_body(std::string_view) override {}
    void on_end() override { over = true; }
    void on_failure(const CallFailure&) override { over = true; }
    bool was_asked = false;
    bool over = false;
  };
  http::Router router;
  router.add(http::Method::get, "/", [](http::Request&) { return http::Response::text(200, "x"); });
  Running server(router);
  Shardless shardless;
  const OutgoingRequest request = request_to(server.port(), "GET", "/");
  shardless.call(request);
  REQUIRE(shardless.client.idle_connections() == 1);
  // On the kept connection nothing has to be waited for.
  const auto sink = std::make_shared<Asked>();
  bool asked_within = false;
  std::shared_ptr<Call> call;
  boost::asio::post(shardless.io, [&] {
    call = shardless.client.start(request, sink);
    asked_within = sink->was_asked;
  });
  shardless.until([&] { return sink->over; });
  CHECK(sink->was_asked);
  CHECK_FALSE(asked_within);
}

TEST_CASE("a shard that ends takes its calls with it") {
  Scripted server([](int fd, int) { read_to_end(fd); }, 1);
  std::shared_ptr<Call> outlives;
  auto sink = std::make_shared<Recorded>();
  {
    Shardless here;
    outlives = here.client.start(request_to(server.port(), "GET", "/"), sink);
    here.until([&] { return server.accepted() == 1; });
  }
  outlives->cancel();
  CHECK(sink->ends == 0);
}

TEST_CASE("a plain proxy gets the absolute form") {
  std::string head;
  {
    Scripted proxy(
        [&](int fd, int) {
          head = read_head(fd);
          say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        },
        1);
    Shardless here;
    auto request = request_to(1, "GET", "/path");
    Destination to;
    to.host = "models.example";
    to.port = 8080;
    to.proxy = parse_proxy("http://user:pass@127.0.0.1:" + std::to_string(proxy.port())).value();
    request.destination = std::make_shared<const Destination>(std::move(to));
    CHECK(here.call(request)->body == "ok");
  }
  CHECK(head.starts_with("GET http://models.example:8080/path HTTP/1.1\r\n"));
  CHECK(head.find("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n") != std::string::npos);
}

namespace {

/// A TLS server on the loopback with a certificate of its own.
struct SecureServer {
  SecureServer(const char* subject_alternative, long valid_s = 3600) {
    write_certificate(folder.certificate(), folder.key(), "test", subject_alternative, valid_s);
    router = make_router();
    ServerOptions options;
    ListenerOptions listener;
    listener.name = "test";
    listener.tls = folder.options();
    options.listeners.push_back(listener);
    running.emplace(router, options);
  }
  OutgoingRequest request(const std::string& host, bool trusted = true) {
    OutgoingRequest out = request_to(running->port(), "POST", "/echo", "secret");
    Destination to;
    to.host = host;
    to.port = running->port();
    to.tls = client_tls(trusted ? folder.certificate().string() : "").value();
    out.destination = std::make_shared<const Destination>(std::move(to));
    return out;
  }
  Folder folder;
  http::Router router;
  std::optional<Running> running;
};

}  // namespace

TEST_CASE("TLS: the chain and the name are checked, sessions are resumed") {
  Shardless here;
  SUBCASE("an address that the certificate names") {
    SecureServer server("IP:127.0.0.1");
    const auto request = server.request("127.0.0.1");
    CHECK(here.call(request)->body == "secret");
    CHECK(!here.last->times().resumed);
    CHECK(here.call(request)->body == "secret");
    CHECK(here.last->times().reused);
    PoolLimits none;
    none.idle_per_destination_max = 0;
    here.client.set_pool_limits(none);
    CHECK(here.call(request)->body == "secret");  // over the kept one, which is closed after it
    CHECK(here.call(request)->body == "secret");
    CHECK(here.last->times().resumed);
  }
  SUBCASE("a name that the certificate names") {
    SecureServer server("DNS:localhost");
    CHECK(here.call(server.request("localhost"))->body == "secret");
  }
  SUBCASE("another name") {
    SecureServer server("DNS:other.example");
    const auto sink = here.call(server.request("localhost"));
    CHECK(fault_of(sink) == CallFault::tls);
    CHECK(sink->failure->message.find("hostname mismatch") != std::string::npos);
    CHECK(!sink->failure->sent);
  }
  SUBCASE("another address") {
    SecureServer server("IP:127.0.0.2");
    CHECK(fault_of(here.call(server.request("127.0.0.1"))) == CallFault::tls);
  }
  SUBCASE("expired") {
    SecureServer server("DNS:localhost", -60);
    const auto sink = here.call(server.request("localhost"));
    CHECK(fault_of(sink) == CallFault::tls);
    CHECK(sink->failure->message.find("expired") != std::string::npos);
  }
  SUBCASE("an authority that is not known") {
    SecureServer server("DNS:localhost");
    CHECK(fault_of(here.call(server.request("localhost", false))) == CallFault::tls);
  }
  SUBCASE("a server that speaks no TLS") {
    Scripted server(
        [](int fd, int) {
          say(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
          read_to_end(fd);
        },
        1);
    SecureServer other("DNS:localhost");
    auto request = other.request("localhost");
    Destination to = *request.destination;
    to.host = "127.0.0.1";
    to.port = server.port();
    request.destination = std::make_shared<const Destination>(std::move(to));
    CHECK(fault_of(here.call(request)) == CallFault::tls);
  }
}

TEST_CASE("TLS through a proxy's tunnel") {
  SecureServer server("DNS:localhost");
  Shardless here;
  auto request = server.request("localhost");
  Destination to = *request.destination;
  SUBCASE("refused") {
    Scripted proxy(
        [](int fd, int) {
          read_head(fd);
          say(fd, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
        },
        1);
    to.proxy = parse_proxy("http://127.0.0.1:" + std::to_string(proxy.port())).value();
    request.destination = std::make_shared<const Destination>(to);
    const auto sink = here.call(request);
    CHECK(fault_of(sink) == CallFault::proxy);
    CHECK(sink->failure->message == "the proxy refused with 407");
  }
  SUBCASE("granted") {
    std::string head;
    const std::uint16_t port = server.running->port();
    {
      Scripted proxy(
          [&head, port](int fd, int) {
            head = read_head(fd);
            Client onward(port);
            say(fd, "HTTP/1.1 200 Connection established\r\n\r\n");
            std::thread back([&] {
              while (onward.fill()) {
                say(fd, onward.buffer());
                onward.buffer().clear();
              }
              ::shutdown(fd, SHUT_RDWR);
            });
            std::array<char, 4096> bytes;
            while (true) {
              const ssize_t n = ::recv(fd, bytes.data(), bytes.size(), 0);
              if (n <= 0) break;
              onward.send(std::string_view(bytes.data(), static_cast<std::size_t>(n)));
            }
            onward.shut_write();
            back.join();
          },
          1);
      to.proxy = parse_proxy("http://127.0.0.1:" + std::to_string(proxy.port())).value();
      request.destination = std::make_shared<const Destination>(to);
      Shardless there;
      CHECK(there.call(request)->body == "secret");
    }
    CHECK(head == "CONNECT localhost:" + std::to_string(port) +
                      " HTTP/1.1\r\nHost: localhost:" + std::to_string(port) + "\r\n\r\n");
  }
}

TEST_CASE("URLs of upstreams") {
  const auto url = parse_url("https://API.example.com/v1/").value();
  CHECK(url.secure);
  CHECK(url.host == "api.example.com");
  CHECK(url.port == 443);
  CHECK(url.path == "/v1");
  CHECK(parse_url("http://[::1]:8080").value().host == "::1");
  for (const char* bad : {"ftp://a", "https://", "https://a:0", "https://a:99999", "https://a?q",
                          "https://a b", "https://[::1", "https://a:1x", "//a"}) {
    CAPTURE(bad);
    CHECK(!parse_url(bad));
  }
  CHECK(!parse_proxy("https://a"));
  CHECK(!parse_proxy("http://a/path"));
  CHECK(parse_url("ftp://user:secret@a").error().message.find("secret") == std::string::npos);
}
