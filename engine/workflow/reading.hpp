// What the two passes of loading share: the definition that grows, the place in the file of each of
// its steps, and the faults. Internal to loading.
//
// Pass one (step_reader.cpp) reads the steps' shape, so that every name is known; pass two
// (scoping.cpp) follows the order of execution and compiles what refers to names.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/schema/schema.hpp"
#include "engine/workflow/loader.hpp"

namespace redoubt::workflow {

/// A step's place in the file while it is loaded.
struct Draft {
  const Json* node = nullptr;
  std::string path;
  const Json* admit = nullptr;  ///< the condition of a branch's case
};

struct Reading {
  Definition& definition;
  const LoadContext& context;
  const Document& document;
  std::vector<Error>& faults;
  std::vector<Draft> drafts;
  std::map<std::string, StepId, std::less<>> steps;
  std::map<std::string, std::uint32_t, std::less<>> channels;
  schema::Budget schemas;  ///< what is left for the schemas of the file, all together

  void fault(const char* code, const std::string& path, Pieces message, Pieces expected = {},
             Pieces got = {});
  /// Gives the faults gathered by others their places.
  void place_from(std::size_t first);
  std::uint32_t text(std::string_view text);
  std::uint32_t channel(const std::string& name);
  /// A fault for every member of the object at `path` that is in none of the lists.
  void refuse_unknown(const Json& object, const std::string& path,
                      std::initializer_list<std::initializer_list<const char*>> known);
  const Json* member(const Json& object, const char* key) const;
  /// A member that must be a text; empty (and a fault when it is there and is none) otherwise.
  std::string_view text_of(const Json& object, const char* key, const std::string& path);
  std::int64_t integer_of(const Json& object, const char* key, const std::string& path,
                          std::int64_t low, std::int64_t high, std::int64_t fallback);
  std::int64_t duration_of(const Json& object, const char* key, const std::string& path,
                           std::int64_t fallback);
  bool flag_of(const Json& object, const char* key, const std::string& path, bool fallback);
  std::uint32_t schema_of(const Json& object, const char* key, const std::string& path);
};

const Declared* find_declared(const std::vector<Declared>& all, std::string_view name);

/// The JSON pointer of a fault's path: "workflow[2].tool" is "/workflow/2/tool".
std::string pointer_of(std::string_view path);

/// The members `class` and `unknown` of a step or of a declared tool.
void read_effect(Reading& reading, Step& step, const Json& node, const std::string& path);

/// Before pass one: the agents, so that steps can name them.
void read_agents(Reading& reading, const Json& file);

/// After pass two: the inner steps of agents, and what their expressions name.
void compile_agents(Reading& reading, const Json& file);

/// Pass one: the steps below `workflow`.
void read_steps(Reading& reading, const Json& workflow, const std::string& path);

/// Pass two: names, expressions, values, conflicts, what cannot be reached.
void resolve_names(Reading& reading, const Json& file);

}  // namespace redoubt::workflow
