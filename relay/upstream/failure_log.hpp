// FailureLog: the operator's lines about model calls that went wrong, under the request's id.
//
//   model_attempt_failed  an attempt at a target failed: the class, the cause, the provider's words
//   model_target_denied   a target was not tried: its breaker is open, it is full, it has no key
//
// 1. Our keys are taken out of what others wrote (relay/upstream/redaction.hpp); the log escapes
//    controls itself.
// 2. Bounded for each target: failure_lines_burst at once, then failure_lines_per_minute. What does
//    not fit is counted (redoubt_model_failure_lines_dropped_total), and the target's next line
//    says how many were left out.
// 3. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "engine/llm/chat.hpp"
#include "relay/observe/log.hpp"
#include "relay/observe/metrics.hpp"
#include "relay/upstream/redaction.hpp"
#include "relay/upstream/retry.hpp"

namespace redoubt::upstream {

constexpr std::int64_t failure_lines_burst = 60;
constexpr std::int64_t failure_lines_per_minute = 60;

/// How many lines a target may write, as a token bucket; time is an argument.
class LineBudget {
 public:
  /// The lines that were left out since the last one that was taken; nothing where this one is
  /// left out too.
  std::optional<std::uint64_t> take(std::int64_t now_ns);

 private:
  std::int64_t lines_ = failure_lines_burst;
  std::int64_t filled_ns_ = 0;
  std::uint64_t left_out_ = 0;
};

/// Why an attempt failed, beside what the failure's class says.
namespace cause {
constexpr std::string_view status = "status";            ///< an answer other than 2xx
constexpr std::string_view error_event = "error_event";  ///< told inside a 2xx
constexpr std::string_view bad_bytes = "bad_bytes";      ///< a 2xx that cannot be read
constexpr std::string_view stream_cut = "stream_cut";    ///< a 2xx that ended too early
constexpr std::string_view first_token_timeout = "first_token_timeout";
constexpr std::string_view progress_timeout = "progress_timeout";
constexpr std::string_view answer_refused = "answer_refused";  ///< not what the request wants
constexpr std::string_view not_encodable = "not_encodable";    ///< by no target; nothing was sent
constexpr std::string_view unsupported = "unsupported";        ///< by this target; nothing was sent
}  // namespace cause

struct FailedAttempt {
  std::string_view request_id;
  std::string_view provider;
  std::string_view target;
  std::string_view key;    ///< its name
  std::string_view cause;  ///< one of cause::, or a net::CallFault's
  Stage stage = Stage::connect;
  int attempt = 0;  ///< from 1
  std::int64_t duration_ms = 0;
};

class FailureLog {
 public:
  /// `log` outlives this; null: only the metrics.
  FailureLog(observe::Log* log, observe::Metrics& metrics);

  void note(const FailedAttempt& attempt, const llm::ChatFailure& failure,
            const SecretTexts& secrets, std::int64_t now_ns);
  /// A stream that finished has no terminator: it is taken for whole. At debug.
  void note_unterminated(std::string_view request_id, std::string_view target);
  /// A call did not go to a target. `reason`: upstream::denial_name, limits::limit_name, no_key,
  /// no_price or no_output_bound; `message`: a sentence with the figures or the keys that rest, or
  /// empty.
  void note_denied(std::string_view request_id, std::string_view target, std::string_view reason,
                   std::string_view message, std::int64_t now_ns);

 private:
  std::optional<observe::Line> begin(std::string_view event, std::string_view request_id,
                                     std::string_view target, std::int64_t now_ns);

  observe::Log* log_;
  observe::Counter& dropped_;
  std::mutex mutex_;
  std::map<std::string, LineBudget, std::less<>> budgets_;  // one a configured target
};

}  // namespace redoubt::upstream
