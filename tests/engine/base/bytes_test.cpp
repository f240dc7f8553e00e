#include "engine/base/bytes.hpp"

#include <doctest/doctest.h>

using namespace redoubt;

TEST_CASE("what is written reads back, little-endian") {
  ByteWriter out;
  out.u8(0xfe);
  out.u16(0x1234);
  out.u32(0xdeadbeef);
  out.i32(-2);
  out.u64(0x0102030405060708u);
  out.text("hi");
  CHECK(out.size() == 1 + 2 + 4 + 4 + 8 + 4 + 2);
  const std::string bytes = out.take();
  CHECK(bytes.substr(1, 2) == "\x34\x12");

  ByteReader in(bytes);
  CHECK(in.u8() == 0xfe);
  CHECK(in.u16() == 0x1234);
  CHECK(in.u32() == 0xdeadbeef);
  CHECK(in.i32() == -2);
  CHECK(in.u64() == 0x0102030405060708u);
  CHECK(in.text(10) == "hi");
  CHECK(!in.failed());
  CHECK(in.remaining() == 0);
}

TEST_CASE("reading beyond the end fails once and for all") {
  ByteReader in("abc");
  CHECK(in.u32() == 0);
  CHECK(in.failed());
  CHECK(in.u8() == 0);
  CHECK(in.text(5).empty());
  CHECK(in.position() == 0);
}

TEST_CASE("a text longer than allowed or than the bytes is a failure") {
  ByteWriter out;
  out.text("hello");
  const std::string bytes = out.take();
  ByteReader too_long(bytes);
  CHECK(too_long.text(4).empty());
  CHECK(too_long.failed());
  ByteReader cut(std::string_view(bytes).substr(0, 8));
  CHECK(cut.text(5).empty());
  CHECK(cut.failed());
  ByteReader whole(bytes);
  CHECK(whole.text(5) == "hello");
  CHECK(!whole.failed());
}
