// How large a model's request or answer is: whether its memory is counted, and whether it is worked
// on where it would hold up a shard.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/llm/chat.hpp"
#include "engine/llm/embeddings.hpp"

namespace redoubt::upstream {

/// A request over it, and what is encoded of it, is counted in the budget of memory, and it is
/// encoded in the compute pool: at some 10 ns a byte at worst no other holds its shard for long.
constexpr std::size_t large_request_bytes = 64 * 1024;
/// A request that may wait for another's answer counts from here on.
constexpr std::size_t joined_request_bytes = 4 * 1024;

/// Memory that the request takes: its texts, and its parts with the room that their lists have.
/// O(parts)
std::size_t request_size(const llm::ChatRequest& request);
std::size_t request_size(const llm::EmbeddingRequest& request);
/// The same of texts that requests are made of.
std::size_t texts_size(const std::vector<std::string>& texts);

/// The same of an answer.
std::size_t answer_size(const llm::ChatAnswer& answer);

}  // namespace redoubt::upstream
