#include "relay/services/models/answer_stamp.hpp"

#include <array>
#include <bit>
#include <utility>

#include "engine/base/hash64.hpp"
#include "engine/base/message.hpp"
#include "relay/auth/crypto.hpp"

namespace redoubt::services {
namespace {

std::uint64_t random_number() {
  std::array<std::uint8_t, sizeof(std::uint64_t)> random{};
  auth::fill_random(random);
  return std::bit_cast<std::uint64_t>(random);
}

}  // namespace

llm::AnswerStamp stamp_for(const llm::ChatRequest& request, std::int64_t created_s) {
  return llm::stamp_of(request, created_s, random_number());
}

llm::AnswerStamp embeddings_stamp(std::string model) {
  llm::AnswerStamp stamp;
  stamp.model = std::move(model);
  stamp.made_id = joined({"embd-", hex16(random_number())});
  return stamp;
}

}  // namespace redoubt::services
