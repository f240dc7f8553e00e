#include "relay/upstream/failure_log.hpp"

#include <algorithm>
#include <array>

namespace redoubt::upstream {
namespace {

constexpr std::int64_t line_every_ns = 60'000'000'000 / failure_lines_per_minute;

std::string_view stage_name(Stage stage) {
  constexpr std::array<std::string_view, 4> names{"connect", "sent", "refused", "stream"};
  return names[static_cast<std::size_t>(stage)];
}

}  // namespace

std::optional<std::uint64_t> LineBudget::take(std::int64_t now_ns) {
  const std::int64_t earned = std::max<std::int64_t>(0, (now_ns - filled_ns_) / line_every_ns);
  lines_ = std::min(failure_lines_burst, lines_ + std::min(earned, failure_lines_burst));
  filled_ns_ = lines_ == failure_lines_burst ? std::max(filled_ns_, now_ns)
                                             : filled_ns_ + earned * line_every_ns;
  if (lines_ == 0) {
    ++left_out_;
    return std::nullopt;
  }
  --lines_;
  return std::exchange(left_out_, 0);
}

FailureLog::FailureLog(observe::Log* log, observe::Metrics& metrics)
    : log_(log),
      dropped_(metrics.counter("redoubt_model_failure_lines_dropped_total",
                               "Log lines about failed model calls that were over the bound of "
                               "their target.")) {}

std::optional<observe::Line> FailureLog::begin(std::string_view event, std::string_view request_id,
                                               std::string_view target, std::int64_t now_ns) {
  if (log_ == nullptr || !log_->wants(observe::Level::warning)) return std::nullopt;
  std::optional<std::uint64_t> left_out;
  {
    const std::lock_guard lock(mutex_);
    auto budget = budgets_.find(target);
    if (budget == budgets_.end()) budget = budgets_.emplace(target, LineBudget()).first;
    left_out = budget->second.take(now_ns);
  }
  if (!left_out) {
    dropped_.add();
    return std::nullopt;
  }
  observe::Line line(observe::Level::warning, event, observe::wall_now_ms());
  line.text("request_id", request_id).text("target", target);
  if (*left_out > 0) line.number("lines_left_out", static_cast<std::int64_t>(*left_out));
  return line;
}

void FailureLog::note(const FailedAttempt& attempt, const llm::ChatFailure& failure,
                      const SecretTexts& secrets, std::int64_t now_ns) {
  auto line = begin("model_attempt_failed", attempt.request_id, attempt.target, now_ns);
  if (!line) return;
  line->text("provider", attempt.provider).text("key", attempt.key);
  line->text("class", llm::failure_name(failure.failure_class));
  line->text("cause", attempt.cause).text("stage", stage_name(attempt.stage));
  if (attempt.stage == Stage::refused) line->number("status", failure.status);
  line->number("attempt", attempt.attempt).number("duration_ms", attempt.duration_ms);
  if (!failure.code.empty()) line->text("code", redacted(failure.code, secrets));
  if (!failure.param.empty()) line->text("param", redacted(failure.param, secrets));
  line->text("message", redacted(failure.message, secrets));
  if (!failure.request_id.empty())
    line->text("provider_request_id", redacted(failure.request_id, secrets));
  if (failure.retry_after_ms) line->number("retry_after_ms", *failure.retry_after_ms);
  log_->write(*line);
}

void FailureLog::note_unterminated(std::string_view request_id, std::string_view target) {
  if (log_ == nullptr || !log_->wants(observe::Level::debug)) return;
  observe::Line line(observe::Level::debug, "model_stream_unterminated", observe::wall_now_ms());
  line.text("request_id", request_id).text("target", target);
  log_->write(line);
}

void FailureLog::note_denied(std::string_view request_id, std::string_view target,
                             std::string_view reason, std::string_view message,
                             std::int64_t now_ns) {
  auto line = begin("model_target_denied", request_id, target, now_ns);
  if (!line) return;
  line->text("reason", reason);
  if (!message.empty()) line->text("message", message);
  log_->write(*line);
}

}  // namespace redoubt::upstream
