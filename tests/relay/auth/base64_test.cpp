#include "relay/auth/base64.hpp"

#include <doctest/doctest.h>

namespace redoubt::auth {
namespace {

TEST_CASE("every size goes there and back") {
  std::string bytes;
  for (int size = 0; size < 70; ++size) {
    CHECK(from_base64url(to_base64url(bytes)) == bytes);
    bytes += static_cast<char>(size * 37 + 200);
  }
  CHECK(to_base64url(std::string_view("\xfb\xff\xbf", 3)) == "-_-_");
}

TEST_CASE("one text for one value") {
  CHECK(from_base64url("Zm9v") == "foo");
  CHECK(from_base64url("Zm8") == "fo");
  CHECK(from_base64url("") == "");
  for (const char* bad : {"Z", "Zm9vY", "Zm8=", "Zm9v=", "Zm9v ", " Zm9v", "Zm\n9v", "Zm9+", "Zm9/",
                          "Zm9", "Zh", "Zm9v\xc3\xa9"}) {
    CAPTURE(bad);
    CHECK_FALSE(from_base64url(bad));
  }
}

TEST_CASE("a value of known size takes exactly its text") {
  std::uint8_t room[3];
  CHECK(decode_base64url("Zm9v", room));
  CHECK_FALSE(decode_base64url("Zm8", room));
  CHECK_FALSE(decode_base64url("Zm9vYg", room));
}

}  // namespace
}  // namespace redoubt::auth
