#include "relay/upstream/answer_redaction.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <utility>

#include "engine/base/ascii.hpp"
#include "engine/llm/json_text.hpp"
#include "relay/auth/base64.hpp"
#include "relay/auth/crypto.hpp"
#include "relay/auth/secret.hpp"
#include "relay/upstream/redaction.hpp"

namespace redoubt::upstream {

/// How a key may be written in an answer; overwritten when it goes.
class KeyForms {
 public:
  explicit KeyForms(std::string_view key);
  ~KeyForms() {
    for (std::string& form : forms_)
      auth::cleanse(form);
  }
  KeyForms(const KeyForms&) = delete;
  KeyForms& operator=(const KeyForms&) = delete;

  struct Found {
    std::size_t at = std::string_view::npos;  ///< of the first whole form; npos: there is none
    std::size_t size = 0;
    std::size_t tail = 0;  ///< where what may begin one begins; the text's end where nothing does
  };
  /// REQUIRES: from <= text.size(). O(bytes)
  Found find(std::string_view text, std::size_t from) const;

 private:
  static constexpr std::size_t forms_max = 16;  // the bits of `begins_`
  void add(std::string form);

  std::vector<std::string> forms_;
  std::array<std::uint16_t, 256> begins_{};  // by a byte: the forms that begin with it
};

namespace {

std::string json_form(std::string_view key, bool with_slashes) {
  std::string form;
  for (const char c : key) {
    if (c == '"' || c == '\\' || (with_slashes && c == '/')) form += '\\';
    form += c;
  }
  return form;
}

std::string url_form(std::string_view key, std::string_view digits) {
  constexpr std::string_view plain = "-._~";
  std::string form;
  for (const char c : key) {
    const bool word = is_ascii_alnum(c);
    if (word || plain.find(c) != plain.npos) {
      form += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    form += '%';
    form += digits[byte >> 4];
    form += digits[byte & 15];
  }
  return form;
}

std::string with_case(std::string text, bool upper) {
  for (char& c : text) {
    if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    if (!upper && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

/// The part that is the same whatever stands before and behind the key; `skip` bytes of it belong
/// to the group of what stands before.
std::string base64_form(std::string_view key, std::size_t skip, bool url) {
  std::string form = auth::to_base64url(key.substr(skip));
  form.resize((key.size() - skip) * 8 / 6);
  if (url) return form;
  std::replace(form.begin(), form.end(), '-', '+');
  std::replace(form.begin(), form.end(), '_', '/');
  return form;
}

using llm::ChatEvent;
using llm::EventKind;

bool is_text(EventKind kind) {
  return kind == EventKind::text || kind == EventKind::refusal || kind == EventKind::reasoning ||
         kind == EventKind::tool_arguments;
}

/// Told in pieces whose texts a client joins.
bool is_grown(const ChatEvent& event) {
  return event.kind == EventKind::reported && (event.name == "message" || event.name == "choice");
}

bool are_one_channel(const ChatEvent& one, const ChatEvent& other) {
  if (one.kind != other.kind || one.answer != other.answer) return false;
  if (one.kind == EventKind::tool_arguments) return one.index == other.index;
  return one.kind != EventKind::reported || one.name == other.name;
}

/// A client may put them together: clients of some formats get a refusal as a text, and whoever
/// asks for several answers has them all.
bool are_joined(const ChatEvent& one, const ChatEvent& other) {
  const auto is_said = [](const ChatEvent& event) {
    return event.kind == EventKind::text || event.kind == EventKind::refusal;
  };
  if (is_said(one)) return is_said(other);
  ChatEvent of_same_answer = other;
  of_same_answer.answer = one.answer;
  return are_one_channel(one, of_same_answer);
}

/// JSON as its provider wrote it, whose readers see through escapes that it did not need.
bool is_raw(EventKind kind) {
  return kind == EventKind::reported || kind == EventKind::opaque;
}

/// The same JSON without the escapes of characters that need none.
std::string without_escapes(std::string_view json) {
  constexpr std::string_view begins = "\\u00";
  constexpr std::size_t escape_bytes = 6;
  std::string plain;
  for (std::size_t at = 0; at < json.size();) {
    const std::string_view rest = json.substr(at);
    if (!rest.starts_with('\\')) {
      plain += json[at++];
      continue;
    }
    unsigned code = 0;
    const char* digits = rest.data() + begins.size();
    const bool is_ascii = rest.starts_with(begins) && rest.size() >= escape_bytes &&
                          std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2 &&
                          code > 0x20 && code < 0x7f && code != 0x22 &&
                          code != 0x5c;  // neither a quote nor a backslash
    // A backslash and what it escapes go on together.
    const std::size_t bytes = is_ascii ? escape_bytes : std::min<std::size_t>(2, rest.size());
    is_ascii ? plain += static_cast<char>(code) : plain.append(rest.substr(0, bytes));
    at += bytes;
  }
  return plain;
}

/// The answers' ends come together, after all that they say.
bool is_end(EventKind kind) {
  return kind == EventKind::answer_finished || kind == EventKind::finished ||
         kind == EventKind::failed;
}

/// What a later event needs in order to bring what has waited.
ChatEvent without_text(const ChatEvent& event) {
  ChatEvent bare;
  bare.kind = event.kind;
  bare.index = event.index;
  bare.answer = event.answer;
  bare.id = event.id;
  if (event.kind == EventKind::reported) bare.name = event.name;
  return bare;
}

}  // namespace

KeyForms::KeyForms(std::string_view key) {
  forms_.reserve(forms_max);
  add(std::string(key));
  for (const bool slashes : {false, true})
    add(json_form(key, slashes));
  add(url_form(key, "0123456789ABCDEF"));
  add(url_form(key, "0123456789abcdef"));
  std::string hex = auth::to_hex({reinterpret_cast<const std::uint8_t*>(key.data()), key.size()});
  for (const bool upper : {false, true})
    add(with_case(hex, upper));
  auth::cleanse(hex);
  for (const std::size_t skip : {0, 1, 2}) {
    for (const bool url : {false, true})
      add(base64_form(key, skip, url));
  }
}

void KeyForms::add(std::string form) {
  if (std::find(forms_.begin(), forms_.end(), form) != forms_.end()) return auth::cleanse(form);
  const auto bit = static_cast<std::uint16_t>(1u << forms_.size());
  begins_[static_cast<unsigned char>(form.front())] |= bit;
  forms_.push_back(std::move(form));
}

KeyForms::Found KeyForms::find(std::string_view text, std::size_t from) const {
  Found found{.tail = text.size()};
  for (std::size_t at = from; at < text.size(); ++at) {
    unsigned candidates = begins_[static_cast<unsigned char>(text[at])];
    for (; candidates != 0; candidates &= candidates - 1) {
      const std::string_view form = forms_[static_cast<std::size_t>(std::countr_zero(candidates))];
      const std::string_view rest = text.substr(at, form.size());
      if (form.substr(0, rest.size()) != rest) continue;
      if (rest.size() == form.size()) {
        // Of two that begin here the longer: one may be the beginning of the other.
        if (found.at == text.npos || form.size() > found.size) found = {at, form.size(), at};
      } else {
        found.tail = std::min(found.tail, at);
      }
    }
    if (found.at != text.npos) return found;
  }
  return found;
}

AnswerRedaction::AnswerRedaction(std::string_view key) {
  if (key.size() >= answer_key_bytes_min) forms_ = std::make_shared<const KeyForms>(key);
}

void AnswerRedaction::pass(ChatEvent event, std::vector<ChatEvent>& out) {
  if (!active()) {
    out.push_back(std::move(event));
    return;
  }
  for (std::string* text : {&event.id, &event.name, &event.model, &event.signature, &event.detail})
    clean(*text);
  if (is_text(event.kind)) return pass_text(std::move(event), out);
  if (is_raw(event.kind) && event.text.find("\\u00") != event.text.npos)
    event.text = without_escapes(event.text);
  if (is_grown(event)) event.text = pass_object(event, "{", "}", event.text);
  if (is_end(event.kind)) flush(out);
  clean(event.text);
  out.push_back(std::move(event));
}

void AnswerRedaction::pass_text(ChatEvent event, std::vector<ChatEvent>& out) {
  const bool was_empty = event.text.empty();
  if (!was_empty) pass_piece(event, {}, {}, event.text);
  if (was_empty || !event.text.empty() || !event.signature.empty()) out.push_back(std::move(event));
}

/// Leaves of the text what may go on.
void AnswerRedaction::pass_piece(const ChatEvent& event, std::string_view before,
                                 std::string_view after, std::string& text) {
  auto channel = std::find_if(channels_.begin(), channels_.end(), [&](const Channel& open) {
    return are_one_channel(open.event, event) && open.before == before;
  });
  if (channel == channels_.end()) {
    channel = std::find_if(channels_.begin(), channels_.end(), [&](const Channel& open) {
      return are_joined(open.event, event) && open.before == before && goes_on_with(open, text);
    });
  }
  if (channel == channels_.end()) {
    const KeyForms::Found found = forms_->find(text, 0);
    if (found.at == text.npos && found.tail == text.size()) return;
    if (channels_.size() == open_channels_max) return clean_end(text);
    channel = channels_.insert(channels_.end(),
                               Channel{{}, std::string(before), std::string(after), {}, {}});
  }
  channel->event = without_text(event);
  go_on(*channel, text);
  if (channel->gone.empty() && channel->waiting.empty()) channels_.erase(channel);
}

/// Where nothing can wait: what may begin a key is taken out as if it were one.
void AnswerRedaction::clean_end(std::string& text) const {
  clean(text);
  const KeyForms::Found found = forms_->find(text, 0);
  if (found.tail < text.size()) text.replace(found.tail, text.npos, redacted_mark);
}

/// Is what has begun in the channel still a key's beginning, or a key, with this behind it?
bool AnswerRedaction::goes_on_with(const Channel& channel, std::string_view piece) const {
  const std::string begun = channel.gone + channel.waiting;
  const KeyForms::Found found = forms_->find(std::string(begun).append(piece), 0);
  return std::min(found.at, found.tail) < begun.size();
}

void AnswerRedaction::go_on(Channel& channel, std::string& piece) const {
  // What went on before is looked at again, as it may be where a key begins.
  const std::string text = channel.gone + channel.waiting + piece;
  piece.clear();
  std::size_t at = channel.gone.size();
  KeyForms::Found found = forms_->find(text, 0);
  for (; found.at != text.npos; found = forms_->find(text, at)) {
    piece.append(text, at, std::max(found.at, at) - at).append(redacted_mark);
    at = found.at + found.size;
  }
  const bool waits = text.size() - found.tail >= held_bytes_min;
  const std::size_t end = waits ? std::max(found.tail, at) : text.size();
  piece.append(text, at, end - at);
  channel.waiting = text.substr(end);
  channel.gone = text.substr(found.tail, end - found.tail);
}

/// The object's text with what may go on of each text in it that grows. `before` is what leads into
/// the object, `after` what closes it.
std::string AnswerRedaction::pass_object(const ChatEvent& event, const std::string& before,
                                         const std::string& after, std::string_view object) {
  std::string passed = "{";
  for (const llm::MemberText& member : llm::member_texts(object)) {
    if (passed.size() > 1) passed += ',';
    const std::string key = std::string("\"").append(member.key).append("\":");
    passed += key;
    passed += pass_value(event, before + key, after, member.value);
  }
  return passed + '}';
}

/// The same of any value. The texts of a list are one channel: a client joins them, too (the tokens
/// of `logprobs` are an answer's words).
std::string AnswerRedaction::pass_value(const ChatEvent& event, const std::string& before,
                                        const std::string& after, std::string_view value) {
  if (value.front() == '{') return pass_object(event, before + '{', '}' + after, value);
  if (value.front() == '"') {
    std::string text(value.substr(1, value.size() - 2));
    pass_piece(event, before + '"', '"' + after, text);
    return '"' + text + '"';
  }
  if (value.front() != '[') return std::string(value);
  std::string passed = "[";
  for (const std::string_view element : llm::element_texts(value)) {
    if (passed.size() > 1) passed += ',';
    passed += pass_value(event, before + '[', ']' + after, element);
  }
  return passed + ']';
}

// The last first: it belongs to what the client has open.
void AnswerRedaction::flush(std::vector<ChatEvent>& out) {
  for (auto channel = channels_.rbegin(); channel != channels_.rend(); ++channel) {
    if (channel->waiting.empty()) continue;
    channel->event.text = channel->before + channel->waiting + channel->after;
    clean(channel->event.text);
    out.push_back(std::move(channel->event));
  }
  channels_.clear();
}

void AnswerRedaction::clean(std::string& text) const {
  KeyForms::Found found = forms_->find(text, 0);
  for (; found.at != text.npos; found = forms_->find(text, found.at + redacted_mark.size()))
    text.replace(found.at, found.size, redacted_mark);
}

}  // namespace redoubt::upstream
