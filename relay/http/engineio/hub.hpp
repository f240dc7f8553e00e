// The hub: all Engine.IO sessions, the Socket.IO sockets that live on them, and their rooms.
//
//   a client's packet --read_incoming()--> Incoming --receive()--> steps and events
//   the owner's word  --event_frame()----> FramePtr --emit()-----> steps
//
// 1. A session carries one socket for each namespace that its client joined. A namespace that the
//    hub does not have is refused; whether a client may join one that it has, its owner decides:
//    Asked goes out, allow() or refuse() comes in.
// 2. An emit to a room encodes nothing and copies nothing: all receivers share one frame.
// 3. Bounds: HubBounds' sessions in all and of one owner, namespaces of a session, rooms of a
//    socket and memberships in all, acknowledgements that a socket owes, and what waits for polls.
//    The product: sessions_max x (2 KB + namespaces_per_session_max x 0.5 KB) + memberships_max x
//    0.2 KB + queued_bytes_max, some 150 MB where strangers fill all of it.
// 4. Deadlines are in a heap and expire lazily: a session is looked at when it may be due, so idle
//    ones cost nothing.
// 5. Pure: the moment, ids and randomness are arguments; what the world has to do are steps, what
//    the owner has to know are events, both in their order and taken by take_steps() and
//    take_events(). Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/result.hpp"
#include "relay/http/engineio/message.hpp"
#include "relay/http/engineio/session.hpp"

namespace redoubt::http::engineio {

/// A session's; never used twice. 0 is none.
using SessionId = std::uint64_t;
/// A client in a namespace; never used twice. Its lowest byte is the namespace's place in the
/// hub's list.
using SocketId = std::uint64_t;

struct HubBounds {
  SessionPolicy session;
  std::int64_t connect_ms_max = 45'000;  ///< a session that has no socket for so long ends
  std::size_t sessions_max = 10'000;
  std::size_t sessions_per_owner_max = 256;
  std::size_t namespaces_per_session_max = 8;
  std::size_t rooms_per_socket_max = 32;
  std::size_t memberships_max = 200'000;     ///< of sockets in rooms
  std::size_t owed_acks_max = 64;            ///< that a socket was asked for and has not given
  std::size_t queued_bytes_max = 64u << 20;  ///< that wait for polls, of all sessions
};

inline constexpr std::size_t room_name_bytes_max = 128;
inline constexpr std::size_t namespaces_max = 256;

/// A client's packet, read outside the hub: parsing may take a while.
struct Incoming {
  PacketType type = PacketType::noop;
  bool binary = false;
  std::string data;                    ///< of a packet that is no message
  std::optional<ReadMessage> message;  ///< of a message
};
/// Nothing where a packet is none of Engine.IO's. O(text)
std::optional<Incoming> read_incoming(const Packet& packet);

/// A client wants to join; answered by allow() or refuse().
struct Asked {
  SocketId socket;
  SessionId session;
  JsonPtr auth;  ///< null where it sent none
};
struct Event {
  SocketId socket;
  std::string name;
  JsonPtr arguments;                 ///< a list
  std::optional<std::uint64_t> ack;  ///< it waits for acknowledge()
};
/// A client's acknowledgement of emit_asking().
struct Acknowledged {
  SocketId socket;
  std::uint64_t ack;
  JsonPtr arguments;  ///< a list
};
/// A socket that was allowed is gone.
struct Left {
  SocketId socket;
  std::string_view reason;  ///< a constant
};
struct SessionEnded {
  SessionId session;
};
using HubEvent = std::variant<Asked, Event, Acknowledged, Left, SessionEnded>;

class Hub {
 public:
  /// `namespaces`: names of is_namespace(), at most namespaces_max.
  Hub(HubBounds bounds, std::vector<std::string> namespaces);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Sessions. `sid`, 20 characters or so that nobody can guess, is the caller's to make.

  /// Is there room for one more? Errors: too_many_sessions, too_many_of_owner.
  Result<void> check_room(std::string_view owner) const;
  /// `transport` 0: by polling. Errors of check_room().
  Result<SessionId> open(std::string_view owner, std::string sid, TransportId transport,
                         std::int64_t now_ms);
  SessionId find(std::string_view sid) const;
  /// Null where it has ended. Valid until the next call.
  const Session* session(SessionId id) const;

  /// False where the session takes none now (it has a WebSocket, it ended).
  bool poll(SessionId id, PollId poll, std::int64_t now_ms);
  void poll_gone(SessionId id, PollId poll, std::int64_t now_ms);
  bool probe(SessionId id, TransportId transport, std::int64_t now_ms);
  /// `from` 0: by a POST.
  void receive(SessionId id, TransportId from, Incoming incoming, std::int64_t now_ms);
  /// What came is no packet: the session ends, a probing WebSocket is given up.
  void receive_malformed(SessionId id, TransportId from, std::int64_t now_ms);
  void transport_gone(SessionId id, TransportId transport, std::int64_t now_ms);
  void close(SessionId id, std::string_view reason, std::int64_t now_ms);
  void close_all(std::string_view reason, std::int64_t now_ms);
  void tick(std::int64_t now_ms);
  /// tick() has something to do then; nothing where there is no session.
  std::optional<std::int64_t> deadline_ms() const;

  // Sockets. Whoever names one that is gone is told so by false and does no harm.

  /// `sid`: the socket's name on the wire. `expires_ms`: it is disconnected then; 0: never.
  bool allow(SocketId socket, std::string_view sid, std::int64_t expires_ms, std::int64_t now_ms);
  bool refuse(SocketId socket, std::string_view message, const JsonPtr& data, std::int64_t now_ms);
  bool disconnect(SocketId socket, std::int64_t now_ms);
  bool emit(SocketId socket, const FramePtr& frame, std::int64_t now_ms);
  /// Asks for an acknowledgement and gives its id; nothing where the socket owes too many.
  std::optional<std::uint64_t> emit_asking(SocketId socket, std::string_view event,
                                           const nlohmann::json& arguments, std::int64_t now_ms);
  /// To all of a namespace ("" as the room) or of a room, but `except`. Gives how many.
  std::size_t emit_to(std::size_t name_space, std::string_view room, SocketId except,
                      const FramePtr& frame, std::int64_t now_ms);
  /// False where a bound is reached, too.
  bool join(SocketId socket, std::string_view room);
  bool leave(SocketId socket, std::string_view room);

  const std::string& name_of(SocketId socket) const { return namespaces_[socket & 0xff]; }
  /// Where it is in the list; nothing where the hub has none of that name.
  std::optional<std::size_t> namespace_of(std::string_view name) const;
  std::size_t sessions() const { return peers_.size(); }
  std::size_t sockets() const { return sockets_.size(); }
  std::size_t queued_bytes() const { return queued_bytes_; }

  Steps take_steps() { return std::exchange(steps_, {}); }
  std::vector<HubEvent> take_events() { return std::exchange(events_, {}); }

 private:
  struct Socket;
  struct Peer;
  struct Room;
  struct Due {
    std::int64_t at_ms;
    SessionId session;
    bool operator>(const Due& other) const { return at_ms > other.at_ms; }
  };

  Peer* peer_of(SessionId id);
  Socket* joined_socket(SocketId id);
  void receive_message(Peer& peer, ReadMessage read, std::int64_t now_ms);
  void receive_fault(Peer& peer, const MessageFault& fault);
  void connect(Peer& peer, Message message, std::int64_t now_ms);
  void send(Peer& peer, const FramePtr& frame);
  void send_message(Peer& peer, std::string_view text);
  void settle(Peer& peer, std::int64_t now_ms);
  void count_queue(Peer& peer);
  void schedule(SessionId id, Peer& peer);
  void expire_sockets(Peer& peer, std::int64_t now_ms);
  void remove(SocketId id, std::string_view reason);
  void leave_room(Socket& socket, std::size_t place);
  bool enter_room(Socket& socket, std::string_view room);

  const HubBounds bounds_;
  const std::vector<std::string> namespaces_;
  Steps steps_;
  std::vector<HubEvent> events_;
  SessionId last_session_ = 0;
  std::uint64_t last_socket_ = 0;
  std::size_t queued_bytes_ = 0;
  std::size_t memberships_ = 0;
  std::unordered_map<SessionId, Peer> peers_;
  std::unordered_map<std::string_view, SessionId> by_sid_;  ///< views of the sessions' own
  std::map<std::string, std::size_t, std::less<>> by_owner_;
  std::unordered_map<SocketId, Socket> sockets_;
  std::vector<std::map<std::string, Room, std::less<>>> rooms_;  ///< by namespace; "" is all of it
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
};

/// An event as all that are to get it share it.
FramePtr event_frame(std::string_view name_space, std::string_view event,
                     const nlohmann::json& arguments);
FramePtr ack_frame(std::string_view name_space, std::uint64_t ack, const nlohmann::json& arguments);

}  // namespace redoubt::http::engineio
