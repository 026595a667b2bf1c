#include "web/server.h"

#include <civetweb.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <map>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "web/basic_auth.h"
#include "web/connection_guard.h"
#include "web/gzip.h"
#include "web/http.h"
#include "web/listen_address.h"
#include "web/routes.h"
#include "web/tls.h"

namespace web {

namespace {

// From here on connections without a request lose their workers.
constexpr int kWorkersBeforePressure = kWorkers / 2;
// Longest query that is looked at; the longest of our own has a target and a module.
constexpr std::size_t kQueryLengthLimit = 4096;
// Smaller answers are not worth a gzip header.
constexpr std::size_t kGzipFloor = 1024;
// A client that takes longer for a page has long given up on it, or means harm.
constexpr auto kSendLimit = std::chrono::seconds(60);

// civetweb's options; names and values alternate. https://github.com/civetweb/civetweb,
// UserManual.md
constexpr std::array<std::pair<const char*, const char*>, 9> kOptions{{
    {"request_timeout_ms", "5000"},
    // Idle connections occupy workers; Prometheus opens a new one without loss.
    {"enable_keep_alive", "yes"},
    {"keep_alive_timeout_ms", "500"},
    {"tcp_nodelay", "1"},
    // Connections that have to wait do so where the guard sees them.
    {"connection_queue", "512"},
    {"listen_backlog", "512"},
    {"max_request_size", "16384"},
    {"decode_url", "no"},  // done strictly by percent_decode()
    // Or no host but civetweb's default domain could stand in a request's absolute URL.
    {"enable_auth_domain_check", "no"},
}};

std::optional<ConnectionGuard::Peer> peer_of(const mg_connection* connection) {
  const auto* info = mg_get_request_info(connection);
  if (info == nullptr) return std::nullopt;
  auto address = base::IpAddress::parse(info->remote_addr);
  if (!address) return std::nullopt;
  return ConnectionGuard::Peer(*address, static_cast<std::uint16_t>(info->remote_port));
}

base::Result<Request> to_request(const mg_request_info& info) {
  Request request;
  request.method = info.request_method;
  auto path = percent_decode(info.local_uri_raw, false);
  if (!path) return base::Error{path.error()};
  request.path = std::move(path).value();
  if (info.query_string != nullptr) {
    auto query = parse_query(info.query_string);
    if (!query) return base::Error{query.error()};
    request.query = std::move(query).value();
  }
  for (int i = 0; i < info.num_headers; ++i) {
    request.headers.emplace_back(info.http_headers[i].name, info.http_headers[i].value);
  }
  return request;
}

bool has_body(const mg_request_info& info, const Request& request) {
  return info.content_length > 0 || request.header("Transfer-Encoding") != nullptr;
}

// Sends one response over one connection. Pieces of unknown number are chunked; HTTP/1.0 clients
// learn the end from the close.
class Writer {
 public:
  Writer(mg_connection* connection, bool chunked)
      : connection_(connection), chunked_(chunked), begin_(std::chrono::steady_clock::now()) {}

  void head(std::string text) { pending_ = std::move(text); }
  void piece(std::string_view bytes) {
    if (bytes.empty()) return;
    if (chunked_) {
      std::array<char, 32> size{};
      std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
      pending_ += size.data();
    }
    pending_ += bytes;
    if (chunked_) pending_ += "\r\n";
    flush();
  }
  // False if the client has not got everything.
  bool finish() {
    if (chunked_) pending_ += "0\r\n\r\n";
    flush();
    return !failed_;
  }

 private:
  // One write for head, size and bytes: small packets of their own would wait for each other.
  void flush() {
    failed_ = failed_ || std::chrono::steady_clock::now() - begin_ > kSendLimit;
    if (!failed_ && !pending_.empty()) {
      int sent = mg_write(connection_, pending_.data(), pending_.size());
      failed_ = sent < 0 || static_cast<std::size_t>(sent) != pending_.size();
    }
    pending_.clear();
  }

  mg_connection* connection_;
  bool chunked_;
  base::SteadyTime begin_;
  std::string pending_;
  bool failed_ = false;
};

// How one response travels.
struct Delivery {
  bool body = true;  // false for HEAD
  bool gzip = false;
  bool length_known = true;
  bool chunked = false;
  bool close = false;
};

// The configured headers take the place of our own of the same name.
std::string head_of(const Response& response, const Delivery& how, const Fields& configured) {
  std::map<std::string_view, std::string_view> headers{{"X-Content-Type-Options", "nosniff"},
                                                       {"Cache-Control", "no-store"},
                                                       {"Vary", "Accept-Encoding"}};
  for (const auto& [name, value] : response.headers) headers[name] = value;
  for (const auto& [name, value] : configured) headers[name] = value;
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " " +
                     reason_phrase(response.status) + "\r\nContent-Type: " + response.content_type +
                     "\r\n";
  for (const auto& [name, value] : headers) {
    head += name;
    head += ": ";
    head += value;
    head += "\r\n";
  }
  if (how.gzip) head += "Content-Encoding: gzip\r\n";
  if (how.length_known) {
    head += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  }
  if (how.chunked) head += "Transfer-Encoding: chunked\r\n";
  if (how.close) head += "Connection: close\r\n";
  return head + "\r\n";
}

void write_body(const Response& response, const Delivery& how, Writer& writer) {
  const auto write_to = [&](const Sink& sink) {
    if (response.stream) {
      response.stream(sink);
    } else {
      sink(response.body);
    }
  };
  const Sink plain = [&](std::string_view bytes) { writer.piece(bytes); };
  if (!how.gzip) return write_to(plain);
  GzipStream compressor(plain);
  write_to([&](std::string_view bytes) { compressor.write(bytes); });
  compressor.finish();
}

}  // namespace

class Server::Impl {
 public:
  Impl(const ServerOptions& options, Backend& backend)
      : routes_({.telemetry_path = options.telemetry_path,
                 .route_prefix = options.route_prefix,
                 .external_url = options.external_url,
                 .build = options.build},
                backend),
        auth_(options.web_config.users),
        extra_headers_(options.web_config.headers),
        guard_(kWorkersBeforePressure) {}
  ~Impl() {
    if (context_ == nullptr) return;
    guard_.release_all();
    mg_stop(context_);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  base::Result<void> start(const ServerOptions& options);
  [[nodiscard]] std::vector<int> ports() const;

 private:
  static Impl& of(const mg_connection* connection) {
    return *static_cast<Impl*>(mg_get_user_data(mg_get_context(connection)));
  }
  static mg_callbacks callbacks();
  int handle(mg_connection* connection);
  Response respond(const Request& request);
  void refuse(mg_connection* connection, int status);
  int send(mg_connection* connection, const mg_request_info& info, const Request& request,
           const Response& response);

  static void count_handshake(const SSL* ssl, int where, int value);

  Routes routes_;
  BasicAuth auth_;
  const Fields extra_headers_;
  ConnectionGuard guard_;
  TlsContext tls_;
  mg_context* context_ = nullptr;
};

mg_callbacks Server::Impl::callbacks() {
  mg_callbacks callbacks{};
  callbacks.begin_request = [](mg_connection* connection) {
    auto& self = of(connection);
    auto peer = peer_of(connection);
    if (peer) self.guard_.request_begun(*peer);
    return self.handle(connection);
  };
  callbacks.end_request = [](const mg_connection* connection, int /*status*/) {
    if (auto peer = peer_of(connection)) of(connection).guard_.request_ended(*peer);
  };
  callbacks.init_connection = [](const mg_connection* connection, void** /*data*/) {
    auto& self = of(connection);
    if (!self.tls_) self.guard_.connection_opened();
    return 0;
  };
  callbacks.external_ssl_ctx = [](void** context, void* user_data) {
    auto& self = *static_cast<Impl*>(user_data);
    if (*context == nullptr) *context = self.tls_.get();
    return 1;  // ours, and freed by us
  };
  callbacks.connection_close = [](const mg_connection* connection) {
    of(connection).guard_.connection_closed();
  };
  // Instead of civetweb's own page, whose date comes from gmtime(), a race between workers.
  callbacks.http_error = [](mg_connection* connection, int status, const char* /*message*/) {
    try {
      of(connection).refuse(connection, status);
      return 0;
    } catch (const std::exception&) {
      return 1;
    }
  };
  callbacks.log_message = [](const mg_connection* /*connection*/, const char* message) {
    base::log::debug("web server", {{"message", message}});
    return 1;  // civetweb need not print it
  };
  return callbacks;
}

// A worker is taken from the handshake on, long before init_connection. TLS 1.3 starts others
// later, so each connection is marked.
void Server::Impl::count_handshake(const SSL* ssl, int where, int /*value*/) {
  static const int kCounted = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  if ((where & SSL_CB_HANDSHAKE_START) == 0 || SSL_get_ex_data(ssl, kCounted) != nullptr) return;
  static char mark = 0;
  SSL_set_ex_data(const_cast<SSL*>(ssl), kCounted, &mark);  // NOLINT: OpenSSL's own idiom
  of(static_cast<const mg_connection*>(SSL_get_app_data(ssl))).guard_.connection_opened();
}

base::Result<void> Server::Impl::start(const ServerOptions& server_options) {
  const auto& tls = server_options.web_config.tls;
  if (tls) {
    auto made = make_tls_context(*tls);
    if (!made) return base::Error{made.error()};
    tls_ = std::move(made).value();
    SSL_CTX_set_info_callback(tls_.get(), count_handshake);
    mg_init_library(MG_FEATURES_TLS);
  }
  std::vector<ListenAddress> addresses;
  std::string ports;
  for (const auto& text : server_options.listen_addresses) {
    auto address = parse_listen_address(text);
    if (!address) return base::Error{address.error()};
    // Asked before, because civetweb gives up the reason: it binds all of them or none.
    if (auto free = try_to_listen(*address); !free) return free;
    if (!ports.empty()) ports += ',';
    ports += civetweb_port(*address, tls.has_value());
    addresses.push_back(*address);
  }
  const auto workers = std::to_string(kWorkers);
  std::vector<const char*> options{"listening_ports", ports.c_str(), "num_threads",
                                   workers.c_str()};
  for (const auto& [name, value] : kOptions) options.insert(options.end(), {name, value});
  options.push_back(nullptr);
  const auto functions = callbacks();
  context_ = mg_start(&functions, this, options.data());
  if (context_ == nullptr) {
    for (const auto& address : addresses) {
      if (auto free = try_to_listen(address); !free) return free;
    }
    return base::Error{"cannot listen on " + ports + ": do two of these addresses overlap?"};
  }
  guard_.start(this->ports());
  return {};
}

std::vector<int> Server::Impl::ports() const {
  constexpr int kPortLimit = 64;
  std::array<mg_server_port, kPortLimit> found{};
  int count = mg_get_server_ports(context_, kPortLimit, found.data());
  std::vector<int> ports;
  ports.reserve(static_cast<std::size_t>(std::max(count, 0)));
  for (int i = 0; i < count; ++i) ports.push_back(found.at(static_cast<std::size_t>(i)).port);
  return ports;
}

// The wall for exceptions: civetweb is C.
int Server::Impl::handle(mg_connection* connection) {
  try {
    const auto* info = mg_get_request_info(connection);
    bool long_query = info->query_string != nullptr &&
                      std::string_view(info->query_string).size() > kQueryLengthLimit;
    auto request = long_query ? base::Result<Request>(Request{}) : to_request(*info);
    if (long_query) {
      return send(connection, *info, {}, text_response(414, "The query is too long."));
    }
    if (!request) {
      return send(connection, *info, {}, text_response(400, "Bad request: " + request.error()));
    }
    return send(connection, *info, *request, respond(*request));
  } catch (const std::exception& error) {
    base::log::error("request failed", {{"error", error.what()}});
  }
  // The head may have been sent already; a close in the middle tells the client.
  mg_disable_connection_keep_alive(connection);
  return 500;
}

Response Server::Impl::respond(const Request& request) {
  try {
    if (!auth_.allows(request.header("Authorization"))) {
      auto response = text_response(401, "Name and password are needed.");
      response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"ssh_refusal_exporter\"");
      return response;
    }
    return routes_.handle(request);
  } catch (const std::exception& error) {
    base::log::error("request failed", {{"path", request.path}, {"error", error.what()}});
    return text_response(500, "Internal error; the log has more.");
  }
}

int Server::Impl::send(mg_connection* connection, const mg_request_info& info,
                       const Request& request, const Response& response) {
  const auto* encodings = request.header("Accept-Encoding");
  Delivery how;
  how.gzip = encodings != nullptr && accepts_gzip(*encodings) &&
             (response.stream || response.body.size() >= kGzipFloor);
  how.length_known = !response.stream && !how.gzip;
  how.body = request.method != "HEAD";
  const bool http_1_0 = std::string_view(info.http_version) == "1.0";
  how.chunked = !how.length_known && !http_1_0;
  // A body is never wanted: if the connection stayed open, civetweb would wait for all of it.
  how.close = http_1_0 || request.method.empty() || has_body(info, request);
  if (how.close) mg_disable_connection_keep_alive(connection);

  Writer writer(connection, how.chunked && how.body);
  writer.head(head_of(response, how, extra_headers_));
  if (how.body) write_body(response, how, writer);
  // The client sees the missing end only if the connection is closed.
  if (!writer.finish()) mg_disable_connection_keep_alive(connection);
  return response.status;
}

// What civetweb itself could not make a request of.
void Server::Impl::refuse(mg_connection* connection, int status) {
  Delivery how;
  how.close = true;
  mg_disable_connection_keep_alive(connection);
  const auto response = text_response(status, reason_phrase(status));
  Writer writer(connection, false);
  writer.head(head_of(response, how, extra_headers_));
  write_body(response, how, writer);
  writer.finish();
}

base::Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options,
                                                    Backend& backend) {
  auto impl = std::make_unique<Impl>(options, backend);
  if (auto started = impl->start(options); !started) {
    return base::Error{started.error()};
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() = default;

std::vector<int> Server::ports() const { return impl_->ports(); }

}  // namespace web
