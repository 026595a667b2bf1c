// The HTTP server: routes, status page, JSON. Hides civetweb.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "metrics/page.h"
#include "model/web_config.h"
#include "web/backend.h"

namespace web {

struct ServerOptions {
  std::vector<std::string> listen_addresses{
      ":10062"};  // host:port, [v6]:port, :port (both families)
  std::string telemetry_path = "/metrics";
  std::string route_prefix;     // "" or "/prefix", without trailing slash
  std::string external_url;     // for links; "" if unknown
  model::WebConfig web_config;  // TLS, users, headers; by default none of them
  metrics::BuildInfo build;
};

class Server {
 public:
  // Binds and starts the worker threads; the backend must outlive the server.
  // Errors name the address that cannot be listened on, and why.
  static base::Result<std::unique_ptr<Server>> start(const ServerOptions& options,
                                                     Backend& backend);
  // Stops accepting and waits for the handlers under way: end probes that block before. Pages that
  // are being sent are cut short.
  ~Server();

  // The ports that are listened on, in the order of listen_addresses.
  [[nodiscard]] std::vector<int> ports() const;

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace web
