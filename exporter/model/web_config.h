// What --web.config.file says about the exporter's own web server: TLS, who may enter, headers.
// https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace model {

enum class ClientAuth : std::uint8_t {
  none,
  request,
  require_any,
  verify_if_given,
  require_and_verify,
};
enum class TlsVersion : std::uint8_t { tls12, tls13 };

struct TlsConfig {
  std::string cert_file;
  std::string key_file;
  std::string client_ca_file;  // needed by the two that verify
  ClientAuth client_auth = ClientAuth::none;
  TlsVersion min_version = TlsVersion::tls12;
  TlsVersion max_version = TlsVersion::tls13;
  std::vector<std::string> cipher_suites;  // IANA names, for TLS 1.2; empty: OpenSSL's default
};

struct WebConfig {
  std::optional<TlsConfig> tls;
  std::vector<std::pair<std::string, std::string>> users;  // name and bcrypt hash; empty: anybody
  std::vector<std::pair<std::string, std::string>> headers;
};

}  // namespace model
