// What every decoder knows while an answer comes in, and how it tells it. A plain value.
//
// 1. `started` is told before anything else, `finished` or `failed` last and once.
// 2. Tool calls are numbered from 0 in the order of their beginning, whatever the wire's index, and
//    each has an id of its own.
// 3. An answer with tool calls that ends with "stop" ends with tool_calls: OpenAI says "stop" for a
//    forced tool, Gemini always.
// 4. Calls are told one after another, whatever the wire does: what comes while a call's arguments
//    are not complete waits for their end. What follows the end of its arguments' object is
//    dropped, and a call without any has "{}".
// 5. Half a character at the end of a text waits for the next piece of the same text.
// 6. Of several answers each has a state of its own; the others' lie in the first one's. Their ends
//    are told together, before the first one's, which is the end of all.
// 7. At most calls_max calls and blocks_max blocks; more is a failure. kept_bytes() is what waits
// to
//    be told; whoever feeds bounds it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

#include "engine/llm/chat.hpp"

namespace redoubt::llm {

using ChatEvents = std::vector<ChatEvent>;

/// A block, item or tool call that is under way, by the wire's own key.
struct Slot {
  std::int64_t key = 0;
  PartKind kind = PartKind::text;
  std::int32_t call = -1;
  bool has_arguments = false;
  bool has_pieces = false;  ///< Responses: some of it came whole, without deltas
  std::string id;
  std::string text;  ///< what must wait: an opaque block's beginning
  std::string fragments;
};

/// Finds the end of a JSON object that comes in pieces.
class ObjectEnd {
 public:
  /// How many bytes of the piece belong to the object: all, or those up to its end.
  std::size_t take(std::string_view piece);
  bool over() const { return over_; }
  bool begun() const { return begun_; }
  /// What came is no object: its end cannot be seen.
  bool odd() const { return odd_; }

 private:
  int depth_ = 0;
  bool begun_ = false;
  bool odd_ = false;
  bool over_ = false;
  bool in_text_ = false;
  bool escaped_ = false;
};

/// The call whose arguments are under way.
struct OpenCall {
  std::int32_t call = -1;
  ObjectEnd end;
};

/// Bytes at a text's end that may be the beginning of a character.
struct HalfText {
  EventKind kind = EventKind::heartbeat;
  std::int32_t call = -1;
  std::string bytes;
};

struct AnswerState {
  bool started = false;
  bool over = false;
  bool finish_seen = false;
  bool shown = false;             ///< text, reasoning or a call was told
  bool spoke = false;             ///< text was told
  bool thought_in_words = false;  ///< OpenAI chat: thoughts were told without their details
  FinishReason reason = FinishReason::unknown;
  std::string detail;
  std::string id;
  std::string made_of;  ///< stands for an empty id in the ids of calls that have none
  std::int32_t calls = 0;
  std::set<std::string> call_ids;  ///< of the calls so far
  std::vector<Slot> slots;
  Usage usage;
  std::int64_t fresh_input = 0;  ///< Anthropic: what its counts were so far
  OpenCall open;
  ChatEvents held;              ///< what waits for the open call's end
  std::size_t held_bytes = 0;   ///< of `held`
  std::size_t slots_bytes = 0;  ///< that keep() took
  HalfText half;
  bool cites = false;               ///< Anthropic: blocks of text are cited, so they stay apart
  std::string reported_answer;      ///< what was told last of the answer
  std::int64_t answers = 1;         ///< that were asked for
  std::vector<AnswerState> others;  ///< invariant 6

  void start(ChatEvents& out, std::string_view answer_id, std::string_view model);
  void say(ChatEvents& out, EventKind kind, std::string_view text, std::string_view signature = {},
           std::string_view item_id = {});
  void think(ChatEvents& out, std::string_view text, std::string_view item_id,
             std::string_view signature, std::string_view name = {}, bool redacted = false);
  /// The new call's number.
  std::int32_t begin_call(ChatEvents& out, std::string_view call_id, std::string_view name,
                          std::string_view signature = {}, std::string_view reported_of_it = {});
  void arguments(ChatEvents& out, std::int32_t call, std::string_view fragment);
  void opaque(ChatEvents& out, std::string json);
  /// `name`: as Reported has it, or "part" for what came last. "" tells nothing; what an answer's
  /// pieces say again is told once.
  void tell(ChatEvents& out, std::string_view name, std::string json);
  /// REQUIRES: usage.reported, which needs counts: a report without any says nothing.
  void tell_usage(ChatEvents& out);
  void finish(ChatEvents& out);
  /// Whether the provider said of each answer that began why it ended.
  bool all_finish_seen() const;
  void fail(ChatEvents& out, ChatFailure failure);
  /// The slot of a key, null where there is none.
  Slot* slot(std::int64_t key);
  /// Keeps more of what is told later: `text` is a slot's.
  void keep(std::string& text, std::string_view more);
  std::size_t kept_bytes() const;
  /// A new slot; null (and a failure) over the bound.
  Slot* add_slot(ChatEvents& out, std::int64_t key, PartKind kind);
  /// Calls `read(state, out)` with the state of another answer than the first, from 1, if it was
  /// asked for: what it tells is that answer's, but for a failure, which is the end of all.
  template <class Read>
  void read_other(std::int64_t answer, ChatEvents& out, Read read) {
    AnswerState* other = over ? nullptr : begin_other(answer);
    if (other == nullptr) return;
    const std::size_t from = out.size();
    read(*other, out);
    take_over(answer, from, out);
  }

 private:
  AnswerState* begin_other(std::int64_t answer);
  void take_over(std::int64_t answer, std::size_t from, ChatEvents& out);
  ChatEvent& tell(ChatEvents& out, EventKind kind);
  std::string mended(ChatEvents& out, EventKind kind, std::int32_t call, std::string_view text);
  std::string own_call_id(std::string_view call_id);
  void flush_half(ChatEvents& out);
  void pass(ChatEvents& out, ChatEvent event);
  void pass_arguments(ChatEvents& out, ChatEvent event);
  void hold(ChatEvent event);
  void release(ChatEvents& out);
  void close_calls(ChatEvents& out);
};

}  // namespace redoubt::llm
