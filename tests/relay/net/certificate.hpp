// A generated certificate for tests, in a folder of its own.
#pragma once

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "relay/net/server.hpp"

namespace redoubt::net::test {

namespace fs = std::filesystem;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using File = std::unique_ptr<std::FILE, decltype(&std::fclose)>;

/// Writes a self-signed certificate for `name` and its key. `subject_alternative` is as OpenSSL's
/// configuration has it ("IP:127.0.0.1"), null for none; `valid_s` from now, negative: expired.
inline void write_certificate(const fs::path& certificate_file, const fs::path& key_file,
                              const char* name, const char* subject_alternative = nullptr,
                              long valid_s = 3600) {
  const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Certificate certificate(X509_new(), X509_free);
  X509* x = certificate.get();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), -7200);
  X509_gmtime_adj(X509_getm_notAfter(x), valid_s);
  X509_set_pubkey(x, key.get());
  X509_NAME* subject = X509_get_subject_name(x);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(x, subject);
  if (subject_alternative) {
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, subject_alternative);
    REQUIRE(extension != nullptr);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
  }
  REQUIRE(X509_sign(x, key.get(), EVP_sha256()) > 0);
  const File certificate_out(std::fopen(certificate_file.c_str(), "w"), std::fclose);
  const File key_out(std::fopen(key_file.c_str(), "w"), std::fclose);
  REQUIRE(PEM_write_X509(certificate_out.get(), x) == 1);
  REQUIRE(PEM_write_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) ==
          1);
}

struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "redoubt-tls-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  fs::path certificate() const { return path / "certificate.pem"; }
  fs::path key() const { return path / "key.pem"; }
  TlsOptions options() const { return {certificate().string(), key().string()}; }
  fs::path path;
};

}  // namespace redoubt::net::test
