// Finds a text in another in linear time, whatever the two are (Knuth, Morris, Pratt: Fast Pattern
// Matching in Strings, 1977), where a library's search may take the product of their lengths.
//
// Internal to engine/prompt.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace redoubt::prompt {

class TextSearch {
 public:
  /// REQUIRES: `needle` outlives the search and is not empty
  explicit TextSearch(std::string_view needle) : needle_(needle), back_(needle.size(), 0) {
    for (std::size_t at = 1, length = 0; at < needle.size(); ++at) {
      while (length > 0 && needle[at] != needle[length])
        length = back_[length - 1];
      if (needle[at] == needle[length]) ++length;
      back_[at] = static_cast<std::uint32_t>(length);
    }
  }

  /// The first place at or after `from`, or npos.
  std::size_t find(std::string_view text, std::size_t from = 0) const {
    std::size_t length = 0;
    for (std::size_t at = from; at < text.size(); ++at) {
      while (length > 0 && text[at] != needle_[length])
        length = back_[length - 1];
      if (text[at] == needle_[length]) ++length;
      if (length == needle_.size()) return at + 1 - length;
    }
    return std::string_view::npos;
  }

 private:
  std::string_view needle_;
  std::vector<std::uint32_t> back_;  ///< the longest start that also ends here
};

}  // namespace redoubt::prompt
