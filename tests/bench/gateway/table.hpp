// The table that the benchmark prints.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace redoubt::bench {

struct Row {
  std::string what;
  std::string target;    ///< empty: there is none
  std::string measured;  ///< what is held against the target
  bool missed = false;
  // As each server gave it; empty where it was not asked.
  std::string direct;  ///< the mock with nothing in front
  std::string nginx;
  std::string relay;
  std::string portkey;
};

/// `number` with so many places and its unit.
std::string figure(double number, int places, std::string_view unit = "");

void print_table(const std::vector<Row>& rows);

}  // namespace redoubt::bench
