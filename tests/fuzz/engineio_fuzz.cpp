// Any bytes are packets or refused; any order of polls, posts, WebSockets, ticks and an owner's
// words keeps the hub's bounds and promises: a poll is answered once, whoever was allowed leaves
// once, and at the end nothing is left.
#include <cstdlib>
#include <map>
#include <set>
#include <string>

#include "engine/base/json.hpp"
#include "relay/http/engineio/hub.hpp"

namespace {

using namespace redoubt;
using namespace redoubt::http::engineio;

constexpr std::size_t queued_bytes_max = 2'048;

void expect(bool holds) {
  if (!holds) std::abort();
}

HubBounds bounds() {
  HubBounds bounds;
  bounds.session.queued_packets_max = 8;
  bounds.session.queued_bytes_max = 512;
  bounds.sessions_max = 6;
  bounds.sessions_per_owner_max = 4;
  bounds.namespaces_per_session_max = 2;
  bounds.rooms_per_socket_max = 2;
  bounds.memberships_max = 5;
  bounds.owed_acks_max = 2;
  bounds.queued_bytes_max = queued_bytes_max;
  return bounds;
}

/// What is accepted is written as it was read.
void check_message(std::string_view text) {
  const ReadMessage read = read_message(text);
  if (!read.message) {
    expect(!read.fault.error.message.empty());
    return;
  }
  const Message& message = *read.message;
  expect(is_namespace(message.name_space));
  if (message.kind != MessageKind::event) return;
  const std::string again =
      event_text(message.name_space, message.event, *message.data, message.ack);
  const ReadMessage second = read_message(again);
  expect(second.message && second.message->event == message.event &&
         *second.message->data == *message.data && second.message->ack == message.ack);
}

class World {
 public:
  /// A command is an opcode, whom it is about, and the text up to a NUL.
  void run(unsigned char opcode, unsigned char whom, std::string_view text) {
    const SessionId session = hub_.find(std::to_string(whom % 8));
    const TransportId transport = whom % 8 + 1;
    switch (opcode % 14) {
      case 0:
        if (session == 0)
          (void)hub_.open(whom % 2 ? "ada" : "bob", std::to_string(whom % 8), 0, now_ms_);
        break;
      case 1:
        if (session == 0)
          if (const auto id = hub_.open("ada", std::to_string(whom % 8), transport, now_ms_))
            transports_[transport] = *id;
        break;
      case 2:
        if (hub_.poll(session, ++last_poll_, now_ms_)) held_[last_poll_] = session;
        break;
      case 3:
        if (!held_.empty()) {
          const auto [poll, of] = *held_.begin();
          held_.erase(poll);
          hub_.poll_gone(of, poll, now_ms_);
        }
        break;
      case 4:
        post(session, text);
        break;
      case 5:
        if (hub_.probe(session, transport, now_ms_)) transports_[transport] = session;
        break;
      case 6:
      case 7:
        receive(transports_[transport], transport, text);
        break;
      case 8:
        hub_.receive(transports_[transport], transport,
                     {.type = PacketType::message, .binary = true, .data = {}, .message = {}},
                     now_ms_);
        break;
      case 9:
        hub_.transport_gone(transports_[transport], transport, now_ms_);
        break;
      case 10:
        now_ms_ += whom * 200;
        hub_.tick(now_ms_);
        break;
      case 11:
        owner_says(whom, text);
        break;
      case 12:
        hub_.emit_to(whom % 2, whom % 3 == 0 ? "red" : "", 0,
                     event_frame(whom % 2 ? "/chat" : "/", "e", Json::array()), now_ms_);
        break;
      default:
        hub_.close(session, end_reason::going_down, now_ms_);
    }
    collect();
  }

  void finish() {
    hub_.close_all(end_reason::going_down, now_ms_);
    collect();
    while (const auto deadline = hub_.deadline_ms()) {
      now_ms_ = *deadline;
      hub_.tick(now_ms_);
      collect();
    }
    expect(hub_.sessions() == 0 && hub_.sockets() == 0 && hub_.queued_bytes() == 0);
    expect(joined_.empty());
  }

 private:
  void post(SessionId id, std::string_view text) {
    const Session* session = hub_.session(id);
    if (session == nullptr || !session->is_polling()) return;
    const auto packets = read_payload(text);
    if (!packets) return hub_.receive_malformed(id, 0, now_ms_);
    for (const Packet& packet : *packets) {
      auto incoming = read_incoming(packet);
      if (!incoming) return hub_.receive_malformed(id, 0, now_ms_);
      hub_.receive(id, 0, std::move(*incoming), now_ms_);
    }
  }
  void receive(SessionId id, TransportId from, std::string_view text) {
    const auto packet = read_packet(text);
    auto incoming = packet ? read_incoming(*packet) : std::nullopt;
    if (!incoming) return hub_.receive_malformed(id, from, now_ms_);
    hub_.receive(id, from, std::move(*incoming), now_ms_);
  }
  void owner_says(unsigned char whom, std::string_view text) {
    if (sockets_.empty()) return;
    const SocketId id = sockets_[whom % sockets_.size()];
    const char word = text.empty() ? 'a' : text.front();
    if (word == 'r') {
      hub_.refuse(id, text, nullptr, now_ms_);
    } else if (word == 'd') {
      hub_.disconnect(id, now_ms_);
    } else if (word == 'j') {
      (void)hub_.join(id, whom % 2 ? "red" : text);
    } else if (word == 'l') {
      (void)hub_.leave(id, "red");
    } else if (word == 'q') {
      (void)hub_.emit_asking(id, "q", Json::array(), now_ms_);
    } else if (word == 'e') {
      hub_.emit(id, event_frame(hub_.name_of(id), "e", Json::array({"x"})), now_ms_);
    } else if (hub_.allow(id, "s", whom % 3 == 0 ? now_ms_ + 500 : 0, now_ms_)) {
      joined_.insert(id);
    }
  }
  void collect() {
    for (const Step& step : hub_.take_steps())
      if (const auto* answer = std::get_if<AnswerPoll>(&step))
        expect(held_.erase(answer->poll) == 1);
    for (const HubEvent& event : hub_.take_events()) {
      if (const auto* asked = std::get_if<Asked>(&event)) sockets_.push_back(asked->socket);
      if (const auto* left = std::get_if<Left>(&event)) expect(joined_.erase(left->socket) == 1);
    }
    expect(hub_.sessions() <= 6 && hub_.sockets() <= 12);
    expect(hub_.queued_bytes() <= queued_bytes_max);
  }

  Hub hub_{bounds(), {"/", "/chat"}};
  std::int64_t now_ms_ = 0;
  PollId last_poll_ = 0;
  std::map<PollId, SessionId> held_;
  std::map<TransportId, SessionId> transports_;
  std::vector<SocketId> sockets_;
  std::set<SocketId> joined_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_message(bytes);
  (void)read_payload(bytes);
  World world;
  while (bytes.size() >= 2) {
    const auto opcode = static_cast<unsigned char>(bytes[0]);
    const auto whom = static_cast<unsigned char>(bytes[1]);
    bytes.remove_prefix(2);
    const std::string_view text = bytes.substr(0, bytes.find('\0'));
    world.run(opcode, whom, text);
    bytes.remove_prefix(std::min(bytes.size(), text.size() + 1));
  }
  world.finish();
  return 0;
}
