#include "engine/hex/field.hpp"

#include <algorithm>
#include <cassert>

#include "engine/base/stable_order.hpp"

namespace redoubt::hex {

Layout::Layout(int width, int height) : width_(width), height_(height) {
  assert(width >= 1 && height >= 1 && width * height < no_cell);
  // Axial q runs from -(height - 1) / 2 to width - 1; one column of border on either side.
  const int shift = (height - 1) / 2 + 1;
  const int stride = width + shift + 1;
  index_of_.resize(static_cast<std::size_t>(width * height));
  cell_of_.assign(static_cast<std::size_t>(stride * (height + 2)), no_cell);
  for (int row = 0; row < height; ++row) {
    for (int column = 0; column < width; ++column) {
      const Axial a = to_axial({column, row});
      const int index = (a.r + 1) * stride + a.q + shift;
      const int cell = row * width + column;
      index_of_[static_cast<std::size_t>(cell)] = static_cast<std::uint32_t>(index);
      cell_of_[static_cast<std::size_t>(index)] = static_cast<Cell>(cell);
    }
  }
  for (std::size_t d = 0; d < directions; ++d) {
    offsets_[d] = axial_steps[d].r * stride + axial_steps[d].q;
  }
}

void Flood::run(const Layout& layout, const Costs& costs, std::span<const Source> sources,
                Field<Distance>& out, Distance limit) {
  out.fill(unreached);
  for (auto& bucket : buckets_)
    bucket.clear();
  // Sources may start at any distance: those beyond the ring of buckets wait in order.
  std::vector<Source> waiting(sources.begin(), sources.end());
  sort_stable(waiting, [](const Source& a, const Source& b) { return a.distance < b.distance; });
  std::size_t next_source = 0;
  std::size_t queued = 0;
  const auto offer = [&](std::size_t index, int distance) {
    if (distance > limit || distance >= out[index]) return;
    out[index] = static_cast<Distance>(distance);
    buckets_[static_cast<std::size_t>(distance) % buckets_.size()].push_back(
        static_cast<std::uint32_t>(index));
    ++queued;
  };
  for (int distance = 0; distance <= limit; ++distance) {
    if (queued == 0) {
      if (next_source == waiting.size()) break;
      distance = std::max<int>(distance, waiting[next_source].distance);
    }
    while (next_source < waiting.size() && waiting[next_source].distance <= distance) {
      offer(layout.at(waiting[next_source].cell), distance);
      ++next_source;
    }
    auto& bucket = buckets_[static_cast<std::size_t>(distance) % buckets_.size()];
    for (std::size_t k = 0; k < bucket.size(); ++k) {
      const std::size_t index = bucket[k];
      --queued;
      if (out[index] != distance) continue;  // reached more cheaply since
      for (const std::ptrdiff_t offset : layout.offsets()) {
        const std::size_t to =
            static_cast<std::size_t>(static_cast<std::ptrdiff_t>(index) + offset);
        if (costs[to] > 0) offer(to, distance + costs[to]);
      }
    }
    bucket.clear();
  }
}

void diffuse(const Layout& layout, const Costs& costs, const Field<std::int32_t>& sources,
             int passes, int spread_permille, Field<std::int32_t>& out,
             Field<std::int32_t>& scratch) {
  assert(spread_permille >= 0 && spread_permille < 1000);
  const auto& o = layout.offsets();
  // The border is one cell wide, so the first and last rows of entries have no neighbours to read.
  const auto margin = static_cast<std::size_t>(std::max(o[4], o[5]));
  const std::size_t end = layout.size() - margin;
  // 2^16 x spread / 6 per neighbour; exact to less than a unit.
  const std::int64_t factor = 65536LL * spread_permille / 6000;
  out.values() = sources.values();
  scratch.values().assign(layout.size(), 0);
  for (int pass = 0; pass < passes; ++pass) {
    const std::int32_t* from = out.values().data();
    std::int32_t* to = scratch.values().data();
    for (std::size_t i = margin; i < end; ++i) {
      const std::int64_t sum = static_cast<std::int64_t>(from[i + o[0]]) + from[i + o[1]] +
                               from[i + o[2]] + from[i + o[3]] + from[i + o[4]] + from[i + o[5]];
      const std::int32_t open = costs[i] > 0 ? -1 : 0;
      // Division, not a shift: it rounds both signs towards 0, so that sides stay symmetric.
      to[i] = (sources[i] + static_cast<std::int32_t>(sum * factor / 65536)) & open;
    }
    out.values().swap(scratch.values());
  }
}

}  // namespace redoubt::hex
