// What goes out to a target of a dialect: a request that none is made of is a failed check.
#pragma once

#include <doctest/doctest.h>

#include <string_view>

#include "engine/base/json.hpp"
#include "engine/llm/encode.hpp"

namespace redoubt::llm::testing {

inline Json sent(const ChatRequest& request, std::string_view dialect) {
  Target target;
  target.dialect = find_dialect(dialect);
  const auto wire = encode_request(request, target);
  if (!wire.ok()) MESSAGE(wire.error().message);
  REQUIRE(wire.ok());
  return Json::parse(wire->body);
}

}  // namespace redoubt::llm::testing
