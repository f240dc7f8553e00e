// Which SDK asks, where several formats have one path.
#pragma once

#include "engine/llm/wire.hpp"
#include "relay/contract/dialect.hpp"
#include "relay/http/message.hpp"

namespace redoubt::contract {

/// The path says it, or the SDK's own headers do (anthropic-version, x-api-key; x-goog-api-key).
llm::WireFormat format_of_sdk(const http::Request& request);

/// In which of its shapes Dialect::of_sdk() is told.
Dialect dialect_of_sdk(const http::Request& request);

}  // namespace redoubt::contract
