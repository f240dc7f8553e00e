// What of a client's request may ride on to a provider: the members, tools and parts that have no
// neutral name go to targets of the client's own format as they are, with the operator's key.
//
// 1. Closed by default. Taken is what the tables (allowed_rows.cpp) list: sampling, caching,
//    tools that the client runs, parts that travel inside the request. Whatever else a provider
//    has, or will have, is refused with its name: tools that the provider runs, what is stored
//    there (files, prompts, conversations, responses), what is priced apart.
// 2. A member that means nothing (null, false, an empty text, list or object) is left out, not
//    refused. So is what clients send out of habit and an answer does not depend on: names of end
//    users, metadata. No player can pose as another in the provider's eyes.
// 3. models.pass_through opens more, as FORMAT:NAME. FORMAT is openai (/v1/chat/completions),
//    openai-responses, anthropic or gemini. NAME is a member of the request, of an object in it
//    with a dot ("reasoning.mode"), of a request to /v1/embeddings "embeddings.NAME"; "tool:TYPE",
//    "part:TYPE" (also items and blocks), "message.MEMBER"; a "*" at its end stands for any rest. A
//    tool that is passed on brings the parts of which the history of its calls is made
//    ("web_search": web_search_call, web_search_tool_result). "beta:NAME" is a name of the header
//    anthropic-beta: those that neither cost nor store go on, the others are left out, for what
//    they turn on is refused by its own name.
// 4. Names are compared whole. A row may stand for the dated versions of a type
//    (web_search_20250305, web_search_preview_2025_03_11), and for nothing else that begins or ends
//    like it. A tool or a part that is taken has the members that its rows list, and a tool_choice
//    names no tool that would be refused. A member or a type with other characters than letters,
//    digits, _ and - is refused, whatever an operator opens: "text.cache_control" as a type is not
//    the member of a text.
// 5. Gemini's tools and parts have no type: they are named by the one member that they have.
// 6. What lies at an address is taken, unless the address is of what is stored at a provider.
// 7. The same tables say what of a body has no bound of its own (relay/upstream/send_bound.hpp),
//    and which tools are paid by the use.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/llm/chat.hpp"

namespace redoubt::llm {

struct EmbeddingRequest;

/// The operator's models.pass_through.
class PassThrough {
 public:
  /// Errors: bad_config, which says what an entry looks like.
  static Result<PassThrough> parse(std::span<const std::string> entries);

  /// Is the name passed on, itself or as a part of what is?
  bool passes(WireFormat format, std::string_view name) const;
  /// Is something inside of it passed on?
  bool passes_inside(WireFormat format, std::string_view name) const;
  /// Does sound of that format's clients go on whatever it costs?
  bool passes_sound(WireFormat format) const;

 private:
  struct Entry {
    WireFormat format;
    std::string name;
    bool any_rest = false;
  };
  std::vector<Entry> entries_;
};

/// The request without what is left out. Errors: not_allowed, with the member's name, why it is
/// refused and how an operator allows it. Requests that were made here (WireFormat::none) are as
/// they are. O(bytes of what has no neutral name)
Result<void> hold_to_allowed(ChatRequest& request, const PassThrough& passed);

/// The same of a request for embeddings, whose members are called openai:embeddings.NAME.
Result<void> hold_to_allowed(EmbeddingRequest& request, const PassThrough& passed);

/// What a use of a tool of that type costs beside its tokens.
enum class ToolFee : std::uint8_t {
  none,  ///< the client runs it, or the provider does without a fee
  web_search,
  file_search,
  unknown,  ///< no format's table knows it
};
ToolFee tool_fee(std::string_view type);

/// Whether a request with that name costs no more tokens than it has bytes.
bool bounded_by_bytes(WireFormat format, std::string_view name);

}  // namespace redoubt::llm
