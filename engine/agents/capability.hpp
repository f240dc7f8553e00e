// Capability: something that an agent can be given, with parameters that are checked.
//
// 1. A registry knows definitions by name and which agents have which of them attached. Attaching
//    twice changes nothing and says so.
// 2. prepare() is what executing begins with: the agent has the capability, its framework may use
//    it, the parameters fit; defaults are filled in, and the use is counted. Who carries it out is
//    not known here.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/agents/agent.hpp"
#include "engine/base/result.hpp"

namespace redoubt::agents {

inline constexpr std::size_t kCapabilitiesMax = 1000;

struct Capability {
  std::string name;
  std::string description;
  std::string category;
  Value parameters;  ///< a JSON Schema of an object
  std::optional<schema::Schema> schema;
  std::vector<std::string> required_frameworks;  ///< empty: any
  std::vector<std::string> dependencies;         ///< capabilities that must be attached, too
  std::string version = "1.0.0";
  std::string author;
  std::vector<std::string> tags;
};

/// Errors: bad_capability with the member at fault.
Result<Capability> read_capability(const nlohmann::json& json);

class CapabilityRegistry {
 public:
  /// With text_generation, conversation and code_generation.
  static CapabilityRegistry built_in();

  /// Errors: bad_capability (its name is taken, a dependency is unknown, too many).
  Result<void> define(Capability capability);
  const Capability* find(std::string_view name) const;
  const std::vector<Capability>& all() const { return all_; }

  /// False where it is attached already. Errors: unknown_capability, missing_dependency,
  /// wrong_framework.
  Result<bool> attach(const std::string& agent, std::string_view framework,
                      std::string_view capability);
  /// False where it is not attached.
  bool detach(const std::string& agent, std::string_view capability);
  /// In the order in which they were attached.
  std::vector<std::string> attached(const std::string& agent) const;
  std::uint64_t usage_count(const std::string& agent, std::string_view capability) const;

  /// The parameters with their defaults. Errors: not_attached, bad_parameters.
  Result<nlohmann::json> prepare(const std::string& agent, std::string_view capability,
                                 const nlohmann::json& parameters);

 private:
  struct Attached {
    std::string capability;
    std::uint64_t uses = 0;
  };
  std::vector<Capability> all_;
  std::map<std::string, std::vector<Attached>> attached_;
};

}  // namespace redoubt::agents
