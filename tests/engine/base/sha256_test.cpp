#include "engine/base/sha256.hpp"

#include <doctest/doctest.h>

using namespace redoubt;

TEST_SUITE("base/sha256") {
  TEST_CASE("the vectors of FIPS 180-4") {
    CHECK(hex64(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(hex64(sha256("abc")) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(hex64(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(hex64(sha256(std::string(1000000, 'a'))) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }

  TEST_CASE("any split of the bytes gives the same digest, and a copy keeps its prefix") {
    std::string bytes;
    for (int i = 0; i < 200; ++i)
      bytes.push_back(static_cast<char>(i * 7));
    const Digest256 whole = sha256(bytes);
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      Sha256 hash;
      hash.add(std::string_view(bytes).substr(0, cut));
      const Sha256 prefix = hash;
      hash.add(std::string_view(bytes).substr(cut));
      CHECK(hash.digest() == whole);
      CHECK(prefix.digest() == sha256(bytes.substr(0, cut)));
    }
  }

  TEST_CASE("HMAC: cases 1, 2 and 6 of RFC 4231") {
    CHECK(hex64(hmac_sha256(std::string(20, '\x0b'), "Hi There")) ==
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    CHECK(hex64(hmac_sha256("Jefe", "what do ya want for nothing?")) ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(hex64(hmac_sha256(std::string(131, '\xaa'),
                            "Test Using Larger Than Block-Size Key - Hash Key First")) ==
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  }

  TEST_CASE("two digests are the same or not, wherever they differ") {
    const Digest256 a = sha256("a");
    for (std::size_t i = 0; i < a.size(); ++i) {
      Digest256 b = a;
      CHECK(same_digest(a, b));
      b[i] ^= 1;
      CHECK_FALSE(same_digest(a, b));
    }
  }
}
