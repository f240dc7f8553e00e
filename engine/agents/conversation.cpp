#include "engine/agents/conversation.hpp"

#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/schema/lenient.hpp"

namespace redoubt::agents {
namespace {

constexpr std::size_t kFaultsToldMax = 8;

const Json* member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::string text_of(const Json& object, const char* key) {
  const Json* found = member(object, key);
  const std::string* text = found ? found->get_ptr<const std::string*>() : nullptr;
  return text ? *text : std::string();
}

std::int64_t count_of(const Json& usage, const char* key) {
  const Json* found = member(usage, key);
  if (!found || !found->is_number_integer()) return 0;
  constexpr std::int64_t kCountMax = 1LL << 40;
  const std::int64_t count = found->get<std::int64_t>();
  return count < 0 || count > kCountMax ? 0 : count;
}

bool is_role(const Json& message, const char* role) {
  return text_of(message, "role") == role;
}

// A cut falls between characters.
void cut(std::string& text) {
  if (text.size() <= kResultBytesMax) return;
  const std::size_t whole = text.size();
  std::size_t at = kResultBytesMax;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80)
    --at;
  text.resize(at);
  text += joined({"\n[", whole - at, " of ", whole, " bytes were cut off]"});
}

Json tool_json(const Tool& tool) {
  Json json{{"name", tool.name}};
  if (!tool.description.empty()) json["description"] = tool.description;
  json["parameters"] = tool.parameters ? *tool.parameters : Json{{"type", "object"}};
  return json;
}

Json handoff_json(const Handoff& handoff, const Agent& to) {
  std::string description = handoff.description.empty() ? to.description : handoff.description;
  if (description.empty()) description = joined({"Hand the conversation over to ", to.name, "."});
  return {{"name", handoff_name(to.name)},
          {"description", std::move(description)},
          {"parameters",
           {{"type", "object"},
            {"properties", {{"reason", {{"type", "string"}}}}},
            {"additionalProperties", false}}}};
}

void refuse(ToolCall& call, std::string why) {
  if (!call.arguments) call.arguments = std::make_shared<const Json>(Json::object());
  call.tool = kNowhere;
  call.failed = true;
  call.result = std::make_shared<const Json>(std::move(why));
}

// Models send arguments as an object or as its text.
bool read_arguments(const Json* given, ToolCall& call) {
  if (!given || given->is_null()) {
    call.arguments = std::make_shared<const Json>(Json::object());
    return true;
  }
  if (const std::string* text = given->get_ptr<const std::string*>()) {
    std::uint32_t repairs = 0;
    if (text->find_first_not_of(" \t\r\n") == std::string::npos) {
      call.arguments = std::make_shared<const Json>(Json::object());
      return true;
    }
    auto json = schema::read_lenient(*text, repairs);
    // What was cut off is not what the model wanted to say.
    if (!json || (repairs & schema::repair_cut_off) != 0) return false;
    call.arguments = std::make_shared<const Json>(std::move(*json));
  } else {
    call.arguments = std::make_shared<const Json>(*given);
  }
  return call.arguments->is_object();
}

std::string names_of(const std::vector<Agent>& agents, const Agent& agent) {
  std::string names;
  for (const Tool& tool : agent.tools)
    names.append(names.empty() ? "" : ", ").append(tool.name);
  for (const Handoff& handoff : agent.handoffs)
    names.append(names.empty() ? "" : ", ").append(handoff_name(agents[handoff.agent].name));
  return names.empty() ? "none" : names;
}

// A handoff's place among the agent's, or kNowhere.
std::uint32_t handoff_of(const std::vector<Agent>& agents, const Agent& agent,
                         const std::string& name) {
  for (std::uint32_t h = 0; h < agent.handoffs.size(); ++h)
    if (handoff_name(agents[agent.handoffs[h].agent].name) == name) return h;
  return kNowhere;
}

void check_arguments(const Tool& tool, ToolCall& call) {
  if (!tool.schema) return;
  const auto faults = tool.schema->validate(*call.arguments, kFaultsToldMax);
  if (faults.empty()) return;
  std::string why = "The arguments do not fit:";
  for (const schema::Fault& fault : faults)
    why += joined(
        {"\n- ", fault.instance_path.empty() ? "" : fault.instance_path + ": ", fault.message});
  refuse(call, std::move(why));
}

void plan_call(Conversation& talk, const std::vector<Agent>& agents, ToolCall& call,
               const Json& given) {
  const Agent& agent = agents[talk.agent];
  if (talk.open.size() >= kCallsPerTurnMax)
    return refuse(call, joined({"Not done: more than ", kCallsPerTurnMax, " calls in one turn."}));
  if (const std::uint32_t to = handoff_of(agents, agent, call.name); to != kNowhere) {
    call.arguments = std::make_shared<const Json>(Json::object());
    if (talk.next != kNowhere) return refuse(call, "Not done: one handoff in a turn.");
    talk.next = to;
    call.result = std::make_shared<const Json>(
        joined({agents[agent.handoffs[to].agent].name, " takes over."}));
    return;
  }
  for (std::uint32_t t = 0; t < agent.tools.size(); ++t)
    if (agent.tools[t].name == call.name) call.tool = t;
  if (call.tool == kNowhere)
    return refuse(call, joined({"There is no tool \"", call.name,
                                "\"; there are: ", names_of(agents, agent), "."}));
  if (!read_arguments(member(given, "arguments"), call))
    return refuse(call, "The arguments are not a JSON object.");
  check_arguments(agent.tools[call.tool], call);
}

// The message as it goes back to the model: calls with the ids under which they are answered.
Json assistant_message(const Conversation& talk, const Json& answer) {
  Json message{{"role", "assistant"}, {"content", text_of(answer, "text")}};
  Json calls = Json::array();
  for (const ToolCall& call : talk.open)
    calls.push_back({{"id", call.id}, {"name", call.name}, {"arguments", *call.arguments}});
  if (!calls.empty()) message["tool_calls"] = std::move(calls);
  return message;
}

// Most providers answer to a person's or a tool's message only.
void address(Conversation& talk, const std::string& from) {
  if (!talk.messages.empty() && !is_role(*talk.messages.back(), "assistant")) return;
  talk.messages.push_back(std::make_shared<const Json>(
      Json{{"role", "user"}, {"content", from + " has handed this conversation over to you."}}));
}

void hand_over(Conversation& talk, const std::vector<Agent>& agents) {
  const Handoff& handoff = agents[talk.agent].handoffs[talk.next];
  std::vector<Value> kept;
  switch (handoff.filter) {
    case HandoffFilter::all:
      kept = talk.messages;
      break;
    case HandoffFilter::without_tools:
      for (const Value& message : talk.messages) {
        if (is_role(*message, "tool")) continue;
        if (!member(*message, "tool_calls")) {
          kept.push_back(message);
        } else if (!text_of(*message, "content").empty()) {
          Json said = *message;
          said.erase("tool_calls");
          kept.push_back(std::make_shared<const Json>(std::move(said)));
        }
      }
      break;
    case HandoffFilter::prompt_only:
      kept.assign(talk.messages.begin(),
                  talk.messages.begin() + static_cast<std::ptrdiff_t>(talk.prompt_size));
      break;
    case HandoffFilter::last: {
      std::size_t from = talk.messages.size() > handoff.last ? talk.messages.size() - handoff.last
                                                             : std::size_t{0};
      // A tool's answer without its call is refused by every provider.
      while (from > 0 && is_role(*talk.messages[from], "tool"))
        --from;
      kept.assign(talk.messages.begin() + static_cast<std::ptrdiff_t>(from), talk.messages.end());
      break;
    }
  }
  talk.messages = std::move(kept);
  address(talk, agents[talk.agent].name);
  if (talk.prompt_size > talk.messages.size())
    talk.prompt_size = static_cast<std::uint32_t>(talk.messages.size());
  talk.agent = handoff.agent;
  talk.repairs = 0;
  ++talk.handoffs;
  talk.bytes = 0;
  for (const Value& message : talk.messages)
    talk.bytes += static_cast<std::uint32_t>(canonical(*message).size());
}

}  // namespace

std::string as_text(const Json& value) {
  const std::string* text = value.get_ptr<const std::string*>();
  return text ? *text : canonical(value);
}

bool say(Conversation& talk, Json message) {
  const std::size_t size = canonical(message).size();
  if (talk.messages.size() >= kMessagesMax || talk.bytes + size > kConversationBytesMax)
    return false;
  talk.bytes += static_cast<std::uint32_t>(size);
  talk.messages.push_back(std::make_shared<const Json>(std::move(message)));
  return true;
}

Json turn_request(const Conversation& talk, const std::vector<Agent>& agents,
                  const std::string& instructions, const Json& settings, const Json* output) {
  const Agent& agent = agents[talk.agent];
  Json request = Json::object();
  Json messages = Json::array();
  std::string system = instructions;
  if (!talk.memories.empty())
    system += joined({system.empty() ? "" : "\n\n", "What you remember:\n", talk.memories});
  if (!system.empty()) messages.push_back({{"role", "system"}, {"content", std::move(system)}});
  for (const Value& message : talk.messages)
    messages.push_back(*message);
  request["messages"] = std::move(messages);
  Json merged = settings.is_object() ? settings : Json::object();
  if (agent.settings)
    for (auto item = agent.settings->begin(); item != agent.settings->end(); ++item)
      merged[item.key()] = *item;
  if (!merged.empty()) request["settings"] = std::move(merged);
  Json tools = Json::array();
  for (const Tool& tool : agent.tools)
    tools.push_back(tool_json(tool));
  for (const Handoff& handoff : agent.handoffs)
    tools.push_back(handoff_json(handoff, agents[handoff.agent]));
  if (!tools.empty()) {
    request["tools"] = std::move(tools);
    // A choice that forces a call would force one for ever: it holds for the first turn.
    if (agent.tool_choice == ToolChoice::none) request["tool_choice"] = "none";
    if (agent.tool_choice == ToolChoice::required && talk.calls == 0)
      request["tool_choice"] = "required";
    if (!agent.parallel_calls) request["parallel_tool_calls"] = false;
  }
  if (output) request["output"] = *output;
  return request;
}

Answered take_answer(Conversation& talk, const std::vector<Agent>& agents, const Json& answer) {
  ++talk.turn;
  talk.open.clear();
  talk.next = kNowhere;
  if (const Json* usage = member(answer, "usage")) {
    talk.input_tokens += count_of(*usage, "input_tokens");
    talk.output_tokens += count_of(*usage, "output_tokens");
    talk.cost_microusd += count_of(*usage, "cost_microusd");
  }
  const Json* calls = member(answer, "tool_calls");
  if (calls && calls->is_array())
    for (const Json& given : *calls) {
      // The rest of an endless list is not even refused one by one.
      if (talk.open.size() >= 2 * kCallsPerTurnMax) break;
      ToolCall call;
      call.number = talk.calls++;
      call.id = text_of(given, "id");
      if (call.id.empty()) call.id = joined({"call_", call.number});
      call.name = text_of(given, "name");
      plan_call(talk, agents, call, given);
      talk.open.push_back(std::move(call));
    }
  if (!say(talk, assistant_message(talk, answer))) return Answered::full;
  return talk.open.empty() ? Answered::final : Answered::calls;
}

void take_result(ToolCall& call, const Json& result, bool failed) {
  call.failed = failed;
  if (failed) {
    call.result = std::make_shared<const Json>(joined(
        {"The tool has failed: ", text_of(result, "code"), ": ", text_of(result, "message")}));
    return;
  }
  call.result = std::make_shared<const Json>(result);
}

bool all_answered(const Conversation& talk) {
  for (const ToolCall& call : talk.open)
    if (!call.result) return false;
  return true;
}

bool close_calls(Conversation& talk, const std::vector<Agent>& agents) {
  for (const ToolCall& call : talk.open) {
    std::string content = as_text(*call.result);
    cut(content);
    Json message{{"role", "tool"},
                 {"tool_call_id", call.id},
                 {"name", call.name},
                 {"content", std::move(content)}};
    if (call.failed) message["is_error"] = true;
    if (!say(talk, std::move(message))) return false;
  }
  talk.open.clear();
  if (talk.next != kNowhere) hand_over(talk, agents);
  talk.next = kNowhere;
  return true;
}

std::string mending(const std::vector<std::string>& faults) {
  std::string asked =
      "That does not fit what was asked for. Mend this and answer with the whole "
      "JSON alone:";
  for (const std::string& fault : faults)
    asked += "\n- " + fault;
  return asked;
}

}  // namespace redoubt::agents
