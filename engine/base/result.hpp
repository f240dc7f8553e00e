// Errors as values.
//
// An Error says what is wrong, where, and what was expected; it is meant to be read by a person and
// mapped by a rim to its own shape (an HTTP body, a JavaScript EngineError, a line on stderr).
// Result<T> is a T or an Error; Result<void> is success or an Error. Nothing in the engine throws
// across a public function.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace redoubt {

struct Error {
  std::string code;     ///< stable and machine-readable: bad_map, bad_rules, bad_order, ...
  std::string message;  ///< one sentence for people, complete without the fields below
  std::string path;  ///< where: "agents.red[2].x", "row 12, column 4", a file's name; may be empty
  std::string expected;  ///< what would have been right; may be empty
  std::string got;       ///< what was found; may be empty
  int line = 0;          ///< 1-based line in a text source, 0 where there is none
  int column = 0;        ///< 1-based column in a text source, 0 where there is none
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  /// REQUIRES: ok()
  T& value() & {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    assert(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  /// REQUIRES: !ok()
  const Error& error() const {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }
  Error& error() {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}
  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  /// REQUIRES: !ok()
  const Error& error() const {
    assert(error_);
    return *error_;
  }
  Error& error() {
    assert(error_);
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace redoubt
