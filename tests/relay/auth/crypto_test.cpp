#include "relay/auth/crypto.hpp"

#include <doctest/doctest.h>

#include "tests/relay/auth/wycheproof.hpp"

namespace redoubt::auth {
namespace {

TEST_CASE("HMAC-SHA256 agrees with the vectors") {
  const auto vectors = wycheproof("hmac_sha256_test.json");
  if (!vectors) return;
  int whole = 0;
  for (const Json& group : (*vectors)["testGroups"]) {
    if (group["tagSize"] != 256) continue;  // the relay never takes a shortened one
    for (const Json& test : group["tests"]) {
      CAPTURE(test["tcId"].get<int>());
      const Digest digest = hmac_sha256(from_hex(test["key"]), from_hex(test["msg"]));
      const bool valid = equal(digest, from_hex(test["tag"]));
      CHECK(valid == (test["result"] == "valid"));
      ++whole;
    }
  }
  CHECK(whole > 80);
}

TEST_CASE("Ed25519 agrees with the vectors") {
  const auto vectors = wycheproof("ed25519_test.json");
  if (!vectors) return;
  for (const Json& group : (*vectors)["testGroups"]) {
    const SigningKey key = ed25519_public(from_hex(group["publicKey"]["pk"]));
    REQUIRE(key);
    for (const Json& test : group["tests"]) {
      CAPTURE(test["tcId"].get<int>());
      const bool valid = ed25519_verify(key, from_hex(test["msg"]), from_hex(test["sig"]));
      CHECK(valid == (test["result"] == "valid"));
    }
  }
}

TEST_CASE("AES-256-GCM agrees with the vectors, opening and sealing") {
  const auto vectors = wycheproof("aes_gcm_test.json");
  if (!vectors) return;
  int ours = 0;
  for (const Json& group : (*vectors)["testGroups"]) {
    if (group["keySize"] != 256 || group["ivSize"] != 96 || group["tagSize"] != 128) continue;
    for (const Json& test : group["tests"]) {
      CAPTURE(test["tcId"].get<int>());
      const auto key = from_hex(test["key"]);
      const auto aad = from_hex(test["aad"]);
      const auto plain = from_hex(test["msg"]);
      const auto iv = from_hex(test["iv"]);
      Nonce nonce{};
      std::copy(iv.begin(), iv.end(), nonce.begin());
      auto sealed = from_hex(test["ct"]);
      const auto tag = from_hex(test["tag"]);
      sealed.insert(sealed.end(), tag.begin(), tag.end());
      const auto opened = aes_gcm_open(key, nonce, aad, sealed);
      const bool valid = test["result"] == "valid";
      CHECK(opened.has_value() == valid);
      if (!valid || !opened) continue;
      CHECK(equal(opened->bytes(), plain));
      CHECK(aes_gcm_seal(key, nonce, aad, plain) == sealed);
      ++ours;
    }
  }
  CHECK(ours > 30);
}

TEST_CASE("a signature is verified by the public half alone") {
  Secret seed = Secret::of_size(ed25519_key_bytes);
  fill_random(seed.writable());
  const SigningKey pair = ed25519_private(seed.bytes());
  REQUIRE(pair);
  const SigningKey half = ed25519_public(ed25519_public_of(pair));
  const auto signature = ed25519_sign(pair, bytes_of("hello"));
  REQUIRE(signature);
  CHECK(ed25519_verify(half, bytes_of("hello"), *signature));
  CHECK_FALSE(ed25519_verify(half, bytes_of("hallo"), *signature));
  CHECK_FALSE(ed25519_sign(half, bytes_of("hello")));
  CHECK_FALSE(ed25519_public(bytes_of("short")));
}

TEST_CASE("equal looks at every byte, whatever the sizes") {
  CHECK(equal(bytes_of("abc"), bytes_of("abc")));
  CHECK_FALSE(equal(bytes_of("abc"), bytes_of("abd")));
  CHECK_FALSE(equal(bytes_of("abc"), bytes_of("ab")));
  CHECK(equal(Bytes(), Bytes()));
  CHECK(equal_hidden(bytes_of("abc"), bytes_of("abc")));
  CHECK_FALSE(equal_hidden(bytes_of("abc"), bytes_of("abcd")));
}

}  // namespace
}  // namespace redoubt::auth
