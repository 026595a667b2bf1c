#include "support/listening_socket.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "base/ip.h"

namespace test_support {

base::Fd bound(const char* address, const SocketOptions& options) {
  base::Fd fd(::socket(options.family, SOCK_STREAM | SOCK_CLOEXEC, options.protocol));
  const int yes = 1;
  const int only = options.only_v6 ? 1 : 0;
  if (options.family == AF_INET6) {
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
  }
  if (options.share_port) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
  if (options.to_loopback_device) {
    EXPECT_EQ(::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, "lo", 2), 0);
  }
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_in);
  if (options.family == AF_INET) {
    size = base::IpAddress::parse(address).value().to_sockaddr(options.port, storage);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(options.port);
    EXPECT_EQ(::inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
    size = sizeof v6;
    std::memcpy(&storage, &v6, sizeof v6);
  }
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size), 0)
      << address << ": " << strerror(errno);
  return fd;
}

base::Fd listening(const char* address, const SocketOptions& options) {
  auto fd = bound(address, options);
  EXPECT_EQ(::listen(fd.get(), options.backlog), 0) << strerror(errno);
  return fd;
}

std::uint16_t port_of(const base::Fd& fd) {
  sockaddr_in6 name{};
  socklen_t size = sizeof name;
  EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
  return ntohs(name.sin6_port);  // at the same place in both families
}

std::uint64_t inode_of(const base::Fd& fd) {
  struct stat status {};
  EXPECT_EQ(::fstat(fd.get(), &status), 0);
  return status.st_ino;
}

}  // namespace test_support
