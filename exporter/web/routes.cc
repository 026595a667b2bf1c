#include "web/routes.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "base/text.h"
#include "web/host_json.h"
#include "web/json.h"
#include "web/status_page.h"

namespace web {

namespace {

constexpr const char* kReadMethods = "GET, HEAD";
constexpr const char* kWriteMethods = "POST, PUT";
constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";
// A host name has at most 253 characters, and there are brackets and a port.
constexpr std::size_t kTargetLengthLimit = 300;
constexpr std::size_t kModuleLengthLimit = 100;
// blackbox_exporter's allowance for the way back to Prometheus.
constexpr double kScrapeAllowanceSeconds = 0.5;
constexpr double kScrapeTimeoutFloorSeconds = 0.1;
constexpr double kScrapeTimeoutLimitSeconds = 86'400;  // far beyond any; keeps conversions defined

bool method_allowed(std::string_view allow, std::string_view method) {
  for (std::size_t at = 0; at < allow.size();) {
    auto end = std::min(allow.find(", ", at), allow.size());
    if (allow.substr(at, end - at) == method) return true;
    at = end + 2;
  }
  return false;
}

// CSP's form of a hash: 'sha256-BASE64'.
std::string csp_hash(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::array<unsigned char, EVP_MAX_MD_SIZE * 2> base64{};
  int length = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  return "'sha256-" +
         std::string(reinterpret_cast<const char*>(base64.data()),
                     static_cast<std::size_t>(length)) +
         "'";
}

// What Prometheus grants this scrape, less the way back; absent if it says nothing usable.
std::optional<base::Duration> scrape_timeout(const Request& request) {
  const auto* text = request.header("X-Prometheus-Scrape-Timeout-Seconds");
  if (text == nullptr) return std::nullopt;
  double seconds = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  bool usable = error == std::errc{} && end == text->data() + text->size() &&
                std::isfinite(seconds) && seconds > 0;
  if (!usable) return std::nullopt;
  seconds = std::clamp(seconds - kScrapeAllowanceSeconds, kScrapeTimeoutFloorSeconds,
                       kScrapeTimeoutLimitSeconds);
  return std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(seconds));
}

Response refusal_response(const ProbeReply& reply) {
  switch (*reply.refusal) {
    case ProbeRefusal::malformed_target:
    case ProbeRefusal::unknown_module:
      return text_response(400, reply.message);
    case ProbeRefusal::forbidden_address:
      return text_response(403, reply.message);
    case ProbeRefusal::busy:
      return text_response(503, reply.message);
    // As for any path that this configuration does not have.
    case ProbeRefusal::disabled:
      return text_response(404, reply.message);
  }
  return text_response(500, reply.message);
}

// For a person who wonders what a module does to a target.
std::string debug_page(const model::TargetState& state, const std::string& metrics) {
  std::string text = "Probe of " + state.target->name + "\n\n";
  if (state.last) {
    const auto& diagnosis = state.last->diagnosis;
    const auto& cause = model::info(diagnosis.cause);
    text += "cause:      " + std::string(cause.name) + " (" + model::name_of(cause.layer) + ", " +
            model::name_of(diagnosis.confidence) + ")\n";
    text += "meaning:    " + std::string(cause.meaning) + "\n";
    text += "saw:        " + std::string(model::name_of(diagnosis.outcome)) + " at stage " +
            model::name_of(diagnosis.stage) + "\n";
    for (const auto& line : diagnosis.evidence) text += "evidence:   " + line + "\n";
    if (!diagnosis.fix.empty()) text += "fix:        " + diagnosis.fix + "\n";
    text += "duration:   " + base::human_duration(state.last->result.duration) + "\n";
  }
  return text + "\nMetrics that would have been returned:\n" + metrics;
}

// The address that a query parameter holds; absent if there is none, or nothing in it.
base::Result<std::optional<base::IpAddress>> address_parameter(const Request& request,
                                                               std::string_view name) {
  const auto* text = request.parameter(name);
  if (text == nullptr || text->empty()) return std::optional<base::IpAddress>{};
  auto address = base::IpAddress::parse(*text);
  if (address) return address;
  return base::Error{"The parameter '" + std::string(name) + "' is no IP address: '" +
                     base::printable(*text, 60) + "'."};
}

base::Result<model::HostQuestion> host_question(const Request& request) {
  model::HostQuestion question;
  const auto source = address_parameter(request, "source");
  if (!source) return base::Error{source.error()};
  const auto address = address_parameter(request, "address");
  if (!address) return base::Error{address.error()};
  question.source = *source;
  question.address = *address;
  if (const auto* text = request.parameter("port"); text != nullptr && !text->empty()) {
    question.port = base::parse_integer<std::uint16_t>(*text);
    if (question.port.value_or(0) == 0) {
      return base::Error{"The parameter 'port' is no port, 1 to 65535: '" +
                         base::printable(*text, 60) + "'."};
    }
  }
  return question;
}

class Occupied {
 public:
  explicit Occupied(std::atomic<int>& count) : count_(count), number_(count.fetch_add(1) + 1) {}
  ~Occupied() { count_.fetch_sub(1); }
  Occupied(const Occupied&) = delete;
  Occupied& operator=(const Occupied&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  std::atomic<int>& count_;
  int number_;
};

std::string_view path_of(std::string_view url) {
  if (auto scheme = url.find("://"); scheme != std::string_view::npos) {
    url.remove_prefix(scheme + 3);
  }
  url = url.substr(0, url.find_first_of("?#"));
  return url.substr(std::min(url.find('/'), url.size()));
}

}  // namespace

std::string normalised_prefix(std::string_view prefix, std::string_view external_url) {
  std::string path(prefix.empty() ? path_of(external_url) : prefix);
  path.erase(path.find_last_not_of('/') + 1);
  path.erase(0, path.find_first_not_of('/'));
  return path.empty() ? path : "/" + path;
}

base::Result<void> check_telemetry_path(std::string_view path) {
  if (!path.starts_with('/')) return base::Error{"must begin with '/', as /metrics does"};
  if (path.find_first_of("?#") != std::string_view::npos) {
    return base::Error{"must be a path alone, without '?' and '#'"};
  }
  // Two whole folders, whatever is in them.
  if (path == "/" || path == "/probe" || path.starts_with("/api/") || path.starts_with("/-/")) {
    return base::Error{"would hide another page of the exporter"};
  }
  return {};
}

Routes::Routes(RouteOptions options, Backend& backend)
    : options_(std::move(options)), backend_(backend) {
  const auto& prefix = options_.route_prefix;
  routes_ = {{prefix + options_.telemetry_path, kReadMethods, &Routes::metrics},
             {prefix + "/", kReadMethods, &Routes::status_page},
             {prefix + "/probe", kReadMethods, &Routes::probe},
             {prefix + "/api/v1/targets", kReadMethods, &Routes::targets},
             {prefix + "/api/v1/evidence", kReadMethods, &Routes::evidence},
             {prefix + "/-/healthy", kReadMethods, &Routes::healthy},
             {prefix + "/-/ready", kReadMethods, &Routes::ready},
             {prefix + "/-/reload", kWriteMethods, &Routes::reload}};
  if (!prefix.empty()) {
    routes_.push_back({prefix, kReadMethods, &Routes::to_prefix});
    routes_.push_back({"/", kReadMethods, &Routes::to_prefix});
  }
  link_base_ = options_.external_url.empty() ? prefix : options_.external_url;
  while (link_base_.ends_with('/')) link_base_.pop_back();
  content_security_policy_ = "default-src 'none'; style-src " + csp_hash(status_page_style()) +
                             "; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
}

Response Routes::handle(const Request& request) {
  auto route = std::find_if(routes_.begin(), routes_.end(),
                            [&](const Route& row) { return row.path == request.path; });
  if (route == routes_.end()) return text_response(404, "404 page not found");
  if (!method_allowed(route->allow, request.method)) {
    auto response = text_response(405, "This path answers to " + std::string(route->allow) + ".");
    response.headers.emplace_back("Allow", route->allow);
    return response;
  }
  return (this->*route->handler)(request);
}

Response Routes::status_page(const Request& request) {
  StatusPageRequest page;
  if (const auto* name = request.parameter("cause"); name != nullptr && !name->empty()) {
    const auto causes = model::all_causes();
    auto cause = std::find_if(causes.begin(), causes.end(),
                              [&](const model::CauseInfo& row) { return row.name == *name; });
    if (cause == causes.end()) {
      return text_response(400, "There is no cause '" + base::printable(*name, 60) + "'.");
    }
    page.cause = cause->cause;
  }
  if (const auto* number = request.parameter("page"); number != nullptr) {
    page.page = base::parse_integer<std::size_t>(*number).value_or(1);
  }
  if (const auto* search = request.parameter("search"); search != nullptr) {
    page.search = base::printable(*search, kTargetLengthLimit);
  }
  page.base = link_base_;
  page.telemetry_path = options_.telemetry_path;
  page.version = options_.build.version;
  page.now = std::chrono::system_clock::now();
  Response response;
  response.content_type = "text/html; charset=utf-8";
  response.headers = {{"Content-Security-Policy", content_security_policy_},
                      {"Referrer-Policy", "same-origin"},
                      {"X-Frame-Options", "DENY"}};
  response.body = render_status_page(*backend_.snapshot(), page);
  return response;
}

Response Routes::metrics(const Request& /*request*/) {
  Response response;
  response.content_type = kMetricsType;
  response.stream = [this, snapshot = backend_.snapshot()](const Sink& sink) {
    const auto begin = std::chrono::steady_clock::now();
    metrics::render(*snapshot, options_.build, previous_scrape_, sink);
    previous_scrape_ = base::to_seconds(std::chrono::steady_clock::now() - begin);
  };
  return response;
}

Response Routes::probe(const Request& request) {
  const auto* target = request.parameter("target");
  if (target == nullptr || target->empty()) {
    return text_response(400, "The parameter 'target' is missing: /probe?target=HOST[:PORT].");
  }
  if (target->size() > kTargetLengthLimit) {
    return text_response(400, "The target is longer than 300 characters.");
  }
  const auto* named_module = request.parameter("module");
  const std::string module = named_module != nullptr ? *named_module : "default";
  if (module.size() > kModuleLengthLimit) return text_response(400, "There is no such module.");
  Occupied occupied(probes_);
  if (occupied.number() > kConcurrentProbeLimit) {
    auto response = text_response(503, "Too many probes are under way; try again.");
    response.headers.emplace_back("Retry-After", "1");
    return response;
  }
  const auto reply = backend_.probe(*target, module, scrape_timeout(request));
  if (reply.refusal) return refusal_response(reply);
  Response response;
  response.body = metrics::render_probe(*reply.state);
  const auto* debug = request.parameter("debug");
  if (debug != nullptr && *debug == "true") {
    response.body = debug_page(*reply.state, response.body);
  } else {
    response.content_type = kMetricsType;
  }
  return response;
}

Response Routes::targets(const Request& request) {
  const auto* named = request.parameter("target");
  std::optional<std::string> name;
  if (named != nullptr) name = *named;
  Response response;
  response.content_type = "application/json";
  response.stream = [snapshot = backend_.snapshot(), name](const Sink& sink) {
    sink("{\"targets\":[");
    bool first = true;
    for (const auto& state : snapshot->targets) {
      if (name && state->target->name != *name) continue;
      sink((first ? "\n" : ",\n") + to_json(*state));
      first = false;
    }
    sink("\n]}\n");
  };
  return response;
}

Response Routes::evidence(const Request& request) {
  const auto question = host_question(request);
  if (!question) return text_response(400, question.error());
  const auto reply = backend_.evidence(*question);
  if (!reply.watched) return text_response(404, "local.enabled is false: this host is not watched");
  if (!reply.report) {
    auto response = text_response(503, "This host has not been looked at yet; try again.");
    response.headers.emplace_back("Retry-After", "1");
    return response;
  }
  Response response;
  response.content_type = "application/json";
  response.body = to_json(*reply.report, *question, reply.diagnosis) + "\n";
  return response;
}

Response Routes::healthy(const Request& /*request*/) { return text_response(200, "healthy"); }

Response Routes::ready(const Request& /*request*/) { return text_response(200, "ready"); }

Response Routes::reload(const Request& /*request*/) {
  const auto result = backend_.reload();
  if (!result) return text_response(500, result.error());
  return text_response(200, "reloaded");
}

Response Routes::to_prefix(const Request& /*request*/) {
  // Not the external URL, which may lead here again: only who does not use it asks for this path.
  const auto page = options_.route_prefix + "/";
  auto response = text_response(302, "See " + page);
  response.headers.emplace_back("Location", page);
  return response;
}

}  // namespace web
