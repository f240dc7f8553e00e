// redoubt tokens: keys that sign tokens, and tokens for operators and tests.
#include <cstdio>
#include <ctime>

#include "relay/auth/identity.hpp"
#include "relay/auth/secret_file.hpp"
#include "relay/auth/token.hpp"
#include "relay/auth/token_keys.hpp"
#include "tools/cli/terminal.hpp"

namespace redoubt::cli {
namespace {

Error bad(std::string message) {
  return {.code = "bad_token", .message = std::move(message)};
}

Result<auth::Scopes> scopes_of(const std::string& text, auth::Scopes otherwise) {
  if (text.empty()) return otherwise;
  std::string unknown;
  const auth::Scopes scopes = auth::parse_scopes(text, &unknown);
  if (!unknown.empty()) return bad("there is no scope called " + unknown);
  return scopes;
}

Result<auth::TokenKey> first_key(const std::string& path) {
  const auto text = auth::read_secret_file(path);
  if (!text) return text.error();
  auto keys = auth::parse_token_keys(text->text());
  if (!keys) return bad(path + ": " + keys.error().message);
  if (keys->empty()) return bad(path + " holds no key");
  return std::move(keys->front());
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names)
    text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

Result<std::vector<std::string>> key_tenants(const std::vector<std::string>& asked) {
  if (asked.empty()) return std::vector{std::string(auth::default_tenant)};
  for (const std::string& name : asked) {
    if (!auth::is_tenant(name)) {
      return bad("--tenant " + name + ": expected 1 to 64 letters, digits, '.', '_' or '-'");
    }
    if (name == auth::anonymous_tenant) {
      return bad("--tenant anonymous: only the relay itself signs for callers without a name");
    }
  }
  return asked;
}

/// Whose game a token is for: what was asked, or what the key leaves no choice about.
Result<std::string> token_tenant(const std::vector<std::string>& asked, const auth::TokenKey& key) {
  const std::string tenant = !asked.empty()            ? asked.front()
                             : key.tenants.size() == 1 ? key.tenants.front()
                                                       : std::string(auth::default_tenant);
  if (auth::may_sign_for(key, tenant)) return tenant;
  return bad("the key does not sign for the tenant " + tenant +
             "; say --tenant with one of: " + listed(key.tenants));
}

Result<void> new_key(const TokensOptions& options) {
  const auto scopes = scopes_of(options.scope, auth::player_scopes);
  if (!scopes) return scopes.error();
  const auto algorithm =
      options.algorithm == "HS256" ? auth::Algorithm::hs256 : auth::Algorithm::eddsa;
  auto tenants = key_tenants(options.tenants);
  if (!tenants) return tenants.error();
  auth::TokenKey key = auth::generate_token_key(algorithm, options.kid, *scopes);
  key.tenants = std::move(*tenants);
  const auto written = auth::write_secret_file(options.file, auth::format_token_key(key, true));
  if (!written) return written;
  std::printf("Wrote the key %s to %s; its tokens may be given: %s; for the tenants: %s\n",
              options.kid.c_str(), options.file.c_str(), auth::to_text(*scopes).c_str(),
              listed(key.tenants).c_str());
  return {};
}

Result<void> public_key(const TokensOptions& options) {
  const auto key = first_key(options.file);
  if (!key) return key.error();
  if (key->algorithm != auth::Algorithm::eddsa) {
    return bad("an HS256 key has no public half: whoever verifies can sign");
  }
  const auth::Secret text = auth::format_token_key(*key, false);
  std::printf("%.*s", static_cast<int>(text.size()), text.text().data());
  return {};
}

Result<void> mint(const TokensOptions& options) {
  const auto key = first_key(options.file);
  if (!key) return key.error();
  if (!key->signs) return bad(options.file + " holds only the public half of the key");
  const auto scopes = scopes_of(options.scope, key->scopes);
  if (!scopes) return scopes.error();
  if (!scopes->within(key->scopes)) {
    return bad("the key gives no more than: " + auth::to_text(key->scopes));
  }
  if (!auth::is_subject(options.subject)) {
    return bad("--sub: expected a name of 1 to 256 bytes of visible text");
  }
  const auto tenant = token_tenant(options.tenants, *key);
  if (!tenant) return tenant.error();
  if (auth::is_reserved(*tenant, options.subject)) {
    return bad("--sub: names that begin with " + std::string(auth::anonymous_prefix) +
               " are the relay's to give");
  }
  auth::Claims claims{.subject = options.subject, .tenant = *tenant, .scopes = *scopes};
  claims.issued_s = std::time(nullptr);
  claims.expires_s = claims.issued_s + options.lifetime_s;
  const auto token = auth::mint_token(claims, *key, {.audience = options.audience});
  if (!token) return token.error();
  std::printf("%s\n", token->c_str());
  return {};
}

}  // namespace

int tokens(const TokensOptions& options) {
  Result<void> done;
  switch (options.action) {
    case TokensAction::new_key:
      done = new_key(options);
      break;
    case TokensAction::public_key:
      done = public_key(options);
      break;
    case TokensAction::mint:
      done = mint(options);
      break;
  }
  if (!done) return report(done.error(), false);
  return exit_ok;
}

}  // namespace redoubt::cli
