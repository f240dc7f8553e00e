// The tables of what may ride on (allowed_members.hpp): a row for each member, tool and part that
// has no neutral name, by format.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/llm/chat.hpp"

namespace redoubt::llm {

enum class Verdict : std::uint8_t {
  take,
  address,  ///< taken, but what lies there may be any number of tokens
  tools,    ///< a tool, or a list of them, each looked at
  choice,   ///< a tool_choice: of what may be among the tools
  choices,  ///< a list of them
  parts,    ///< a text, or a list of parts, each looked at
  edits,    ///< a list of edits of the context, each looked at
  words,    ///< members of the names in `only`, at any depth, and no others
  drop,     ///< left out: no answer depends on it
  stored,   ///< refused: it names what lies at the provider, perhaps another's
  served,   ///< refused: the provider runs it, on the operator's account
  priced,   ///< refused: it changes the price, though not the number of tokens
  looped,   ///< refused: it costs tokens that no bound of ours covers
  summed,   ///< refused: the provider sums the conversation up, as an answer that is paid apart
};

/// A name that ends with version_mark stands for its dated versions ("tool:bash_@" for
/// tool:bash_20250124), and for nothing else that begins so.
constexpr std::string_view version_mark = "_@";

/// A name that begins with item_mark is a member that parts and items of any type may have.
constexpr std::string_view item_mark = "item.";

struct AllowedRow {
  std::string_view name;
  Verdict verdict = Verdict::take;
  /// take: these values only, as JSON without quotes, divided by '|'; "" is any. Of a whole tool or
  /// part: the members that it has beside those with a row of their own.
  std::string_view only = {};
  bool needed = false;  ///< of a tool or its calls: without it the provider runs it
};

/// Empty for a format without clients.
std::span<const AllowedRow> allowed_rows(WireFormat format);

}  // namespace redoubt::llm
