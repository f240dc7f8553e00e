// What providers refuse in the JSON Schema of a tool's parameters or of an answer: the rules are
// the provider's, the walk is the same for all. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/mock-upstream/request_members.hpp"

namespace redoubt::mock {

struct SchemaRules {
  std::vector<std::string_view> refused;  // keywords
  std::vector<std::string_view> formats;
  bool all_required = false;   // every property
  bool some_required = false;  // one at least in each object
  bool closed = false;         // additionalProperties: false in every object
  bool typed = false;          // no schema without a type
  bool alone_ref = false;      // nothing but definitions beside $ref
  bool recursion = true;
  std::size_t depth_max = any_number;
  std::size_t properties_max = any_number;
};

struct SchemaCount {
  std::size_t properties = 0;
  std::size_t optional = 0;
  std::size_t unions = 0;
};

/// The first fault that the rules find, "" for none; what they bound is added to `count`.
std::string schema_fault(const Json& schema, const SchemaRules& rules, SchemaCount& count);
std::string schema_fault(const Json& schema, const SchemaRules& rules);

/// The root must be a plain object.
std::string root_fault(const Json& schema);

}  // namespace redoubt::mock
