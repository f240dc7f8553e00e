// What the mock does with a call: a script read from JSON, and the rule that fits.
//
// Pure: no socket, no clock. The steps of a rule are carried out by server.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.hpp"

namespace redoubt::mock {

/// A whole answer, in the format of the path that was asked.
struct Answer {
  struct ToolCall {
    std::string name;
    std::string arguments;
  };
  std::string text = "This is the mock's answer.";
  std::vector<ToolCall> tool_calls;
  std::int64_t input_tokens = -1;   ///< -1: a quarter of the request's bytes
  std::int64_t output_tokens = -1;  ///< -1: a quarter of the answer's
  std::size_t piece_bytes = 8;      ///< text in one streamed event
  std::int64_t first_ms = 0;
  std::int64_t every_ms = 0;
  /// Whose rules the request's body is held to before it is answered (provider_checks.hpp); "" is
  /// the provider whose format the path is of, "none" nobody.
  std::string checks;
};

struct Step {
  enum class Kind : std::uint8_t { wait, head, send, answer, hold, cut, reset };
  Kind kind = Kind::cut;
  std::int64_t wait_ms = 0;  ///< wait; between repetitions of send
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  bool to_the_end = false;
  std::string bytes;
  std::int64_t repeat = 1;
  Answer answer;
};

struct Rule {
  std::string path;  ///< "" fits every one
  std::string model;
  std::string authorization;
  std::int64_t from = 1;
  std::int64_t to = INT64_MAX;
  std::vector<Step> steps;
  std::int64_t seen = 0;  ///< calls that fitted but for their number
};

struct Script {
  std::vector<Rule> rules;
};

/// What of a request the rules look at.
struct Asked {
  std::string path;
  std::string model;
  std::string authorization;
};

/// Errors: bad_script with the path of the member.
Result<Script> read_script(std::string_view text);
/// The steps for a call, counting it: those of the first rule that fits, else a plain answer.
std::vector<Step> steps_for(Script& script, const Asked& asked);

}  // namespace redoubt::mock
