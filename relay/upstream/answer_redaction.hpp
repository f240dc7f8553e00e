// AnswerRedaction: takes the key of an attempt out of the answer that it brings, event by event.
//
// 1. What is taken out is the key as it was sent, byte for byte, and as it is written in a JSON
// text,
//    in a URL, in hexadecimal and in base64 (both alphabets, at each of the three alignments);
//    redacted_mark stands in its place. (What a failure says is judged more strictly:
//    relay/upstream/failure_words.hpp.)
// 2. What a client may put together is one channel: all texts of an answer, all its refusals (one
//    that goes on in a text is found too), all its thoughts, the arguments of each call, and each
//    text, or list of texts, in what is told of a chat's message in pieces. So it is where one
//    answer goes on with what another of the same call began. A key that is spread over the events
//    of a channel is found, whatever stands between them: what may be the beginning of one of its
//    forms waits, held_bytes_min bytes or more of it, until its channel goes on or the answer ends.
//    Fewer bytes ("sk-") go on at once, so that no ordinary text is delayed.
// 3. What has waited goes out with what its channel goes on with, or before the end: so the last
//    bytes of a text that ends like a key begins may come behind a call, a thought or a signature
//    that followed it. A key whose parts are told in two channels is not found; nor is one under
//    any other cipher. In what a provider wrote as JSON and is told so, escapes that JSON does not
//    need are undone first.
// 4. A key under answer_key_bytes_min is not looked for: those are the placeholders of servers that
//    want none ("ollama", "none"), and they are words.
// 5. Cost: one pass over each event's text, whatever the number of forms.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/llm/chat.hpp"

namespace redoubt::upstream {

constexpr std::size_t answer_key_bytes_min = 16;
constexpr std::size_t held_bytes_min = 4;
/// In which a key may have begun at one time; an answer has a text, a thought and some calls.
constexpr std::size_t open_channels_max = 64;

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
  // A channel in which a key may have begun.
  struct Channel {
    llm::ChatEvent event;  ///< of what waits, without its text
    std::string before;    ///< told: the JSON that leads to the text ({"audio":{"transcript":")
    std::string after;     ///< and what closes it
    std::string gone;      ///< of the key's beginning, what has gone on
    std::string waiting;
  };

  void pass_text(llm::ChatEvent event, std::vector<llm::ChatEvent>& out);
  void pass_piece(const llm::ChatEvent& event, std::string_view before, std::string_view after,
                  std::string& text);
  void clean_end(std::string& text) const;
  bool goes_on_with(const Channel& channel, std::string_view piece) const;
  void go_on(Channel& channel, std::string& text) const;
  std::string pass_object(const llm::ChatEvent& event, const std::string& before,
                          const std::string& after, std::string_view object);
  std::string pass_value(const llm::ChatEvent& event, const std::string& before,
                         const std::string& after, std::string_view value);
  void flush(std::vector<llm::ChatEvent>& out);
  void clean(std::string& text) const;

  std::shared_ptr<const KeyForms> forms_;
  std::vector<Channel> channels_;  // mostly none
};

}  // namespace redoubt::upstream
