// Answers by its exit code whether the civetweb it is linked with really serves: plain HTTP and TLS
// 1.2 and 1.3, each over IPv4 and IPv6, on ports of its own on the loopback interface. CMake runs
// it before it trusts a system library; under CTest it vouches for the one that was built.
// Header and version numbers do not tell: Debian 12's 1.15 has neither IPv6 nor a TLS that lives.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "CivetServer.h"

namespace {

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
template <typename T, auto kFree>
using Owned = std::unique_ptr<T, Freed<kFree>>;

void require(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error(what);
}

// A self-signed certificate and its key in one PEM file, removed with the object.
class CertificateFile {
 public:
  CertificateFile() {
    const int fd = mkstemp(path_.data());
    require(fd >= 0, "cannot make a temporary file");
    const Owned<FILE, fclose> file(fdopen(fd, "w"));
    const Owned<EVP_PKEY, EVP_PKEY_free> key(EVP_RSA_gen(2048));
    const Owned<X509, X509_free> certificate(X509_new());
    require(file && key && certificate, "cannot make a certificate");
    constexpr long kLifetimeSeconds = 3600;
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kLifetimeSeconds);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kLifetimeSeconds);
    X509_set_pubkey(certificate.get(), key.get());
    require(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0 &&
                PEM_write_PrivateKey(file.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                     nullptr) == 1 &&
                PEM_write_X509(file.get(), certificate.get()) == 1,
            "cannot write a certificate");
  }
  CertificateFile(const CertificateFile&) = delete;
  CertificateFile& operator=(const CertificateFile&) = delete;
  ~CertificateFile() { unlink(path_.c_str()); }

  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/civetweb_works.XXXXXX";
};

class Greeter : public CivetHandler {
 public:
  bool handleGet(CivetServer* /*server*/, mg_connection* connection) override {
    mg_printf(connection, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nworks");
    return true;
  }
};

// One GET over a connection of our own, so that client and server cannot share a mistake.
void get(const std::string& host, int port, int tls_version) {
  const std::string where =
      host + (tls_version == 0 ? " plain" : " TLS " + std::to_string(tls_version));
  Owned<SSL_CTX, SSL_CTX_free> context;
  Owned<BIO, BIO_free_all> connection;
  const std::string address = host + ":" + std::to_string(port);
  if (tls_version == 0) {
    connection.reset(BIO_new_connect(address.c_str()));
  } else {
    context.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_min_proto_version(context.get(), tls_version);
    SSL_CTX_set_max_proto_version(context.get(), tls_version);
    connection.reset(BIO_new_ssl_connect(context.get()));
    BIO_set_conn_hostname(connection.get(), address.c_str());
  }
  require(BIO_do_connect(connection.get()) == 1, where + ": no connection");
  BIO_puts(connection.get(), "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  std::string answer;
  char buffer[512];
  int length = 0;
  while ((length = BIO_read(connection.get(), buffer, sizeof buffer)) > 0) {
    answer.append(buffer, static_cast<std::size_t>(length));
  }
  require(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("works"), where + ": no answer");
}

void serve_and_ask() {
  const CertificateFile certificate;
  const std::vector<std::string> options = {
      "listening_ports", "127.0.0.1:0,[::1]:0,127.0.0.1:0s,[::1]:0s",
      "ssl_certificate", certificate.path(),
      "num_threads",     "2"};
  CivetServer server(options);
  Greeter greeter;
  server.addHandler("/", greeter);
  const std::vector<int> ports = server.getListeningPorts();
  require(ports.size() == 4, "not all of IPv4, IPv6, plain and TLS are listened on");
  const std::string hosts[] = {"127.0.0.1", "[::1]"};
  for (std::size_t i = 0; i < 2; ++i) {
    get(hosts[i], ports[i], 0);
    get(hosts[i], ports[i + 2], TLS1_2_VERSION);
    get(hosts[i], ports[i + 2], TLS1_3_VERSION);
  }
}

}  // namespace

int main() {
  try {
    alarm(20);  // a broken one may hang instead of failing
    mg_init_library(MG_FEATURES_SSL | MG_FEATURES_IPV6);
    serve_and_ask();
    mg_exit_library();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
