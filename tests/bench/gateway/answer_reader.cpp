#include "tests/bench/gateway/answer_reader.hpp"

#include <algorithm>
#include <charconv>

namespace redoubt::bench {

namespace {

constexpr std::size_t head_bytes_max = 64 << 10;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

/// The value of a header, "" where it is not there; `name` in lower case with its colon.
std::string_view header(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find('\n'); at != std::string_view::npos; at = head.find('\n', at)) {
    ++at;
    if (head.size() - at < name.size()) return {};
    std::size_t i = 0;
    while (i < name.size() && lower(head[at + i]) == name[i])
      ++i;
    if (i < name.size()) continue;
    std::string_view value = head.substr(at + i, head.find('\r', at) - at - i);
    while (!value.empty() && value.front() == ' ')
      value.remove_prefix(1);
    return value;
  }
  return {};
}

bool read_number(std::string_view text, std::size_t& number, int base) {
  return std::from_chars(text.data(), text.data() + text.size(), number, base).ec == std::errc();
}

}  // namespace

void AnswerReader::reset() {
  state_ = State::head;
  status_ = 0;
  left_ = events_ = 0;
  after_newline_ = false;
  line_.clear();
  body_.clear();
}

bool AnswerReader::read_head() {
  std::size_t status = 0;
  if (line_.size() < 12 || !read_number(std::string_view(line_).substr(9, 3), status, 10))
    return false;
  status_ = static_cast<int>(status);
  if (header(line_, "transfer-encoding:") == "chunked") {
    state_ = State::chunk_size;
  } else {
    if (!read_number(header(line_, "content-length:"), left_, 10)) return false;
    state_ = left_ > 0 ? State::counted : State::complete;
  }
  line_.clear();
  return true;
}

void AnswerReader::take_body(std::string_view bytes) {
  body_.append(bytes);
  for (const char c : bytes) {
    if (c == '\n') {
      if (after_newline_) ++events_;
      after_newline_ = !after_newline_;
    } else if (c != '\r') {
      after_newline_ = false;
    }
  }
}

/// Moves the bytes up to a newline into line_; false where it has not come yet.
bool AnswerReader::take_line(std::string_view& bytes) {
  const std::size_t end = bytes.find('\n');
  line_.append(bytes.substr(0, end == std::string_view::npos ? end : end + 1));
  bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
  return end != std::string_view::npos;
}

bool AnswerReader::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    switch (state_) {
      case State::head:
        if (take_line(bytes) && line_.ends_with("\r\n\r\n") && !read_head()) return false;
        if (line_.size() > head_bytes_max) return false;
        break;
      case State::counted:
      case State::chunk: {
        const std::size_t n = std::min(left_, bytes.size());
        take_body(bytes.substr(0, n));
        bytes.remove_prefix(n);
        left_ -= n;
        if (left_ == 0) state_ = state_ == State::counted ? State::complete : State::chunk_end;
        break;
      }
      case State::chunk_size:
        if (!take_line(bytes)) break;
        if (!read_number(line_, left_, 16)) return false;
        line_.clear();
        state_ = left_ > 0 ? State::chunk : State::trailer;
        break;
      case State::chunk_end:
        if (!take_line(bytes)) break;
        line_.clear();
        state_ = State::chunk_size;
        break;
      case State::trailer:
        if (!take_line(bytes)) break;
        if (line_ == "\r\n") state_ = State::complete;
        line_.clear();
        break;
      case State::complete:
        return false;
    }
  }
  return true;
}

}  // namespace redoubt::bench
