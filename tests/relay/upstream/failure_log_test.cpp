#include "relay/upstream/failure_log.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/json.hpp"
#include "engine/llm/failure.hpp"

using namespace redoubt;
using namespace redoubt::upstream;

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
const std::string key = "sk-proj-Qz7xK2m9_vB4tLw8RfYc1HdJ";

/// A log whose lines are read back once it has ended.
struct Lines {
  Lines() {
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    log = std::make_unique<observe::Log>(ends[1], observe::Level::info, 10'000);
  }
  std::vector<Json> read() {
    log.reset();
    ::close(ends[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t got = 1; got > 0;) {
      got = ::read(ends[0], buffer, sizeof buffer);
      if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
    std::vector<Json> lines;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      lines.push_back(*parse_json(text.substr(at, end - at)));
      at = end + 1;
    }
    return lines;
  }
  std::array<int, 2> ends{};
  std::unique_ptr<observe::Log> log;
};

}  // namespace

TEST_SUITE("failure log") {
  TEST_CASE("a line says who, where and why, without a key") {
    Lines lines;
    observe::Metrics metrics;
    FailureLog log(lines.log.get(), metrics);
    llm::ChatFailure failure =
        llm::failure_from_body(401,
                               R"({"error":{"message":"Incorrect API key \u001b[31m)" + key +
                                   R"(","code":")" + key + R"("}})",
                               {{"x-request-id", "req_7"}}, 0);
    log.note({.request_id = "r1",
              .provider = "openai",
              .target = "openai/m",
              .key = "main",
              .cause = cause::status,
              .stage = Stage::refused,
              .attempt = 2,
              .duration_ms = 41},
             failure, {key}, 0);
    log.note_denied("r2", "openai/m", "breaker_open", {}, 0);
    const auto read = lines.read();
    REQUIRE(read.size() == 2);
    CHECK(read[0]["event"] == "model_attempt_failed");
    CHECK(read[0]["level"] == "warning");
    CHECK(read[0]["request_id"] == "r1");
    CHECK(read[0]["provider"] == "openai");
    CHECK(read[0]["target"] == "openai/m");
    CHECK(read[0]["key"] == "main");
    CHECK(read[0]["class"] == "unauthorized");
    CHECK(read[0]["cause"] == "status");
    CHECK(read[0]["stage"] == "refused");
    CHECK(read[0]["status"] == 401);
    CHECK(read[0]["attempt"] == 2);
    CHECK(read[0]["duration_ms"] == 41);
    CHECK(read[0]["code"] == "[redacted]");
    CHECK(read[0]["message"] == "Incorrect API key \x1b[31m[redacted]");
    CHECK(read[0]["provider_request_id"] == "req_7");
    CHECK(read[1]["event"] == "model_target_denied");
    CHECK(read[1]["request_id"] == "r2");
    CHECK(read[1]["reason"] == "breaker_open");
  }

  TEST_CASE("an outage of one target does not flood the log, and is counted") {
    Lines lines;
    observe::Metrics metrics;
    FailureLog log(lines.log.get(), metrics);
    constexpr std::int64_t calls = 1'000;
    for (std::int64_t i = 0; i < calls; ++i)
      log.note_denied("r", "openai/m", "breaker_open", {}, second_ns);
    log.note_denied("other", "openai/n", "breaker_open", {}, second_ns);
    log.note_denied("later", "openai/m", "breaker_open", {}, 3 * second_ns);
    const auto read = lines.read();
    REQUIRE(read.size() == failure_lines_burst + 2);
    CHECK(read[read.size() - 2]["request_id"] == "other");
    CHECK(read.back()["lines_left_out"] == calls - failure_lines_burst);
    CHECK(metrics.render().find("redoubt_model_failure_lines_dropped_total 940") !=
          std::string::npos);
  }

  TEST_CASE("a budget fills at its rate and no further than its burst") {
    LineBudget budget;
    std::int64_t now_ns = 10 * second_ns;
    const auto taken = [&] {
      int count = 0;
      while (budget.take(now_ns))
        ++count;
      return count;
    };
    CHECK(taken() == failure_lines_burst);
    now_ns += 10 * second_ns;
    CHECK(taken() == 10);
    now_ns += 86'400 * second_ns;
    CHECK(taken() == failure_lines_burst);
    now_ns -= 3'600 * second_ns;  // a clock that goes back gives nothing
    CHECK(taken() == 0);
  }
}
