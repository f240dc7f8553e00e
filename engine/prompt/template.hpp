// Templates: a documented subset of Jinja (README.md beside this file) over the one expression
// language.
//
// 1. A Template is immutable and cheap to copy: copies share the compiled program. Rendering
//    changes nothing, so one Template may be used by several threads.
// 2. Text outside {{ }}, {% %} and {# #} comes out byte for byte; nothing is escaped.
// 3. compile finds every fault of form; its errors carry code "bad_template" with line and column.
//    Errors of render are Expression's, with line and column in the template.
#pragma once

#include "engine/prompt/expression.hpp"

namespace redoubt::prompt {

class Template {
 public:
  static Result<Template> compile(std::string_view text);

  /// REQUIRES: `scope` is an object (anything else defines no name).
  Result<std::string> render(const Json& scope, const Limits& limits = {}) const;

  /// `work`: what it has spent is added, also where it fails.
  Result<std::string> render(Lookup& names, const Limits& limits, std::uint64_t& work) const;

  /// The free root names, sorted, each once: not those that the template sets or loops over.
  std::vector<std::string> names() const;
  /// Every path read, in the order of the text.
  const std::vector<Read>& reads() const;
  /// What the compiled form takes in memory. O(program).
  std::uint64_t bytes() const;
  /// Whether it is text alone, the same for every scope.
  bool constant() const;

 private:
  explicit Template(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const Program> program_;
};

}  // namespace redoubt::prompt
