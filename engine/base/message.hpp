// Messages put together from pieces, in one call.
//
// `"base " + std::to_string(n) + ...` is compiled anew, with the clean-up of every temporary,
// wherever it stands; in WebAssembly such lines were a third of the map readers. A list of pieces
// is a small array on the stack and one call.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace redoubt {

/// A text (not copied: it must live as long as the piece) or a whole number.
class Piece {
 public:
  Piece(const char* text) : text_(text) {}
  Piece(std::string_view text) : text_(text) {}
  Piece(const std::string& text) : text_(text) {}
  template <std::integral T>
  requires(!std::same_as<T, bool> && !std::same_as<T, char>) Piece(T number)
      : number_(static_cast<std::int64_t>(number)), is_number_(true) {}

  void append_to(std::string& out) const;

 private:
  std::string_view text_;
  std::int64_t number_ = 0;
  bool is_number_ = false;
};

using Pieces = std::initializer_list<Piece>;

std::string joined(Pieces pieces);

/// An error whose members are put together from pieces.
Error make_error(const char* code, Pieces message, Pieces path, Pieces expected, Pieces got);

}  // namespace redoubt
