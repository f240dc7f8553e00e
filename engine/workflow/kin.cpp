#include "engine/workflow/kin.hpp"

#include "engine/base/message.hpp"
#include "engine/base/sha256.hpp"

namespace redoubt::workflow {
namespace {

constexpr std::size_t kIdDigits = 32;

std::string id_of(std::string_view kind, std::string_view name) {
  return hex64(sha256(joined({kind, ":", name}))).substr(0, kIdDigits);
}

}  // namespace

std::string child_id(std::string_view effect_key) {
  return id_of("child", effect_key);
}

std::string successor_id(std::string_view run_id) {
  return id_of("successor", run_id);
}

}  // namespace redoubt::workflow
