// What a caller may hear of the store's faults: SQL, paths and the system's words are the
// operator's.
#pragma once

#include "engine/base/result.hpp"

namespace redoubt::contract {

/// Is it the store's own fault (Database and Writer: bad_store, store_busy)?
bool is_store_fault(const Error& error);

/// A fault of the store in words for whoever asked; any other error as it is. The code stays.
Error for_caller(const Error& error);

}  // namespace redoubt::contract
