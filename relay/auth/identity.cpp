#include "relay/auth/identity.hpp"

#include <charconv>

namespace redoubt::auth {

std::string Identity::key() const {
  std::string key = std::to_string(tenant.size());
  key.reserve(key.size() + tenant.size() + subject.size() + 2);
  key.append(1, ':').append(tenant).append(1, ':').append(subject);
  return key;
}

Identity anonymous_identity(std::string_view address) {
  return {.tenant = std::string(anonymous_tenant),
          .subject = std::string(anonymous_prefix).append(address)};
}

Identity identity_of(std::string_view key) {
  std::size_t tenant = 0;
  const char* const end = key.data() + key.size();
  const char* const digits_end = std::from_chars(key.data(), end, tenant).ptr;
  const auto at = static_cast<std::size_t>(digits_end - key.data()) + 1;
  return {.tenant = std::string(key.substr(at, tenant)),
          .subject = std::string(key.substr(at + tenant + 1))};
}

std::string_view purse_of(std::string_view key) {
  constexpr std::string_view anonymous_purse = "9:anonymous:";
  static_assert(anonymous_tenant.size() == 9);
  return key.substr(0, anonymous_purse.size()) == anonymous_purse ? anonymous_purse : key;
}

}  // namespace redoubt::auth
