// Guard: how an error leaves the core. What goes wrong inside guarded() is thrown as a JavaScript
// Error with code, path, expected, got, line and column, after everything of C++ was left: an
// exception must not cross frames that own things.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "engine/base/result.hpp"

namespace redoubt::wasm {

/// Carries an Error out of a call to guarded(), within C++ alone.
struct Fault {
  Error error;
};

template <class T>
T unwrap(Result<T> result) {
  if (!result.ok()) throw Fault{std::move(result.error())};
  return std::move(*result);
}
inline void unwrap(Result<void> result) {
  if (!result.ok()) throw Fault{std::move(result.error())};
}

/// Calls `run`; false where it failed, and then raise() throws why. Once for all calls: it is
/// large.
bool caught(void (*run)(void*), void* context);
[[noreturn]] void raise();

template <class F>
auto guarded(F run) -> decltype(run()) {
  if constexpr (std::is_void_v<decltype(run())>) {
    if (caught([](void* f) { (*static_cast<F*>(f))(); }, &run)) raise();
  } else {
    std::optional<decltype(run())> result;
    auto call = [&] { result.emplace(run()); };
    if (caught([](void* f) { (*static_cast<decltype(call)*>(f))(); }, &call)) raise();
    return std::move(*result);
  }
}

}  // namespace redoubt::wasm
