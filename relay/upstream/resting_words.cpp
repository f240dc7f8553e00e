#include "relay/upstream/resting_words.hpp"

#include <algorithm>

#include "engine/base/message.hpp"
#include "engine/llm/failure.hpp"
#include "relay/limits/amounts.hpp"
#include "relay/observe/log.hpp"
#include "relay/upstream/failure_words.hpp"

namespace redoubt::upstream {

std::string resting_text(std::span<const RestingKey> keys, std::int64_t now_ns,
                         std::int64_t wall_ms) {
  std::string text;
  for (const RestingKey& key : keys) {
    const std::int64_t until_ms = wall_ms + (key.until_ns - now_ns) / 1'000'000;
    text += joined({text.empty() ? "" : "; ", "the key ", key.name, " rests until ",
                    observe::utc_time(until_ms), ": the provider refused it (",
                    llm::failure_name(key.why), ")"});
  }
  return text;
}

llm::ChatFailure resting_failure(const RestingKey& key, std::int64_t now_ns) {
  llm::ChatFailure for_client = failure_for_client(llm::local_failure(key.why, ""), {});
  for_client.message +=
      joined({" It is asked again in ", limits::duration_text(key.until_ns - now_ns), "."});
  return for_client;
}

bool is_soon_back(std::span<const RestingKey> keys) {
  return std::any_of(keys.begin(), keys.end(), [](const RestingKey& key) {
    return key.why == llm::FailureClass::rate_limited;
  });
}

}  // namespace redoubt::upstream
