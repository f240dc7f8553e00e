#include "relay/auth/vault.hpp"

#include <doctest/doctest.h>

#include <set>

namespace redoubt::auth {
namespace {

constexpr std::string_view plain = "sk-test-0123456789abcdef";

MasterKey master(char digit = '1') {
  auto key = MasterKey::parse(std::string(64, digit));
  REQUIRE(key.ok());
  return std::move(*key);
}

SealedKey sealed(const MasterKey& key) {
  Nonce nonce{};
  nonce[0] = 7;
  const KeyIdentity identity{
      .name = "main", .provider = "openai", .version = 3, .created_ms = 1'700'000'000'000};
  return seal(key, identity, Secret(plain), nonce);
}

TEST_CASE("what is sealed opens, and shows nothing of the key") {
  const MasterKey key = master();
  const SealedKey record = sealed(key);
  const auto opened = open(key, record);
  REQUIRE(opened.ok());
  CHECK(opened->text() == plain);
  const std::string bytes(record.sealed.begin(), record.sealed.end());
  CHECK(bytes.find("sk-test") == std::string::npos);
  CHECK(record.fingerprint.find("sk-") == std::string::npos);
  CHECK(record.fingerprint.size() == 12);
}

TEST_CASE("every bit of a record is under the seal") {
  const MasterKey key = master();
  const SealedKey good = sealed(key);
  int flips = 0;
  const auto refused = [&](const SealedKey& record) {
    const auto opened = open(key, record);
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().message.find(plain) == std::string::npos);
    ++flips;
  };
  const auto flip_bytes = [&](auto member) {
    for (std::size_t i = 0; i < (good.*member).size(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        SealedKey record = good;
        auto& byte = (record.*member)[i];
        byte = static_cast<std::remove_reference_t<decltype(byte)>>(byte ^ (1 << bit));
        refused(record);
      }
    }
  };
  flip_bytes(&SealedKey::name);
  flip_bytes(&SealedKey::provider);
  flip_bytes(&SealedKey::master_key_id);
  flip_bytes(&SealedKey::fingerprint);
  flip_bytes(&SealedKey::nonce);
  flip_bytes(&SealedKey::sealed);
  for (int bit = 0; bit < 64; ++bit) {
    SealedKey record = good;
    record.version = static_cast<std::int64_t>(static_cast<std::uint64_t>(good.version) ^
                                               (std::uint64_t{1} << bit));
    refused(record);
    record = good;
    record.created_ms = static_cast<std::int64_t>(static_cast<std::uint64_t>(good.created_ms) ^
                                                  (std::uint64_t{1} << bit));
    refused(record);
  }
  for (std::size_t size = 0; size < good.sealed.size(); ++size) {
    SealedKey record = good;
    record.sealed.resize(size);
    refused(record);
  }
  CHECK(flips > 800);
}

TEST_CASE("fields cannot flow into each other") {
  const MasterKey key = master();
  SealedKey record = sealed(key);
  record.name = "maino";
  record.provider = "penai";
  CHECK_FALSE(open(key, record).ok());
}

TEST_CASE("another master key is told apart from a damaged record") {
  const SealedKey record = sealed(master('1'));
  CHECK(open(master('2'), record).error().code == "wrong_master_key");
  SealedKey broken = record;
  broken.sealed[0] ^= 1;
  CHECK(open(master('1'), broken).error().code == "broken_seal");
}

TEST_CASE("a master key is 32 bytes in any of three writings") {
  const std::string base64 = "+/+/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  const std::string url = "-_-_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  const std::string hex = "fbffbf" + std::string(58, '0');
  const auto id = [](const std::string& text) { return MasterKey::parse(text)->id(); };
  CHECK(id(base64) == id(url));
  CHECK(id(base64) == id(hex));
  CHECK(id(base64) != master().id());
  CHECK(id(base64).size() == 16);
  for (const std::string& bad :
       {std::string(), std::string(63, '1'), std::string(66, '1'), url + "A",
        url + "==", url.substr(1), base64 + "\n", std::string(64, 'g')}) {
    CAPTURE(bad);
    const auto refused = MasterKey::parse(bad);
    REQUIRE_FALSE(refused.ok());
    CHECK((bad.empty() || refused.error().message.find(bad) == std::string::npos));
  }
  CHECK(MasterKey::parse(MasterKey::generate().text()).ok());
}

TEST_CASE("the fingerprint knows equal keys, under one master key") {
  const Secret a(plain);
  const Secret b(std::string_view("sk-other"));
  CHECK(master().fingerprint(a.bytes()) == master().fingerprint(a.copy().bytes()));
  CHECK(master().fingerprint(a.bytes()) != master().fingerprint(b.bytes()));
  CHECK(master('1').fingerprint(a.bytes()) != master('2').fingerprint(a.bytes()));
}

TEST_CASE("what may be a provider's key and its name") {
  CHECK(check_provider_key(Secret(plain)).ok());
  for (const std::string& bad :
       {std::string(), std::string("sk test"), std::string("sk\n"), std::string("sk\xc3\xa9"),
        std::string("\"sk-1\""), std::string("'sk-1'"), std::string(4'097, 'k')}) {
    CHECK_FALSE(check_provider_key(Secret(std::string_view(bad))).ok());
  }
  CHECK(is_key_name("openai-2.main_A"));
  for (const char* bad : {"", "-a", ".a", "a b", "a/b", "a\n"})
    CHECK_FALSE(is_key_name(bad));
  CHECK_FALSE(is_key_name(std::string(65, 'a')));
}

}  // namespace
}  // namespace redoubt::auth
