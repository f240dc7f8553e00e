#include "engine/agents/name_list.hpp"

#include "engine/base/json.hpp"

namespace redoubt::agents {

std::vector<std::string> read_names(JsonFields& fields, const char* key) {
  std::vector<std::string> names;
  const Json* list = fields.member_or_null(key);
  if (!list) return names;
  if (!list->is_array() || list->size() > kNamesMax) {
    fields.fault(key, "a list of names", describe(*list));
    return names;
  }
  for (const Json& name : *list) {
    const std::string* text = name.get_ptr<const std::string*>();
    if (!text) {
      fields.fault(key, "a list of names", describe(name));
      return names;
    }
    names.push_back(*text);
  }
  return names;
}

}  // namespace redoubt::agents
