#include "relay/auth/token.hpp"

#include <algorithm>
#include <array>

#include "engine/base/ascii.hpp"
#include "engine/base/json.hpp"
#include "engine/base/visible_text.hpp"

namespace redoubt::auth {
namespace {

constexpr int claims_depth_max = 8;
constexpr std::int64_t time_s_max = 253'402'300'799;  // 9999-12-31T23:59:59Z
constexpr std::int64_t limit_max = 1'000'000'000'000'000;

struct LimitName {
  const char* name;
  std::optional<std::int64_t> CallerLimits::*member;
};
constexpr std::array<LimitName, 5> limit_names{
    {{"requests_per_minute", &CallerLimits::requests_per_minute},
     {"tokens_per_minute", &CallerLimits::tokens_per_minute},
     {"concurrent_calls", &CallerLimits::concurrent_calls},
     {"cost_microusd_per_day", &CallerLimits::cost_microusd_per_day},
     {"cost_microusd_per_month", &CallerLimits::cost_microusd_per_month}}};

Error invalid(std::string message) {
  return {.code = "invalid_token", .message = std::move(message)};
}

std::optional<std::int64_t> whole(const Json& value, std::int64_t high) {
  if (!value.is_number_integer()) return std::nullopt;
  if (value.is_number_unsigned()) {
    const auto number = *value.get_ptr<const Json::number_unsigned_t*>();
    return number <= static_cast<std::uint64_t>(high)
               ? std::optional(static_cast<std::int64_t>(number))
               : std::nullopt;
  }
  const std::int64_t number = *value.get_ptr<const Json::number_integer_t*>();
  return number >= 0 && number <= high ? std::optional(number) : std::nullopt;
}

/// Reads claims one by one; the first that is wrong is the token's fault.
class ClaimReader {
 public:
  explicit ClaimReader(const Json& object) : object_(object) {}

  std::int64_t time(const char* name) {
    const Json* value = find(name);
    if (value == nullptr) return 0;
    const auto number = whole(*value, time_s_max);
    if (!number) refuse(name, "whole seconds since 1970");
    return number.value_or(0);
  }
  std::string text(const char* name, std::size_t bytes_max) {
    const Json* value = find(name);
    if (value == nullptr) return "";
    const auto* text = value->get_ptr<const std::string*>();
    if (text == nullptr || text->size() > bytes_max) {
      refuse(name, "a text of at most " + std::to_string(bytes_max) + " bytes");
      return "";
    }
    return *text;
  }
  const Json* find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  void refuse(const char* name, const std::string& expected) {
    if (!fault_) fault_ = invalid(std::string("the token's ") + name + " is not " + expected);
  }
  const std::optional<Error>& fault() const { return fault_; }

 private:
  const Json& object_;
  std::optional<Error> fault_;
};

bool is_for(const Json* audience, const std::string& wanted) {
  if (audience == nullptr) return false;
  const auto is = [&](const Json& entry) {
    const auto* text = entry.get_ptr<const std::string*>();
    return text != nullptr && *text == wanted;
  };
  if (audience->is_array()) return std::any_of(audience->begin(), audience->end(), is);
  return is(*audience);
}

std::optional<Error> check_time(const Claims& claims, const TokenPolicy& policy,
                                std::int64_t now_s) {
  if (claims.expires_s + policy.leeway_s <= now_s) return invalid("the token has expired");
  if (claims.not_before_s > now_s + policy.leeway_s) return invalid("the token is not valid yet");
  return std::nullopt;
}

std::optional<Error> check_claims(const Claims& claims, const Json* audience, const TokenKey& key,
                                  const TokenPolicy& policy, std::int64_t now_s) {
  if (!is_subject(claims.subject)) {
    return invalid("the token says nobody's name (sub: 1 to 256 bytes of visible text)");
  }
  if (!is_tenant(claims.tenant)) return invalid("the token's tenant is not a name");
  if (is_reserved(claims.tenant, claims.subject) && !key.own) {
    return invalid(
        "the token claims to be anonymous, which only the relay's own can (sub, tenant)");
  }
  if (!may_sign_for(key, claims.tenant)) {
    return invalid("the key does not sign for the tenant " + claims.tenant);
  }
  if (claims.expires_s == 0) return invalid("the token says no time of expiry (exp)");
  const bool for_us = is_for(audience, policy.audience);
  if (!for_us && !(key.session_form && audience == nullptr)) {
    return invalid("the token is not for this relay (aud)");
  }
  if (!key.issuer.empty() && claims.issuer != key.issuer) {
    return invalid("the token was issued by somebody else (iss)");
  }
  return check_time(claims, policy, now_s);
}

}  // namespace

nlohmann::json limits_json(const CallerLimits& limits) {
  Json json = Json::object();
  for (const LimitName& limit : limit_names) {
    if (const auto& value = limits.*limit.member) json[limit.name] = *value;
  }
  return json;
}

bool is_tenant(std::string_view text) {
  return !text.empty() && text.size() <= tenant_bytes_max &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_ascii_alnum(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_subject(std::string_view text) {
  return !text.empty() && text.size() <= subject_bytes_max && is_visible_text(text);
}

bool is_reserved(std::string_view tenant, std::string_view subject) {
  return tenant == anonymous_tenant || subject.starts_with(anonymous_prefix);
}

bool may_sign_for(const TokenKey& key, std::string_view tenant) {
  if (key.own) return true;
  return tenant != anonymous_tenant &&
         std::find(key.tenants.begin(), key.tenants.end(), tenant) != key.tenants.end();
}

Result<CallerLimits> read_limits(const nlohmann::json& limits) {
  CallerLimits result;
  if (!limits.is_object()) return invalid("limits is not an object");
  for (auto entry = limits.begin(); entry != limits.end(); ++entry) {
    const auto limit = std::find_if(limit_names.begin(), limit_names.end(),
                                    [&](const LimitName& l) { return l.name == entry.key(); });
    if (limit == limit_names.end()) {
      return invalid("limits has a member that is not kept here: " + entry.key().substr(0, 64));
    }
    const auto value = whole(entry.value(), limit_max);
    if (!value) {
      return invalid("limits." + entry.key() + " is not a whole number from 0 (nothing) to " +
                     std::to_string(limit_max));
    }
    result.*limit->member = *value;
  }
  return result;
}

Result<Claims> verify_token(std::string_view token, std::span<const TokenKey> keys,
                            const TokenPolicy& policy, std::int64_t now_s) {
  const auto jws = verify_jws(token, keys);
  if (!jws) return jws.error();
  const auto json =
      parse_json(jws->payload, {.bytes_max = token_bytes_max, .depth_max = claims_depth_max});
  if (!json || !json->is_object()) return invalid("the token's claims are not a JSON object");
  ClaimReader reader(*json);
  Claims claims{.subject = reader.text("sub", subject_bytes_max),
                .token_id = reader.text("jti", subject_bytes_max),
                .issuer = reader.text("iss", subject_bytes_max),
                .issued_s = reader.time("iat"),
                .not_before_s = reader.time("nbf"),
                .expires_s = reader.time("exp")};
  if (reader.find("tenant") != nullptr) claims.tenant = reader.text("tenant", tenant_bytes_max);
  const bool says_scope = reader.find("scope") != nullptr;
  const std::string scope = reader.text("scope", token_bytes_max);
  if (reader.fault()) return *reader.fault();
  claims.scopes = (says_scope ? parse_scopes(scope) : player_scopes) & jws->key->scopes;
  if (const auto limits = json->find("limits"); limits != json->end()) {
    auto read = read_limits(*limits);
    if (!read) return read.error();
    claims.limits = *read;
  }
  if (auto fault = check_claims(claims, reader.find("aud"), *jws->key, policy, now_s)) {
    return *fault;
  }
  return claims;
}

bool is_current(const Claims& claims, const TokenPolicy& policy, std::int64_t now_s) {
  return !check_time(claims, policy, now_s);
}

Result<std::string> mint_token(const Claims& claims, const TokenKey& key,
                               const TokenPolicy& policy) {
  Json json{{"sub", claims.subject},   {"aud", policy.audience},
            {"iat", claims.issued_s},  {"exp", claims.expires_s},
            {"tenant", claims.tenant}, {"scope", to_text(claims.scopes)}};
  if (!key.issuer.empty()) json["iss"] = key.issuer;
  if (!claims.token_id.empty()) json["jti"] = claims.token_id;
  if (claims.not_before_s != 0) json["nbf"] = claims.not_before_s;
  if (claims.limits != CallerLimits{}) json["limits"] = limits_json(claims.limits);
  return sign_jws(json.dump(-1, ' ', false, Json::error_handler_t::replace), key);
}

}  // namespace redoubt::auth
