// KeyCheck: asks a provider whether it takes a key, with a request that costs nothing.
//
// 1. The request is the dialect's key_probe (engine/llm/dialect.hpp): a GET that a provider answers
//    to a good key alone.
// 2. What is told of the answer holds nothing of the key, whatever the provider wrote.
// 3. It blocks its thread, for key_check_ms_max at most; for commands, not for shards.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.hpp"
#include "relay/auth/secret.hpp"

namespace redoubt::upstream {

constexpr std::int64_t key_check_ms_max = 15'000;

enum class KeyVerdict : std::uint8_t {
  taken,
  limited,      ///< taken, but the provider has enough of it: rate or quota
  refused,      ///< it is no key of theirs, or not allowed
  unclear,      ///< an answer that says nothing of the key
  unreachable,  ///< no answer
  unasked,      ///< the dialect has no request that would tell
};
/// "taken", "limited", ...
const char* verdict_name(KeyVerdict verdict);

struct KeyCheck {
  KeyVerdict verdict = KeyVerdict::unasked;
  int status = 0;       ///< of the answer; 0 for none
  std::string message;  ///< the provider's, or why there was no answer
  std::int64_t took_ms = 0;
};

/// Whom to ask: as config::Provider has it.
struct KeyProvider {
  std::string name;
  std::string dialect;   ///< empty: the name
  std::string base_url;  ///< empty: the dialect's
  std::string authorities_file;
  std::string proxy;
};

/// Errors: bad_config (no such dialect), bad_url, bad_certificate.
Result<KeyCheck> check_key(const KeyProvider& provider, const auth::Secret& key);

}  // namespace redoubt::upstream
