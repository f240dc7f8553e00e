// Runs: workflows that the relay carries out for their owner.
//
//   POST   /api/workflows/runs                start {workflow, input, seed} or import a bundle
//   GET    /api/workflows/runs                the caller's runs
//   GET    /api/workflows/runs/{id}           one of them
//   DELETE /api/workflows/runs/{id}           forgets it
//   GET    /api/workflows/runs/{id}/events    its events as server-sent events, resumable
//   POST   /api/workflows/runs/{id}/signal    {name, value}
//   POST   /api/workflows/runs/{id}/approve   {question, value}: an answer to what it asks
//   POST   /api/workflows/runs/{id}/cancel    {reason}
//   POST   /api/workflows/runs/{id}/resume    tries again one that was set aside at a start
//   POST   /api/workflows/runs/{id}/export    parks it and gives its bundle
#pragma once

#include "engine/workflow/history.hpp"
#include "relay/contract/route.hpp"
#include "relay/http/router.hpp"
#include "relay/net/compute_pool.hpp"
#include "relay/services/runs/run_service.hpp"

namespace redoubt::services {

/// A bundle is at most this long here; the engine's own bound is wider.
constexpr std::size_t bundle_body_bytes_max = 16u << 20;
/// A start or an input that is longer is refused unread: its parts would be over their own bounds.
constexpr std::size_t order_body_bytes_max =
    workflow::kPayloadBytesMax + runs::workflow_file_bytes_max;
constexpr std::string_view bundle_media_type = "application/vnd.redoubt.bundle";

class Runs {
 public:
  /// All outlive this.
  Runs(runs::RunService& service, net::ComputePool& pool, observe::Log& log)
      : service_(service), pool_(pool), log_(log) {}
  std::vector<contract::Route> routes();

 private:
  enum class Ask : std::uint8_t { view, remove, resume, export_run };
  net::Task<http::Response> begin(http::Request& request, contract::JsonBody body);
  net::Task<http::Response> give(http::Request& request, workflow::InputKind kind,
                                 contract::JsonBody body);
  net::Task<http::Response> list(http::Request& request);
  net::Task<http::Response> one(http::Request& request, Ask ask);
  net::Task<http::Response> events(http::Request& request);
  http::Response fault_response(const http::Request& request, const Error& error) const;

  runs::RunService& service_;
  net::ComputePool& pool_;
  observe::Log& log_;
};

}  // namespace redoubt::services
