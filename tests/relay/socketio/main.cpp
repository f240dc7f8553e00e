// A small Socket.IO server on the relay's library, for tests/relay/socketio.test.mjs and
// tests/bench/services: echo, rooms, acknowledgements, a namespace that asks for a password.
//
//   redoubt-socketio-test [NAME=NUMBER...]     shards, ping_interval, ping_timeout, payload,
//   sessions
//
// It prints {"event":"listening","port":N,"token":T} (a player's, "other" one without the scope),
// later {"event":"disconnected","reason":...} lines, and ends at SIGTERM.
#include <csignal>
#include <cstdio>
#include <ctime>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "engine/base/json.hpp"
#include "relay/contract/socket_door.hpp"
#include "relay/http/router.hpp"
#include "relay/net/server.hpp"
#include "relay/net/socket_server.hpp"

namespace {

using namespace redoubt;
using namespace redoubt::http::engineio;

void print(const Json& line) {
  std::printf("%s\n", line.dump().c_str());
  std::fflush(stdout);
}

class Chat final : public SocketHandler {
 public:
  void use(net::SocketServer& server) { server_ = &server; }

  void connect(const Knock& knock, const Decide& decide) override {
    if (knock.name_space == "/private" &&
        (!knock.auth || knock.auth->value("password", "") != "let-me-in")) {
      decide({.allowed = false,
              .message = "this namespace asks for a password",
              .data = std::make_shared<const Json>(Json{{"code", "unauthorised"}})});
      return;
    }
    decide({.allowed = true});
    server_->emit(knock.socket, "connection_response",
                  Json::array({{{"status", "connected"},
                                {"as", contract::caller_of(knock).identity.subject}}}));
  }

  void event(SocketId socket, const std::string& name, const JsonPtr& arguments,
             std::optional<std::uint64_t> ack) override {
    if (name == "join") {
      const bool good = server_->join(socket, arguments->at(0).get<std::string>());
      if (ack) server_->acknowledge(socket, *ack, Json::array({good}));
    } else if (name == "leave") {
      server_->leave(socket, arguments->at(0).get<std::string>());
      if (ack) server_->acknowledge(socket, *ack, Json::array());
    } else if (name == "say") {
      server_->emit_to("/", arguments->at(0).get<std::string>(), "said",
                       Json::array({arguments->at(1)}), socket);
    } else if (name == "fan") {
      fan(arguments->at(0).get<int>(), arguments->at(1));
    } else if (name == "ask_me") {
      server_->ask(socket, "question", *arguments);
    } else if (name == "throw_me_out") {
      server_->disconnect(socket);
    } else if (ack) {
      server_->acknowledge(socket, *ack, *arguments);
    } else {
      server_->emit(socket, name, *arguments);
    }
  }
  void acknowledged(SocketId socket, std::uint64_t, const JsonPtr& arguments) override {
    server_->emit(socket, "answer", *arguments);
  }
  void disconnected(SocketId, std::string_view reason) override {
    print({{"event", "disconnected"}, {"reason", reason}});
  }

 private:
  void fan(int times, const Json& value) {
    for (int i = 0; i < times; ++i)
      server_->emit_to("/", "", "news", Json::array({i, value}));
  }

  net::SocketServer* server_ = nullptr;
};

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, long> numbers;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    numbers[word.substr(0, word.find('='))] = std::stol(word.substr(word.find('=') + 1));
  }
  const auto number = [&](const char* name, long fallback) {
    return numbers.count(name) ? numbers.at(name) : fallback;
  };
  Chat chat;
  net::SocketServer::Options options;
  options.namespaces = {"/", "/private"};
  options.bounds.session.ping_interval_ms = number("ping_interval", 25'000);
  options.bounds.session.ping_timeout_ms = number("ping_timeout", 20'000);
  options.bounds.session.payload_bytes_max = static_cast<std::size_t>(number("payload", 100'000));
  options.bounds.session.queued_packets_max = 8'192;
  options.bounds.sessions_max = static_cast<std::size_t>(number("sessions", 10'000));
  options.bounds.sessions_per_owner_max = options.bounds.sessions_max;
  contract::SocketDoor door(chat, auth::Scope::game);
  net::SocketServer sockets(options, door);
  chat.use(sockets);

  observe::Metrics metrics;
  contract::Routes routes;
  routes.add_all(contract::socket_routes("/socket.io/", sockets, auth::Scope::game,
                                         contract::Dialect::problem()));
  auth::Authority authority({}, {});
  contract::GatePolicy policy;
  policy.anonymous = numbers.count("anonymous") ? auth::Anonymous::off : auth::Anonymous::local;
  policy.authority = &authority;
  const std::vector<std::string> origins{"http://page.example"};
  policy.origins = *auth::parse_origins(origins);
  contract::Gate gate(policy, routes, metrics);
  http::Router router;
  gate.install(router);
  routes.mount(router);

  net::ListenerOptions listener;
  listener.name = "test";
  listener.port = static_cast<std::uint16_t>(number("port", 0));
  listener.router = &router;
  net::ServerOptions server_options;
  server_options.shards = static_cast<int>(number("shards", 1));
  server_options.listeners.push_back(listener);
  server_options.connections_max = 20'000;
  server_options.connections_per_address_max = 20'000;
  net::Observer observer;
  net::Server server(server_options, observer);
  if (const auto listening = server.listen(); !listening) {
    std::fprintf(stderr, "%s\n", listening.error().message.c_str());
    return 1;
  }

  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  std::thread ender([&] {
    int signal = 0;
    sigwait(&ends, &signal);
    sockets.close();
    server.drain();
  });
  const std::int64_t expires_s = std::time(nullptr) + number("token_s", 600);
  const auto token = [&](auth::Scope scope) {
    return *authority.mint({.subject = "ada", .scopes = scope, .expires_s = expires_s});
  };
  print({{"event", "listening"},
         {"port", server.port(0)},
         {"token", token(auth::Scope::game)},
         {"other", token(auth::Scope::models)}});
  server.run();
  ender.join();
  return 0;
}
