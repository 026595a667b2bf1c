#include "config/web_config.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "support/program.h"

namespace config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr const char* kHash = "$2b$04$QEr42kuD4qT9dUmhK/UkweudCuSdCzV0uVWOcFq.4zHuiNMFVDHJy";

std::string error_of(const std::string& yaml) {
  const auto config = parse_web_config(yaml, "web.yml", "/etc/x");
  return config ? "" : config.error();
}

// What promtool, the oracle of this format, says; nullopt without promtool.
std::optional<bool> promtool_accepts(const std::string& yaml) {
  std::string directory = "/tmp/web_config_test.XXXXXX";
  const std::filesystem::path root = mkdtemp(directory.data());
  std::ofstream(root / "web.yml") << yaml;
  const auto result =
      test_support::run_program({"promtool", "check", "web-config", (root / "web.yml").string()});
  std::filesystem::remove_all(root);
  if (!result) return std::nullopt;
  return result->exit_code == 0;
}

TEST(WebConfig, NothingIsAllowed) {
  const auto config = parse_web_config("", "web.yml", "/").value();
  EXPECT_FALSE(config.tls);
  EXPECT_TRUE(config.users.empty());
}

TEST(WebConfig, ReadsAllThatIsSupported) {
  const auto config = parse_web_config(R"(
tls_server_config:
  cert_file: server.crt
  key_file: /abs/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  min_version: TLS13
  max_version: TLS13
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
http_server_config:
  http2: false
  headers:
    X-Frame-Options: deny
basic_auth_users:
  alice: )" + std::string(kHash) + "\n",
                                       "web.yml", "/etc/x");
  ASSERT_TRUE(config.ok()) << config.error();
  ASSERT_TRUE(config->tls);
  EXPECT_EQ(config->tls->cert_file, "/etc/x/server.crt");
  EXPECT_EQ(config->tls->key_file, "/abs/server.key");
  EXPECT_EQ(config->tls->client_ca_file, "/etc/x/ca.crt");
  EXPECT_EQ(config->tls->client_auth, model::ClientAuth::require_and_verify);
  EXPECT_EQ(config->tls->min_version, model::TlsVersion::tls13);
  EXPECT_THAT(config->tls->cipher_suites, ElementsAre("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"));
  EXPECT_THAT(config->users, ElementsAre(Pair("alice", kHash)));
  EXPECT_THAT(config->headers, ElementsAre(Pair("X-Frame-Options", "deny")));
}

TEST(WebConfig, UnknownKeysAreErrorsWithTheirPlace) {
  EXPECT_THAT(error_of("tls_server_conf: {}\n"), HasSubstr("web.yml:1:1: "));
  EXPECT_THAT(error_of("tls_server_conf: {}\n"), HasSubstr("tls_server_config"));
  EXPECT_THAT(error_of("tls_server_config:\n  cert_fil: a\n"), HasSubstr("web.yml:2:3: "));
  EXPECT_NE(error_of("rate_limit: {}\n"), "");
  EXPECT_NE(error_of("http_server_config: {headers: {X-Other: a}}\n"), "");
}

TEST(WebConfig, RefusesWhatWouldNotWork) {
  const std::string files = "cert_file: a, key_file: b";
  for (const auto& [yaml, part] : std::initializer_list<std::pair<std::string, const char*>>{
           {"tls_server_config: {cert_file: a}", "both cert_file and key_file"},
           {"tls_server_config: {" + files + ", min_version: TLS10}", "TLS12, TLS13"},
           {"tls_server_config: {" + files + ", client_auth_type: RequireAndVerifyClientCert}",
            "client_ca_file"},
           {"tls_server_config: {" + files + ", client_ca_file: c}", "of no use"},
           {"tls_server_config: {" + files + ", min_version: TLS13, max_version: TLS12}", "above"},
           {"tls_server_config: {" + files + ", cipher_suites: x}", "list"},
           {"http_server_config: {http2: true}", "HTTP/2"},
           {"http_server_config: {headers: {X-Frame-Options: \"a\\nb\"}}", "one line"},
           {"basic_auth_users: {alice: secret}", "bcrypt"},
           {"basic_auth_users: [alice]", "map"},
           {"basic_auth_users: {\"a:b\": " + std::string(kHash) + "}", "colon"}}) {
    EXPECT_THAT(error_of(yaml), HasSubstr(part)) << yaml;
  }
}

TEST(WebConfig, WhatItAcceptsPromtoolAccepts) {
  const std::string users = "basic_auth_users: {alice: " + std::string(kHash) + "}\n";
  for (const auto& yaml :
       {std::string(""), users, std::string("http_server_config: {http2: false}\n"),
        std::string("http_server_config: {headers: {X-Frame-Options: deny}}\n")}) {
    EXPECT_EQ(error_of(yaml), "") << yaml;
    EXPECT_TRUE(promtool_accepts(yaml).value_or(true)) << yaml;
  }
}

}  // namespace
}  // namespace config
