// Plays the literate scripts beside this file: `>` is what reaches the hub, `<` all that it then
// wants done and tells, steps before events. REDOUBT_REWRITE_SCRIPTS=1 writes what does come out
// into the scripts; the diff is then the review. U+001E is written as U+241E.
//
//   bounds NAME=NUMBER...        a new hub, with the namespaces / and /chat, at 0 ms
//   at MS                        time passes, in steps as the hub wishes to be ticked
//   open A [ws=1] [owner=o]      session A, by polling or by WebSocket 1
//   poll A 1 | poll-gone A 1     a GET, which is poll 1 from here on
//   post A PAYLOAD               a POST
//   probe A 2                    a WebSocket that wants to take over
//   ws 2 PACKET | bytes 2 | gone 2
//   close A
//   allow #1 [MS] | refuse #1 WORDS | disconnect #1      #1: the first that asked
//   emit #1 EVENT [JSON] | ask #1 EVENT [JSON] | to NAMESPACE ROOM EVENT [JSON] [except #1]
//   ack #1 ID [JSON] | join #1 ROOM | leave #1 ROOM
#include "relay/http/engineio/hub.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "engine/base/json.hpp"

using namespace redoubt;
using namespace redoubt::http;
using namespace redoubt::http::engineio;

namespace {

const std::string separator = "\xe2\x90\x9e";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

std::string rest_of(std::istream& words) {
  std::string rest;
  std::getline(words >> std::ws, rest);
  return rest;
}

class Script {
 public:
  Script() { renew({}); }
  /// What comes out of a command, line by line.
  std::vector<std::string> run(const std::string& line);

 private:
  void renew(const HubBounds& bounds) {
    hub_ = std::make_unique<Hub>(bounds, std::vector<std::string>{"/", "/chat"});
    now_ms_ = 0;
    asked_.clear();
    names_.clear();
    transports_.clear();
  }
  void set_bounds(std::istream& words);
  void of_session(const std::string& command, std::istream& words);
  void of_transport(const std::string& command, std::istream& words);
  void of_socket(const std::string& command, std::istream& words);
  void to_room(std::istream& words);
  void pass(std::int64_t until_ms);
  void collect();
  void say(std::string line) { said_.push_back(std::move(line)); }
  void say_unless(bool good, const std::string& words) {
    if (!good) say(words);
  }
  void receive(SessionId session, TransportId from, std::string_view text);
  static Json json_or_none(const std::string& text) {
    if (text.empty()) return Json::array();
    const auto parsed = parse_json(text);
    REQUIRE_MESSAGE(parsed.ok(), text);
    return parsed->is_array() ? *parsed : Json::array({*parsed});
  }
  std::string name_of(SocketId id) const {
    const auto found = std::find(asked_.begin(), asked_.end(), id);
    return "#" + std::to_string(found - asked_.begin() + 1);
  }

  std::unique_ptr<Hub> hub_;
  std::int64_t now_ms_ = 0;
  std::vector<SocketId> asked_;
  std::map<SessionId, std::string> names_;
  std::map<TransportId, SessionId> transports_;
  std::vector<std::string> said_;
};

void Script::set_bounds(std::istream& words) {
  HubBounds bounds;
  std::string word;
  while (words >> word) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const auto value = std::stoul(word.substr(equals + 1));
    if (name == "sessions")
      bounds.sessions_max = value;
    else if (name == "sessions_of_owner")
      bounds.sessions_per_owner_max = value;
    else if (name == "namespaces")
      bounds.namespaces_per_session_max = value;
    else if (name == "rooms")
      bounds.rooms_per_socket_max = value;
    else if (name == "memberships")
      bounds.memberships_max = value;
    else if (name == "owed_acks")
      bounds.owed_acks_max = value;
    else if (name == "queued_bytes_in_all")
      bounds.queued_bytes_max = value;
    else if (name == "queued_packets")
      bounds.session.queued_packets_max = value;
    else if (name == "queued_bytes")
      bounds.session.queued_bytes_max = value;
    else
      FAIL("no bound ", name);
  }
  renew(bounds);
}

void Script::receive(SessionId session, TransportId from, std::string_view text) {
  const auto packet = read_packet(text);
  auto incoming = packet ? read_incoming(*packet) : std::nullopt;
  if (incoming) return hub_->receive(session, from, std::move(*incoming), now_ms_);
  hub_->receive_malformed(session, from, now_ms_);
}

void Script::of_session(const std::string& command, std::istream& words) {
  std::string name;
  words >> name;
  SessionId id = hub_->find(name);
  if (command == "open") {
    std::string word, owner = "somebody";
    TransportId transport = 0;
    while (words >> word) {
      if (word.starts_with("ws=")) transport = std::stoul(word.substr(3));
      if (word.starts_with("owner=")) owner = word.substr(6);
    }
    const auto opened = hub_->open(owner, name, transport, now_ms_);
    if (!opened) return say("refused: " + opened.error().message);
    names_[*opened] = name;
    transports_[transport] = *opened;
    if (transport == 0) say("answer: " + hub_->session(*opened)->handshake());
    return;
  }
  if (id == 0) return say("unknown session");
  std::string rest = rest_of(words);
  if (command == "poll") {
    say_unless(hub_->poll(id, std::stoul(rest), now_ms_), "refused");
  } else if (command == "poll-gone") {
    hub_->poll_gone(id, std::stoul(rest), now_ms_);
  } else if (command == "probe") {
    transports_[std::stoul(rest)] = id;
    say_unless(hub_->probe(id, std::stoul(rest), now_ms_), "refused");
  } else if (command == "close") {
    hub_->close(id, end_reason::going_down, now_ms_);
  } else {
    if (!hub_->session(id)->is_polling()) return say("refused");
    rest = replaced(rest, separator, "\x1e");
    const auto packets = read_payload(rest);
    if (!packets) return hub_->receive_malformed(id, 0, now_ms_);
    for (const Packet& packet : *packets) {
      auto incoming = read_incoming(packet);
      REQUIRE(incoming.has_value());
      hub_->receive(id, 0, std::move(*incoming), now_ms_);
    }
  }
}

void Script::of_transport(const std::string& command, std::istream& words) {
  TransportId transport = 0;
  words >> transport;
  const SessionId id = transports_.at(transport);
  if (command == "ws") return receive(id, transport, rest_of(words));
  if (command == "gone") return hub_->transport_gone(id, transport, now_ms_);
  hub_->receive(id, transport,
                {.type = PacketType::message, .binary = true, .data = {}, .message = {}}, now_ms_);
}

void Script::of_socket(const std::string& command, std::istream& words) {
  std::string number, word;
  words >> number;
  const SocketId id = asked_.at(std::stoul(number.substr(1)) - 1);
  const std::string gone = "gone";
  if (command == "allow") {
    std::int64_t expires_ms = 0;
    words >> expires_ms;
    return say_unless(hub_->allow(id, "s" + number.substr(1), expires_ms, now_ms_), gone);
  }
  if (command == "refuse")
    return say_unless(hub_->refuse(id, rest_of(words), nullptr, now_ms_), gone);
  if (command == "disconnect") return say_unless(hub_->disconnect(id, now_ms_), gone);
  words >> word;
  if (command == "join") return say_unless(hub_->join(id, word), "refused");
  if (command == "leave") return say_unless(hub_->leave(id, word), "refused");
  const Json arguments = json_or_none(rest_of(words));
  if (command == "ack") {
    const FramePtr frame = ack_frame(hub_->name_of(id), std::stoul(word), arguments);
    return say_unless(hub_->emit(id, frame, now_ms_), gone);
  }
  if (command == "ask")
    return say_unless(hub_->emit_asking(id, word, arguments, now_ms_).has_value(), "refused");
  REQUIRE_MESSAGE(command == "emit", command);
  say_unless(hub_->emit(id, event_frame(hub_->name_of(id), word, arguments), now_ms_), gone);
}

void Script::to_room(std::istream& words) {
  std::string name_space, room, event;
  words >> name_space >> room >> event;
  std::string rest = rest_of(words);
  SocketId except = 0;
  if (const std::size_t at = rest.find("except #"); at != rest.npos) {
    except = asked_.at(std::stoul(rest.substr(at + 8)) - 1);
    rest.resize(at);
  }
  const FramePtr frame = event_frame(name_space, event, json_or_none(rest));
  const auto count = hub_->emit_to(*hub_->namespace_of(name_space), room == "all" ? "" : room,
                                   except, frame, now_ms_);
  say("to " + std::to_string(count));
}

void Script::pass(std::int64_t until_ms) {
  while (hub_->deadline_ms() && *hub_->deadline_ms() <= until_ms) {
    now_ms_ = std::max(now_ms_, *hub_->deadline_ms());
    hub_->tick(now_ms_);
    const std::size_t before = said_.size();
    collect();
    for (std::size_t i = before; i < said_.size(); ++i)
      said_[i] = "at " + std::to_string(now_ms_) + ": " + said_[i];
  }
  now_ms_ = until_ms;
}

void Script::collect() {
  for (const Step& step : hub_->take_steps()) {
    if (const auto* answer = std::get_if<AnswerPoll>(&step)) {
      say("poll " + std::to_string(answer->poll) + ": " + std::to_string(answer->status) + " " +
          answer->body);
    } else if (const auto* send = std::get_if<SendFrame>(&step)) {
      say("ws " + std::to_string(send->transport) + ": " + std::string(send->frame->payload()));
    } else {
      const auto& close = std::get<CloseTransport>(step);
      say("ws " + std::to_string(close.transport) + " closes: " + std::to_string(close.code) + " " +
          std::string(close.reason));
    }
  }
  for (const HubEvent& event : hub_->take_events()) {
    if (const auto* asked = std::get_if<Asked>(&event)) {
      asked_.push_back(asked->socket);
      say("asked " + name_of(asked->socket) + " of " + names_.at(asked->session) + " for " +
          hub_->name_of(asked->socket) + (asked->auth ? " " + asked->auth->dump() : ""));
    } else if (const auto* said = std::get_if<Event>(&event)) {
      say("event " + name_of(said->socket) + " " + said->name + " " + said->arguments->dump() +
          (said->ack ? " wants ack " + std::to_string(*said->ack) : ""));
    } else if (const auto* ack = std::get_if<Acknowledged>(&event)) {
      say("ack " + name_of(ack->socket) + " " + std::to_string(ack->ack) + " " +
          ack->arguments->dump());
    } else if (const auto* left = std::get_if<Left>(&event)) {
      say("left " + name_of(left->socket) + ": " + std::string(left->reason));
    } else {
      say("ended " + names_.at(std::get<SessionEnded>(event).session));
    }
  }
}

std::vector<std::string> Script::run(const std::string& line) {
  std::istringstream words(line);
  std::string command;
  words >> command;
  if (command == "bounds") {
    set_bounds(words);
  } else if (command == "at") {
    std::int64_t until_ms = 0;
    words >> until_ms;
    pass(until_ms);
  } else if (command == "ws" || command == "bytes" || command == "gone") {
    of_transport(command, words);
  } else if (command == "to") {
    to_room(words);
  } else if (line.find(" #") != line.npos) {
    of_socket(command, words);
  } else {
    of_session(command, words);
  }
  collect();
  return std::exchange(said_, {});
}

void play(const std::string& file) {
  const std::string path = "tests/relay/http/engineio/" + file;
  std::ifstream in(path);
  REQUIRE_MESSAGE(in.good(), path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  Script script;
  std::string rewritten;
  int commands = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    rewritten += lines[i] + "\n";
    if (!lines[i].starts_with("> ")) continue;
    const std::size_t at = i + 1;
    std::string expected, got;
    while (i + 1 < lines.size() && lines[i + 1].starts_with("< "))
      expected += lines[++i] + "\n";
    for (const std::string& said : script.run(lines[at - 1].substr(2)))
      got += "< " + replaced(said, "\x1e", separator) + "\n";
    rewritten += got;
    ++commands;
    INFO(path, ":", at, " ", lines[at - 1]);
    CHECK(got == expected);
  }
  CHECK(commands > 0);
  if (std::getenv("REDOUBT_REWRITE_SCRIPTS") != nullptr) std::ofstream(path) << rewritten;
}

}  // namespace

TEST_CASE("Socket.IO hub: polling, as a script") {
  play("polling.txt");
}
TEST_CASE("Socket.IO hub: WebSocket and upgrade, as a script") {
  play("websocket.txt");
}
TEST_CASE("Socket.IO hub: heartbeats and deadlines, as a script") {
  play("heartbeat.txt");
}
TEST_CASE("Socket.IO hub: namespaces, events and acknowledgements, as a script") {
  play("namespaces.txt");
}
TEST_CASE("Socket.IO hub: rooms, as a script") {
  play("rooms.txt");
}
TEST_CASE("Socket.IO hub: every bound, as a script") {
  play("bounds.txt");
}
