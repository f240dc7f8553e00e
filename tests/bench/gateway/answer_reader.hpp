// AnswerReader: takes an HTTP/1.1 answer in pieces and tells when it is complete and how many
// server-sent events it held. For the load generator: it believes its peers and is cheap.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace redoubt::bench {

class AnswerReader {
 public:
  /// False where the bytes are no answer. Bytes after the answer's end are an error too: the
  /// generator never asks before it was answered.
  bool feed(std::string_view bytes);
  bool complete() const { return state_ == State::complete; }
  int status() const { return status_; }
  std::size_t events() const { return events_; }
  const std::string& body() const { return body_; }
  void reset();

 private:
  enum class State : std::uint8_t {
    head,
    counted,
    chunk_size,
    chunk,
    chunk_end,
    trailer,
    complete
  };
  bool read_head();
  void take_body(std::string_view bytes);
  bool take_line(std::string_view& bytes);

  State state_ = State::head;
  int status_ = 0;
  std::size_t left_ = 0;  // of the body or the chunk
  std::size_t events_ = 0;
  bool after_newline_ = false;
  std::string line_;  // the head, or a line between chunks
  std::string body_;
};

}  // namespace redoubt::bench
