// A Document: a JSON value and where in its source text each part of it stands, so that a fault in
// a file can be shown to its author at its line and column, whatever the file was written in.
//
// 1. Parts are named by JSON pointer (RFC 6901): "" is the whole, "/steps/0/model" a member.
// 2. A pointer that names nothing has the position of its nearest enclosing part that exists: that
//    is where a missing member belongs.
// 3. Immutable and cheap to copy: copies share the value.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"

namespace redoubt {

using Json = nlohmann::json;
struct JsonLimits;

/// Both 1-based, columns in bytes; 0 and 0 where there is no source text.
struct Position {
  int line = 0;
  int column = 0;
};

/// Where one part stands. The key of a list's element is the element itself.
struct Mark {
  std::string pointer;
  Position key;
  Position value;
};

class Document {
 public:
  /// null, with no positions.
  Document();
  /// A value that came from no text: every position is 0, 0.
  explicit Document(Json value);
  Document(Json value, std::vector<Mark> marks);

  const Json& value() const;
  /// Where the member's name begins. O(depth log n), as value_at.
  Position key_at(std::string_view pointer) const;
  /// Where the member's value begins.
  Position value_at(std::string_view pointer) const;

 private:
  struct State;
  const Mark* nearest(std::string_view pointer) const;
  std::shared_ptr<const State> state_;
};

/// `pointer` + "/" + `token`, with ~ and / escaped as RFC 6901 asks.
std::string pointer_to(std::string_view pointer, std::string_view token);
std::string pointer_to(std::string_view pointer, std::size_t index);

/// As parse_json, with the position of every part. Errors are parse_json's.
Result<Document> read_json_document(std::string_view text, const JsonLimits& limits);
Result<Document> read_json_document(std::string_view text);

}  // namespace redoubt
