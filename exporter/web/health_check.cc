#include "web/health_check.h"

#include <civetweb.h>

#include <array>
#include <memory>

#include "base/ip.h"

namespace web {

namespace {

constexpr int kTimeoutMilliseconds = 4000;

struct CloseConnection {
  void operator()(mg_connection* connection) const { mg_close_connection(connection); }
};

}  // namespace

base::Result<void> check_health(const std::string& url) {
  const bool tls = url.starts_with("https://");
  if (!tls && !url.starts_with("http://")) return base::Error{"write http://HOST:PORT/-/healthy"};
  std::string rest = url.substr(tls ? 8 : 7);
  auto slash = rest.find('/');
  std::string path = slash == std::string::npos ? "/-/healthy" : rest.substr(slash);
  auto where = base::parse_host_port(rest.substr(0, slash), tls ? 443 : 80);
  if (!where) return base::Error{where.error()};

  mg_init_library(tls ? MG_FEATURES_TLS : 0);
  std::array<char, 256> message{};
  std::unique_ptr<mg_connection, CloseConnection> connection(mg_connect_client(
      where->host.c_str(), where->port, tls ? 1 : 0, message.data(), message.size()));
  if (!connection) return base::Error{message.data()};
  mg_printf(connection.get(), "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
            path.c_str(), base::format_host_port(where->host, where->port).c_str());
  if (mg_get_response(connection.get(), message.data(), message.size(), kTimeoutMilliseconds) < 0) {
    return base::Error{std::string("no answer: ") + message.data()};
  }
  const int status = mg_get_response_info(connection.get())->status_code;
  if (status != 200) return base::Error{"answered with status " + std::to_string(status)};
  return {};
}

}  // namespace web
