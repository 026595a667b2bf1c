#include "web/health_check.h"

#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "support/fake_backend.h"
#include "support/tcp_peer.h"
#include "web/server.h"

namespace web {
namespace {

using namespace std::chrono_literals;
using test_support::closed_port;
using test_support::FakeBackend;
using test_support::TcpPeer;
using testing::HasSubstr;

std::string url(int port, const std::string& path = "/-/healthy",
                const std::string& host = "127.0.0.1") {
  return "http://" + host + ":" + std::to_string(port) + path;
}

// The error, or "healthy"; the check must not take long, whatever it meets.
std::string check(const std::string& url) {
  const auto begin = std::chrono::steady_clock::now();
  const auto result = check_health(url);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 6s) << url;
  if (result.ok()) return "healthy";
  EXPECT_NE(result.error(), "") << url;
  return result.error();
}

std::unique_ptr<Server> serve(FakeBackend& backend, const std::string& address,
                              const model::WebConfig& web_config = {}) {
  ServerOptions options;
  options.listen_addresses = {address};
  options.web_config = web_config;
  auto started = Server::start(options, backend);
  EXPECT_TRUE(started.ok()) << started.error();
  return std::move(started).value();
}

// A server that answers anything with these bytes.
TcpPeer::Script answers(const std::string& bytes) {
  return [bytes](const TcpPeer::Stream& stream) {
    [[maybe_unused]] const auto request = stream.receive();
    stream.send(bytes);
  };
}

TEST(HealthCheckTest, TheExporterItselfIsHealthy) {
  FakeBackend backend;
  const auto server = serve(backend, "127.0.0.1:0");
  const int port = server->ports().at(0);
  EXPECT_EQ(check(url(port)), "healthy");
  EXPECT_EQ(check(url(port, "/-/ready")), "healthy");
  EXPECT_EQ(check(url(port, "/-/healthy", "localhost")), "healthy");
}

TEST(HealthCheckTest, WithoutAPathItAsksForTheHealth) {
  std::string request;
  TcpPeer server([&](const TcpPeer::Stream& stream) {
    request = stream.receive();
    stream.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  EXPECT_EQ(check(url(server.port(), "")), "healthy");
  EXPECT_THAT(request, testing::StartsWith("GET /-/healthy HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\nHost: 127.0.0.1:" + std::to_string(server.port()) + "\r\n"));
}

TEST(HealthCheckTest, Ipv6) {
  FakeBackend backend;
  const auto server = serve(backend, "[::1]:0");
  EXPECT_EQ(check(url(server->ports().at(0), "/-/healthy", "[::1]")), "healthy");
}

TEST(HealthCheckTest, AnyStatusButOneIsToldAsItIs) {
  for (const char* status : {"204", "302", "401", "404", "500", "503"}) {
    TcpPeer server(
        answers("HTTP/1.1 " + std::string(status) + " Word\r\nContent-Length: 0\r\n\r\n"));
    EXPECT_EQ(check(url(server.port())), "answered with status " + std::string(status));
  }
}

TEST(HealthCheckTest, NobodyListens) {
  EXPECT_THAT(check(url(closed_port())), HasSubstr("refused"));
}

TEST(HealthCheckTest, AServerThatSpeaksAnotherProtocol) {
  TcpPeer server(answers("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u7\r\n\r\n"));
  EXPECT_THAT(check(url(server.port())), HasSubstr("no answer"));
}

TEST(HealthCheckTest, AServerThatClosesWithoutAWord) {
  TcpPeer server(answers(""));
  EXPECT_THAT(check(url(server.port())), HasSubstr("no answer"));
}

TEST(HealthCheckTest, AServerThatHangs) {
  TcpPeer server([](const TcpPeer::Stream& stream) { stream.receive_all(); });
  EXPECT_THAT(check(url(server.port())), HasSubstr("no answer"));
}

TEST(HealthCheckTest, AServerThatHangsInTheHandshake) {
  TcpPeer server([](const TcpPeer::Stream& stream) { stream.receive_all(); });
  check("https" + url(server.port()).substr(4));
}

TEST(HealthCheckTest, AnAnswerWithoutEnd) {
  TcpPeer server([](const TcpPeer::Stream& stream) {
    [[maybe_unused]] const auto request = stream.receive();
    const std::string line = "X-More: " + std::string(1000, 'x') + "\r\n";
    stream.send("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 1000; ++i) stream.send(line);
  });
  EXPECT_THAT(check(url(server.port())), HasSubstr("no answer"));
}

TEST(HealthCheckTest, WhatIsNoUrl) {
  for (const char* bad :
       {"", "localhost:10062", "ftp://localhost/", "http://", "http:///x", "http://host:0/",
        "http://host:port/", "http://[::1/", "http://a b/", "http://user@host/"}) {
    EXPECT_FALSE(check_health(bad).ok()) << bad;
  }
  EXPECT_EQ(check("localhost:10062"), "write http://HOST:PORT/-/healthy");
}

TEST(HealthCheckTest, AHostThatDoesNotExist) {
  EXPECT_NE(check("http://nobody.invalid:1/-/healthy"), "healthy");
}

// A key and a certificate that signed itself, in one file.
void write_certificate(const std::filesystem::path& path) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  auto* name = X509_get_subject_name(certificate.get());
  const std::string common_name = "somebody else";
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.data()),
                             static_cast<int>(common_name.size()), -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  ASSERT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
  const std::unique_ptr<BIO, decltype(&BIO_free)> file(BIO_new_file(path.c_str(), "w"), BIO_free);
  ASSERT_EQ(PEM_write_bio_PrivateKey(file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr),
            1);
  ASSERT_EQ(PEM_write_bio_X509(file.get(), certificate.get()), 1);
}

TEST(HealthCheckTest, OverTlsWhateverTheCertificateSays) {
  std::string directory = "/tmp/health_check_test.XXXXXX";
  const std::filesystem::path root = mkdtemp(directory.data());
  write_certificate(root / "server.pem");
  model::WebConfig web_config;
  web_config.tls.emplace();
  web_config.tls->cert_file = web_config.tls->key_file = (root / "server.pem").string();
  FakeBackend backend;
  const auto server = serve(backend, "127.0.0.1:0", web_config);
  const auto plain = url(server->ports().at(0));
  EXPECT_EQ(check("https" + plain.substr(4)), "healthy");
  EXPECT_NE(check(plain), "healthy") << "without TLS";
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace web
