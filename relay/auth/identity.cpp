#include "relay/auth/identity.hpp"

namespace redoubt::auth {

std::string Identity::key() const {
  std::string key = std::to_string(tenant.size());
  key.reserve(key.size() + tenant.size() + subject.size() + 2);
  key.append(1, ':').append(tenant).append(1, ':').append(subject);
  return key;
}

}  // namespace redoubt::auth
