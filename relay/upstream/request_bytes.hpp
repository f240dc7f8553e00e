// A request as bytes: two requests have the same where a model would be asked the same.
//
// 1. Every member that changes what a model is asked is in it, lengths first, so that no two
//    requests run together. A new member of llm::ChatRequest belongs here or in the next line.
// 2. Left out is what does not change the answer: whether it is streamed, whether the client wants
//    to see its usage, and names for the provider's abuse control (user, metadata).
// 3. The client's format is in it: `extra` is said in its terms.
#pragma once

#include <string>
#include <string_view>

#include "engine/llm/chat.hpp"
#include "relay/upstream/exact_cache.hpp"

namespace redoubt::upstream {

std::string request_bytes(const llm::ChatRequest& request);
/// The cache's key of a tenant's request. Some 2 ns a byte: large ones belong in a compute pool.
CacheKey answer_key(std::string_view tenant, const llm::ChatRequest& request);

}  // namespace redoubt::upstream
