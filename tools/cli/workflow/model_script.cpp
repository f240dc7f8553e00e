#include "tools/cli/workflow/model_script.hpp"

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "tools/cli/terminal.hpp"

namespace redoubt::cli {
namespace {

std::string answer_value(const Json& entry, const std::string& text) {
  Json value = Json::object();
  value["model"] = "script";
  if (entry.contains("json")) {
    value["json"] = entry["json"];
    value["text"] = canonical(entry["json"]);
    return canonical(value);
  }
  value["text"] = text;
  if (entry.contains("tool_calls")) value["tool_calls"] = entry["tool_calls"];
  if (auto json = parse_json(text); json && json->is_structured()) value["json"] = *json;
  return canonical(value);
}

}  // namespace

Result<ModelScript> ModelScript::read(std::string_view text) {
  const auto list = parse_json(text);
  if (!list) return list.error();
  if (!list->is_array() || list->size() > script_entries_max)
    return make_error("bad_script",
                      {"a model script is a list of at most ", script_entries_max,
                       " entries {match, text | tool_calls | json | error, delay_ms}"},
                      {}, {"a list"}, {describe(*list)});
  ModelScript script;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const Json& one = (*list)[i];
    const std::string path = joined({"[", i, "]"});
    JsonFields fields(one, "bad_script", path);
    Entry entry;
    entry.match = fields.text_or("match", request_bytes_max, "");
    entry.scripted.delay_ms = fields.integer_or("delay_ms", 0, script_delay_ms_max, 0);
    const std::string said = fields.text_or("text", request_bytes_max, "");
    const Json* json = fields.member_or_null("json");
    const Json* calls = fields.member_or_null("tool_calls");
    const Json* error = fields.member_or_null("error");
    fields.refuse_unknown();
    const int given = (calls || (one.is_object() && one.contains("text")) ? 1 : 0) +
                      (json ? 1 : 0) + (error ? 1 : 0);
    if (fields.ok() && given != 1)
      fields.fault("", "one of text (with tool_calls), json and error", "another");
    if (fields.ok() && calls && !calls->is_array())
      fields.fault("tool_calls", "[{id, name, arguments}]", describe(*calls));
    if (fields.ok() && error && (!error->is_object() || !error->contains("code")))
      fields.fault("error", "{code, message}", describe(*error));
    if (!fields.ok()) return fields.error();
    entry.scripted.failed = error != nullptr;
    entry.scripted.value = error ? canonical(*error) : answer_value(one, said);
    script.entries_.push_back(std::move(entry));
  }
  return script;
}

std::optional<Scripted> ModelScript::answer(const workflow::Effect& effect) const {
  for (const Entry& entry : entries_)
    if (effect.id.find(entry.match) != std::string::npos ||
        effect.request.find(entry.match) != std::string::npos)
      return entry.scripted;
  return std::nullopt;
}

}  // namespace redoubt::cli
