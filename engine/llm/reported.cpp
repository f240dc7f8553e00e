#include "engine/llm/reported.hpp"

#include "engine/base/json.hpp"
#include "engine/llm/wire.hpp"

namespace redoubt::llm {
namespace {

void join(Json& whole, Json&& piece, Joining joining) {
  for (auto member = piece.begin(); member != piece.end(); ++member) {
    Json& has = whole[member.key()];
    if (has.is_object() && member->is_object()) {
      join(has, std::move(*member), joining);
    } else if (has.is_array() && member->is_array() && joining == Joining::grow) {
      for (Json& item : *member)
        has.push_back(std::move(item));
    } else if (has.is_string() && member->is_string() && joining == Joining::grow) {
      has.get_ref<std::string&>() += member->get_ref<const std::string&>();
    } else if (has.is_null() || !member->is_null()) {
      has = std::move(*member);
    }
  }
}

}  // namespace

std::string joined_reported(const std::vector<std::string>& pieces, Joining joining) {
  if (pieces.empty()) return {};
  if (pieces.size() == 1) return pieces.front();  // as the provider wrote it
  Json whole = Json::object();
  for (const std::string& piece : pieces) {
    auto json = parse_json(piece, wire_json_limits);
    if (json.ok() && json->is_object()) join(whole, std::move(*json), joining);
  }
  return dump(whole);
}

bool write_reported_usage(const ChatAnswer& answer, WireFormat client, JsonWriter& out,
                          std::string_view member) {
  if (answer.format != client || answer.reported.usage.empty()) return false;
  out.raw(member, joined_reported(answer.reported.usage, Joining::replace));
  return true;
}

std::string reported_members(std::string_view object_text,
                             std::initializer_list<std::string_view> named) {
  JsonWriter out;
  out.open_object();
  for (const MemberText& member : member_texts(object_text)) {
    // A key that is written with escapes may be any of them.
    bool known = member.value == "null" || member.key.find('\\') != member.key.npos;
    for (const std::string_view name : named)
      known = known || name == member.key;
    if (!known) out.member(member.key, member.value);
  }
  out.close_object();
  std::string text = out.take();
  return text == "{}" ? std::string() : text;
}

std::vector<std::string>* reported_list(Reported& reported, std::string_view name) {
  if (name == "answer") return &reported.answer;
  if (name == "choice") return &reported.choice;
  if (name == "message") return &reported.message;
  if (name == "usage") return &reported.usage;
  if (name == "logprobs") return &reported.logprobs;
  return nullptr;
}

}  // namespace redoubt::llm
