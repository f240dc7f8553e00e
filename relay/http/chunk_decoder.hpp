// Takes a chunked body apart (RFC 9112 7.1), from bytes that arrive in any pieces.
//
// Two servers that read a chunk's line differently disagree about where the request ends, so
// everything is refused that some server reads in another way:
//
//   size       more than size_digits_max hexadecimal digits (leading zeros count), none at all,
//              spaces behind it (where padded_sizes does not allow them)
//   line       an end other than CRLF; a control character; a quoted text that the line's end cuts
//   data       an end other than CRLF
//   trailers   no `name: value`, a control character, a folded line, Content-Length,
//              Transfer-Encoding or Host
//
// Trailers are read and dropped. No I/O, no clock, no memory but one trailer's name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace redoubt::http {

struct ChunkLimits {
  std::size_t body_bytes_max = 1024 * 1024;  ///< of all chunks together
  std::size_t line_bytes_max = 256;          ///< size, extensions and CRLF of one chunk
  std::size_t trailer_bytes_max = 1024;      ///< of all trailers together
  bool padded_sizes = false;                 ///< some servers pad a chunk's size with spaces
};

class ChunkDecoder {
 public:
  enum class Step : std::uint8_t {
    need_more,  ///< all input is consumed
    data,       ///< `data` is some of the body: never empty
    complete,   ///< what is left of the input is no part of the body
    too_large,  ///< a chunk was announced that the body's bound has no room for
    refused,    ///< problem() says why
  };
  static constexpr std::size_t size_digits_max = 16;

  explicit ChunkDecoder(const ChunkLimits& limits) : limits_(limits) {}

  /// Consumes from the front of `input`; `data` is a view of it.
  /// REQUIRES: neither complete nor too_large nor refused was given.
  Step feed(std::string_view& input, std::string_view& data);
  std::string_view problem() const { return problem_; }

 private:
  enum class State : std::uint8_t {
    size,
    padding,
    extension,
    line_feed,
    data,
    data_return,
    data_feed,
    trailer_start,
    trailer_name,
    trailer_value,
    trailer_feed,
    last_feed,
  };

  Step refuse(std::string_view problem);
  Step take(char c);
  Step take_size(char c);
  Step take_extension(char c);
  Step take_trailer(char c);
  Step end_line();

  ChunkLimits limits_;
  State state_ = State::size;
  bool quoted_ = false;
  bool escaped_ = false;
  std::size_t digits_ = 0;
  std::uint64_t left_ = 0;  // of the chunk under way; while its size is read, the size
  std::size_t line_bytes_ = 0;
  std::size_t body_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  std::string name_;  // of the trailer under way
  std::string_view problem_;
};

}  // namespace redoubt::http
