#include "relay/upstream/attempt_request.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/message.hpp"
#include "engine/llm/allowed_members.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/json_text.hpp"
#include "relay/limits/token_bound.hpp"
#include "relay/upstream/send_bound.hpp"

namespace redoubt::upstream {
namespace {

// What a provider puts around each text: the marks of its ends, and words for `input_type`.
constexpr std::int64_t tokens_beside_input = 64;

Error unsupported(const AttemptTarget& to, std::string_view why) {
  return make_error("unsupported", {to.model, why}, {"model"}, {}, {to.model});
}

std::int64_t tokens_upper(const llm::EmbeddingRequest& request, const std::string& input) {
  if (request.by_tokens) return 1 + std::count(input.begin(), input.end(), ',');
  limits::PromptSize size;
  size.add_text(input);
  return size.text_tokens;
}

// Does it have a member, let through by the operator, that may cost whatever it likes?
bool is_unbounded(const llm::EmbeddingRequest& request) {
  const auto members = llm::member_texts(request.extra);
  return std::any_of(members.begin(), members.end(), [](const llm::MemberText& member) {
    return !llm::bounded_by_bytes(llm::WireFormat::openai_chat,
                                  joined({"embeddings.", member.key}));
  });
}

AttemptBound bound_of(const llm::EmbeddingRequest& request, const AttemptTarget& to) {
  const bool unbounded = is_unbounded(request);
  std::int64_t tokens = 0;
  for (const std::string& input : request.inputs) {
    const std::int64_t upper = tokens_upper(request, input) +
                               static_cast<std::int64_t>(request.title.size()) +
                               tokens_beside_input;
    tokens += unbounded ? to.most.context : std::min(upper, to.most.context);
  }
  return {.input_tokens = std::min(tokens, limits::tokens_max), .may_think = false};
}

AttemptBound bound_of(const SendBound& sent, const AttemptTarget& to) {
  const llm::WireFormat format = to.dialect->format;
  return {.input_tokens = input_tokens_upper(sent, to.most.context, to.most.image),
          .output_tokens = output_tokens_upper(sent, to.most.output),
          .may_think = may_think(format, sent, to.card),
          .tool_uses = tool_uses_upper(sent),
          .tells_tool_uses = tells_tool_uses(format)};
}

}  // namespace

AttemptRequest attempt_request(llm::ChatRequest& request, const AttemptTarget& to) {
  if (to.embedding)
    return {.wire = unsupported(to, " makes embeddings and answers no chat: POST /v1/embeddings."),
            .bound = {}};
  const std::optional<std::int64_t> asked_output_max = request.output_tokens_max;
  const std::optional<std::int64_t> asked_budget = request.reasoning.budget_tokens;
  const std::int64_t output_upper = limits::output_tokens_upper(asked_output_max, to.most.output);
  request.model = to.model;
  // An unknown model is asked for no more than the operator lets it, and for nothing else in the
  // client's stead.
  if (!to.card && to.unknown_output_tokens_max > 0) request.output_tokens_max = output_upper;
  // No model gives more than it can: what is sent is what is reserved.
  if (asked_output_max && to.card)
    request.output_tokens_max = std::min(*asked_output_max, to.most.output);
  if (asked_budget && to.card)
    request.reasoning.budget_tokens = std::min(*asked_budget, to.most.output);
  // Usage is asked of the provider whether or not the client wants to see it.
  request.stream = to.stream;
  request.stream_usage = true;
  llm::Target where{.dialect = to.dialect,
                    .base_url = to.base_url,
                    .model = to.model,
                    .takes_documents = !to.card || to.card->documents,
                    .prices_sound = to.passes_sound || (to.card && to.card->prices_sound()),
                    .output_tokens_default = output_upper};
  if (to.card) {
    where.reasoning = to.card->reasoning();
    where.takes_sampling = to.card->takes_sampling(request.reasoning);
    where.efforts = to.card->efforts;
  }
  AttemptRequest out{.wire = llm::encode_request(request, where), .bound = {}};
  request.output_tokens_max = asked_output_max;
  request.reasoning.budget_tokens = asked_budget;
  if (!out.wire) return out;
  const SendBound sent = send_bound(to.dialect->format, out.wire->body);
  if (sent.asks_container && to.budgeted)
    return {.wire = unsupported(to,
                                " runs code in a container of its provider's, whose price is not "
                                "known, and a budget limits what calls may cost."),
            .bound = {}};
  out.bound = bound_of(sent, to);
  if (sent.refers_outside) out.prompt = limits::PromptReserved::whole_context;
  // What it grew to while it was written would be counted for as long as it is sent.
  out.wire->body.shrink_to_fit();
  return out;
}

AttemptRequest attempt_request(const llm::EmbeddingRequest& request, const AttemptTarget& to) {
  if (to.card)
    return {.wire = unsupported(to, " answers chats and makes no embeddings."), .bound = {}};
  const llm::Target where{.dialect = to.dialect, .base_url = to.base_url, .model = to.model};
  const std::int64_t dimensions = to.embedding ? to.embedding->dimensions : 0;
  AttemptRequest out{
      .wire = llm::encode_embedding_request(request, where, dimensions, to.answer_bytes_max),
      .bound = {}};
  if (!out.wire) return out;
  out.bound = bound_of(request, to);
  out.wire->body.shrink_to_fit();
  return out;
}

}  // namespace redoubt::upstream
