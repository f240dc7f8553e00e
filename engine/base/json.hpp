// JSON at the engine's edges: bounded parsing and field reading with paths.
//
// nlohmann::json is heavy to compile: only .cpp files that parse or write include this header;
// other headers use <nlohmann/json_fwd.hpp>.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace redoubt {

using Json = nlohmann::json;

struct JsonLimits {
  std::size_t bytes_max = 1 << 20;
  int depth_max = 32;
  /// Of the value, by json_weights. A text of many small parts takes up to 60 times its own size.
  std::size_t memory_max = 16 << 20;
};

/// What the parts of a value take in memory, in bytes and on every platform the same: what glibc's
/// allocator takes on a 64-bit machine, where a list may have room for twice its items.
namespace json_weights {
inline constexpr std::size_t item = 32;       ///< an item of a list, whatever it is
inline constexpr std::size_t member = 96;     ///< a member of an object, whatever it is
inline constexpr std::size_t container = 64;  ///< a list or an object, empty
inline constexpr std::size_t text = 48;       ///< a string, empty
inline constexpr std::size_t inline_bytes =
    15;                                   ///< a string that has no more has no block of its own
inline constexpr std::size_t block = 16;  ///< what a string's own block takes beside its bytes

/// A string's bytes, a key's too.
constexpr std::size_t bytes(std::size_t size) {
  return size > inline_bytes ? size + block : 0;
}
}  // namespace json_weights

/// What the value takes in memory by json_weights, without the place that it stands in. O(value).
std::uint64_t weight_of(const Json& value);

/// Parses one JSON text (RFC 8259, no comments, UTF-8 checked). Errors carry code "bad_json" with
/// line and column. Nesting over depth_max, text over bytes_max and values over memory_max are
/// refused before they cost memory. A key that appears twice in one object is refused.
Result<Json> parse_json(std::string_view text, JsonLimits limits = {});

/// Reads the members of one object and gathers the first fault with its path; after a fault every
/// read returns its fallback, so a reader is a straight run of lines and one check at the end.
class JsonFields {
 public:
  /// `code` is the Error code of every fault, `path` the object's own place ("" for the root).
  JsonFields(const Json& object, std::string code, std::string path = "");

  std::int64_t integer(const char* key, std::int64_t low, std::int64_t high);
  std::int64_t integer_or(const char* key, std::int64_t low, std::int64_t high,
                          std::int64_t fallback);
  std::string text(const char* key, std::size_t bytes_max);
  std::string text_or(const char* key, std::size_t bytes_max, std::string fallback);
  /// The member as it is; a null pointer (and a fault) where it is missing.
  const Json* member(const char* key);
  /// The member or a null pointer, no fault where it is missing.
  const Json* member_or_null(const char* key);
  /// A fault for any member that was not read so far.
  void refuse_unknown();
  void fault(std::string_view key, std::string expected, std::string got);

  bool ok() const { return !error_.has_value(); }
  /// REQUIRES: !ok()
  const Error& error() const { return *error_; }

 private:
  const Json& object_;
  std::string code_;
  std::string path_;
  std::vector<std::string> read_;
  std::optional<Error> error_;
};

/// How a JSON value is named in "got": its text when short, else its type.
std::string describe(const Json& value);

}  // namespace redoubt
