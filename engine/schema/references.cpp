#include "engine/schema/references.hpp"

#include <algorithm>

namespace redoubt::schema {
namespace {

std::string without_dots(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t end = path.find('/', 1);
    const std::string_view part = path.substr(0, end);
    path = end == std::string_view::npos ? std::string_view{} : path.substr(end);
    if (part == "/." || part == "/..") {
      if (part == "/..") out.resize(out.rfind('/') == std::string::npos ? 0 : out.rfind('/'));
      if (path.empty()) out += '/';
    } else {
      out += part;
    }
  }
  return out;
}

}  // namespace

std::string resolve(const std::string& base, const std::string& reference) {
  if (reference.empty()) return base;
  const std::size_t colon = reference.find(':');
  if (colon != std::string::npos && colon < reference.find_first_of("/?#")) return reference;
  const std::size_t scheme = base.find(':');
  if (scheme == std::string::npos) {
    if (reference[0] == '/') return reference;
    return base.substr(0, base.rfind('/') + 1) + reference;
  }
  if (reference.compare(0, 2, "//") == 0) return base.substr(0, scheme + 1) + reference;
  std::size_t path = scheme + 1;
  if (base.compare(path, 2, "//") == 0) path = std::min(base.find('/', path + 2), base.size());
  if (reference[0] == '/') return base.substr(0, path) + without_dots(reference);
  std::string folder = base.substr(path);
  folder.resize(folder.rfind('/') == std::string::npos ? 0 : folder.rfind('/'));
  return base.substr(0, path) + without_dots(folder + "/" + reference);
}

std::string pointer_token(std::string_view raw) {
  std::string out;
  for (const char c : raw)
    out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

}  // namespace redoubt::schema
