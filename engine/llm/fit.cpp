#include "engine/llm/fit.hpp"

#include <algorithm>
#include <span>

#include "engine/base/hash64.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/carried.hpp"
#include "engine/llm/encode.hpp"

namespace redoubt::llm {
namespace {

constexpr std::size_t any_length = 1 << 20;
constexpr std::int64_t thinking_room = 4096;  // tokens of output, under which there is none

// What a target takes, value by value. What is not said here is not known to be refused.
struct Rules {
  std::string_view dialect;              ///< "" ends the table: of all others
  std::size_t tool_name_max = 64;        ///< of letters, digits, _ and -
  std::string_view tool_name_also = "";  ///< and these characters
  std::size_t call_id_max = 40;          ///< of letters, digits, _ and -
  std::size_t user_max = 64;
  std::size_t stops_max = any_length;
  double temperature_max = 2;
  double penalty_min = -2;
  double penalty_max = 2;
  double top_p_min = 0;
  double top_p_max = 1;
  std::int64_t output_tokens_min = 1;
  bool blank_text = true;       ///< a text of nothing but white space
  bool starts_with_any = true;  ///< else the first message is the user's
  bool is_formats_own = false;  ///< the provider whose format it is: its clients know its numbers
};

constexpr Rules rules[] = {
    {.dialect = "openai", .stops_max = 4, .is_formats_own = true},
    {.dialect = "azure", .stops_max = 4, .is_formats_own = true},
    {.dialect = "openai-responses",
     .tool_name_max = 128,
     .call_id_max = 64,
     .output_tokens_min = 16,
     .is_formats_own = true},
    {.dialect = "anthropic",
     .tool_name_max = 128,
     .call_id_max = 64,
     .user_max = 256,
     .temperature_max = 1,
     .blank_text = false,
     .starts_with_any = false,
     .is_formats_own = true},
    {.dialect = "gemini",
     .tool_name_max = 128,
     .tool_name_also = ".:",
     .call_id_max = 64,
     .stops_max = 5,
     .starts_with_any = false},
    {.dialect = "mistral", .temperature_max = 1.5},
    {.dialect = "groq", .stops_max = 4},
    {.dialect = "deepseek", .user_max = 512},
    {.dialect = "huggingface", .stops_max = 4},
    {.dialect = "openrouter", .stops_max = 4},
    {.dialect = "cohere",
     .stops_max = 5,
     .penalty_min = 0,
     .penalty_max = 1,
     .top_p_min = 0.01,
     .top_p_max = 0.99},
    {.dialect = ""},
};

const Rules& rules_of(std::string_view dialect) {
  const Rules* rule = rules;
  while (!rule->dialect.empty() && rule->dialect != dialect)
    ++rule;
  return *rule;
}

// Least first.
constexpr std::string_view efforts[] = {"none", "minimal", "low", "medium", "high", "xhigh", "max"};

std::ptrdiff_t rank_of(std::string_view effort) {
  const auto found = std::find(std::begin(efforts), std::end(efforts), effort);
  return found == std::end(efforts) ? -1 : found - std::begin(efforts);
}

// The nearest word that the model takes, rather less than more.
std::string nearest_effort(const std::string& asked, std::span<const std::string> taken) {
  const std::ptrdiff_t rank = rank_of(asked);
  if (rank < 0 || taken.empty()) return asked;
  const std::string* best = nullptr;
  std::ptrdiff_t best_distance = 0;
  for (const std::string& word : taken) {
    const std::ptrdiff_t its = rank_of(word);
    if (its < 0) continue;
    const std::ptrdiff_t distance = 2 * std::abs(its - rank) + (its > rank ? 1 : 0);
    if (best != nullptr && distance >= best_distance) continue;
    best = &word;
    best_distance = distance;
  }
  return best == nullptr ? asked : *best;
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

bool is_word(std::string_view text, std::size_t bytes_max, std::string_view also) {
  return !text.empty() && text.size() <= bytes_max &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_plain(c) || also.find(c) != also.npos; });
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\f\v") == text.npos;
}

std::string hashed(std::string_view prefix, std::string_view text) {
  Hash64 hash;
  hash.add_bytes(text);
  return joined({prefix, hex16(hash.value())});
}

bool is_system(const ChatMessage& message) {
  return message.role == Role::system || message.role == Role::developer;
}

class Fitter {
 public:
  Fitter(const ChatRequest& request, const Target& target)
      : request_(request), target_(target), rules_(rules_of(target.dialect->name)) {}

  Result<std::optional<ChatRequest>> run() {
    if (auto named = tool_names(); !named.ok()) return std::move(named.error());
    identifiers();
    const bool same_format = request_.format == target_.dialect->format;
    if (!rules_.starts_with_any) {
      leave_out_blanks();
      if (!same_format) begin_with_user();
      if (!same_format) end_with_user();
    }
    if (!same_format || !rules_.is_formats_own) numbers();
    words();
    return std::move(changed_);
  }

 private:
  const ChatRequest& now() const { return changed_ ? *changed_ : request_; }
  ChatRequest& edit() {
    if (!changed_) changed_ = request_;
    return *changed_;
  }

  // Who calls the tool must know its name again, so it cannot be another one.
  Result<void> tool_names() const {
    for (const ToolDefinition& tool : request_.tools) {
      if (tool.opaque || is_word(tool.name, rules_.tool_name_max, rules_.tool_name_also)) continue;
      return unsupported(joined({"the tool's name \"", tool.name.substr(0, rules_.tool_name_max),
                                 "\": a name is 1 to ", rules_.tool_name_max,
                                 " letters, digits, _ or -. Give the tool another name"}),
                         target_);
    }
    return {};
  }

  bool fits_id(const ChatPart& part) const {
    const bool has_id = part.kind == PartKind::tool_call || part.kind == PartKind::tool_result;
    return !has_id || part.id.empty() || is_word(part.id, rules_.call_id_max, "");
  }

  bool fits_name(const ChatPart& part) const {
    return part.kind != PartKind::tool_call ||
           is_word(part.name, rules_.tool_name_max, rules_.tool_name_also);
  }

  void identifiers() {
    for (std::size_t i = 0; i < request_.messages.size(); ++i) {
      for (std::size_t k = 0; k < request_.messages[i].parts.size(); ++k) {
        const ChatPart& part = request_.messages[i].parts[k];
        if (!fits_id(part)) edit().messages[i].parts[k].id = hashed("call_", part.id);
        if (!fits_name(part)) edit().messages[i].parts[k].name = name_of_history(part.name);
      }
    }
    if (request_.user.size() > rules_.user_max) edit().user = hashed("user_", request_.user);
  }

  // Of a call that was made: nobody calls it again by that name.
  std::string name_of_history(std::string_view name) const {
    std::string fit(name.substr(0, rules_.tool_name_max));
    for (char& c : fit)
      c = is_plain(c) || rules_.tool_name_also.find(c) != std::string_view::npos ? c : '_';
    return fit.empty() ? "tool" : fit;
  }

  bool says_nothing(const ChatPart& part) const {
    if (part.kind != PartKind::text && part.kind != PartKind::refusal) return false;
    if (!part.signature.empty()) return false;
    return rules_.blank_text ? part.text.empty() : is_blank(part.text);
  }

  // Where a message may not be empty, what says nothing is left out: a model's own turn may begin
  // with a blank text that its provider does not take back.
  void leave_out_blanks() {
    const auto speaks = [&](const ChatMessage& message) {
      return std::any_of(message.parts.begin(), message.parts.end(),
                         [&](const ChatPart& part) { return !says_nothing(part); });
    };
    const auto is_whole = [&](const ChatMessage& message) {
      return !message.parts.empty() &&
             std::none_of(message.parts.begin(), message.parts.end(),
                          [&](const ChatPart& part) { return says_nothing(part); });
    };
    const std::vector<ChatMessage>& given = request_.messages;
    if (std::all_of(given.begin(), given.end(), is_whole)) return;
    // A client of the same format hears from the provider that it has said nothing at all.
    const bool same_format = request_.format == target_.dialect->format;
    if (same_format && std::none_of(given.begin(), given.end(), speaks)) return;
    std::vector<ChatMessage>& kept = edit().messages;
    std::erase_if(kept, [&](const ChatMessage& message) { return !speaks(message); });
    for (ChatMessage& message : kept)
      std::erase_if(message.parts, [&](const ChatPart& part) { return says_nothing(part); });
  }

  // A history that begins with the model's own words has lost what they answered.
  void begin_with_user() {
    const std::vector<ChatMessage>& all = now().messages;
    const auto first = std::find_if_not(all.begin(), all.end(), is_system);
    if (first != all.end() && first->role != Role::assistant) return;
    const auto place = first - all.begin();
    std::vector<ChatMessage>& messages = edit().messages;
    messages.insert(messages.begin() + place, text_message(Role::user, "."));
  }

  // Anthropic's older models go on with the model's own last words, which may not end in white
  // space; the newest refuse them, and are asked to go on.
  void end_with_user() {
    if (target_.dialect->format != WireFormat::anthropic) return;
    const ChatMessage& last = now().messages.back();
    if (last.role != Role::assistant || last.parts.empty()) return;
    const bool asks = target_.reasoning == ReasoningStyle::adaptive ||
                      target_.reasoning == ReasoningStyle::adaptive_always;
    if (asks) {
      edit().messages.push_back(text_message(Role::user, "Go on."));
      return;
    }
    const ChatPart& part = last.parts.back();
    const std::size_t end = part.text.find_last_not_of(" \t\r\n");
    if (part.kind == PartKind::text && end + 1 < part.text.size())
      edit().messages.back().parts.back().text.resize(end + 1);
  }

  void hold(std::optional<double> Sampling::*member, double low, double high) {
    const std::optional<double>& value = request_.sampling.*member;
    if (!value || (*value >= low && *value <= high)) return;
    edit().sampling.*member = std::clamp(*value, low, high);
  }

  void numbers() {
    hold(&Sampling::temperature, 0, rules_.temperature_max);
    hold(&Sampling::top_p, rules_.top_p_min, rules_.top_p_max);
    hold(&Sampling::frequency_penalty, rules_.penalty_min, rules_.penalty_max);
    hold(&Sampling::presence_penalty, rules_.penalty_min, rules_.penalty_max);
    if (request_.sampling.stop.size() > rules_.stops_max)
      edit().sampling.stop.resize(rules_.stops_max);
    const std::optional<std::int64_t>& limit = request_.output_tokens_max;
    if (limit && *limit < rules_.output_tokens_min)
      edit().output_tokens_max = rules_.output_tokens_min;
  }

  void words() {
    const std::string& asked = request_.reasoning.effort;
    const std::string fit =
        asked.empty() ? effort_for_room() : nearest_effort(asked, target_.efforts);
    if (fit != asked) edit().reasoning.effort = fit;
  }

  // A model that thinks unless told otherwise would think a small answer's room away. What a client
  // did not say is its own choice; a request that was made here wants its answer.
  std::string effort_for_room() const {
    const bool tight = request_.output_tokens_max && *request_.output_tokens_max < thinking_room;
    if (request_.format != WireFormat::none || !tight || request_.reasoning.budget_tokens)
      return {};
    switch (target_.reasoning) {
      case ReasoningStyle::adaptive:
        return "none";
      case ReasoningStyle::adaptive_always:
        return "low";
      case ReasoningStyle::effort:
        return target_.efforts.empty() ? std::string() : target_.efforts.front();
      default:
        return {};
    }
  }

  const ChatRequest& request_;
  const Target& target_;
  const Rules& rules_;
  std::optional<ChatRequest> changed_;
};

}  // namespace

Result<std::optional<ChatRequest>> fitted(const ChatRequest& request, const Target& target) {
  return Fitter(request, target).run();
}

}  // namespace redoubt::llm
