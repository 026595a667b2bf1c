// The HTTP server: routes, status page, JSON. Hides civetweb.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "metrics/page.h"
#include "web/backend.h"

namespace web {

struct ServerOptions {
  std::vector<std::string> listen_addresses{":10062"};  // host:port, [v6]:port or :port (both families)
  std::string telemetry_path = "/metrics";
  std::string route_prefix;   // "" or "/prefix", without trailing slash
  std::string external_url;   // for links; "" if unknown
  std::string web_config_file;  // exporter-toolkit format (TLS, basic auth, headers); "" for none
  metrics::BuildInfo build;
};

class Server {
 public:
  // Binds and starts the worker threads; the backend must outlive the server.
  static base::Result<std::unique_ptr<Server>> start(const ServerOptions& options, Backend& backend);
  ~Server();  // stops accepting, finishes requests under way

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace web
