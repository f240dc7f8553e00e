#include "relay/upstream/key_check.hpp"

#include <array>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "engine/llm/dialect.hpp"
#include "engine/llm/failure.hpp"
#include "relay/net/http_client.hpp"
#include "relay/upstream/clock.hpp"
#include "relay/upstream/provider_address.hpp"

namespace redoubt::upstream {
namespace {

constexpr std::int64_t connect_ms = 5'000;
constexpr std::size_t kept_bytes_max = llm::error_body_bytes_max;
constexpr std::array<const char*, 6> verdict_names{"taken",   "limited",     "refused",
                                                   "unclear", "unreachable", "unasked"};

using Clock = std::chrono::steady_clock;

/// What came of the probe.
class Answer final : public net::CallSink {
 public:
  void on_head(const http::ResponseHead& head) override {
    status = head.status;
    for (const http::HeaderView& header : head.headers)
      headers_.push_back({std::string(header.name), std::string(header.value)});
  }
  void on_body(std::string_view bytes) override {
    body_.append(bytes.substr(0, kept_bytes_max - body_.size()));
  }
  void on_end() override { over = true; }
  void on_failure(const net::CallFailure& failure) override {
    fault = failure.message;
    over = true;
  }

  KeyCheck judged() const {
    if (!fault.empty()) return {.verdict = KeyVerdict::unreachable, .message = fault};
    if (status >= 200 && status < 300) return {.verdict = KeyVerdict::taken, .status = status};
    const llm::ChatFailure failure = llm::failure_from_body(status, body_, headers_, wall_ms());
    KeyCheck check{.verdict = KeyVerdict::unclear, .status = status, .message = failure.message};
    if (failure.failure_class == llm::FailureClass::unauthorized)
      check.verdict = KeyVerdict::refused;
    if (failure.failure_class == llm::FailureClass::rate_limited ||
        failure.failure_class == llm::FailureClass::no_quota)
      check.verdict = KeyVerdict::limited;
    return check;
  }

  int status = 0;
  std::string fault;
  bool over = false;

 private:
  std::vector<llm::Header> headers_;
  std::string body_;
};

void hide(std::string& text, std::string_view secret) {
  for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at))
    text.replace(at, secret.size(), "...");
}

net::OutgoingRequest probe(const llm::Dialect& dialect, net::DestinationPtr to,
                           const std::string& path, const auth::Secret& key) {
  net::OutgoingRequest request;
  request.destination = std::move(to);
  request.method = "GET";
  request.target = path + "/" + std::string(dialect.key_probe);
  request.headers.push_back({"Accept", "application/json"});
  if (dialect.format == llm::WireFormat::anthropic)
    request.headers.push_back({"anthropic-version", std::string(llm::anthropic_version)});
  std::string value(llm::auth_prefix(dialect.auth));
  value += key.text();
  request.headers.push_back({std::string(llm::auth_header(dialect.auth)), std::move(value)});
  request.timeouts.connect_ms = connect_ms;
  request.timeouts.first_byte_ms = key_check_ms_max;
  request.timeouts.idle_ms = key_check_ms_max;
  request.timeouts.total_ms = key_check_ms_max;
  return request;
}

}  // namespace

const char* verdict_name(KeyVerdict verdict) {
  return verdict_names[static_cast<std::size_t>(verdict)];
}

Result<KeyCheck> check_key(const KeyProvider& provider, const auth::Secret& key) {
  const std::string name = provider.dialect.empty() ? provider.name : provider.dialect;
  const llm::Dialect* dialect = llm::find_dialect(name);
  if (dialect == nullptr) {
    return Error{.code = "bad_config",
                 .message = "there is no dialect " + name +
                            ", and no provider of that name is "
                            "configured"};
  }
  const std::string base_url =
      provider.base_url.empty() ? std::string(dialect->base_url) : provider.base_url;
  if (dialect->key_probe.empty() || dialect->auth == llm::AuthKind::none || base_url.empty())
    return KeyCheck{};
  auto to = destination_of({.base_url = base_url,
                            .authorities_file = provider.authorities_file,
                            .proxy = provider.proxy});
  if (!to) return to.error();
  const auto url = net::parse_url(base_url);
  if (!url) return url.error();

  boost::asio::io_context shard{1};
  const auto from = Clock::now();
  const auto answer = std::make_shared<Answer>();
  const auto call = net::HttpClient::of(shard.get_executor())
                        .start(probe(*dialect, std::move(*to), url->path, key), answer);
  while (!answer->over && shard.run_one() > 0) {
  }
  KeyCheck check = answer->judged();
  hide(check.message, key.text());
  check.took_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - from).count();
  return check;
}

}  // namespace redoubt::upstream
