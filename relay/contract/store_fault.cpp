#include "relay/contract/store_fault.hpp"

namespace redoubt::contract {

bool is_store_fault(const Error& error) {
  return error.code == "bad_store" || error.code == "store_busy";
}

Error for_caller(const Error& error) {
  if (!is_store_fault(error)) return error;
  const bool busy = error.code == "store_busy";
  return Error{.code = error.code,
               .message = busy ? "The relay's store has too much to do. Try again in a moment."
                               : "The relay cannot use its store. Try again; if it goes on, give "
                                 "the relay's operator the request's id."};
}

}  // namespace redoubt::contract
