#include "relay/http/engineio/hub.hpp"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::http::engineio {
namespace {

constexpr std::int64_t never_ms = std::numeric_limits<std::int64_t>::max();
constexpr std::string_view all_of_namespace;
constexpr std::string_view unknown_namespace = "Invalid namespace";  // the reference server's words
constexpr std::string_view not_answered = "whether you may join was not decided in time";

FramePtr message_frame(std::string_view text) {
  return Frame::text(packet_text(PacketType::message, text));
}

}  // namespace

/// A client in a namespace.
struct Hub::Socket {
  struct Place {
    Room* room;
    std::size_t at;  ///< among its members
  };
  SocketId id = 0;
  SessionId session = 0;
  Peer* peer = nullptr;
  bool joined = false;  ///< false: its owner was asked
  std::int64_t expires_ms = never_ms;
  std::uint64_t last_ack = 0;
  std::vector<std::uint64_t> owed_acks;
  std::vector<Place> rooms;  ///< the namespace's first

  std::size_t name_space() const { return id & 0xff; }
};

/// A session and what lives on it.
struct Hub::Peer {
  Session session;
  SessionId id;
  std::map<std::string, std::size_t, std::less<>>::iterator owner;
  std::int64_t without_socket_since_ms;
  bool had_sockets = false;
  std::vector<SocketId> sockets = {};
  int attachments = 0;           ///< of a refused packet, still to come
  std::size_t queued_bytes = 0;  ///< as counted in the hub's
  std::int64_t scheduled_ms = never_ms;
};

struct Hub::Room {
  std::string name;
  std::vector<Socket*> members = {};
};

std::optional<Incoming> read_incoming(const Packet& packet) {
  Incoming incoming{.type = packet.type, .binary = packet.binary, .data = {}, .message = {}};
  if (packet.type == PacketType::open || packet.type == PacketType::noop) return std::nullopt;
  if (packet.binary) return incoming;
  if (packet.type == PacketType::message) {
    incoming.message = read_message(packet.data);
  } else {
    constexpr std::size_t control_bytes_max = 16;
    if (packet.data.size() > control_bytes_max) return std::nullopt;
    incoming.data = packet.data;
  }
  return incoming;
}

FramePtr event_frame(std::string_view name_space, std::string_view event, const Json& arguments) {
  return message_frame(event_text(name_space, event, arguments, std::nullopt));
}

FramePtr ack_frame(std::string_view name_space, std::uint64_t ack, const Json& arguments) {
  return message_frame(ack_text(name_space, ack, arguments));
}

Hub::Hub(HubBounds bounds, std::vector<std::string> namespaces)
    : bounds_(bounds), namespaces_(std::move(namespaces)), rooms_(namespaces_.size()) {
  assert(namespaces_.size() <= namespaces_max);
}
Hub::~Hub() = default;

// --- sessions -----------------------------------------------------------------------------------

Result<void> Hub::check_room(std::string_view owner) const {
  if (peers_.size() >= bounds_.sessions_max)
    return Error{.code = "too_many_sessions", .message = "too many sessions are open"};
  const auto own = by_owner_.find(owner);
  if (own != by_owner_.end() && own->second >= bounds_.sessions_per_owner_max) {
    return Error{.code = "too_many_of_owner",
                 .message = joined({"you have ", bounds_.sessions_per_owner_max,
                                    " sessions open; close one of them first"})};
  }
  return {};
}

Result<SessionId> Hub::open(std::string_view owner, std::string sid, TransportId transport,
                            std::int64_t now_ms) {
  if (auto room = check_room(owner); !room) return room.error();
  auto counted = by_owner_.try_emplace(std::string(owner), 0).first;
  ++counted->second;
  const SessionId id = ++last_session_;
  Session session(bounds_.session, std::move(sid), transport, now_ms, steps_);
  Peer& peer = peers_.emplace(id, Peer{std::move(session), id, counted, now_ms}).first->second;
  by_sid_.emplace(peer.session.sid(), id);
  schedule(id, peer);
  return id;
}

SessionId Hub::find(std::string_view sid) const {
  const auto found = by_sid_.find(sid);
  return found == by_sid_.end() ? 0 : found->second;
}

const Session* Hub::session(SessionId id) const {
  const auto found = peers_.find(id);
  return found == peers_.end() ? nullptr : &found->second.session;
}

Hub::Peer* Hub::peer_of(SessionId id) {
  const auto found = peers_.find(id);
  return found == peers_.end() ? nullptr : &found->second;
}

bool Hub::poll(SessionId id, PollId poll, std::int64_t now_ms) {
  Peer* peer = peer_of(id);
  if (peer == nullptr || peer->session.state() == Session::State::websocket) return false;
  peer->session.poll(poll, steps_);
  settle(*peer, now_ms);
  return true;
}

void Hub::poll_gone(SessionId id, PollId poll, std::int64_t now_ms) {
  if (Peer* peer = peer_of(id)) {
    peer->session.poll_gone(poll, steps_);
    settle(*peer, now_ms);
  }
}

bool Hub::probe(SessionId id, TransportId transport, std::int64_t now_ms) {
  Peer* peer = peer_of(id);
  if (peer == nullptr || !peer->session.probe(transport, now_ms)) return false;
  settle(*peer, now_ms);
  return true;
}

void Hub::receive(SessionId id, TransportId from, Incoming incoming, std::int64_t now_ms) {
  Peer* peer = peer_of(id);
  if (peer == nullptr) return;
  if (peer->session.receive(incoming.type, incoming.data, from, now_ms, steps_)) {
    if (incoming.binary != (peer->attachments > 0)) {
      peer->session.end(end_reason::parse_error, steps_);
    } else if (incoming.binary) {
      --peer->attachments;
    } else {
      receive_message(*peer, std::move(*incoming.message), now_ms);
    }
  }
  settle(*peer, now_ms);
}

void Hub::receive_malformed(SessionId id, TransportId from, std::int64_t now_ms) {
  Peer* peer = peer_of(id);
  if (peer == nullptr) return;
  peer->session.receive(PacketType::noop, {}, from, now_ms, steps_);
  settle(*peer, now_ms);
}

void Hub::transport_gone(SessionId id, TransportId transport, std::int64_t now_ms) {
  if (Peer* peer = peer_of(id)) {
    peer->session.transport_gone(transport, steps_);
    settle(*peer, now_ms);
  }
}

void Hub::close(SessionId id, std::string_view reason, std::int64_t now_ms) {
  if (Peer* peer = peer_of(id)) {
    peer->session.close(reason, now_ms, steps_);
    settle(*peer, now_ms);
  }
}

void Hub::close_all(std::string_view reason, std::int64_t now_ms) {
  std::vector<SessionId> all;
  for (const auto& [id, peer] : peers_)
    all.push_back(id);
  std::sort(all.begin(), all.end());
  for (const SessionId id : all)
    close(id, reason, now_ms);
}

void Hub::tick(std::int64_t now_ms) {
  while (!due_.empty() && due_.top().at_ms <= now_ms) {
    const Due due = due_.top();
    due_.pop();
    Peer* peer = peer_of(due.session);
    if (peer == nullptr || peer->scheduled_ms != due.at_ms) continue;
    peer->scheduled_ms = never_ms;
    peer->session.tick(now_ms, steps_);
    expire_sockets(*peer, now_ms);
    if (peer->sockets.empty() && now_ms - peer->without_socket_since_ms >= bounds_.connect_ms_max)
      peer->session.close(end_reason::no_namespace, now_ms, steps_);
    settle(*peer, now_ms);
  }
}

std::optional<std::int64_t> Hub::deadline_ms() const {
  if (due_.empty() || peers_.empty()) return std::nullopt;
  return due_.top().at_ms;
}

// After everything that was done to a session: what became of it is told and its next deadline set.
void Hub::settle(Peer& peer, std::int64_t now_ms) {
  count_queue(peer);
  while (peer.session.is_over() && !peer.sockets.empty())
    remove(peer.sockets.back(), peer.session.reason());
  const bool has_sockets = !peer.sockets.empty();
  if (has_sockets || peer.had_sockets) peer.without_socket_since_ms = now_ms;
  peer.had_sockets = has_sockets;
  const SessionId id = peer.id;
  if (peer.session.state() != Session::State::ended) {
    schedule(id, peer);
    return;
  }
  by_sid_.erase(peer.session.sid());
  if (--peer.owner->second == 0) by_owner_.erase(peer.owner);
  events_.emplace_back(SessionEnded{id});
  peers_.erase(id);
}

void Hub::count_queue(Peer& peer) {
  queued_bytes_ += peer.session.queued_bytes() - peer.queued_bytes;
  peer.queued_bytes = peer.session.queued_bytes();
}

void Hub::schedule(SessionId id, Peer& peer) {
  std::int64_t at_ms = peer.session.deadline_ms();
  if (peer.sockets.empty() && !peer.session.is_over())
    at_ms = std::min(at_ms, peer.without_socket_since_ms + bounds_.connect_ms_max);
  for (const SocketId socket : peer.sockets)
    at_ms = std::min(at_ms, sockets_.at(socket).expires_ms);
  if (at_ms >= peer.scheduled_ms) return;
  peer.scheduled_ms = at_ms;
  due_.push({at_ms, id});
}

void Hub::expire_sockets(Peer& peer, std::int64_t now_ms) {
  const std::vector<SocketId> sockets = peer.sockets;
  for (const SocketId id : sockets) {
    const Socket& socket = sockets_.at(id);
    if (now_ms < socket.expires_ms) continue;
    send_message(peer, socket.joined ? disconnect_text(name_of(id))
                                     : connect_error_text(name_of(id), not_answered, nullptr));
    remove(id, end_reason::forced);
  }
}

// --- what clients say ---------------------------------------------------------------------------

void Hub::receive_message(Peer& peer, ReadMessage read, std::int64_t now_ms) {
  if (!read.message) {
    receive_fault(peer, read.fault);
    return;
  }
  Message& message = *read.message;
  if (message.kind == MessageKind::connect) {
    connect(peer, std::move(message), now_ms);
    return;
  }
  const auto is_meant = [&](SocketId id) {
    return name_of(id) == message.name_space && sockets_.at(id).joined;
  };
  const auto found = std::find_if(peer.sockets.begin(), peer.sockets.end(), is_meant);
  if (found == peer.sockets.end()) {
    // Of a namespace that there is: it crossed the server's disconnect.
    if (!namespace_of(message.name_space)) peer.session.end(end_reason::parse_error, steps_);
    return;
  }
  const SocketId id = *found;
  if (message.kind == MessageKind::disconnect) {
    remove(id, "client namespace disconnect");
  } else if (message.kind == MessageKind::event) {
    events_.emplace_back(Event{id, std::move(message.event), std::move(message.data), message.ack});
  } else {
    std::vector<std::uint64_t>& owed = sockets_.at(id).owed_acks;
    const auto place = std::find(owed.begin(), owed.end(), *message.ack);
    if (place == owed.end()) return;  // given twice, or never asked for
    owed.erase(place);
    events_.emplace_back(Acknowledged{id, *message.ack, std::move(message.data)});
  }
}

// Binary data is refused in words that an application can show, and the connection goes on.
void Hub::receive_fault(Peer& peer, const MessageFault& fault) {
  if (fault.error.code != "binary_refused") {
    peer.session.end(end_reason::parse_error, steps_);
    return;
  }
  peer.attachments = fault.attachments;
  for (const SocketId id : peer.sockets) {
    if (name_of(id) != fault.name_space || !sockets_.at(id).joined) continue;
    const Json words{{"error", fault.error.message}, {"code", fault.error.code}};
    send(peer, event_frame(fault.name_space, "error", Json::array({words})));
    return;
  }
  peer.session.end(end_reason::parse_error, steps_);
}

void Hub::connect(Peer& peer, Message message, std::int64_t now_ms) {
  const auto known = namespace_of(message.name_space);
  const bool is_full = peer.sockets.size() >= bounds_.namespaces_per_session_max;
  if (!known || is_full) {
    const std::string_view why =
        known ? std::string_view("too many namespaces on one connection") : unknown_namespace;
    send_message(peer, connect_error_text(message.name_space, why, nullptr));
    return;
  }
  for (const SocketId id : peer.sockets) {
    if (name_of(id) != message.name_space) continue;
    peer.session.end(end_reason::parse_error, steps_);  // it has joined, or has asked already
    return;
  }
  const SocketId id = ++last_socket_ << 8 | *known;
  Socket& socket = sockets_[id];
  socket.id = id;
  socket.session = peer.id;
  socket.peer = &peer;
  socket.expires_ms = now_ms + bounds_.connect_ms_max;
  peer.sockets.push_back(id);
  events_.emplace_back(Asked{id, peer.id, std::move(message.data)});
}

// --- what the owner says ------------------------------------------------------------------------

void Hub::send(Peer& peer, const FramePtr& frame) {
  const bool is_full = peer.session.is_polling() &&
                       queued_bytes_ + frame->payload().size() > bounds_.queued_bytes_max;
  if (is_full) {
    peer.session.end(end_reason::too_slow, steps_);
  } else {
    peer.session.send(frame, steps_);
  }
  count_queue(peer);
}

void Hub::send_message(Peer& peer, std::string_view text) {
  send(peer, message_frame(text));
}

Hub::Socket* Hub::joined_socket(SocketId id) {
  const auto found = sockets_.find(id);
  return found == sockets_.end() || !found->second.joined ? nullptr : &found->second;
}

bool Hub::allow(SocketId id, std::string_view sid, std::int64_t expires_ms, std::int64_t now_ms) {
  const auto found = sockets_.find(id);
  if (found == sockets_.end() || found->second.joined) return false;
  Socket& socket = found->second;
  socket.joined = true;
  socket.expires_ms = expires_ms != 0 ? expires_ms : never_ms;
  enter_room(socket, all_of_namespace);
  Peer& peer = *socket.peer;
  send_message(peer, connect_text(name_of(id), sid));
  settle(peer, now_ms);
  return true;
}

bool Hub::refuse(SocketId id, std::string_view message, const JsonPtr& data, std::int64_t now_ms) {
  const auto found = sockets_.find(id);
  if (found == sockets_.end() || found->second.joined) return false;
  Peer& peer = *found->second.peer;
  send_message(peer, connect_error_text(name_of(id), message, data));
  remove(id, end_reason::forced);
  settle(peer, now_ms);
  return true;
}

bool Hub::disconnect(SocketId id, std::int64_t now_ms) {
  Socket* socket = joined_socket(id);
  if (socket == nullptr) return false;
  Peer& peer = *socket->peer;
  send_message(peer, disconnect_text(name_of(id)));
  remove(id, "server namespace disconnect");
  settle(peer, now_ms);
  return true;
}

bool Hub::emit(SocketId id, const FramePtr& frame, std::int64_t now_ms) {
  Socket* socket = joined_socket(id);
  if (socket == nullptr) return false;
  Peer& peer = *socket->peer;
  send(peer, frame);
  settle(peer, now_ms);
  return true;
}

std::optional<std::uint64_t> Hub::emit_asking(SocketId id, std::string_view event,
                                              const Json& arguments, std::int64_t now_ms) {
  Socket* socket = joined_socket(id);
  if (socket == nullptr || socket->owed_acks.size() >= bounds_.owed_acks_max) return std::nullopt;
  const std::uint64_t ack = socket->last_ack++;
  socket->owed_acks.push_back(ack);
  Peer& peer = *socket->peer;
  send_message(peer, event_text(name_of(id), event, arguments, ack));
  settle(peer, now_ms);
  return ack;
}

std::size_t Hub::emit_to(std::size_t name_space, std::string_view room, SocketId except,
                         const FramePtr& frame, std::int64_t now_ms) {
  const auto found = rooms_[name_space].find(room);
  if (found == rooms_[name_space].end()) return 0;
  const std::vector<Socket*>& members = found->second.members;
  steps_.reserve(steps_.size() + members.size());
  std::size_t count = 0;
  std::vector<SessionId> over;  // settled below: it takes members away
  for (Socket* socket : members) {
    if (socket->id == except) continue;
    Peer& peer = *socket->peer;
    send(peer, frame);
    ++count;
    if (peer.session.is_over()) over.push_back(peer.id);
  }
  for (const SessionId id : over)
    if (Peer* peer = peer_of(id)) settle(*peer, now_ms);
  return count;
}

// --- rooms --------------------------------------------------------------------------------------

bool Hub::join(SocketId id, std::string_view room) {
  Socket* socket = joined_socket(id);
  if (socket == nullptr || room.empty() || room.size() > room_name_bytes_max) return false;
  for (const Socket::Place& place : socket->rooms)
    if (place.room->name == room) return true;
  const std::size_t joined_rooms = socket->rooms.size() - 1;  // without the namespace's own
  if (joined_rooms >= bounds_.rooms_per_socket_max || memberships_ >= bounds_.memberships_max)
    return false;
  ++memberships_;
  return enter_room(*socket, room);
}

bool Hub::enter_room(Socket& socket, std::string_view room) {
  auto& rooms = rooms_[socket.name_space()];
  auto found = rooms.find(room);
  if (found == rooms.end())
    found = rooms.emplace(std::string(room), Room{.name = std::string(room)}).first;
  socket.rooms.push_back({&found->second, found->second.members.size()});
  found->second.members.push_back(&socket);
  return true;
}

bool Hub::leave(SocketId id, std::string_view room) {
  Socket* socket = joined_socket(id);
  if (socket == nullptr || room.empty()) return false;
  for (std::size_t place = 0; place < socket->rooms.size(); ++place) {
    if (socket->rooms[place].room->name != room) continue;
    leave_room(*socket, place);
    return true;
  }
  return false;
}

void Hub::leave_room(Socket& socket, std::size_t place) {
  const auto [room, at] = socket.rooms[place];
  socket.rooms.erase(socket.rooms.begin() + static_cast<std::ptrdiff_t>(place));
  if (!room->name.empty()) --memberships_;
  Socket* last = room->members.back();
  room->members.pop_back();
  if (last != &socket) {
    room->members[at] = last;
    for (Socket::Place& other : last->rooms)
      if (other.room == room) other.at = at;
  } else if (room->members.empty()) {
    rooms_[socket.name_space()].erase(std::string(room->name));
  }
}

void Hub::remove(SocketId id, std::string_view reason) {
  Socket& socket = sockets_.at(id);
  while (!socket.rooms.empty())
    leave_room(socket, socket.rooms.size() - 1);
  std::erase(socket.peer->sockets, id);
  if (socket.joined) events_.emplace_back(Left{id, reason});
  sockets_.erase(id);
}

std::optional<std::size_t> Hub::namespace_of(std::string_view name) const {
  const auto found = std::find(namespaces_.begin(), namespaces_.end(), name);
  if (found == namespaces_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - namespaces_.begin());
}

}  // namespace redoubt::http::engineio
