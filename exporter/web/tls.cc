#include "web/tls.h"

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace web {

namespace {

base::Error openssl_error(const std::string& what) {
  std::array<char, 256> words{};
  ERR_error_string_n(ERR_get_error(), words.data(), words.size());
  ERR_clear_error();
  return {what + ": " + words.data()};
}

int version_number(model::TlsVersion version) {
  switch (version) {
    case model::TlsVersion::tls12:
      return TLS1_2_VERSION;
    case model::TlsVersion::tls13:
      return TLS1_3_VERSION;
  }
  return TLS1_3_VERSION;
}

// Asked for, but not judged.
int accept_any_certificate(int /*verified*/, X509_STORE_CTX* /*store*/) { return 1; }

void set_client_auth(SSL_CTX* context, model::ClientAuth client_auth) {
  constexpr int kRequired = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  switch (client_auth) {
    case model::ClientAuth::none:
      return SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    case model::ClientAuth::request:
      return SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_any_certificate);
    case model::ClientAuth::require_any:
      return SSL_CTX_set_verify(context, kRequired, accept_any_certificate);
    case model::ClientAuth::verify_if_given:
      return SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    case model::ClientAuth::require_and_verify:
      return SSL_CTX_set_verify(context, kRequired, nullptr);
  }
}

// OpenSSL's list of the suites with these IANA names. Those of TLS 1.3 are always on, as in Go.
base::Result<std::string> openssl_suites(SSL_CTX* context, const std::vector<std::string>& names) {
  SSL_CTX_set_cipher_list(context, "ALL");
  const auto* known = SSL_CTX_get_ciphers(context);
  std::string list;
  for (const auto& name : names) {
    const SSL_CIPHER* found = nullptr;
    for (int i = 0; i < sk_SSL_CIPHER_num(known); ++i) {
      const auto* cipher = sk_SSL_CIPHER_value(known, i);
      const char* standard_name = SSL_CIPHER_standard_name(cipher);
      if (standard_name != nullptr && name == standard_name) found = cipher;
    }
    if (found == nullptr) return base::Error{"cipher_suites: OpenSSL has no '" + name + "'"};
    if (std::string(SSL_CIPHER_get_version(found)) == "TLSv1.3") continue;
    list += (list.empty() ? "" : ":") + std::string(SSL_CIPHER_get_name(found));
  }
  return list;
}

}  // namespace

base::Result<TlsContext> make_tls_context(const model::TlsConfig& config) {
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  if (!context) return openssl_error("TLS");
  auto* raw = context.get();
  SSL_CTX_set_min_proto_version(raw, version_number(config.min_version));
  SSL_CTX_set_max_proto_version(raw, version_number(config.max_version));
  SSL_CTX_set_options(raw, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION);
  if (!config.cipher_suites.empty()) {
    auto suites = openssl_suites(raw, config.cipher_suites);
    if (!suites) return base::Error{suites.error()};
    if (!suites->empty() && SSL_CTX_set_cipher_list(raw, suites->c_str()) != 1) {
      return openssl_error("cipher_suites");
    }
  }
  if (SSL_CTX_use_certificate_chain_file(raw, config.cert_file.c_str()) != 1) {
    return openssl_error("cert_file " + config.cert_file);
  }
  if (SSL_CTX_use_PrivateKey_file(raw, config.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(raw) != 1) {
    return openssl_error("key_file " + config.key_file);
  }
  if (!config.client_ca_file.empty()) {
    auto* names = SSL_load_client_CA_file(config.client_ca_file.c_str());
    if (names == nullptr || SSL_CTX_load_verify_file(raw, config.client_ca_file.c_str()) != 1) {
      return openssl_error("client_ca_file " + config.client_ca_file);
    }
    SSL_CTX_set_client_CA_list(raw, names);
  }
  set_client_auth(raw, config.client_auth);
  // Session tickets of one server with client certificates need a name of their own.
  constexpr std::array<unsigned char, 3> kSessionName{'s', 's', 'h'};
  SSL_CTX_set_session_id_context(raw, kSessionName.data(), kSessionName.size());
  return context;
}

}  // namespace web
