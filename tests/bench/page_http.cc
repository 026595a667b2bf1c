// The time of GET /metrics with 10,000 targets beside the time of a static body of the same bytes
// from the same server library, turn by turn in one run. Usage: bench_page_http [TARGETS [ROUNDS]].

#include <civetweb.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/fake_backend.h"
#include "support/http_client.h"
#include "web/server.h"

namespace {

// Sends the string that it is given, in one piece, as a file from the page cache would be.
int serve_static(mg_connection* connection, void* body) {
  const auto& text = *static_cast<const std::string*>(body);
  mg_printf(connection, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
            text.size());
  mg_write(connection, text.data(), text.size());
  return 200;
}

// Reads everything the server sends and throws it away; seconds from the request to the end.
double seconds_of_get(int port, const std::string& path, std::size_t* bytes = nullptr) {
  test_support::HttpConnection connection(port);
  std::vector<char> buffer(1 << 18);
  const auto begin = std::chrono::steady_clock::now();
  connection.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  std::size_t sum = 0;
  ssize_t count = 0;
  while ((count = ::read(connection.fd(), buffer.data(), buffer.size())) > 0) {
    sum += static_cast<std::size_t>(count);
  }
  if (bytes != nullptr) *bytes = sum;
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t targets = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 10'000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 21;

  test_support::FakeBackend backend;
  backend.set_snapshot(test_support::large_snapshot(targets));
  web::ServerOptions options;
  options.listen_addresses = {"127.0.0.1:0"};
  auto server = web::Server::start(options, backend);
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().c_str());
    return 1;
  }
  const int port = (*server)->ports().at(0);
  std::size_t bytes = 0;
  seconds_of_get(port, "/metrics", &bytes);

  std::string body(bytes, 'x');
  const char* static_options[] = {"listening_ports", "127.0.0.1:0", "num_threads", "4", nullptr};
  mg_context* context = mg_start(nullptr, nullptr, static_options);
  if (context == nullptr) return 1;
  mg_set_request_handler(context, "/", serve_static, &body);
  mg_server_port bound{};
  mg_get_server_ports(context, 1, &bound);

  std::vector<double> page;
  std::vector<double> plain;
  std::vector<double> ratio;
  for (int i = 0; i < rounds; ++i) {
    page.push_back(seconds_of_get(port, "/metrics"));
    plain.push_back(seconds_of_get(bound.port, "/"));
    ratio.push_back(page.back() / plain.back());
  }
  std::printf("/metrics: %.1f MB, median %.1f ms; static body %.1f ms; median ratio %.2f\n",
              static_cast<double>(bytes) / 1e6, median(page) * 1e3, median(plain) * 1e3,
              median(ratio));
  mg_stop(context);
  return 0;
}
