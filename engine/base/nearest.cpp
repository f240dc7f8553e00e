#include "engine/base/nearest.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "engine/base/message.hpp"

namespace redoubt {
namespace {

constexpr std::size_t name_bytes_max = 64;

// Two letters in each other's place are one slip, as a wrong, a missing and a further one are.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, changed});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view name, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, name.size() / 3);
  if (name.size() > name_bytes_max) return best;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > name_bytes_max) continue;
    const std::size_t far = distance(name, candidate);
    if (far >= name.size() || far > best_distance || (far == best_distance && !best.empty()))
      continue;
    best = candidate;
    best_distance = far;
  }
  return best;
}

std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates) {
  const std::string_view near = nearest(name, candidates);
  return near.empty() ? std::string() : joined({"; did you mean \"", near, "\"?"});
}

}  // namespace redoubt
