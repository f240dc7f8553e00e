#include "relay/net/destination.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>

#include "engine/base/ascii.hpp"
#include "relay/http/message.hpp"
#include "relay/net/tls.hpp"
#include "relay/net/tls_session.hpp"

namespace redoubt::net {

namespace {

constexpr std::size_t url_bytes_max = 2'048;
constexpr std::uint16_t http_port = 80;
constexpr std::uint16_t https_port = 443;

Error bad_url(std::string_view text, const char* what) {
  // The text may hold a password: only what stands before it is shown.
  const std::string shown(text.substr(0, text.find('@') == std::string_view::npos ? 200 : 0));
  return {.code = "bad_url",
          .message = "the URL " + shown + " " + what,
          .expected = "http://host[:port][/path] or https://host[:port][/path]",
          .got = shown};
}

bool read_host(std::string_view text, Url& url) {
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return false;
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    host = text.substr(0, colon);
    port = text.substr(colon);
    const bool sound = std::all_of(host.begin(), host.end(), [](char c) {
      return is_ascii_alnum(c) || c == '-' || c == '.' || c == '_';
    });
    if (!sound) return false;
  }
  if (host.empty()) return false;
  url.host.assign(host);
  std::transform(url.host.begin(), url.host.end(), url.host.begin(),
                 [](char c) { return ascii_lower(c); });
  url.port = url.secure ? https_port : http_port;
  if (port.empty()) return true;
  if (port.front() != ':') return false;
  const char* end = port.data() + port.size();
  const auto parsed = std::from_chars(port.data() + 1, end, url.port);
  return parsed.ec == std::errc() && parsed.ptr == end && url.port > 0;
}

std::string base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

Error tls_error(const std::string& what, const std::string& file) {
  return {.code = "bad_certificate",
          .message = what + ": " + openssl_reason(),
          .path = file,
          .expected = "a readable PEM file of certificates"};
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  if (text.size() > url_bytes_max) return bad_url(text, "is too long");
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.secure = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return bad_url(text, "has another scheme than http or https");
  }
  if (rest.find_first_of("?#") != std::string_view::npos) {
    return bad_url(text, "has a query or a fragment");
  }
  for (char c : rest) {
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f)
      return bad_url(text, "holds a character that must be percent-encoded");
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash);
  url.path.assign(rest.substr(slash));
  while (url.path.ends_with('/'))
    url.path.pop_back();
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const auto decoded = http::percent_decode(authority.substr(0, at));
    if (!decoded) return bad_url(text, "has a malformed user name");
    url.user_info = *decoded;
    authority.remove_prefix(at + 1);
  }
  if (!read_host(authority, url)) return bad_url(text, "names no sound host and port");
  return url;
}

Result<std::shared_ptr<SSL_CTX>> client_tls(const std::string& authorities_file) {
  static constexpr unsigned char protocols[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!context) return tls_error("no TLS context", "");
  SSL_CTX* raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_alpn_protos(raw, protocols, sizeof protocols);
  // The pools keep the sessions: OpenSSL's own cache would mix up destinations.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  TlsSessionSlot::keep_sessions(raw);
  if (authorities_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(raw) != 1) {
      return tls_error("cannot read the system's certificate authorities", "");
    }
  } else if (SSL_CTX_load_verify_locations(raw, authorities_file.c_str(), nullptr) != 1) {
    return tls_error("cannot read the certificate authorities in " + authorities_file,
                     authorities_file);
  }
  return context;
}

Result<Proxy> parse_proxy(std::string_view text) {
  auto url = parse_url(text);
  if (!url) return url.error();
  if (url->secure) return bad_url(text, "is a proxy's and must start with http://");
  if (!url->path.empty()) return bad_url(text, "is a proxy's and must have no path");
  Proxy proxy{.host = url->host, .port = url->port};
  if (!url->user_info.empty()) proxy.authorization = "Basic " + base64(url->user_info);
  return proxy;
}

std::string Destination::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (tls ? https_port : http_port)) text += ":" + std::to_string(port);
  return text;
}

}  // namespace redoubt::net
