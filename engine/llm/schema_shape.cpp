#include "engine/llm/schema_shape.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/json_text.hpp"
#include "engine/llm/wire.hpp"

namespace redoubt::llm {
namespace {

constexpr std::size_t growth_factor = 8;
constexpr std::size_t growth_least = 8 * 1024;
constexpr std::size_t growth_most = 256 * 1024;

// In place: it is said once for each of many parts.
void describe_more(Json& schema, std::string_view words) {
  Json& description = schema["description"];
  if (!description.is_string()) description = std::string();
  auto& text = description.get_ref<std::string&>();
  if (!text.empty()) text += ' ';
  text += '(';
  text += words;
  text += ')';
}

// About the length of its text; counts no further than `most`.
std::size_t text_bytes(const Json& json, std::size_t most) {
  constexpr std::size_t other_bytes = 8;
  if (json.is_string()) return json.get_ref<const std::string&>().size() + 2;
  if (!json.is_structured()) return other_bytes;
  std::size_t bytes = 2;
  for (auto part = json.begin(); part != json.end() && bytes <= most; ++part)
    bytes += (json.is_object() ? part.key().size() + 4 : 1) + text_bytes(*part, most - bytes);
  return bytes;
}

// "#/$defs/Place": by JSON pointer (RFC 6901); null where nothing is there.
const Json* at_pointer(const Json& root, std::string_view ref) {
  if (ref == "#") return &root;
  if (ref.substr(0, 2) != "#/") return nullptr;
  const Json* at = &root;
  ref.remove_prefix(2);
  while (at != nullptr) {
    const std::size_t end = std::min(ref.find('/'), ref.size());
    std::string key;
    for (std::size_t i = 0; i < end; ++i) {
      const bool escape = ref[i] == '~' && i + 1 < end;
      key += escape ? (ref[i + 1] == '1' ? '/' : '~') : ref[i];
      if (escape) ++i;
    }
    at = member_of(*at, key.c_str());
    if (end == ref.size()) break;
    ref.remove_prefix(end + 1);
  }
  return at;
}

class Inliner {
 public:
  Inliner(const Json& root, std::size_t growth) : root_(root), growth_(growth) {}

  // The depth is that of the text, as often as its references lead into one another.
  void inline_in(Json& schema) {
    ++parts_;
    if (schema.is_array()) {
      for (Json& item : schema)
        inline_in(item);
    }
    if (!schema.is_object()) return;
    const auto ref = schema.find("$ref");
    if (ref != schema.end() && ref->is_string()) {
      follow(schema, ref->get<std::string>());
      return;
    }
    schema.erase("$defs");
    schema.erase("definitions");
    for (Json& member : schema)
      inline_in(member);
  }

 private:
  void follow(Json& schema, const std::string& ref) {
    schema.erase("$ref");
    const Json* named = at_pointer(root_, ref);
    const bool again = std::find(open_.begin(), open_.end(), ref) != open_.end();
    const bool over = parts_ > shaped_parts_max || open_.size() >= open_refs_max;
    if (named == nullptr || !named->is_object() || again || over || !may_copy(*named)) {
      if (!schema.contains("type")) schema["type"] = "object";
      describe_more(schema, ref.substr(ref.rfind('/') + 1));
      return;
    }
    for (auto member = named->begin(); member != named->end(); ++member) {
      if (!schema.contains(member.key())) schema[member.key()] = *member;
    }
    open_.push_back(ref);
    inline_in(schema);
    open_.pop_back();
  }

  // Once something was too much there is no more copying, and no more counting.
  bool may_copy(const Json& named) {
    const std::size_t bytes = growth_ > 0 ? text_bytes(named, growth_) : 1;
    const bool may = bytes <= growth_;
    growth_ = may ? growth_ - bytes : 0;
    return may;
  }

  const Json& root_;
  std::size_t growth_;
  std::vector<std::string> open_;
  std::size_t parts_ = 0;
};

bool is_combination(std::string_view key) {
  return key == "allOf" || key == "anyOf" || key == "oneOf" || key == "$ref" || key == "not" ||
         key == "enum" || key == "const";
}

std::set<std::string_view> names_in(const Json& required) {
  std::set<std::string_view> names;
  for (const Json& name : required)
    names.insert(text_of(&name));
  return names;
}

// What is required in every choice; nothing where there is none.
Json required_in_all(const Json& choices) {
  Json required = Json::array();
  if (choices.empty()) return required;
  const Json* first = member_of(choices.front(), "required");
  if (first == nullptr || !first->is_array()) return required;
  std::vector<std::set<std::string_view>> others;
  for (const Json& choice : choices) {
    const Json* its = member_of(choice, "required");
    if (its == nullptr || !its->is_array()) return required;
    others.push_back(names_in(*its));
  }
  for (const Json& name : *first) {
    const bool all = std::all_of(others.begin(), others.end(), [&](const auto& names) {
      return names.count(text_of(&name)) > 0;
    });
    if (all) required.push_back(name);
  }
  return required;
}

std::string names_of(const Json& choice) {
  std::string names;
  if (const Json* properties = member_of(choice, "properties")) {
    for (auto it = properties->begin(); it != properties->end(); ++it)
      names += joined({names.empty() ? "" : ", ", it.key()});
  }
  return names;
}

// One of several objects: an object with the properties of all, and words about the choice.
void merge_choices(Json& schema, const char* key) {
  const auto found = schema.find(key);
  if (found == schema.end()) return;
  const Json choices = std::move(*found);
  schema.erase(key);
  if (!choices.is_array()) return;
  std::string words;
  for (const Json& choice : choices) {
    Json shape = choice;
    if (shape.is_object()) shape.erase("required");
    merge_schema(schema, shape);
    words += joined({words.empty() ? "one of: " : " | ", names_of(choice)});
  }
  Json required = required_in_all(choices);
  if (!required.empty()) merge_schema(schema, Json{{"required", std::move(required)}});
  describe_more(schema, words);
}

}  // namespace

std::size_t growth_max(std::string_view schema) {
  for (const std::string_view word : {"\"$ref\"", "\"anyOf\"", "\"oneOf\""}) {
    if (schema.find(word) != schema.npos)
      return std::min(growth_least + growth_factor * schema.size(), growth_most);
  }
  return 0;
}

void inline_refs(Json& schema, std::size_t growth) {
  const Json root = schema;
  Inliner(root, growth).inline_in(schema);
}

namespace {

class Recursion {
 public:
  explicit Recursion(const Json& root) : root_(root) {}

  bool found_in(const Json& part) {
    if (!part.is_structured()) return false;
    const Json* ref = member_of(part, "$ref");
    if (ref != nullptr && ref->is_string() && follows_itself(ref->get<std::string>())) return true;
    return std::any_of(part.begin(), part.end(), [&](const Json& each) { return found_in(each); });
  }

 private:
  bool follows_itself(const std::string& ref) {
    if (std::find(open_.begin(), open_.end(), ref) != open_.end()) return true;
    if (open_.size() >= open_refs_max) return true;
    const Json* named = at_pointer(root_, ref);
    if (named == nullptr || !done_.insert(ref).second) return false;
    open_.push_back(ref);
    const bool found = found_in(*named);
    open_.pop_back();
    return found;
  }

  const Json& root_;
  std::vector<std::string> open_{"#"};
  std::set<std::string> done_;
};

}  // namespace

bool is_recursive(const Json& schema) {
  return Recursion(schema).found_in(schema);
}

void merge_schema(Json& into, const Json& other) {
  if (!other.is_object()) return;
  for (auto member = other.begin(); member != other.end(); ++member) {
    const auto found = into.find(member.key());
    if (found == into.end()) {
      into[member.key()] = *member;
    } else if (member.key() == "properties" && found->is_object() && member->is_object()) {
      for (auto property = member->begin(); property != member->end(); ++property) {
        const auto has = found->find(property.key());
        if (has == found->end()) {
          (*found)[property.key()] = *property;
        } else if (has->is_object() && *has != *property) {
          merge_schema(*has, *property);
        }
      }
    } else if (member.key() == "required" && found->is_array() && member->is_array()) {
      // The names are views of texts that found, when it grows, would move.
      Json missing = Json::array();
      const std::set<std::string_view> known = names_in(*found);
      for (const Json& name : *member) {
        if (known.count(text_of(&name)) == 0) missing.push_back(name);
      }
      for (Json& name : missing)
        found->push_back(std::move(name));
    } else if (member.key() == "description" && *found != *member) {
      describe_more(into, text_of(&*member));
    } else if ((member.key() == "allOf") && found->is_array() && member->is_array()) {
      for (const Json& part : *member)
        found->push_back(part);
    } else if (is_combination(member.key()) && *found != *member) {
      describe_more(into, joined({"and ", member.key(), " ", dump(*member)}));
    }
  }
}

std::string rooted_schema(std::string_view text) {
  bool combined = false;
  bool has_properties = false;
  for (const MemberText& member : member_texts(text)) {
    combined = combined || is_combination(member.key);
    has_properties = has_properties || member.key == "properties";
  }
  const bool is_object = member_text(text, "type") == "\"object\"";
  if (!combined && has_properties && is_object) return std::string(text);
  if (!combined) {
    JsonWriter out;
    out.open_object();
    out.text("type", "object");
    out.members_but(text, {"type"});
    if (!has_properties) out.raw("properties", "{}");
    out.close_object();
    return out.take();
  }
  auto parsed = parse_json(text, wire_json_limits);
  if (!parsed.ok() || !parsed->is_object()) return std::string(text);
  Json& schema = *parsed;
  if (schema.contains("$ref")) inline_refs(schema, growth_max(text));
  // What is merged may be a combination itself: as deep as the text is nested.
  while (schema.contains("allOf") || schema.contains("anyOf") || schema.contains("oneOf")) {
    const auto all = schema.find("allOf");
    if (all != schema.end()) {
      const Json parts = std::move(*all);
      schema.erase("allOf");
      for (const Json& part : parts)
        merge_schema(schema, part);
    }
    merge_choices(schema, "anyOf");
    merge_choices(schema, "oneOf");
  }
  for (const char* key : {"not", "enum", "const"}) {
    const auto found = schema.find(key);
    if (found == schema.end()) continue;
    const std::string words = joined({key, ": ", dump(*found)});
    schema.erase(key);
    describe_more(schema, words);
  }
  schema["type"] = "object";
  if (!schema.contains("properties")) schema["properties"] = Json::object();
  return dump(schema);
}

}  // namespace redoubt::llm
