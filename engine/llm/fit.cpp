#include "engine/llm/fit.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "engine/base/ascii.hpp"
#include "engine/base/hash64.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/carried.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/fit_rules.hpp"
#include "engine/llm/schema_dialect.hpp"
#include "engine/llm/schema_shape.hpp"

namespace redoubt::llm {
namespace {

constexpr std::int64_t thinking_room = 4096;  // tokens of output, under which there is none
// A name that a target cannot take ends with so much of its hash: no two become one.
constexpr std::size_t name_hash_digits = 8;
constexpr std::size_t shown_bytes_max = 64;
// What of a chat completion a model that thinks refuses, beside sampling.
constexpr std::string_view drops_of_thinking = "logit_bias|logprobs|top_logprobs";
constexpr std::string_view probabilities =
    "log probabilities of its tokens (logprobs). Leave them out, or ask for a model that tells "
    "them";

// Least first.
constexpr std::string_view efforts[] = {"none", "minimal", "low", "medium", "high", "xhigh", "max"};

std::ptrdiff_t rank_of(std::string_view effort) {
  const auto found = std::find(std::begin(efforts), std::end(efforts), effort);
  return found == std::end(efforts) ? -1 : found - std::begin(efforts);
}

bool is_plain(char c) {
  return is_ascii_alnum(c) || c == '_' || c == '-';
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

bool has_kind(const ChatMessage& message, PartKind kind) {
  return std::any_of(message.parts.begin(), message.parts.end(),
                     [&](const ChatPart& part) { return part.kind == kind; });
}

bool is_adaptive(const Target& target) {
  return target.reasoning == ReasoningStyle::adaptive ||
         target.reasoning == ReasoningStyle::adaptive_always;
}

bool by_budget(const Target& target) {
  return target.reasoning == ReasoningStyle::budget ||
         target.reasoning == ReasoningStyle::budget_always;
}

// Which results stand elsewhere than behind their calls.
class ResultOrder {
 public:
  explicit ResultOrder(const std::vector<ChatMessage>& given) : given_(given) {
    for (std::size_t i = 0; i < given.size(); ++i) {
      for (const ChatPart& part : given[i].parts)
        if (part.kind == PartKind::tool_result) results_.insert({{part.id, i}, &part});
    }
    for (std::size_t i = 0; i < given.size(); ++i)
      find_moves(i);
  }

  bool holds() const { return moved_.empty(); }

  std::vector<ChatMessage> settled() const {
    std::vector<ChatMessage> list;
    for (std::size_t i = 0; i < given_.size(); ++i) {
      const auto moves = moves_.find(i);
      if (moves != moves_.end()) {
        for (const Place& place : moves->second)
          list.push_back(result_at(place));
      }
      ChatMessage left = given_[i];
      std::erase_if(left.parts, [&](const ChatPart& part) {
        return part.kind == PartKind::tool_result && moved_.count({part.id, i}) != 0;
      });
      if (!left.parts.empty() || given_[i].parts.empty()) list.push_back(std::move(left));
    }
    return list;
  }

 private:
  using Place = std::pair<std::string_view, std::size_t>;  // an id, and the message with its result

  void find_moves(std::size_t i) {
    std::size_t end = i + 1;
    while (end < given_.size() && has_kind(given_[end], PartKind::tool_result))
      ++end;
    for (const ChatPart& call : given_[i].parts) {
      if (call.kind != PartKind::tool_call) continue;
      const auto result = results_.lower_bound({call.id, i + 1});
      if (result == results_.end()) continue;
      const Place& place = result->first;
      if (place.first != call.id || place.second < end) continue;
      if (moved_.insert(place).second) moves_[end].push_back(place);
    }
  }

  ChatMessage result_at(const Place& place) const {
    ChatMessage message;
    message.role = Role::tool;
    message.format = given_[place.second].format;
    message.parts.push_back(*results_.at(place));
    return message;
  }

  const std::vector<ChatMessage>& given_;
  std::map<Place, const ChatPart*> results_;
  std::set<Place> moved_;
  std::map<std::size_t, std::vector<Place>> moves_;  // before which message
};

// Whose id is whose, in a history whose calls may have one id, or none: some servers begin to count
// anew with each turn (Kimi behind vLLM: list_dir:0). The first call of an id keeps it; each later
// one has one that is made of the id and of its number, so that it stays as the history grows.
class CallIds {
 public:
  std::string call(std::string_view id) {
    Calls& calls = calls_[id];
    if (calls.open.empty() || calls.open.back().turn != turn_)
      calls.open.push_back({turn_, calls.made, calls.made});
    ++calls.open.back().end;
    return own(id, calls.made++);
  }

  /// The id of the call that the next result is of: in the nearest turn with a call of this id that
  /// has no result, the first one. A result of no call keeps its id.
  std::string result(std::string_view id) {
    const auto found = calls_.find(id);
    if (found == calls_.end()) return std::string(id);
    Calls& calls = found->second;
    if (calls.open.empty()) return own(id, calls.made - 1);
    const std::size_t number = calls.open.back().next++;
    if (calls.open.back().next == calls.open.back().end) calls.open.pop_back();
    return own(id, number);
  }

  void end_turn() { ++turn_; }

 private:
  struct Open {  // calls of one turn, by their numbers
    std::size_t turn;
    std::size_t next;  // that has no result
    std::size_t end;
  };
  struct Calls {
    std::size_t made = 0;
    std::vector<Open> open;
  };

  static std::string own(std::string_view id, std::size_t number) {
    if (number == 0 && !id.empty()) return std::string(id);
    return hashed("call_", joined({id, "#", number}));
  }

  std::map<std::string_view, Calls> calls_;
  std::size_t turn_ = 0;
};

class Fitter {
 public:
  Fitter(const ChatRequest& request, const Target& target)
      : request_(request),
        target_(target),
        rules_(fit_rules(target.dialect->name, model_of(request, target))),
        same_format_(request.format == target.dialect->format) {}

  Result<Fit> run() {
    if (auto fits = limits(); !fits.ok()) return std::move(fits.error());
    identifiers();
    if (auto fits = images(); !fits.ok()) return std::move(fits.error());
    messages();
    if (!same_format_ || !rules_.is_formats_own) numbers();
    if (target_.dialect->format == WireFormat::anthropic && !same_format_) loosen_tools();
    words();
    members();
    return std::move(fit_);
  }

 private:
  const ChatRequest& now() const { return fit_.request ? *fit_.request : request_; }
  ChatRequest& edit() {
    if (!fit_.request) fit_.request = request_;
    return *fit_.request;
  }

  // What cannot be brought to fit.
  Result<void> limits() const {
    if (request_.tools.size() > rules_.tools_max)
      return unsupported(joined({"more than ", rules_.tools_max, " tools"}), target_);
    if (request_.logprobs && !tells_logprobs()) return unsupported(probabilities, target_);
    if (rules_.image_urls) return {};
    const auto is_far = [](const ChatPart& part) {
      return part.kind == PartKind::image && part.data.empty();
    };
    for (const ChatMessage& message : request_.messages) {
      for (const ChatPart& part : message.parts) {
        if (is_far(part) || std::any_of(part.content.begin(), part.content.end(), is_far))
          return unsupported("an image by its address. Send the image itself, as a data: URL",
                             target_);
      }
    }
    return {};
  }

  // OpenAI's models tell none of an answer that they thought about.
  bool tells_logprobs() const {
    switch (target_.dialect->format) {
      case WireFormat::anthropic:
        return false;
      case WireFormat::gemini:
        return true;
      default:
        return target_.takes_sampling && !is_in_list("logprobs", rules_.drops);
    }
  }

  bool fits_name(std::string_view name) const {
    if (name.empty()) return true;
    const bool digit = name.front() >= '0' && name.front() <= '9';
    if (rules_.tool_name_letter && (digit || name.front() == '-')) return false;
    return is_word(name, rules_.tool_name_max, rules_.tool_name_also);
  }

  // The same name always becomes the same one, so that a history names the tools that are offered.
  std::string fit_name(std::string_view name) const {
    const std::string_view head = name.substr(0, rules_.tool_name_max - name_hash_digits - 2);
    std::string fit = rules_.tool_name_letter ? "_" : "";
    for (const char c : head)
      fit += is_plain(c) || rules_.tool_name_also.find(c) != std::string_view::npos ? c : '_';
    Hash64 hash;
    hash.add_bytes(name);
    return joined({fit, "_", hex16(hash.value()).substr(0, name_hash_digits)});
  }

  std::string fit_id(std::string id) const {
    const bool fits = id.empty() || is_word(id, rules_.call_id_max, "");
    return fits ? std::move(id) : hashed("call_", id);
  }

  void identifiers() {
    for (std::size_t i = 0; i < request_.tools.size(); ++i) {
      const ToolDefinition& tool = request_.tools[i];
      if (tool.opaque || fits_name(tool.name)) continue;
      fit_.tool_names.push_back({fit_name(tool.name), tool.name});
      edit().tools[i].name = fit_.tool_names.back().sent;
    }
    if (!fits_name(request_.tool_choice_name))
      edit().tool_choice_name = fit_name(request_.tool_choice_name);
    CallIds ids;
    for (std::size_t i = 0; i < request_.messages.size(); ++i) {
      const ChatMessage& message = request_.messages[i];
      if (message.role != Role::assistant) ids.end_turn();
      if (!rules_.names && !message.name.empty()) edit().messages[i].name.clear();
      for (std::size_t k = 0; k < message.parts.size(); ++k) {
        const ChatPart& part = message.parts[k];
        const bool is_call = part.kind == PartKind::tool_call;
        if (!is_call && part.kind != PartKind::tool_result) continue;
        std::string id = fit_id(is_call ? ids.call(part.id) : ids.result(part.id));
        if (id != part.id) edit().messages[i].parts[k].id = std::move(id);
        if (!fits_name(part.name)) edit().messages[i].parts[k].name = fit_name(part.name);
      }
    }
    if (request_.user.size() > rules_.user_max) edit().user = hashed("user_", request_.user);
    const std::string& form = request_.output.name;
    if (!form.empty() && !is_word(form, 64, "")) edit().output.name = hashed("answer_", form);
  }

  // "image/JPG;name=a.jpg" is image/jpeg to every provider, if it is told so.
  static std::string image_type(std::string_view given) {
    std::string type = ascii_lower(given.substr(0, given.find(';')));
    type.resize(type.find_last_not_of(' ') + 1);
    return type == "image/jpg" || type == "image/pjpeg" ? "image/jpeg" : type;
  }

  Result<void> images() {
    constexpr std::string_view family =
        "image/";  // what else comes as an image is the target's to say
    const auto fit_image = [&](const ChatPart& part, const auto& editable) -> Result<void> {
      if (part.kind != PartKind::image || part.data.empty() || part.media_type.empty()) return {};
      std::string type = image_type(part.media_type);
      const bool taken =
          rules_.image_types.empty() || type.substr(0, family.size()) != family ||
          is_in_list(std::string_view(type).substr(family.size()), rules_.image_types);
      if (!taken && !same_format_)
        return unsupported(joined({"an image of type ", type.substr(0, shown_bytes_max)}), target_);
      if (type != part.media_type) editable().media_type = std::move(type);
      return {};
    };
    for (std::size_t i = 0; i < request_.messages.size(); ++i) {
      const std::vector<ChatPart>& parts = request_.messages[i].parts;
      for (std::size_t k = 0; k < parts.size(); ++k) {
        const auto own = [&]() -> ChatPart& { return edit().messages[i].parts[k]; };
        if (auto fits = fit_image(parts[k], own); !fits.ok()) return fits;
        for (std::size_t j = 0; j < parts[k].content.size(); ++j) {
          const auto inner = [&]() -> ChatPart& { return own().content[j]; };
          if (auto fits = fit_image(parts[k].content[j], inner); !fits.ok()) return fits;
        }
      }
    }
    return {};
  }

  void messages() {
    if (!rules_.empty_assistant) leave_out_silence();
    if (!rules_.starts_with_any) leave_out_blanks();
    const bool own_order = (target_.dialect->takes & takes_own_order) != 0;
    if (own_order && is_system(now().messages.back()))
      edit().messages.push_back(text_message(Role::user, "Go on."));
    if (same_format_ && target_.dialect->format == WireFormat::anthropic &&
        !takes_system_inside(target_.reasoning, model_of(request_, target_)))
      join_system();
    if (same_format_) return;
    if (target_.dialect->format != WireFormat::openai_responses) settle_results();
    if (!rules_.starts_with_any) begin_with_user();
    if (target_.dialect->format == WireFormat::anthropic) end_with_user();
  }

  // A system message further down becomes a part of the user's turn where it stands: at the top it
  // would make another of every prompt that the provider has cached. Results stay first.
  void join_system() {
    const std::vector<ChatMessage>& all = now().messages;
    const auto top = std::find_if_not(all.begin(), all.end(), is_system);
    if (std::none_of(top, all.end(), is_system)) return;
    std::vector<ChatMessage> turns(all.begin(), top);
    bool open = false;  // the last message ends, or begins, with what was a system message
    for (auto message = top; message != all.end(); ++message) {
      const bool after_user = message != top && turns.back().role != Role::assistant;
      const bool is_users = is_system(*message) || (open && message->role != Role::assistant);
      if (is_users && after_user) {
        join(turns.back(), *message);
      } else {
        turns.push_back(*message);
      }
      if (is_system(*message)) turns.back().role = Role::user;
      open = is_system(*message) || (open && turns.back().role != Role::assistant);
    }
    edit().messages = std::move(turns);
  }

  static void join(ChatMessage& turn, const ChatMessage& next) {
    turn.parts.insert(turn.parts.end(), next.parts.begin(), next.parts.end());
    std::stable_partition(turn.parts.begin(), turn.parts.end(),
                          [](const ChatPart& part) { return part.kind == PartKind::tool_result; });
  }

  // A Responses client may have other items between a call and its result.
  void settle_results() {
    const ResultOrder order(now().messages);
    if (order.holds()) return;
    std::vector<ChatMessage> settled = order.settled();
    edit().messages = std::move(settled);
  }

  void leave_out_silence() {
    const auto is_silent = [&](const ChatMessage& message) {
      return message.role == Role::assistant &&
             std::all_of(message.parts.begin(), message.parts.end(), [&](const ChatPart& part) {
               return part.kind == PartKind::reasoning || says_nothing(part) ||
                      (part.kind == PartKind::opaque && part.format != target_.dialect->format);
             });
    };
    const std::vector<ChatMessage>& given = now().messages;
    if (std::none_of(given.begin(), given.end(), is_silent)) return;
    std::erase_if(edit().messages, is_silent);
    if (now().messages.empty()) edit().messages.push_back(text_message(Role::user, "."));
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
    const std::vector<ChatMessage>& given = now().messages;
    if (std::all_of(given.begin(), given.end(), is_whole)) return;
    // A client of the same format hears from the provider that it has said nothing at all.
    if (same_format_ && std::none_of(given.begin(), given.end(), speaks)) return;
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
    const std::vector<ChatMessage>& all = now().messages;
    const auto last = std::find_if_not(all.rbegin(), all.rend(), is_system);
    if (last == all.rend() || last->role != Role::assistant || last->parts.empty()) return;
    if (!rules_.ends_with_any || is_adaptive(target_)) {
      edit().messages.push_back(text_message(Role::user, "Go on."));
      return;
    }
    const auto place = all.rend() - last - 1;
    const ChatPart& part = last->parts.back();
    const std::size_t end = part.text.find_last_not_of(" \t\r\n");
    if (part.kind == PartKind::text && end + 1 < part.text.size())
      edit().messages[static_cast<std::size_t>(place)].parts.back().text.resize(end + 1);
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
    const Sampling& given = request_.sampling;
    if (!rules_.penalties && (given.frequency_penalty || given.presence_penalty))
      edit().sampling.frequency_penalty = edit().sampling.presence_penalty = std::nullopt;
    if (!rules_.blank_text && std::any_of(given.stop.begin(), given.stop.end(), is_blank))
      std::erase_if(edit().sampling.stop, is_blank);
    if (now().sampling.stop.size() > rules_.stops_max)
      edit().sampling.stop.resize(rules_.stops_max);
    // Which seed it is does not matter, but that equal ones stay equal does.
    if (given.seed && (*given.seed < rules_.seed_min || *given.seed > rules_.seed_max))
      edit().sampling.seed = *given.seed & INT32_MAX;
    const std::optional<std::int64_t>& limit = request_.output_tokens_max;
    if (limit && *limit < rules_.output_tokens_min)
      edit().output_tokens_max = rules_.output_tokens_min;
  }

  // Anthropic compiles what a request holds to strictly, up to a limit of all tools together: what
  // is over it is offered without.
  void loosen_tools() {
    StrictWeight left = anthropic_strict_max;
    if (request_.output.kind == OutputKind::json_schema)
      (void)fits_strictly(request_.output.schema, left);
    for (std::size_t i = 0; i < request_.tools.size(); ++i) {
      const ToolDefinition& tool = request_.tools[i];
      if (tool.opaque || !tool.strict.value_or(false)) continue;
      if (left.tools > 0 && fits_strictly(rooted_schema(tool.parameters), left)) {
        --left.tools;
      } else {
        edit().tools[i].strict = false;
      }
    }
  }

  void words() {
    const ReasoningSetting& asked = request_.reasoning;
    std::string effort = asked.effort.empty() ? effort_for_room() : asked.effort;
    // Of OpenAI chat's targets OpenRouter alone is told a budget.
    const bool takes_budget = same_format_ && (target_.dialect->format != WireFormat::openai_chat ||
                                               (target_.dialect->takes & takes_effort_object) != 0);
    if (!takes_budget && asked.budget_tokens && target_.reasoning == ReasoningStyle::effort) {
      if (effort.empty()) effort = effort_of(*asked.budget_tokens);
      edit().reasoning.budget_tokens.reset();
    }
    // DeepSeek's and Anthropic's words are their encoders', and "none" is a switch there.
    if ((target_.dialect->takes & takes_thinking_switch) == 0 &&
        target_.dialect->format != WireFormat::anthropic)
      effort = nearest_effort(effort);
    if (effort != asked.effort) edit().reasoning.effort = effort;
    if (target_.dialect->format == WireFormat::gemini && by_budget(target_)) budget();
  }

  std::string nearest_effort(const std::string& asked) const {
    if (!target_.efforts.empty()) return llm::nearest_effort(asked, target_.efforts);
    if (rules_.efforts.empty() || is_in_list(asked, rules_.efforts)) return asked;
    std::vector<std::string> taken;
    for (const std::string_view word : efforts)
      if (is_in_list(word, rules_.efforts)) taken.emplace_back(word);
    return llm::nearest_effort(asked, taken);
  }

  // Gemini's models before the third are told a number of tokens; the largest cannot be told 0.
  void budget() {
    const ReasoningSetting& asked = now().reasoning;
    if (!asked.budget_tokens && asked.effort.empty()) return;
    const std::int64_t tokens = asked.budget_tokens.value_or(budget_of(asked.effort));
    const bool off = tokens == 0 && target_.reasoning != ReasoningStyle::budget_always;
    const std::int64_t fit = off ? 0 : std::clamp(tokens, rules_.budget_min, rules_.budget_max);
    if (fit != asked.budget_tokens) edit().reasoning.budget_tokens = fit;
  }

  // Members of the client's own format that this provider, or a model that thinks, refuses.
  void members() {
    const std::string_view of_thinking = target_.takes_sampling ? "" : drops_of_thinking;
    if (!same_format_ || request_.extra.empty()) return;
    JsonWriter left;
    bool any = false;
    left.open_object();
    for (const MemberText& member : member_texts(request_.extra)) {
      const bool drops =
          is_in_list(member.key, rules_.drops) || is_in_list(member.key, of_thinking);
      any = any || drops;
      if (!drops) left.member(member.key, member.value);
    }
    left.close_object();
    if (any) edit().extra = left.take();
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
      case ReasoningStyle::budget:
      case ReasoningStyle::budget_always:
        return target_.dialect->format == WireFormat::gemini ? "none" : "";
      case ReasoningStyle::effort:
        if ((target_.dialect->takes & takes_thinking_switch) != 0) return "none";
        return target_.efforts.empty() ? std::string() : target_.efforts.front();
      default:
        return {};
    }
  }

  const ChatRequest& request_;
  const Target& target_;
  const FitRules& rules_;
  const bool same_format_;
  Fit fit_;
};

}  // namespace

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

Result<Fit> fitted(const ChatRequest& request, const Target& target) {
  return Fitter(request, target).run();
}

}  // namespace redoubt::llm
