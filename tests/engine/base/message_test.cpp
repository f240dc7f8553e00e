#include "engine/base/message.hpp"

#include <doctest/doctest.h>

using namespace redoubt;

TEST_CASE("pieces are texts and whole numbers of any width") {
  const std::string name = "base";
  const std::uint16_t cell = 65535;
  CHECK(joined({name, " ", 2, " on ", cell, std::string_view(", ok"), " ", std::int64_t{-5}}) ==
        "base 2 on 65535, ok -5");
  CHECK(joined({}) == "");
  CHECK(joined({std::size_t{4'000'000'000u}}) == "4000000000");
}

TEST_CASE("an error is made of four messages") {
  const Error error = make_error("bad_map", {"site ", 3}, {"sites[", 2, "]"}, {"a cell"}, {});
  CHECK(error.code == "bad_map");
  CHECK(error.message == "site 3");
  CHECK(error.path == "sites[2]");
  CHECK(error.expected == "a cell");
  CHECK(error.got == "");
}
