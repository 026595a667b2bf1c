// A client that sends exactly the bytes it is told to, over loopback. Fails the test by exception.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/ip.h"

namespace test_support {

struct HttpReply {
  int status = 0;
  std::string head;  // status line and headers, without the empty line
  std::string body;  // chunks joined
  // The header's value, or empty.
  [[nodiscard]] std::string header(std::string_view name) const;
};

class HttpConnection {
 public:
  explicit HttpConnection(int port, const std::string& address = "127.0.0.1");
  void send(std::string_view bytes);
  // Whatever comes until the peer closes or `patience` is over.
  std::string read_all(std::chrono::milliseconds patience = std::chrono::seconds(15));
  // Reads and forgets what comes until the peer closes; returns how many bytes that were.
  std::size_t drain();
  // One reply by its own framing; `head_only` for answers to HEAD.
  HttpReply read_reply(bool head_only = false);
  // True if the peer closes within `patience`; what it sends before is lost.
  bool closed_within(std::chrono::milliseconds patience);
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  bool receive(std::chrono::steady_clock::time_point deadline);
  std::string take(std::size_t bytes);
  std::string take_until(std::string_view separator);

  base::Fd fd_;
  std::string received_;
};

// One request on a connection of its own.
HttpReply http_get(int port, const std::string& path, const std::string& headers = "");
HttpReply http_request(int port, const std::string& method, const std::string& path,
                       const std::string& headers = "");

}  // namespace test_support
