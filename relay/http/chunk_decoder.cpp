#include "relay/http/chunk_decoder.hpp"

#include <algorithm>
#include <array>

#include "engine/base/ascii.hpp"
#include "relay/http/message.hpp"

namespace redoubt::http {

namespace {

constexpr std::array<std::string_view, 3> refused_trailers{"content-length", "transfer-encoding",
                                                           "host"};

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_space(char c) {
  return c == ' ' || c == '\t';
}

/// Visible ASCII, space, tab and obs-text.
bool in_line(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= 0x20 && byte != 0x7f);
}

/// RFC 9110 5.6.2.
bool in_token(char c) {
  return is_ascii_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

}  // namespace

ChunkDecoder::Step ChunkDecoder::refuse(std::string_view problem) {
  problem_ = problem;
  return Step::refused;
}

ChunkDecoder::Step ChunkDecoder::feed(std::string_view& input, std::string_view& data) {
  while (!input.empty()) {
    if (state_ == State::data) {
      data =
          input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size())));
      input.remove_prefix(data.size());
      left_ -= data.size();
      if (left_ == 0) state_ = State::data_return;
      return Step::data;
    }
    const char c = input.front();
    input.remove_prefix(1);
    if (const Step step = take(c); step != Step::need_more) return step;
  }
  return Step::need_more;
}

ChunkDecoder::Step ChunkDecoder::take(char c) {
  switch (state_) {
    case State::size:
    case State::padding:
      return take_size(c);
    case State::extension:
      return take_extension(c);
    case State::line_feed:
      return c == '\n' ? end_line() : refuse("A chunk's line does not end in CRLF.");
    case State::data_return:
      state_ = State::data_feed;
      return c == '\r' ? Step::need_more : refuse("A chunk is not as long as its size says.");
    case State::data_feed:
      state_ = State::size;
      return c == '\n' ? Step::need_more : refuse("A chunk is not as long as its size says.");
    case State::last_feed:
      return c == '\n' ? Step::complete : refuse("The chunked body does not end in CRLF.");
    default:
      return take_trailer(c);
  }
}

ChunkDecoder::Step ChunkDecoder::take_size(char c) {
  const int digit = hex_value(c);
  if (++line_bytes_ > limits_.line_bytes_max) return refuse("A chunk's line is over its limit.");
  if (state_ == State::size && digit >= 0) {
    if (++digits_ > size_digits_max) return refuse("A chunk's size has too many digits.");
    left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
    return Step::need_more;
  }
  if (digits_ == 0) return refuse("A chunk's size is not a hexadecimal number.");
  if (c == '\r') {
    state_ = State::line_feed;
  } else if (c == ';') {
    state_ = State::extension;
  } else if (is_space(c) && limits_.padded_sizes) {
    state_ = State::padding;
  } else {
    return refuse("A chunk's size is not a hexadecimal number.");
  }
  return Step::need_more;
}

ChunkDecoder::Step ChunkDecoder::take_extension(char c) {
  if (++line_bytes_ > limits_.line_bytes_max) return refuse("A chunk's line is over its limit.");
  if (c == '\r') {
    if (quoted_) return refuse("A quoted text in a chunk's line goes over the line's end.");
    state_ = State::line_feed;
    return Step::need_more;
  }
  if (!in_line(c)) return refuse("A chunk's line holds a control character.");
  if (escaped_) {
    escaped_ = false;
  } else if (quoted_ && c == '\\') {
    escaped_ = true;
  } else if (c == '"') {
    quoted_ = !quoted_;
  }
  return Step::need_more;
}

ChunkDecoder::Step ChunkDecoder::end_line() {
  const std::uint64_t size = left_;
  digits_ = 0;
  line_bytes_ = 0;
  if (size == 0) {
    state_ = State::trailer_start;
    return Step::need_more;
  }
  if (size > limits_.body_bytes_max - std::min(limits_.body_bytes_max, body_bytes_)) {
    return Step::too_large;
  }
  body_bytes_ += static_cast<std::size_t>(size);
  state_ = State::data;
  return Step::need_more;
}

ChunkDecoder::Step ChunkDecoder::take_trailer(char c) {
  if (++trailer_bytes_ > limits_.trailer_bytes_max) {
    // The CRLF that ends the body is no trailer.
    if (state_ != State::trailer_start || c != '\r') {
      return refuse("The trailers are over their limit.");
    }
  }
  switch (state_) {
    case State::trailer_start:
      name_.clear();
      if (c == '\r') {
        state_ = State::last_feed;
        return Step::need_more;
      }
      state_ = State::trailer_name;
      [[fallthrough]];
    case State::trailer_name: {
      if (c != ':') {
        name_.push_back(c);
        return in_token(c) ? Step::need_more : refuse("A trailer is not `name: value`.");
      }
      const auto framing = [this](std::string_view name) {
        return equal_ignoring_case(name, name_);
      };
      if (name_.empty()) return refuse("A trailer is not `name: value`.");
      if (std::any_of(refused_trailers.begin(), refused_trailers.end(), framing)) {
        return refuse("A header that says where the request ends stands among the trailers.");
      }
      state_ = State::trailer_value;
      return Step::need_more;
    }
    case State::trailer_value:
      if (c == '\r') {
        state_ = State::trailer_feed;
      } else if (!in_line(c)) {
        return refuse("A trailer holds a control character.");
      }
      return Step::need_more;
    default:
      state_ = State::trailer_start;
      return c == '\n' ? Step::need_more : refuse("A trailer does not end in CRLF.");
  }
}

}  // namespace redoubt::http
