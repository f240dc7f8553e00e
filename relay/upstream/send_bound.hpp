// What a request may cost in tokens at most, read from the very bytes that are sent: so the bound
// and the request cannot drift apart, whichever encoder wrote them.
//
// 1. Texts count as limits::PromptSize has it. Images that travel inside are bounded each; media of
//    any other kind that travels inside (a PDF of a few bytes may have a thousand pages) is not.
// 2. What lies elsewhere counts as the model's whole context: stored responses, conversations,
//    prompts and files, whatever has an address, also images; and every member, tool and part that
//    the relay does not know by allowed_members.hpp, which only an operator's pass_through lets in.
// 3. The output is what the body allows: its limit, which no encoder leaves out where the model's
//    own is not known, times the number of answers. Thinking that is given a budget of its own
//    counts beside the limit for formats whose documentation does not say that it is within
//    (Gemini: https://ai.google.dev/gemini-api/docs/thinking; OpenRouter's reasoning.max_tokens).
// 4. Uses of the provider's own tools are counted where they have a price (llm::tool_fee): each
// tool
//    that stands in the body, in a list of tools, among the items, or in what the relay does not
//    know, with its max_uses where its format has that (Anthropic), else uses_assumed; of all
//    together max_tool_calls where it is said (Responses). What the client runs counts as none. A
//    container is paid by its size and its time, which nothing in a request or an answer tells
//    (https://platform.openai.com/docs/pricing,
//    https://docs.claude.com/en/docs/about-claude/pricing): asks_container is all that is said of
//    it.
// 5. A model may think unless its card says that it does not, or that it can be off and the body
//    has it so. A card that does not say how it thinks, and a word that is not known, say nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/llm/chat.hpp"
#include "engine/llm/models.hpp"
#include "engine/llm/usage.hpp"
#include "relay/limits/token_bound.hpp"

namespace redoubt::upstream {

/// How often a provider is taken to use a tool of its own at most, where nothing bounds it.
constexpr std::int64_t uses_assumed = 16;

struct SendBound {
  limits::PromptSize prompt;
  bool refers_outside = false;       ///< law 2
  std::int64_t output_tokens = 0;    ///< the body's limit; 0: it has none
  std::int64_t thinking_tokens = 0;  ///< a budget that may count beside it
  std::int64_t answers = 1;          ///< that are asked for
  llm::ToolUses tool_uses;           ///< law 4, for each of them
  bool asks_container = false;       ///< the provider is to run code, or a shell
  bool thinking_asked = false;       ///< some member may turn thinking on
  bool thinking_off = false;         ///< a member turns it off
};

/// REQUIRES: the body of an encoder of that format. O(bytes)
SendBound send_bound(llm::WireFormat format, std::string_view body);

/// REQUIRES: the model's limits, > 0; `image_tokens_each` is its card's image_tokens_max, or 0.
std::int64_t input_tokens_upper(const SendBound& bound, std::int64_t context_tokens,
                                std::int64_t image_tokens_each = 0);
std::int64_t output_tokens_upper(const SendBound& bound, std::int64_t model_output_max);
/// Of all answers together.
llm::ToolUses tool_uses_upper(const SendBound& bound);
/// Do answers of the format say how often tools were used? Chat completions do not.
bool tells_tool_uses(llm::WireFormat format);

/// Law 5. `card` is null where the model is not known.
bool may_think(llm::WireFormat format, const SendBound& bound, const llm::ModelCard* card);

}  // namespace redoubt::upstream
