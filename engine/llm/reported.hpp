// What a provider told without a neutral name, put together for a client of its format.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "engine/llm/chat.hpp"
#include "engine/llm/json_text.hpp"

namespace redoubt::llm {

/// How pieces of one object become one: texts that come in pieces grow (a message's deltas), or the
/// last one counts.
enum class Joining : unsigned char { grow, replace };

/// The pieces as one object's text; "" where there are none. Lists of what grows grow. O(bytes)
std::string joined_reported(const std::vector<std::string>& pieces, Joining joining);

/// Writes `usage` as the provider said it, for a client of its own format. False where that is not
/// to be had: then the neutral counts are written.
bool write_reported_usage(const ChatAnswer& answer, WireFormat client, JsonWriter& out,
                          std::string_view member = "usage");

/// The members of an object's text that are not named and not null, as an object's text; "" where
/// none is left.
std::string reported_members(std::string_view object_text,
                             std::initializer_list<std::string_view> named);

/// The list that an event of kind told adds to, null for the name of none.
std::vector<std::string>* reported_list(Reported& reported, std::string_view name);

}  // namespace redoubt::llm
