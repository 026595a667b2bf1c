#include "support/http_client.h"

#include <poll.h>
#include <strings.h>
#include <sys/socket.h>

#include <array>
#include <stdexcept>

namespace test_support {

namespace {

constexpr auto kPatience = std::chrono::seconds(15);

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

}  // namespace

std::string HttpReply::header(std::string_view name) const {
  for (std::size_t at = head.find("\r\n"); at != std::string::npos;) {
    auto begin = at + 2;
    at = head.find("\r\n", begin);
    auto line = std::string_view(head).substr(begin, at == std::string::npos ? at : at - begin);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        strncasecmp(line.data(), name.data(), name.size()) == 0) {
      auto value = line.substr(name.size() + 1);
      while (value.starts_with(' ')) value.remove_prefix(1);
      return std::string(value);
    }
  }
  return "";
}

HttpConnection::HttpConnection(int port, const std::string& address) {
  auto ip = base::IpAddress::parse(address).value();
  sockaddr_storage storage{};
  auto size = ip.to_sockaddr(static_cast<std::uint16_t>(port), storage);
  fd_ = base::Fd(socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  require(connect(fd_.get(), reinterpret_cast<sockaddr*>(&storage), size) == 0, "no connection");
}

void HttpConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    require(sent > 0, "cannot send");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool HttpConnection::receive(std::chrono::steady_clock::time_point deadline) {
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  if (left.count() <= 0) return false;
  pollfd waiting{fd_.get(), POLLIN, 0};
  if (poll(&waiting, 1, static_cast<int>(left.count())) <= 0) return false;
  std::array<char, 65536> buffer;
  auto size = recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (size <= 0) return false;
  received_.append(buffer.data(), static_cast<std::size_t>(size));
  return true;
}

std::string HttpConnection::read_all(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (receive(deadline)) {
  }
  return std::exchange(received_, "");
}

std::size_t HttpConnection::drain() {
  std::size_t bytes = 0;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (receive(deadline)) {
    bytes += received_.size();
    received_.clear();
  }
  return bytes;
}

bool HttpConnection::closed_within(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (receive(deadline)) {
  }
  return std::chrono::steady_clock::now() < deadline;
}

std::string HttpConnection::take(std::size_t bytes) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (received_.size() < bytes) require(receive(deadline), "the reply is cut short");
  auto text = received_.substr(0, bytes);
  received_.erase(0, bytes);
  return text;
}

std::string HttpConnection::take_until(std::string_view separator) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::size_t at = 0;
  while ((at = received_.find(separator)) == std::string::npos) {
    require(receive(deadline), "the reply is cut short");
  }
  auto text = take(at);
  take(separator.size());
  return text;
}

HttpReply HttpConnection::read_reply(bool head_only) {
  HttpReply reply;
  reply.head = take_until("\r\n\r\n");
  reply.status = std::stoi(reply.head.substr(reply.head.find(' ')));
  if (head_only) return reply;
  if (reply.header("Transfer-Encoding") == "chunked") {
    for (;;) {
      auto size = std::stoul(take_until("\r\n"), nullptr, 16);
      reply.body += take(size);
      require(take(2) == "\r\n", "a chunk has no end");
      if (size == 0) return reply;
    }
  }
  auto length = reply.header("Content-Length");
  reply.body = length.empty() ? read_all() : take(std::stoul(length));
  return reply;
}

HttpReply http_request(int port, const std::string& method, const std::string& path,
                       const std::string& headers) {
  HttpConnection connection(port);
  connection.send(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
  return connection.read_reply(method == "HEAD");
}

HttpReply http_get(int port, const std::string& path, const std::string& headers) {
  return http_request(port, "GET", path, headers);
}

}  // namespace test_support
