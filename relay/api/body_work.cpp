#include "relay/api/body_work.hpp"

namespace redoubt::api {
namespace {

// A body of either is read in well under 200 us.
constexpr std::size_t quick_body_bytes_max = 64 * 1024;
constexpr std::size_t quick_values_max = 1'500;

}  // namespace

bool is_quick(std::string_view body) {
  if (body.size() <= inline_body_bytes_max) return true;
  if (body.size() > quick_body_bytes_max) return false;
  std::size_t values = 1;
  for (const char begins : {',', '[', '{'}) {
    for (std::size_t at = body.find(begins); at != body.npos; at = body.find(begins, at + 1)) {
      if (++values > quick_values_max) return false;
    }
  }
  return true;
}

Error overloaded() {
  return {.code = "overloaded", .message = "The relay has too much to do; try again."};
}

}  // namespace redoubt::api
