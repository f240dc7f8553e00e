// The marks of a document while it is read (document.hpp), within bounds: a key of half a megabyte
// is in the pointer of everything below it.
//
// A part whose pointer is too long, or that comes when the list is full, gets no mark: the nearest
// part around it that has one stands for it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/base/document.hpp"

namespace redoubt {

inline constexpr std::size_t mark_pointer_bytes_max = 512;
inline constexpr std::size_t marks_bytes_max = 32u << 20;  ///< of all pointers and what holds them

class MarkList {
 public:
  void add(const std::string& pointer, Position key, Position value) {
    const std::size_t bytes = pointer.size() + sizeof(Mark);
    if (pointer.size() > mark_pointer_bytes_max || bytes > left_) return;
    left_ -= bytes;
    marks_.push_back({pointer, key, value});
  }
  std::vector<Mark> take() { return std::move(marks_); }

  /// The pointer of a part below `pointer`; no longer than it takes to see that it is too long.
  template <class Token>
  static std::string below(const std::string& pointer, const Token& token) {
    if (pointer.size() > mark_pointer_bytes_max) return pointer;
    std::string made = pointer_to(pointer, token);
    if (made.size() > mark_pointer_bytes_max) made.resize(mark_pointer_bytes_max + 1);
    return made;
  }

 private:
  std::vector<Mark> marks_;
  std::size_t left_ = marks_bytes_max;
};

}  // namespace redoubt
