#include "engine/llm/chat.hpp"

#include "engine/base/message.hpp"
#include "engine/llm/reported.hpp"

namespace redoubt::llm {
namespace {

constexpr std::string_view failure_names[] = {
    "bad_request", "unauthorized", "not_found", "too_large", "rate_limited", "no_quota",
    "overloaded",  "server_error", "timeout",   "filtered",  "malformed",    "cut",
};
constexpr std::string_view finish_names[] = {
    "unknown", "stop", "length", "tool_calls", "filtered", "paused",
};
constexpr std::string_view format_names[] = {
    "none", "openai_chat", "openai_responses", "anthropic", "gemini",
};

ChatPart& add_part(ChatAnswer& answer, PartKind kind, WireFormat format) {
  ChatPart& part = answer.parts.emplace_back();
  part.kind = kind;
  part.format = format;
  return part;
}

// Deltas of one block go to one part; a signature closes its part, and so does what was told of it.
ChatPart& open_part(ChatAnswer& answer, PartKind kind, WireFormat format, const std::string& id) {
  if (!answer.parts.empty()) {
    ChatPart& last = answer.parts.back();
    if (last.kind == kind && last.signature.empty() && last.reported.empty() && last.id == id)
      return last;
  }
  ChatPart& part = add_part(answer, kind, format);
  part.id = id;
  return part;
}

void fold_reported(ChatAnswer& answer, const ChatEvent& event) {
  if (std::vector<std::string>* list = reported_list(answer.reported, event.name)) {
    list->push_back(event.text);
  } else if (!answer.parts.empty()) {
    answer.parts.back().reported.push_back(event.text);
  }
}

void fold_reasoning(ChatAnswer& answer, const ChatEvent& event, WireFormat format) {
  ChatPart* part = answer.parts.empty() ? nullptr : &answer.parts.back();
  const bool same = part != nullptr && part->kind == PartKind::reasoning &&
                    part->signature.empty() && part->reported.empty() && !event.redacted &&
                    (event.id.empty() || part->id.empty() || event.id == part->id);
  if (!same) part = &add_part(answer, PartKind::reasoning, format);
  part->text += event.text;
  part->redacted = event.redacted;
  if (!event.id.empty()) part->id = event.id;
  if (!event.name.empty()) part->name = event.name;
  part->signature = event.signature;
}

ChatPart* nth_call(ChatAnswer& answer, std::int32_t index) {
  for (ChatPart& part : answer.parts) {
    if (part.kind == PartKind::tool_call && index-- == 0) return &part;
  }
  return nullptr;
}

void fail_malformed(ChatAnswer& answer, std::string message) {
  ChatFailure failure;
  failure.failure_class = FailureClass::malformed;
  failure.message = std::move(message);
  failure.should_retry = true;
  answer.failure = std::move(failure);
  answer.finished = true;
}

void fold_call(ChatAnswer& answer, const ChatEvent& event, WireFormat format) {
  if (event.kind == EventKind::tool_begun) {
    ChatPart& part = add_part(answer, PartKind::tool_call, format);
    part.id = event.id;
    part.name = event.name;
    part.signature = event.signature;
    if (!event.detail.empty()) part.reported.push_back(event.detail);
    return;
  }
  ChatPart* call = nth_call(answer, event.index);
  if (call == nullptr) {
    fail_malformed(answer, joined({"arguments for tool call ", event.index, " that never began"}));
    return;
  }
  call->arguments += event.text;
}

}  // namespace

namespace {

void fold_other(ChatAnswer& answer, const ChatEvent& event, WireFormat format) {
  const auto number = static_cast<std::size_t>(event.answer);
  if (number >= answers_max) return;
  if (answer.others.size() < number) answer.others.resize(number);
  ChatAnswer& other = answer.others[number - 1];
  ChatEvent its = event;
  its.answer = 0;
  const std::size_t kept_before = other.kept_bytes;
  fold(other, its, format);
  answer.kept_bytes += other.kept_bytes - kept_before;
  if (other.failure && !answer.failure) answer.failure = other.failure;
}

bool is_of_parts(EventKind kind) {
  return kind == EventKind::text || kind == EventKind::refusal || kind == EventKind::reasoning ||
         kind == EventKind::opaque || kind == EventKind::reported ||
         kind == EventKind::tool_begun || kind == EventKind::tool_arguments;
}

}  // namespace

void fold(ChatAnswer& answer, const ChatEvent& event, WireFormat format) {
  if (event.answer > 0) return fold_other(answer, event, format);
  const std::size_t parts_before = answer.parts.size();
  answer.format = format;
  switch (event.kind) {
    case EventKind::started:
      if (!event.id.empty()) answer.id = event.id;
      if (!event.model.empty()) answer.model = event.model;
      break;
    case EventKind::text: {
      ChatPart& part = open_part(answer, PartKind::text, format, event.id);
      part.text += event.text;
      part.signature = event.signature;
      break;
    }
    case EventKind::refusal:
      open_part(answer, PartKind::refusal, format, event.id).text += event.text;
      break;
    case EventKind::reasoning:
      fold_reasoning(answer, event, format);
      break;
    case EventKind::tool_begun:
    case EventKind::tool_arguments:
      fold_call(answer, event, format);
      break;
    case EventKind::opaque:
      add_part(answer, PartKind::opaque, format).extra = event.text;
      break;
    case EventKind::reported:
      fold_reported(answer, event);
      break;
    case EventKind::usage:
      answer.usage = event.usage;
      break;
    case EventKind::heartbeat:
      break;
    case EventKind::answer_finished:
    case EventKind::finished:
      answer.reason = event.reason;
      answer.reason_detail = event.detail;
      answer.finished = true;
      break;
    case EventKind::failed:
      answer.failure = event.failure;
      answer.finished = true;
      break;
  }
  if (!is_of_parts(event.kind)) return;
  answer.kept_bytes += event.text_bytes() +
                       (answer.parts.size() - parts_before) * sizeof(ChatPart) +
                       (event.kind == EventKind::reported ? sizeof(std::string) : 0);
}

std::string answer_text(const ChatAnswer& answer) {
  std::string text;
  for (const ChatPart& part : answer.parts) {
    if (part.kind == PartKind::text) text += part.text;
  }
  return text;
}

ChatMessage as_message(const ChatAnswer& answer) {
  ChatMessage message;
  message.role = Role::assistant;
  message.parts = answer.parts;
  for (ChatPart& part : message.parts) {
    part.reported.clear();
    const bool named = part.kind == PartKind::text || part.kind == PartKind::refusal;
    if (named) part.id.clear();  // of an item that is the provider's
  }
  return message;
}

ChatMessage text_message(Role role, std::string text) {
  ChatMessage message;
  message.role = role;
  message.parts.emplace_back().text = std::move(text);
  return message;
}

std::string_view failure_name(FailureClass failure_class) {
  return failure_names[static_cast<std::size_t>(failure_class)];
}

std::string_view finish_name(FinishReason reason) {
  return finish_names[static_cast<std::size_t>(reason)];
}

std::string_view format_name(WireFormat format) {
  return format_names[static_cast<std::size_t>(format)];
}

}  // namespace redoubt::llm
