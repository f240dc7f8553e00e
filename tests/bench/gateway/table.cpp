#include "tests/bench/gateway/table.hpp"

#include <array>
#include <cstdio>

namespace redoubt::bench {

std::string figure(double number, int places, std::string_view unit) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", places, number);
  return std::string(text.data()) + std::string(unit);
}

void print_table(const std::vector<Row>& rows) {
  const auto line = [](const Row& row) {
    std::printf("%-38s %-16s %-16s %-7s| %9s %9s %9s %9s\n", row.what.c_str(), row.target.c_str(),
                row.measured.c_str(), row.missed ? "missed" : "", row.direct.c_str(),
                row.nginx.c_str(), row.relay.c_str(), row.portkey.c_str());
  };
  line({"what", "target", "measured", false, "direct", "nginx", "relay", "portkey"});
  for (const Row& row : rows)
    line(row);
}

}  // namespace redoubt::bench
