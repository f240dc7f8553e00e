// Reads one HTTP/1.1 response at a time from bytes that arrive in any pieces; the client's half of
// request_parser.
//
// 1. Beast's parser does the grammar of a head, chunk_decoder that of chunks. What would let this
// side and the server disagree about where
//    a response ends is refused: Transfer-Encoding other than exactly one "chunked", together with
//    Content-Length, two different Content-Lengths, an upgrade that nobody asked for.
// 2. The body is handed on as it comes, in views of the input; nothing of it is kept.
// 3. Interim responses (1xx) are skipped, a bounded number of them; trailers are read and dropped.
// 4. A body without length or chunks lasts to the end of the connection (end_of_input).
//
// No I/O, no clock. RFC 9112 and RFC 9110 throughout.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/http/message.hpp"

namespace redoubt::http {

struct ResponseLimits {
  std::size_t head_bytes_max = 64 * 1024;
  std::size_t headers_max = 200;
  std::size_t body_bytes_max = 32 * 1024 * 1024;
  std::size_t chunk_line_bytes_max = 4 * 1024;
  std::size_t trailer_bytes_max = 8 * 1024;
  int interim_max = 8;
};

/// Views are valid until the reader is fed again or reset.
struct ResponseHead {
  int status = 0;
  int version_minor = 1;
  std::vector<HeaderView> headers;

  /// The first header of that name (any case), or nothing.
  std::optional<std::string_view> header(std::string_view name) const;
};

/// Takes the body as it is read.
class BodySink {
 public:
  virtual ~BodySink() = default;
  virtual void on_body(std::string_view bytes) = 0;
};

class ResponseReader {
 public:
  enum class Step : std::uint8_t {
    need_more,   ///< all input is consumed
    head_ready,  ///< head() is complete; feed again, also with no input left
    complete,    ///< what is left of the input belongs to nobody
    failed,      ///< failure() says why; the connection must close
  };

  explicit ResponseReader(const ResponseLimits& limits = {});
  ~ResponseReader();
  ResponseReader(ResponseReader&&) noexcept;
  ResponseReader& operator=(ResponseReader&&) noexcept;

  /// Consumes from the front of `input`. REQUIRES: neither complete nor failed (reset first).
  Step feed(std::string_view& input, BodySink& sink);
  /// The connection ended: complete for a body that lasts to the end, else failed (cut short).
  Step end_of_input();
  /// Makes ready for the next response. `head_request`: it has no body whatever it says.
  void reset(bool head_request = false);

  const ResponseHead& head() const;
  /// A byte of the response was consumed.
  bool started() const;
  /// The connection can carry another request. REQUIRES: complete
  bool keep_alive() const;
  /// What is kept of the response's head, until the next one.
  std::size_t head_bytes() const;
  /// Bytes of the body so far.
  std::size_t body_bytes() const;
  bool too_large() const;
  const std::string& failure() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace redoubt::http
