// Reads one HTTP/1.1 request at a time from bytes that arrive in any pieces.
//
// Beast's parser does the grammar of a head; it is lenient where leniency lets two servers disagree
// about where a request ends (request smuggling). So the bytes of the head are checked before Beast
// sees them and its result is checked after, and everything ambiguous is refused:
//
//   bytes     bare CR or LF, NUL and other control characters, a folded header line (obs-fold)
//   target    not origin-form ("*" for OPTIONS; absolute-form only where it agrees with Host), '#',
//             a malformed or zero percent escape in the path
//   version   not HTTP/1.0 or HTTP/1.1 (505)
//   Host      missing on 1.1, more than one, not host[:port]
//   length    more than one Content-Length, not a plain decimal ("2, 2", "+2"), together with
//             Transfer-Encoding; Transfer-Encoding other than exactly one "chunked" on HTTP/1.1
//   chunks    see chunk_decoder.hpp; size line, extensions and trailers have small bounds
//   Expect    other than 100-continue (417)
//
// No I/O, no clock. RFC 9112 and RFC 9110 throughout.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "relay/http/message.hpp"

namespace redoubt::http {

struct ParserLimits {
  std::size_t head_bytes_max = 16 * 1024;
  std::size_t headers_max = 100;
  std::size_t body_bytes_max = 1024 * 1024;
  std::size_t trailer_bytes_max = 1024;
  std::size_t chunk_line_bytes_max = 256;
};

class RequestParser {
 public:
  enum class Step : std::uint8_t {
    need_more,   ///< all input is consumed
    head_ready,  ///< the head is complete and sound; set_body_limit may follow, then feed again
    complete,    ///< request() is whole; what is left of the input belongs to the next one
    refused,     ///< refusal() says why; the connection must close
  };

  explicit RequestParser(const ParserLimits& limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// Consumes from the front of `input`. After head_ready call again, also with no input left.
  /// REQUIRES: neither complete nor refused (reset first).
  Step feed(std::string_view& input);
  /// Replaces body_bytes_max for this request. REQUIRES: feed gave head_ready.
  void set_body_limit(std::size_t bytes_max);
  /// The body will be read and dropped: the request was answered at its head. False where its
  /// length says that it has more than `bytes_max`; a chunked one is refused when it has more.
  /// REQUIRES: feed gave head_ready.
  bool skip_body(std::size_t bytes_max);
  /// Gives the body's memory back, before the request is forgotten. REQUIRES: complete.
  void drop_body();
  /// Forgets the request; large buffers are given back.
  void reset();

  /// Some of a request was consumed.
  bool started() const;
  /// The head is complete, the body is under way.
  bool in_body() const;
  Request& request();
  const Refusal& refusal() const;
  /// The client lets the connection be used again.
  bool keep_alive() const;
  /// The client waits for 100 Continue before it sends the body.
  bool expects_continue() const;
  /// A body follows the head.
  bool has_body() const;
  /// Names `websocket` in Upgrade and `upgrade` in Connection.
  bool wants_websocket() const;
  /// Bytes of head and body consumed so far.
  std::size_t bytes() const;
  /// Memory that the request holds now.
  std::size_t held_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The comma-separated list holds the token (any case).
bool list_contains(std::string_view list, std::string_view token);

}  // namespace redoubt::http
