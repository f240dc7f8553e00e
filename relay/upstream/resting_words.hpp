// What is said where no key of a provider can be used, because those that it has rest.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/llm/chat.hpp"
#include "relay/upstream/key_ring.hpp"

namespace redoubt::upstream {

/// For the operator: each key, what it was refused with, and until when it rests; "" of none.
std::string resting_text(std::span<const RestingKey> keys, std::int64_t now_ns,
                         std::int64_t wall_ms);

/// For the client: as the refusal itself was told (failure_words.hpp), with when the provider is
/// asked again.
llm::ChatFailure resting_failure(const RestingKey& key, std::int64_t now_ns);

/// Is a key back without the operator's doing anything?
bool is_soon_back(std::span<const RestingKey> keys);

}  // namespace redoubt::upstream
