#include "relay/auth/jws.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>

#include "engine/base/json.hpp"
#include "relay/auth/base64.hpp"
#include "relay/auth/text.hpp"

namespace redoubt::auth {
namespace {

constexpr std::array<std::string_view, 2> algorithm_names{"HS256", "EdDSA"};
constexpr std::array<std::size_t, 2> signature_bytes{32, 64};
constexpr int header_depth_max = 4;

Error invalid(std::string message) {
  return {.code = "invalid_token", .message = std::move(message)};
}

struct Parts {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
  std::string_view signed_text;  ///< header '.' payload
};

std::optional<Parts> split(std::string_view compact) {
  const std::size_t first = compact.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = compact.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const Parts parts{.header = compact.substr(0, first),
                    .payload = compact.substr(first + 1, second - first - 1),
                    .signature = compact.substr(second + 1),
                    .signed_text = compact.substr(0, second)};
  const bool whole = !parts.header.empty() && !parts.payload.empty() && !parts.signature.empty() &&
                     parts.signature.find('.') == std::string_view::npos;
  return whole ? std::optional(parts) : std::nullopt;
}

struct Header {
  std::string algorithm;
  std::string kid;
};

std::optional<std::string> text_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return *found->get_ptr<const std::string*>();
}

bool is_token_type(const std::string& type) {
  return equal_no_case(type, "JWT") || equal_no_case(type, "at+jwt") || equal_no_case(type, "JOSE");
}

Result<Header> read_header(std::string_view encoded) {
  const auto text = from_base64url(encoded);
  if (!text) return invalid("the token's header is not base64url");
  const auto json =
      parse_json(*text, {.bytes_max = token_bytes_max, .depth_max = header_depth_max});
  if (!json || !json->is_object()) return invalid("the token's header is not a JSON object");
  if (json->contains("crit") || json->contains("b64")) {
    return invalid("the token asks for an extension that is not understood here (crit, b64)");
  }
  if (json->contains("typ") && !is_token_type(text_member(*json, "typ").value_or(""))) {
    return invalid("the token's typ is not JWT");
  }
  const auto algorithm = text_member(*json, "alg");
  if (!algorithm) return invalid("the token's header names no algorithm");
  if (json->contains("kid") && !text_member(*json, "kid")) {
    return invalid("the token's kid is not a text");
  }
  return Header{.algorithm = *algorithm, .kid = text_member(*json, "kid").value_or("")};
}

bool signed_by(const TokenKey& key, Bytes message, Bytes signature) {
  if (key.algorithm == Algorithm::eddsa) return ed25519_verify(key.ed25519, message, signature);
  return equal(hmac_sha256(key.secret.bytes(), message), signature);
}

}  // namespace

std::string_view to_string(Algorithm algorithm) {
  return algorithm_names[static_cast<std::size_t>(algorithm)];
}

Result<Jws> verify_jws(std::string_view compact, std::span<const TokenKey> keys) {
  if (compact.size() > token_bytes_max) {
    return invalid("the token is longer than " + std::to_string(token_bytes_max) + " bytes");
  }
  const auto parts = split(compact);
  if (!parts)
    return invalid(
        "this is no token of the relay's, which has three parts with dots between: send one, or "
        "the "
        "word anonymous, or nothing");
  const auto header = read_header(parts->header);
  if (!header) return header.error();

  bool known = false;
  for (const TokenKey& key : keys) {
    if (key.kid != header->kid || to_string(key.algorithm) != header->algorithm) continue;
    known = true;
    std::array<std::uint8_t, 64> room{};
    const std::span signature =
        std::span(room).first(signature_bytes[static_cast<std::size_t>(key.algorithm)]);
    if (!decode_base64url(parts->signature, signature)) continue;
    if (!signed_by(key, bytes_of(parts->signed_text), signature)) continue;
    auto payload = from_base64url(parts->payload);
    if (!payload) return invalid("the token's claims are not base64url");
    return Jws{.payload = std::move(*payload), .key = &key};
  }
  return known ? invalid("the token's signature does not match")
               : invalid("no key here is for this token's kid and algorithm");
}

Result<std::string> sign_jws(std::string_view payload, const TokenKey& key) {
  assert(key.signs);
  Json header{{"alg", to_string(key.algorithm)}, {"typ", "JWT"}};
  if (!key.kid.empty()) header["kid"] = key.kid;
  std::string text = to_base64url(header.dump()) + "." + to_base64url(payload);
  if (key.algorithm == Algorithm::hs256) {
    const Digest digest = hmac_sha256(key.secret.bytes(), bytes_of(text));
    text += "." + to_base64url(digest);
  } else {
    const auto signature = ed25519_sign(key.ed25519, bytes_of(text));
    if (!signature) return Error{.code = "not_signed", .message = "the token was not signed"};
    text += "." + to_base64url(*signature);
  }
  if (text.size() > token_bytes_max) {
    return Error{
        .code = "not_signed",
        .message = "the token would be longer than " + std::to_string(token_bytes_max) + " bytes"};
  }
  return text;
}

}  // namespace redoubt::auth
