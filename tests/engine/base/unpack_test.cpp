#include "engine/base/unpack.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>

#include "engine/base/rng.hpp"

using namespace redoubt;

namespace {

std::string bytes(std::initializer_list<int> list) {
  std::string out;
  for (int byte : list)
    out += static_cast<char>(byte);
  return out;
}

// Made with Python's zlib and gzip modules. The text is 10 times "redoubt " and 300 times "a".
const std::string text = [] {
  std::string out;
  for (int i = 0; i < 10; ++i)
    out += "redoubt ";
  return out + std::string(300, 'a');
}();

// One stored block: its size, the inverse of it, the text.
const std::string stored =
    bytes({0x78, 0x01, 0x01, 0x7c, 0x01, 0x83, 0xfe}) + text + bytes({0xe3, 0x6f, 0x90, 0x7f});
const std::string fixed =
    bytes({0x78, 0x01, 0x2b, 0x4a, 0x4d, 0xc9, 0x2f, 0x4d, 0x2a, 0x51, 0x28, 0xa2,
           0x12, 0x9d, 0x38, 0x0a, 0x88, 0x06, 0x00, 0xe3, 0x6f, 0x90, 0x7f});
const std::string dynamic =
    bytes({0x78, 0x01, 0x05, 0xc1, 0xb1, 0x09, 0x00, 0x30, 0x08, 0x00, 0xb0, 0x57, 0x7c, 0x2d, 0x45,
           0x67, 0x41, 0xf4, 0xff, 0x26, 0x53, 0xd9, 0xf7, 0x36, 0xa6, 0xb2, 0xef, 0x6d, 0x4c, 0x65,
           0xdf, 0xdb, 0x98, 0xca, 0xbe, 0xb7, 0x31, 0x95, 0x7d, 0x6f, 0x63, 0x2a, 0xfb, 0xde, 0xc6,
           0x54, 0xf6, 0xbd, 0x8d, 0xa9, 0xec, 0x7b, 0x1b, 0x53, 0xd9, 0xf7, 0x36, 0xa6, 0xb2, 0xef,
           0x6d, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
           0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
           0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xc0, 0x07, 0xe3, 0x6f, 0x90, 0x7f});
const std::string named = bytes(
    {0x1f, 0x8b, 0x08, 0x08, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0x6c, 0x61, 0x79, 0x65, 0x72,
     0x2e, 0x62, 0x69, 0x6e, 0x00, 0x2b, 0x4a, 0x4d, 0xc9, 0x2f, 0x4d, 0x2a, 0x51, 0x28, 0xa2,
     0x12, 0x9d, 0x38, 0x0a, 0x88, 0x06, 0x00, 0xcd, 0xaf, 0x96, 0xe6, 0x7c, 0x01, 0x00, 0x00});
const std::string empty = bytes({0x78, 0x9c, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01});

std::string said(const std::string& packed, Packing packing, std::size_t bytes_max = 1000) {
  const Result<std::string> out = unpack(packed, packing, bytes_max);
  if (out) return *out == text ? "the text" : "another text";
  CHECK(out.error().code == "bad_packing");
  return out.error().message;
}

}  // namespace

TEST_CASE("zlib and gzip are unpacked: stored, fixed and own codes, a name in the head") {
  CHECK(said(stored, Packing::zlib) == "the text");
  CHECK(said(fixed, Packing::zlib) == "the text");
  CHECK(said(dynamic, Packing::zlib) == "the text");
  CHECK(said(named, Packing::gzip) == "the text");
  CHECK(unpack(empty, Packing::zlib, 0).value().empty());
}

TEST_CASE("what is not packed data, damaged, cut or too much is refused with the byte") {
  CHECK(said("", Packing::zlib) == "the packed data end early (byte 0)");
  CHECK(said(named, Packing::zlib).find("this is not zlib") == 0);
  CHECK(said(fixed, Packing::gzip).find("this is not gzip") == 0);
  CHECK(said(fixed, Packing::zlib, text.size()) == "the text");
  for (const std::size_t bytes_max : {std::size_t{0}, std::size_t{10}, text.size() - 1}) {
    for (const std::string& packed : {stored, fixed, dynamic}) {
      CHECK(said(packed, Packing::zlib, bytes_max)
                .find("unpacked, the data are larger than they may be") == 0);
    }
  }
  CHECK(said(fixed + "x", Packing::zlib).find("there is more after the packed data") == 0);
  std::string wrong = dynamic;
  wrong.back() = static_cast<char>(wrong.back() ^ 1);
  CHECK(said(wrong, Packing::zlib).find("the packed data are damaged: the check sum differs") == 0);
  // A block of kind 3; a copy from before the start.
  CHECK(said(bytes({0x78, 0x9c, 0x07}), Packing::zlib).find("a block of an unknown kind") !=
        std::string::npos);
  CHECK(said(bytes({0x78, 0x9c, 0x03, 0x02, 0, 0, 0, 0}), Packing::zlib).find("no such code") !=
        std::string::npos);
  for (const auto& [packed, packing] :
       {std::pair(stored, Packing::zlib), std::pair(fixed, Packing::zlib),
        std::pair(dynamic, Packing::zlib), std::pair(named, Packing::gzip)}) {
    for (std::size_t size = 0; size < packed.size(); ++size)
      CHECK_FALSE(unpack(packed.substr(0, size), packing, 1000));
  }
}

TEST_CASE("mutated packed data never unpack to another text") {
  Rng rng(5);
  for (int i = 0; i < 3000; ++i) {
    const bool gzip = rng.below(2) == 0;
    std::string packed = gzip ? named : dynamic;
    for (int k = rng.between(1, 3); k > 0; --k) {
      const auto at = rng.below(static_cast<std::uint32_t>(packed.size()));
      packed[at] = static_cast<char>(rng.below(256));
    }
    const auto out = unpack(packed, gzip ? Packing::gzip : Packing::zlib, 1000);
    if (out) CHECK(*out == text);
  }
}
