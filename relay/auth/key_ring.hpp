// Key ring: the provider keys in the clear, as the relay uses them.
//
// 1. A KeyRing is immutable; a rotation makes a new one. Calls under way keep the old one alive.
// 2. All keys of the store open, or there is no ring: a relay with half of its keys would fail in
//    the middle of a game instead of at its start.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "relay/auth/authority.hpp"
#include "relay/auth/key_table.hpp"
#include "relay/auth/secret.hpp"
#include "relay/auth/vault.hpp"

namespace redoubt::auth {

struct ProviderKey {
  std::string name;
  std::string provider;
  std::int64_t version = 1;
  std::string fingerprint;
  int weight = 1;
  Secret key;
};

/// A provider's key that was found in the environment.
struct EnvironmentKey {
  std::string provider;
  std::string variable;
  Secret key;
};

class KeyRing {
 public:
  KeyRing() = default;
  /// `others` serve providers of which the store has no key; their names are their variables'.
  /// Error no_master_key where there are sealed keys and no master key, else as open().
  static Result<std::shared_ptr<const KeyRing>> open(KeyTable& table,
                                                     const std::optional<MasterKey>& master,
                                                     const std::vector<EnvironmentKey>& others);

  /// Null where there is none. Valid as long as the ring.
  const ProviderKey* find(std::string_view name) const;
  /// In the order of their names.
  const std::vector<ProviderKey>& keys() const { return keys_; }

 private:
  void add_missing(const std::vector<EnvironmentKey>& keys);

  std::vector<ProviderKey> keys_;
};
using KeyRingPtr = std::shared_ptr<const KeyRing>;

constexpr std::int64_t key_use_interval_ms = 60'000;

/// The ring of now, for whoever calls a provider. Any thread.
class CurrentKeys {
 public:
  explicit CurrentKeys(KeyRingPtr ring) : ring_(std::move(ring)) {}
  KeyRingPtr get() const {
    const std::lock_guard lock(mutex_);
    return ring_;
  }
  void replace(KeyRingPtr ring) {
    const std::lock_guard lock(mutex_);
    ring_.swap(ring);  // the old one ends outside the lock, with `ring`
  }
  /// A request with the key goes out. Noted at most once in key_use_interval_ms for a key.
  void used(std::string_view name, std::int64_t now_ms);
  using NoteUse = std::function<void(std::string name, std::int64_t now_ms)>;
  /// Where uses are noted: thread-safe, or empty. Before the first use.
  void note_uses_by(NoteUse note) { note_ = std::move(note); }

 private:
  mutable std::mutex mutex_;
  KeyRingPtr ring_;
  NoteUse note_;
  std::map<std::string, std::int64_t, std::less<>> noted_ms_;  // at most provider_keys_max
};

/// Where the relay's secrets come from. Files and commands are read again at each load.
struct SecretSources {
  std::string master_key_file;
  std::string master_key_command;
  Secret master_key;  ///< from the environment
  std::vector<EnvironmentKey> provider_keys;
  std::string token_keys_file;
  std::string nextauth_secret_file;
  std::string service_secret_file;
};

/// Takes a variable out of the environment and overwrites it there; empty where it is not set.
/// REQUIRES: no other thread
Secret take_variable(const char* name);

/// Nothing where no master key is configured. Error bad_master_key, bad_secret, or bad_config
/// where there are several.
Result<std::optional<MasterKey>> load_master_key(const SecretSources& sources);
Result<KeyRingPtr> load_key_ring(const SecretSources& sources, KeyTable& table);
/// Error names the file.
Result<TokenSecrets> load_token_secrets(const SecretSources& sources);

}  // namespace redoubt::auth
