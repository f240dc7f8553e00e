#include "relay/services/runs/run_store.hpp"

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::runs {
namespace {

constexpr std::size_t limits_bytes_max = 4'096;

}  // namespace

std::string limits_text(const auth::CallerLimits& limits) {
  return canonical(auth::limits_json(limits));
}

Result<auth::CallerLimits> limits_of(const std::string& text) {
  const auto json = parse_json(text, {limits_bytes_max, 4});
  if (!json) return json.error();
  return auth::read_limits(*json);
}

Error unknown_run() {
  return {.code = "unknown_run", .message = "the run is not in the store any more"};
}

Error owner_full(const OwnerBounds& bounds) {
  return {.code = "owner_full",
          .message = joined({"your runs take more than ", bounds.bytes_max >> 20,
                             " MiB here: remove some of them first"})};
}

Error too_many_runs(const OwnerBounds& bounds) {
  return {.code = "too_many_runs",
          .message = joined({"at most ", bounds.under_way_max,
                             " runs of one owner are under way or parked: remove some"})};
}

Error too_many_descendants(const OwnerBounds& bounds) {
  return {.code = "too_many_descendants",
          .message = joined({"a run leads to at most ", bounds.descendants_max,
                             " others: children, their children, and handoffs"})};
}

Error too_many_imports(const OwnerBounds& bounds) {
  return {.code = "too_many_imports",
          .message =
              joined({"at most ", bounds.imports_max, " bundles are imported here for one owner"})};
}

}  // namespace redoubt::runs
