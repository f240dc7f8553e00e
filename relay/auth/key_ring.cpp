#include "relay/auth/key_ring.hpp"

#include <stdlib.h>

#include <algorithm>
#include <cstring>

#include "relay/auth/secret_file.hpp"
#include "relay/auth/token_keys.hpp"

namespace redoubt::auth {
namespace {

Error within(const std::string& path, Error error) {
  error.message = path + ": " + error.message;
  error.path = path;
  return error;
}

// A secret that several know, and that is as long as the keys it stands for.
Result<Secret> load_shared_secret(const std::string& path) {
  if (path.empty()) return Secret();
  auto secret = read_secret_file(path);
  if (!secret) return secret;
  if (secret->size() < hs256_key_bytes_min) {
    return Error{.code = "bad_secret",
                 .message = path + ": expected at least " + std::to_string(hs256_key_bytes_min) +
                            " bytes (openssl rand -base64 32)",
                 .path = path};
  }
  return secret;
}

}  // namespace

Result<KeyRingPtr> KeyRing::open(KeyTable& table, const std::optional<MasterKey>& master,
                                 const std::vector<EnvironmentKey>& others) {
  const auto records = table.list();
  if (!records) return records.error();
  auto ring = std::make_shared<KeyRing>();
  if (!records->empty() && !master) {
    return Error{.code = "no_master_key",
                 .message = table.place() + " holds " + std::to_string(records->size()) +
                            " sealed provider keys, and no master key is configured "
                            "(vault.master_key_file, vault.master_key_command or "
                            "REDOUBT_MASTER_KEY)"};
  }
  for (const SealedKey& record : *records) {
    auto key = auth::open(*master, record);
    if (!key) return key.error();
    ring->keys_.push_back(ProviderKey{.name = record.name,
                                      .provider = record.provider,
                                      .version = record.version,
                                      .fingerprint = record.fingerprint,
                                      .weight = record.weight,
                                      .key = std::move(*key)});
  }
  for (const EnvironmentKey& other : others) {
    const auto sound = check_provider_key(other.key);
    if (!sound) return within(other.variable, sound.error());
  }
  ring->add_missing(others);
  return KeyRingPtr(std::move(ring));
}

// Each of another provider than those that have a key.
void KeyRing::add_missing(const std::vector<EnvironmentKey>& keys) {
  const auto sealed = static_cast<std::ptrdiff_t>(keys_.size());
  for (const EnvironmentKey& key : keys) {
    const bool known =
        std::any_of(keys_.begin(), keys_.begin() + sealed,
                    [&](const ProviderKey& one) { return one.provider == key.provider; });
    if (known) continue;
    keys_.push_back(
        ProviderKey{.name = key.variable, .provider = key.provider, .key = key.key.copy()});
  }
}

const ProviderKey* KeyRing::find(std::string_view name) const {
  const auto found = std::find_if(keys_.begin(), keys_.end(),
                                  [&](const ProviderKey& key) { return key.name == name; });
  return found == keys_.end() ? nullptr : &*found;
}

void CurrentKeys::used(std::string_view name, std::int64_t now_ms) {
  if (!note_ || name.empty()) return;
  std::string key(name);
  {
    const std::lock_guard lock(mutex_);
    const auto noted = noted_ms_.find(name);
    if (noted != noted_ms_.end() && now_ms - noted->second < key_use_interval_ms) return;
    if (noted == noted_ms_.end() && noted_ms_.size() >= provider_keys_max) noted_ms_.clear();
    noted_ms_[key] = now_ms;
  }
  note_(std::move(key), now_ms);
}

Secret take_variable(const char* name) {
  char* value = getenv(name);
  if (value == nullptr) return {};
  const std::span<char> text(value, std::strlen(value));
  Secret secret{std::string_view(text.data(), text.size())};
  cleanse(text);
  unsetenv(name);
  secret.trim_end();
  return secret;
}

Result<std::optional<MasterKey>> load_master_key(const SecretSources& sources) {
  const int count = (sources.master_key_file.empty() ? 0 : 1) +
                    (sources.master_key_command.empty() ? 0 : 1) +
                    (sources.master_key.empty() ? 0 : 1);
  if (count == 0) return std::optional<MasterKey>();
  if (count > 1) {
    return Error{.code = "bad_config",
                 .message =
                     "more than one of vault.master_key_file, vault.master_key_command and "
                     "REDOUBT_MASTER_KEY is set"};
  }
  Result<Secret> text = sources.master_key.copy();
  std::string where = "REDOUBT_MASTER_KEY";
  if (!sources.master_key_file.empty()) {
    where = sources.master_key_file;
    text = read_secret_file(where);
  } else if (!sources.master_key_command.empty()) {
    where = "vault.master_key_command";
    text = read_secret_command(sources.master_key_command);
  }
  if (!text) return text.error();
  auto key = MasterKey::parse(text->text());
  if (!key) return within(where, key.error());
  return std::optional<MasterKey>(std::move(*key));
}

Result<KeyRingPtr> load_key_ring(const SecretSources& sources, KeyTable& table) {
  const auto master = load_master_key(sources);
  if (!master) return master.error();
  return KeyRing::open(table, *master, sources.provider_keys);
}

Result<TokenSecrets> load_token_secrets(const SecretSources& sources) {
  TokenSecrets secrets;
  if (!sources.token_keys_file.empty()) {
    const auto text = read_secret_file(sources.token_keys_file);
    if (!text) return text.error();
    auto keys = parse_token_keys(text->text());
    if (!keys) return within(sources.token_keys_file, keys.error());
    secrets.keys = std::move(*keys);
  }
  auto nextauth = load_shared_secret(sources.nextauth_secret_file);
  if (!nextauth) return nextauth.error();
  if (!nextauth->empty()) {
    secrets.keys.push_back(
        TokenKey{.secret = std::move(*nextauth), .signs = true, .session_form = true});
  }
  auto service = load_shared_secret(sources.service_secret_file);
  if (!service) return service.error();
  secrets.service = std::move(*service);
  return secrets;
}

}  // namespace redoubt::auth
