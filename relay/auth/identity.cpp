#include "relay/auth/identity.hpp"

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

}  // namespace redoubt::auth
