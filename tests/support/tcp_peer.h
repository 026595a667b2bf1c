// TCP servers of a test on loopback: scripted ones, full ones that stay silent, ports where nobody
// listens. Failures to set them up end the test by exception.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/ip.h"

namespace test_support {

base::IpAddress ip(std::string_view text);

// Listens until destroyed and runs the script once per connection, each in a thread of its own.
class TcpPeer {
 public:
  // One accepted connection, closed when the script returns.
  class Stream {
   public:
    explicit Stream(int fd) : fd_(fd) {}
    void send(std::string_view bytes) const;
    // The next byte or more; empty once the other side has closed or reset.
    [[nodiscard]] std::string receive() const;
    // Everything until then.
    std::string receive_all() const;  // NOLINT: also called to wait for the end
    // The close that follows is a reset.
    void reset() const;

   private:
    int fd_;
  };
  using Script = std::function<void(const Stream&)>;

  // Port 0: any free one.
  explicit TcpPeer(Script script, const std::string& address = "127.0.0.1", std::uint16_t port = 0);
  ~TcpPeer();
  TcpPeer(const TcpPeer&) = delete;
  TcpPeer& operator=(const TcpPeer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  // When each connection was accepted.
  [[nodiscard]] std::vector<base::SteadyTime> accepted() const;

 private:
  void serve();
  void run(std::size_t index);

  Script script_;
  base::Fd listener_;
  base::Fd stop_;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<base::Fd> streams_;
  std::vector<base::SteadyTime> accepted_;
  std::vector<std::thread> scripts_;
  std::thread server_;
};

// Listens with a full accept queue: further SYNs get no answer.
class SilentPort {
 public:
  explicit SilentPort(const std::string& address = "127.0.0.1");
  [[nodiscard]] std::uint16_t port() const { return port_; }
  void close() { listener_.reset(); }

 private:
  base::Fd listener_;
  std::vector<base::Fd> fillers_;
  std::uint16_t port_ = 0;
};

// A port that was free a moment ago.
std::uint16_t closed_port(const std::string& address = "127.0.0.1");

// The other end's port of an established IPv4 connection to `port` on loopback; 0 if there is none.
std::uint16_t peer_port_of(std::uint16_t port);

}  // namespace test_support
