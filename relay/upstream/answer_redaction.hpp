// AnswerRedaction: takes the key of an attempt out of the answer that it brings, event by event.
//
// 1. What is taken out is the key as it was sent, byte for byte, and as it is written in a JSON
// text,
//    in a URL, in hexadecimal and in base64 (both alphabets, at each of the three alignments);
//    redacted_mark stands in its place. (What a failure says is judged more strictly:
//    relay/upstream/failure_words.hpp.)
// 2. A key that is spread over events of one text, one thought, or one call's arguments is found
//    too: what may be the beginning of one of its forms waits for the next event, held_bytes_min
//    bytes or more of it. Fewer bytes ("sk-") go on at once, so that no ordinary text is delayed.
// 3. What waits goes out before anything that ends its text: another text, the end, a failure. A
// key
//    whose parts are told in two texts is not found; nor is one under any other cipher.
//    What is told beside a text without a neutral name (EventKind::told: log probabilities, usage)
//    does not end it, and is looked through by itself.
// 4. A key under answer_key_bytes_min is not looked for: those are the placeholders of servers that
//    want none ("ollama", "none"), and they are words.
// 5. Cost: one pass over each event's text, whatever the number of forms.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/llm/chat.hpp"

namespace redoubt::upstream {

constexpr std::size_t answer_key_bytes_min = 16;
constexpr std::size_t held_bytes_min = 4;

class KeyForms;

class AnswerRedaction {
 public:
  /// Lets everything pass.
  AnswerRedaction() = default;
  explicit AnswerRedaction(std::string_view key);

  bool active() const { return forms_ != nullptr; }
  /// Appends what may go on of the event, and before it what has waited and need not any more.
  void pass(llm::ChatEvent event, std::vector<llm::ChatEvent>& out);

 private:
  void pass_text(llm::ChatEvent event, std::vector<llm::ChatEvent>& out);
  void flush(std::vector<llm::ChatEvent>& out);
  void clean(std::string& text) const;

  std::shared_ptr<const KeyForms> forms_;
  // Of the text under way: its event without its text, what of a key's beginning has gone on, and
  // what waits.
  std::optional<llm::ChatEvent> open_;
  std::string gone_;
  std::string waiting_;
};

}  // namespace redoubt::upstream
