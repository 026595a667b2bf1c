#include "web/server.h"

#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "support/fake_backend.h"
#include "support/http_client.h"
#include "support/snapshots.h"

namespace web {
namespace {

using namespace std::chrono_literals;
using test_support::FakeBackend;
using test_support::http_get;
using test_support::http_request;
using test_support::HttpConnection;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ServerTest : public testing::Test {
 protected:
  int start(ServerOptions options = {}) {
    if (options.listen_addresses == ServerOptions{}.listen_addresses) {
      options.listen_addresses = {"127.0.0.1:0"};
    }
    auto started = Server::start(options, backend_);
    EXPECT_TRUE(started.ok()) << started.error();
    server_ = std::move(started).value();
    return server_->ports().at(0);
  }

  FakeBackend backend_;
  std::unique_ptr<Server> server_;
};

base::Duration time_of(const std::function<void()>& action) {
  const auto begin = std::chrono::steady_clock::now();
  action();
  return std::chrono::steady_clock::now() - begin;
}

TEST_F(ServerTest, ServesMetricsWithThePrometheusContentType) {
  const int port = start();
  const auto reply = http_get(port, "/metrics");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(reply.header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(reply.header("Server"), "");
  EXPECT_THAT(reply.body, HasSubstr("\nssh_probe_success{target=\"192.0.2.20:22\"} 0\n"));
}

TEST_F(ServerTest, ServesBothFamiliesOnOnePort) {
  ServerOptions options;
  options.listen_addresses = {":0"};
  const int port = start(options);
  for (const char* address : {"127.0.0.1", "::1"}) {
    HttpConnection connection(port, address);
    connection.send("GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(connection.read_reply().body, "healthy\n") << address;
  }
}

TEST_F(ServerTest, ListensOnSeveralAddresses) {
  ServerOptions options;
  options.listen_addresses = {"127.0.0.1:0", "[::1]:0", "0.0.0.0:0"};
  start(options);
  ASSERT_EQ(server_->ports().size(), 3U);
  EXPECT_EQ(http_get(server_->ports()[2], "/-/healthy").status, 200);
  HttpConnection v6(server_->ports()[1], "::1");
  v6.send("GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(v6.read_reply().status, 200);
}

TEST_F(ServerTest, SaysWhichAddressIsTakenAndByWhat) {
  const int port = start();
  ServerOptions options;
  options.listen_addresses = {"127.0.0.1:0", "127.0.0.1:" + std::to_string(port)};
  const auto second = Server::start(options, backend_);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error(),
              StartsWith("cannot listen on 127.0.0.1:" + std::to_string(port) +
                         ": another process listens on port " + std::to_string(port)));
}

TEST_F(ServerTest, RefusesAddressesOfNoInterface) {
  ServerOptions options;
  options.listen_addresses = {"192.0.2.1:0"};
  const auto started = Server::start(options, backend_);
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error(),
            "cannot listen on 192.0.2.1:0: no interface of this machine has that address");
}

TEST_F(ServerTest, HeadHasTheHeadersOnly) {
  const int port = start();
  for (const char* path : {"/", "/metrics", "/probe?target=a", "/api/v1/targets", "/-/healthy"}) {
    HttpConnection connection(port);
    connection.send("HEAD " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(connection.read_all(), testing::EndsWith("\r\n\r\n")) << path;
  }
}

TEST_F(ServerTest, KeepsConnectionsOpenBetweenRequests) {
  HttpConnection connection(start());
  for (const char* path : {"/metrics", "/-/healthy", "/nothing", "/api/v1/targets", "/metrics"}) {
    connection.send("GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(connection.read_reply().status, 0);
  }
  connection.send("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(connection.read_reply(true).status, 200);
  connection.send("GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(connection.read_reply().body, "ready\n");
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  HttpConnection connection(start());
  connection.send(
      "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\nGET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(connection.read_reply().body, "healthy\n");
  EXPECT_EQ(connection.read_reply().body, "ready\n");
}

TEST_F(ServerTest, Http10GetsTheWholePageAndTheEnd) {
  HttpConnection connection(start());
  connection.send("GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const auto reply = connection.read_all();
  EXPECT_THAT(reply, Not(HasSubstr("chunked")));
  EXPECT_THAT(reply, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(reply, testing::EndsWith("\n"));
  EXPECT_THAT(reply, HasSubstr("process_start_time_seconds"));
}

TEST_F(ServerTest, RefusesBadRequests) {
  const int port = start();
  EXPECT_EQ(http_get(port, "/%zz").status, 400);
  EXPECT_EQ(http_get(port, "/metrics%00foo").status, 400);
  EXPECT_EQ(http_get(port, "/probe?target=%").status, 400);
  EXPECT_EQ(http_get(port, "/metrics?" + std::string(4097, 'a')).status, 414);
  EXPECT_EQ(http_get(port, "/metrics?" + std::string(4096, 'a')).status, 200);
}

TEST_F(ServerTest, AnswersWhatIsNoRequest) {
  const int port = start();
  for (const char* bytes :
       {"nonsense\r\n\r\n", "GET / HTTP/3.0\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n", "GET\r\n\r\n"}) {
    HttpConnection connection(port);
    connection.send(bytes);
    const auto reply = connection.read_all(3s);
    EXPECT_THAT(reply,
                testing::AnyOf(StartsWith("HTTP/1.1 400 "), StartsWith("HTTP/1.1 505 "), ""));
    EXPECT_THAT(reply, Not(HasSubstr("Date:")));
  }
}

// RFC 9112 3.2.2
TEST_F(ServerTest, AnswersRequestsForAnAbsoluteUrl) {
  const int port = start();
  for (const char* host : {"127.0.0.1", "localhost", "exporter.example.net"}) {
    HttpConnection connection(port);
    connection.send("GET http://" + std::string(host) + ":" + std::to_string(port) +
                    "/-/healthy HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto reply = connection.read_all(1s);
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 ")) << host;
    EXPECT_THAT(reply, testing::EndsWith("healthy\n")) << host;
  }
}

// More than there are workers, and their page is larger than what the kernel buffers.
TEST_F(ServerTest, HealthAnswersDespiteClientsThatNeverRead) {
  backend_.set_snapshot(test_support::large_snapshot(8000));
  const int port = start();
  std::vector<std::unique_ptr<HttpConnection>> connections;
  for (int i = 0; i < 60; ++i) {
    connections.push_back(std::make_unique<HttpConnection>(port));
    connections.back()->send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  std::this_thread::sleep_for(200ms);
  const auto took = time_of([&] { EXPECT_EQ(http_get(port, "/-/healthy").status, 200); });
  EXPECT_LT(took, 4500ms);
}

// Beside clients that never read.
TEST_F(ServerTest, SlowButSteadyReadersGetTheWholePage) {
  backend_.set_snapshot(test_support::large_snapshot(8000));
  const int port = start();
  HttpConnection steady(port);
  std::atomic<std::size_t> received{0};
  std::thread reading([&] {
    steady.send("GET /metrics HTTP/1.0\r\n\r\n");
    std::vector<char> buffer(80'000);
    ssize_t size = 0;
    while ((size = ::recv(steady.fd(), buffer.data(), buffer.size(), 0)) > 0) {
      received += static_cast<std::size_t>(size);
      std::this_thread::sleep_for(20ms);
    }
  });
  std::vector<std::unique_ptr<HttpConnection>> connections;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 25; ++i) {
      connections.push_back(std::make_unique<HttpConnection>(port));
      connections.back()->send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    std::this_thread::sleep_for(1s);
  }
  reading.join();
  EXPECT_GT(received, 8'000'000U);
}

TEST_F(ServerTest, BoundsTheHeader) {
  const int port = start();
  EXPECT_EQ(http_get(port, "/metrics", "X-Long: " + std::string(15'000, 'a') + "\r\n").status, 200);
  HttpConnection connection(port);
  connection.send("GET /metrics HTTP/1.1\r\nX-Long: " + std::string(17'000, 'a'));
  EXPECT_TRUE(connection.closed_within(2s));
}

TEST_F(ServerTest, DoesNotWaitForBodies) {
  const int port = start();
  const auto took = time_of([&] {
    const auto reply = http_request(port, "POST", "/-/reload", "Content-Length: 1000000\r\n");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.header("Connection"), "close");
  });
  EXPECT_LT(took, 2s);
  HttpConnection connection(port);
  connection.send("POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(connection.read_reply().status, 405);
  EXPECT_TRUE(connection.closed_within(2s));
}

TEST_F(ServerTest, CompressesWhenAsked) {
  const int port = start();
  const auto plain = http_get(port, "/metrics");
  const auto packed = http_get(port, "/metrics", "Accept-Encoding: gzip\r\n");
  EXPECT_EQ(packed.header("Content-Encoding"), "gzip");
  EXPECT_THAT(packed.body, StartsWith("\x1f\x8b"));
  EXPECT_LT(packed.body.size(), plain.body.size() / 3);
  EXPECT_EQ(http_get(port, "/metrics", "Accept-Encoding: gzip;q=0\r\n").header("Content-Encoding"),
            "");
  // Not worth it.
  EXPECT_EQ(http_get(port, "/-/healthy", "Accept-Encoding: gzip\r\n").header("Content-Encoding"),
            "");
}

TEST_F(ServerTest, SurvivesExceptionsOfTheBackend) {
  const int port = start();
  backend_.on_probe = [](const FakeBackend::ProbeCall&) -> ProbeReply {
    throw std::runtime_error("broken");
  };
  const auto reply = http_get(port, "/probe?target=a");
  EXPECT_EQ(reply.status, 500);
  EXPECT_THAT(reply.body, Not(HasSubstr("broken")));
  EXPECT_EQ(http_get(port, "/-/healthy").status, 200);
}

TEST_F(ServerTest, LargePagesArriveWhole) {
  backend_.set_snapshot(test_support::large_snapshot(3000));
  const int port = start();
  const auto metrics = http_get(port, "/metrics");
  EXPECT_GT(metrics.body.size(), 3'000'000U);
  EXPECT_THAT(metrics.body, HasSubstr("ssh_probe_ip_protocol{target=\"host-2999.example.net:22\""));
  EXPECT_THAT(http_get(port, "/api/v1/targets").body, testing::EndsWith("\n]}\n"));
}

// Blocks probes until it is told to let them go.
class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  void await_waiting(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 20s, [&] { return waiting_ >= count; });
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

TEST_F(ServerTest, ManyProbesLeaveWorkersForMetrics) {
  Gate gate;
  backend_.on_probe = [&](const FakeBackend::ProbeCall&) {
    gate.wait();
    return FakeBackend::completed();
  };
  const int port = start();
  std::atomic<int> served{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 16; ++i) {
    clients.emplace_back([&] { served += http_get(port, "/probe?target=a").status == 200; });
  }
  gate.await_waiting(16);
  EXPECT_EQ(http_get(port, "/probe?target=a").status, 503);
  EXPECT_EQ(http_get(port, "/metrics").status, 200);
  gate.open();
  for (auto& client : clients) client.join();
  EXPECT_EQ(served, 16);
  EXPECT_EQ(http_get(port, "/probe?target=a").status, 200);
}

TEST_F(ServerTest, MetricsAnswerDespiteHalfOpenConnections) {
  const int port = start();
  std::vector<std::unique_ptr<HttpConnection>> connections;
  for (int i = 0; i < 200; ++i) {
    connections.push_back(std::make_unique<HttpConnection>(port));
    if (i % 2 == 0) connections.back()->send("GET /metrics HTTP/1.1\r\nX-Slow: ");
  }
  const auto took = time_of([&] { EXPECT_EQ(http_get(port, "/metrics").status, 200); });
  EXPECT_LT(took, 3s);
}

TEST_F(ServerTest, MetricsAnswerDespiteDrippingRequests) {
  const int port = start();
  std::atomic<bool> stop{false};
  std::vector<std::unique_ptr<HttpConnection>> connections;
  for (int i = 0; i < 100; ++i) {
    connections.push_back(std::make_unique<HttpConnection>(port));
    connections.back()->send("GET /metrics HTTP/1.1\r\nX-Slow: ");
  }
  std::thread dripping([&] {
    while (!stop) {
      for (auto& connection : connections) {
        std::ignore = ::send(connection->fd(), "x", 1, MSG_NOSIGNAL);
      }
      std::this_thread::sleep_for(100ms);
    }
  });
  const auto took = time_of([&] { EXPECT_EQ(http_get(port, "/metrics").status, 200); });
  EXPECT_LT(took, 4s);
  stop = true;
  dripping.join();
}

TEST_F(ServerTest, HalfOpenConnectionsDoNotHurtProbesUnderWay) {
  Gate gate;
  backend_.on_probe = [&](const FakeBackend::ProbeCall&) {
    gate.wait();
    return FakeBackend::completed();
  };
  ServerOptions options;
  options.listen_addresses = {":0"};  // addresses of clients are mapped into IPv6 there
  const int port = start(options);
  int status = 0;
  std::thread client([&] { status = http_get(port, "/probe?target=a").status; });
  gate.await_waiting(1);
  std::vector<std::unique_ptr<HttpConnection>> connections;
  for (int i = 0; i < 60; ++i) connections.push_back(std::make_unique<HttpConnection>(port));
  EXPECT_TRUE(connections.front()->closed_within(4s));
  gate.open();
  client.join();
  EXPECT_EQ(status, 200);
}

TEST_F(ServerTest, StopsQuicklyWithIdleConnections) {
  const int port = start();
  HttpConnection silent(port);
  HttpConnection half(port);
  half.send("GET /");
  EXPECT_LT(time_of([&] { server_.reset(); }), 1500ms);
}

}  // namespace
}  // namespace web
