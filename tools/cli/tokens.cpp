// redoubt tokens: keys that sign tokens, and tokens for operators and tests.
#include <cstdio>
#include <ctime>

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

Result<void> new_key(const TokensOptions& options) {
  const auto scopes = scopes_of(options.scope, auth::player_scopes);
  if (!scopes) return scopes.error();
  const auto algorithm =
      options.algorithm == "HS256" ? auth::Algorithm::hs256 : auth::Algorithm::eddsa;
  const auth::TokenKey key = auth::generate_token_key(algorithm, options.kid, *scopes);
  const auto written = auth::write_secret_file(options.file, auth::format_token_key(key, true));
  if (!written) return written;
  std::printf("Wrote the key %s to %s; its tokens may be given: %s\n", options.kid.c_str(),
              options.file.c_str(), auth::to_text(*scopes).c_str());
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
  if (!auth::is_subject(options.subject)) return bad("--sub: not a name");
  if (!auth::is_tenant(options.tenant)) return bad("--tenant: not a name");
  auth::Claims claims{.subject = options.subject, .tenant = options.tenant, .scopes = *scopes};
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
