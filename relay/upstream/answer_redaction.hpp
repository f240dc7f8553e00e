// AnswerRedaction: takes the key of an attempt out of the answer that it brings, event by event.
//
// 1. What is taken out is the key as it was sent, byte for byte; redacted_mark stands in its place.
//    (What a failure says is judged more strictly: relay/upstream/failure_words.hpp.)
// 2. A key that is spread over events of one text, one thought, or one call's arguments is found
//    too: what may be the beginning of a key waits for the next event, held_bytes_min bytes or more
//    of it. Fewer bytes ("sk-") go on at once, so that no ordinary text is delayed.
// 3. What waits goes out before anything that ends its text: another text, the end, a failure.
// 4. A key under answer_key_bytes_min is not looked for: those are the placeholders of servers that
//    want none ("ollama", "none"), and they are words.
// 5. Cost: one search for the key in each event's text, and a look at its last bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/llm/chat.hpp"
#include "relay/auth/key_ring.hpp"

namespace redoubt::upstream {

constexpr std::size_t answer_key_bytes_min = 16;
constexpr std::size_t held_bytes_min = 4;

class AnswerRedaction {
 public:
  /// Lets everything pass.
  AnswerRedaction() = default;
  /// `key` lies in `ring`, which is kept as long as this.
  AnswerRedaction(auth::KeyRingPtr ring, std::string_view key);

  bool active() const { return !key_.empty(); }
  /// Appends what may go on of the event, and before it what has waited and need not any more.
  void pass(llm::ChatEvent event, std::vector<llm::ChatEvent>& out);

 private:
  void pass_text(llm::ChatEvent event, std::vector<llm::ChatEvent>& out);
  void flush(std::vector<llm::ChatEvent>& out);
  void clean(std::string& text) const;
  std::size_t beginning_at_end(std::string_view text) const;

  auth::KeyRingPtr ring_;
  std::string_view key_;
  // Of the text under way: its event without its text, what of a key's beginning has gone on, and
  // what waits.
  std::optional<llm::ChatEvent> open_;
  std::size_t gone_ = 0;
  std::string waiting_;
};

}  // namespace redoubt::upstream
