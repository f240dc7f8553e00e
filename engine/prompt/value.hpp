// A value on its way through an evaluation: borrowed from the scope or the program, or owned.
//
// 1. A lookup borrows: nothing is copied until a result leaves the evaluator or enters a list.
// 2. A borrowed value points into the scope, the program's constants or a live variable, all of
//    which outlive it. What would point into a temporary is moved out of it instead.
// 3. Undefined is no JSON value: it is the absence of one, with the node that found it missing.
//
// Internal to engine/prompt: included by sources only, because it holds Json by value.
#pragma once

#include "engine/base/json.hpp"

namespace redoubt::prompt {

class Value {
 public:
  bool defined() const { return state_ != State::undefined; }
  bool borrowed() const { return state_ == State::borrowed; }
  /// REQUIRES: defined()
  const Json& json() const { return state_ == State::borrowed ? *at_ : own_; }
  const Json& operator*() const { return json(); }
  const Json* operator->() const { return &json(); }

  void borrow(const Json& from) {
    at_ = &from;
    state_ = State::borrowed;
  }
  void set(Json value) {
    own_ = std::move(value);
    state_ = State::owned;
  }
  void set_undefined(std::uint32_t node) {
    missing_ = node;
    state_ = State::undefined;
  }
  /// REQUIRES: !defined(); the node that found nothing.
  std::uint32_t missing() const { return missing_; }
  /// REQUIRES: owned
  Json& own() { return own_; }

 private:
  enum class State : std::uint8_t { owned, borrowed, undefined };
  Json own_;
  const Json* at_ = nullptr;
  std::uint32_t missing_ = 0;
  State state_ = State::owned;
};

}  // namespace redoubt::prompt
