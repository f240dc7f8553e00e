#include "wasm/guard.hpp"

#include <emscripten/val.h>

#include <exception>
#include <new>
#include <string>

namespace redoubt::wasm {
namespace {

// Static, because a JavaScript exception leaves without running destructors.
Error thrown;

}  // namespace

void raise() {
  using emscripten::val;
  val error = val::global("Error").new_(thrown.message);
  error.set("code", thrown.code);
  error.set("path", thrown.path);
  error.set("expected", thrown.expected);
  error.set("got", thrown.got);
  error.set("line", thrown.line);
  error.set("column", thrown.column);
  thrown = {};
  error.throw_();
  __builtin_unreachable();
}

bool caught(void (*run)(void*), void* context) {
  try {
    run(context);
    return false;
  } catch (const Fault& fault) {
    thrown = fault.error;
  } catch (const std::bad_alloc&) {
    thrown = {.code = "out_of_memory",
              .message = "the engine ran out of memory: dispose of what is not used"};
  } catch (const std::exception& unexpected) {
    thrown = {.code = "internal",
              .message = std::string("unexpected: ") + unexpected.what() + "; please report it"};
  }
  return true;
}

}  // namespace redoubt::wasm
