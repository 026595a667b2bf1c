// What each path answers: one table, matched exactly. No sockets and no civetweb; called from all
// worker threads at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "metrics/page.h"
#include "web/backend.h"
#include "web/http.h"

namespace web {

// The server's threads, each of which calls Routes::handle().
inline constexpr int kWorkers = 32;
// A probe occupies a worker until it has completed. Half of the workers stay free for everything
// else, so that /metrics answers whatever happens on /probe.
inline constexpr int kConcurrentProbeLimit = kWorkers / 2;

// The prefix of all paths as "" or "/prefix": one slash in front, none at the end. If none is given
// it is the path of the external URL; "/" is how to have none all the same.
std::string normalised_prefix(std::string_view prefix, std::string_view external_url);
// An error for a path of the metrics that no request could reach or that hides another page.
base::Result<void> check_telemetry_path(std::string_view path);

struct RouteOptions {
  std::string telemetry_path;
  std::string route_prefix;  // as from normalised_prefix()
  std::string external_url;
  metrics::BuildInfo build;
};

class Routes {
 public:
  Routes(RouteOptions options, Backend& backend);
  Response handle(const Request& request);

 private:
  using Handler = Response (Routes::*)(const Request&);
  struct Route {
    std::string path;
    const char* allow;  // the methods, as the Allow header wants them
    Handler handler;
  };

  Response status_page(const Request& request);
  Response metrics(const Request& request);
  Response probe(const Request& request);
  Response targets(const Request& request);
  Response evidence(const Request& request);
  Response healthy(const Request& request);
  Response ready(const Request& request);
  Response reload(const Request& request);
  Response to_prefix(const Request& request);

  const RouteOptions options_;
  Backend& backend_;
  std::vector<Route> routes_;
  std::string link_base_;
  std::string content_security_policy_;
  std::atomic<double> previous_scrape_{0};  // seconds
  std::atomic<int> probes_{0};
};

}  // namespace web
