// JSON whose texts are no text yet: what comes in pieces may be cut inside of a character.
#pragma once

#include "engine/base/json.hpp"

namespace redoubt {

/// parse_json(), but texts may hold bytes that are not UTF-8, and halves of surrogate pairs (as
/// three bytes, as WTF-8 has them). What is read is for those who join and mend texts.
Result<Json> parse_json_any_text(std::string_view text, JsonLimits limits = {});

}  // namespace redoubt
