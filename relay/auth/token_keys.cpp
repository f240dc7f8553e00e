#include "relay/auth/token_keys.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <optional>

#include "engine/base/json.hpp"
#include "relay/auth/base64.hpp"
#include "relay/auth/token.hpp"

namespace redoubt::auth {
namespace {

constexpr std::size_t keys_bytes_max = 64 * 1024;
constexpr int keys_depth_max = 6;
constexpr std::size_t member_bytes_max = 4'096;
constexpr std::size_t kid_bytes_max = 128;
constexpr std::size_t tenants_max = 64;

/// Reads one JWK; remembers the first fault.
class KeyReader {
 public:
  KeyReader(const Json& object, std::string path) : object_(object), path_(std::move(path)) {}

  Result<TokenKey> read() {
    TokenKey key;
    key.kid = text("kid");
    key.issuer = text("iss");
    const std::string scope = text("scope");
    std::string unknown;
    if (object_.contains("scope")) key.scopes = parse_scopes(scope, &unknown);
    if (!unknown.empty()) refuse("scope", "known scopes");
    read_tenants(key);
    check_use();
    const std::string type = text("kty");
    const std::string algorithm = text("alg");
    if (key.kid.size() > kid_bytes_max) refuse("kid", "at most 128 bytes");
    if (type == "oct" && algorithm == "HS256") {
      read_secret(key);
    } else if (type == "OKP" && algorithm == "EdDSA" && text("crv") == "Ed25519") {
      read_pair(key);
    } else {
      refuse("alg", "HS256 with kty oct, or EdDSA with kty OKP and crv Ed25519");
    }
    if (fault_) return *fault_;
    return key;
  }

 private:
  std::string text(const char* name) {
    const auto found = object_.find(name);
    if (found == object_.end()) return "";
    const auto* value = found->get_ptr<const std::string*>();
    if (value == nullptr || value->size() > member_bytes_max) {
      refuse(name, "a text");
      return "";
    }
    return *value;
  }

  void refuse(const char* name, const std::string& expected) {
    if (fault_) return;
    fault_ = Error{.code = "bad_keys", .path = path_ + "." + name, .expected = expected};
    fault_->message = fault_->path + ": expected " + expected;
  }

  void check_use() {
    if (object_.contains("use") && text("use") != "sig") refuse("use", "sig, or nothing");
    const auto operations = object_.find("key_ops");
    if (operations == object_.end()) return;
    const bool verifies =
        operations->is_array() &&
        std::any_of(operations->begin(), operations->end(), [](const Json& entry) {
          const auto* name = entry.get_ptr<const std::string*>();
          return name != nullptr && (*name == "verify" || *name == "sign");
        });
    if (!verifies) refuse("key_ops", "verify or sign among them, or nothing");
  }

  void read_tenants(TokenKey& key) {
    const auto found = object_.find("tenant");
    if (found == object_.end()) return;
    const Json list = found->is_array() ? *found : Json::array({*found});
    key.tenants.clear();
    for (const Json& entry : list) {
      const auto* name = entry.get_ptr<const std::string*>();
      if (name == nullptr || !is_tenant(*name) || *name == anonymous_tenant) break;
      key.tenants.push_back(*name);
    }
    if (list.empty() || list.size() > tenants_max || key.tenants.size() != list.size()) {
      refuse("tenant",
             "the tenant for which it signs, or a list of 1 to 64: each 1 to 64 letters, "
             "digits, '.', '_' or '-', and none of them " +
                 std::string(anonymous_tenant));
    }
  }

  void read_secret(TokenKey& key) {
    std::optional<std::string> bytes = from_base64url(text("k"));
    if (!bytes || bytes->size() < hs256_key_bytes_min) {
      refuse("k", "at least 32 bytes in base64url");
      return;
    }
    key.algorithm = Algorithm::hs256;
    key.secret = Secret(*bytes);
    key.signs = true;
    cleanse(*bytes);
  }

  void read_pair(TokenKey& key) {
    key.algorithm = Algorithm::eddsa;
    std::array<std::uint8_t, ed25519_key_bytes> bytes{};
    if (!decode_base64url(text("x"), bytes) || !(key.ed25519 = ed25519_public(bytes))) {
      refuse("x", "32 bytes in base64url");
      return;
    }
    if (!object_.contains("d")) return;
    Secret seed = Secret::of_size(ed25519_key_bytes);
    const SigningKey pair =
        decode_base64url(text("d"), seed.writable()) ? ed25519_private(seed.bytes()) : nullptr;
    if (!pair || ed25519_public_of(pair) != bytes) {
      refuse("d", "the private half of x");
      return;
    }
    key.ed25519 = pair;
    key.signs = true;
  }

  const Json& object_;
  std::string path_;
  std::optional<Error> fault_;
};

Error bad_keys(std::string message) {
  return {.code = "bad_keys", .message = std::move(message)};
}

bool same_name(const TokenKey& a, const TokenKey& b) {
  return a.kid == b.kid && a.algorithm == b.algorithm;
}

}  // namespace

Result<TokenKeys> parse_token_keys(std::string_view json) {
  const auto set = parse_json(json, {.bytes_max = keys_bytes_max, .depth_max = keys_depth_max});
  if (!set) {
    return bad_keys("not JSON: line " + std::to_string(set.error().line) + ", column " +
                    std::to_string(set.error().column));
  }
  if (!set->is_object() || !set->contains("keys") || !(*set)["keys"].is_array()) {
    return bad_keys("expected a JWK Set: {\"keys\": [...]}");
  }
  const Json& list = (*set)["keys"];
  if (list.size() > token_keys_max) {
    return bad_keys("expected at most " + std::to_string(token_keys_max) + " keys");
  }
  TokenKeys keys;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string path = "keys[" + std::to_string(i) + "]";
    if (!list[i].is_object()) return bad_keys(path + ": expected an object");
    auto key = KeyReader(list[i], path).read();
    if (!key) return key.error();
    const bool twice = !key->kid.empty() &&
                       std::any_of(keys.begin(), keys.end(),
                                   [&](const TokenKey& other) { return same_name(other, *key); });
    if (twice) return bad_keys(path + ".kid: two keys have the same");
    keys.push_back(std::move(*key));
  }
  return keys;
}

TokenKey generate_token_key(Algorithm algorithm, std::string kid, Scopes scopes) {
  Secret random = Secret::of_size(32);
  fill_random(random.writable());
  TokenKey key{.kid = std::move(kid), .algorithm = algorithm, .signs = true, .scopes = scopes};
  if (algorithm == Algorithm::eddsa) {
    key.ed25519 = ed25519_private(random.bytes());
  } else {
    key.secret = std::move(random);
  }
  return key;
}

Secret format_token_key(const TokenKey& key, bool with_private) {
  Json json{{"alg", to_string(key.algorithm)}, {"kid", key.kid}, {"use", "sig"}};
  if (key.scopes != player_scopes) json["scope"] = to_text(key.scopes);
  if (!key.issuer.empty()) json["iss"] = key.issuer;
  if (key.tenants.size() > 1) {
    json["tenant"] = key.tenants;
  } else if (key.tenants.front() != default_tenant) {
    json["tenant"] = key.tenants.front();
  }
  if (key.algorithm == Algorithm::hs256) {
    json["kty"] = "oct";
    json["k"] = to_base64url(key.secret.bytes());
  } else {
    json["kty"] = "OKP";
    json["crv"] = "Ed25519";
    json["x"] = to_base64url(ed25519_public_of(key.ed25519));
    if (with_private) {
      Secret seed = Secret::of_size(ed25519_key_bytes);
      std::size_t size = seed.size();
      EVP_PKEY_get_raw_private_key(key.ed25519.get(), seed.writable().data(), &size);
      json["d"] = to_base64url(seed.bytes());
    }
  }
  std::string text = Json{{"keys", Json::array({json})}}.dump(2) + "\n";
  Secret secret{std::string_view(text)};
  cleanse(text);
  return secret;
}

}  // namespace redoubt::auth
