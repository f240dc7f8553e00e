// What an attempt is charged, by how it ended:
//
//   it ended                                                             charge
//   not connected, or answered other than 2xx                            nothing
//   finished, the provider reported usage                                that
//   the provider said after a 2xx that it failed (overloaded, an error   prompt, seen
//   of its own, out of time or quota)
//   finished without usage                                               prompt, pieces
//   the provider said after a 2xx that the request is at fault           prompt, pieces
//   cut after a piece while it was read, and the provider stops when      prompt, pieces, unread
//   nobody reads
//   anything else that was sent: cut before a piece, timed out, left,    prompt, output bound
//   lost, not understood
//
// `prompt` is what the provider reported of it, else its bound.
// `seen` is the reported output where the report came after the last piece (with the failure, or
// before there was one), else one token for each byte that came, which is about four times as many
// as they were.
// `pieces` is the same where the model does not think for this request. Where it may
// (AttemptBound::may_think), it is the output bound: thoughts that nobody is shown are billed, and
// may be all of it before the first piece.
// `unread` is one token more for each byte that had come and was not read: the provider made it. Of
// what it makes while this side does not read (its client, or memory, holds it up) nothing is
// known: that is not a cut while it was read. All but a report is marked as estimated.
//
// Why what was not understood is charged the bound, and each attempt by itself: the provider
// answered 2xx, so it has most likely generated something, and bills what it generated for each
// request that it had. What another attempt costs is retry.hpp's to weigh.
//
// Of what is cut nobody knows what was on its way: bytes between the provider's process and this
// system (its send buffer, proxies, the network) are billed and were not seen. `unread` ends where
// this system's knowledge does. Only the bound would cover them, and would charge every client that
// leaves a stream for all of what it did not take; what is missed is what a provider made within
// about a round trip, since it stops when the connection ends.
//
// Why a provider's failure is charged less than a cut: it delivers nothing more, cannot be brought
// about by a client, and no provider's price list has a price for answers that it failed to give.
// Were thoughts that nobody saw charged then, each retry of an outage would take a whole bound from
// its caller's budget. What a client can bring about (a filter, a limit of the context) is charged
// as a cut is.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/llm/chat.hpp"
#include "engine/llm/tariff.hpp"
#include "relay/upstream/retry.hpp"

namespace redoubt::upstream {

/// What an attempt may use at most, and has reserved.
struct AttemptBound {
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  bool may_think = true;        ///< unseen: what came says nothing of what was generated
  llm::ToolUses tool_uses;      ///< of the provider's own, as far as they have a price
  bool tells_tool_uses = true;  ///< the provider's report says how many they were
};

enum class ChargeKind : std::uint8_t {
  nothing,    ///< the provider charged nothing: it refused, or was never asked
  reported,   ///< usage is the provider's
  estimated,  ///< estimate; mark it so
};

struct Charge {
  ChargeKind kind = ChargeKind::nothing;
  llm::Usage usage;
};

struct AttemptEnd {
  std::optional<Failure> failure;    ///< none: it finished well
  bool complete = false;             ///< the answer came to its end
  bool streamed = false;             ///< it was asked for as a stream
  bool stops_on_disconnect = false;  ///< the provider, of streams
  std::int64_t bytes = 0;            ///< of the pieces that came
  std::int64_t unread_bytes = 0;     ///< that came behind them, as they lie in the connection
  bool was_held_up = false;          ///< it was not read any more
  llm::Usage usage;                  ///< as far as it was reported
  bool usage_covers_pieces = false;  ///< no piece came after the report
  AttemptBound bound;
};

Charge charge_of(const AttemptEnd& end);

/// Picodollars of a charge. What no report describes is priced as it was reserved, each token at
/// its dearest kind: nobody knows what of the prompt was written to a cache. So are uses of the
/// provider's tools where no report tells them, or where it does not describe all of the call.
std::int64_t price_of(const Charge& charge, const AttemptBound& bound, const llm::Tariff& tariff,
                      llm::CallTime when);

}  // namespace redoubt::upstream
