// JSON as text: writing it in order, and finding a value's own text in a document.
//
// 1. The writer keeps the order in which members are written and takes finished JSON as it is, so
//    a schema reaches a model with its properties in the order of its author, which models follow
//    when they answer. A document tree would sort them.
// 2. Strings are escaped per RFC 8259; bytes that are not UTF-8 become U+FFFD, so that the result
//    is always a valid text.
//    It is one line: what was laid out over several has spaces for their ends, because events and
//    frames are told by the line.
// 3. Finding reads text that parse_json() accepted before, and trusts it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace redoubt::llm {

class JsonWriter {
 public:
  void open_object() { open('{'); }
  void close_object() { close('}'); }
  void open_array() { open('['); }
  void close_array() { close(']'); }
  void key(std::string_view name);
  /// A key as another text has it, escapes and all.
  void escaped_key(std::string_view name);

  void text(std::string_view value);
  void integer(std::int64_t value);
  void number(double value);
  void boolean(bool value);
  void null();
  /// A JSON text that is known to be valid.
  void raw(std::string_view json);

  void open_object(std::string_view name) {
    key(name);
    open_object();
  }
  void open_array(std::string_view name) {
    key(name);
    open_array();
  }
  void text(std::string_view name, std::string_view value) {
    key(name);
    text(value);
  }
  void integer(std::string_view name, std::int64_t value) {
    key(name);
    integer(value);
  }
  void boolean(std::string_view name, bool value) {
    key(name);
    boolean(value);
  }
  void raw(std::string_view name, std::string_view json) {
    key(name);
    raw(json);
  }
  /// Writes the text where it is not empty.
  void text_if(std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  /// The members of an object's text ("" is none), into the object that is open.
  void members(std::string_view object_text);
  /// The same without those that are named.
  void members_but(std::string_view object_text, std::initializer_list<std::string_view> named);
  /// The same without those that another object's text has: no key may stand twice in an object.
  void members_beside(std::string_view object_text, std::string_view other);

  /// One member, as its text has it.
  void member(std::string_view escaped_key, std::string_view value);

  std::size_t size() const { return out_.size(); }
  std::string take() { return std::move(out_); }

 private:
  void open(char bracket);
  void close(char bracket);
  void separate();

  std::string out_;
  bool comma_ = false;
};

struct MemberText {
  std::string_view key;  ///< as it stands in the text, escapes and all
  std::string_view value;
};

/// The members of an object's text, in their order; empty for anything else.
std::vector<MemberText> member_texts(std::string_view object_text);

/// The text of an object's member, "" where there is none. The key must be written without escapes.
std::string_view member_text(std::string_view object_text, std::string_view key);

/// The texts of an array's elements; empty for anything else.
std::vector<std::string_view> element_texts(std::string_view array_text);
/// The nth of them, "" over the end: a key that was written with escapes is found in the tree
/// alone.
std::string_view nth_text(const std::vector<std::string_view>& texts, std::size_t n);
/// A value's own text, or one made from its tree where that was not found.
std::string text_or_dump(std::string_view text, const nlohmann::json& value);

/// A JSON text in which what is no text is U+FFFD: bytes that are not UTF-8, and halves of
/// surrogate pairs. O(bytes)
std::string mended_json(std::string_view json);

// Reading a tree without faults: what is missing or of another type reads as nothing.

/// A member; null where `value` is no object, or the member is missing or null.
const nlohmann::json* member_of(const nlohmann::json& value, const char* key);
const nlohmann::json* member_of(const nlohmann::json* value, const char* key);
std::string_view text_of(const nlohmann::json* value);
std::string_view text_in(const nlohmann::json& value, const char* key);
/// An integer, also from a number with a zero fraction; `fallback` for all else.
std::int64_t integer_of(const nlohmann::json* value, std::int64_t fallback);
std::int64_t integer_in(const nlohmann::json& value, const char* key, std::int64_t fallback);
/// Whether one of the members at least is a count (an integer from 0), and none is there that is
/// neither that nor null.
bool counts_in(const nlohmann::json& value, std::initializer_list<const char*> keys);
bool true_in(const nlohmann::json& value, const char* key);
std::string dump(const nlohmann::json& value);
/// The text of an object with the members that are not named; "" where none is left, and for
/// anything else.
std::string rest_of(const nlohmann::json& object, std::initializer_list<const char*> named);
/// How deep a call's arguments may lie: they are passed on as they are.
constexpr int arguments_depth_max = 1'000;
/// Whether the text is one JSON object, arguments_depth_max deep at most.
bool is_object_text(std::string_view text);

}  // namespace redoubt::llm
