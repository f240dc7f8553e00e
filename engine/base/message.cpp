#include "engine/base/message.hpp"

namespace redoubt {

void Piece::append_to(std::string& out) const {
  if (is_number_) {
    out += std::to_string(number_);
  } else {
    out += text_;
  }
}

std::string joined(Pieces pieces) {
  std::string out;
  for (const Piece& piece : pieces)
    piece.append_to(out);
  return out;
}

Error make_error(const char* code, Pieces message, Pieces path, Pieces expected, Pieces got) {
  return {.code = code,
          .message = joined(message),
          .path = joined(path),
          .expected = joined(expected),
          .got = joined(got)};
}

}  // namespace redoubt
