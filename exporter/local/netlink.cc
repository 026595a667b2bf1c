#include "local/netlink.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace local {

namespace {

// The kernel fills a datagram of a dump up to what the reader last offered, at most 32 KB; fewer
// datagrams mean fewer chances for the table to change between two of them.
constexpr std::size_t kDatagramLimit = 32768;
constexpr std::size_t kRequestLimit = 256;  // the largest body here has 56 bytes
// Interfaces come and go in bursts, when containers start; each attempt takes about a millisecond.
constexpr int kAttempts = 5;
constexpr std::uint32_t kSequence = 1;  // each socket asks once
// The kernel answers within the call that asks. This only keeps a defect from hanging the thread.
constexpr timeval kPatience{1, 0};

struct CloseSocket {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using Socket = std::unique_ptr<mnl_socket, CloseSocket>;
using Take = std::function<bool(const nlmsghdr&)>;

int ask(mnl_socket* socket, const NetlinkRequest& request) {
  alignas(nlmsghdr) std::array<char, kRequestLimit> buffer{};
  auto* message = mnl_nlmsg_put_header(buffer.data());
  if (request.body.size() > buffer.size() - message->nlmsg_len) return EMSGSIZE;
  message->nlmsg_type = request.type;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  message->nlmsg_seq = kSequence;
  auto* body = mnl_nlmsg_put_extra_header(message, request.body.size());
  std::memcpy(body, request.body.data(), request.body.size());
  return mnl_socket_sendto(socket, message, message->nlmsg_len) < 0 ? errno : 0;
}

// What an error message, or the end of a dump, says: 0 or errno.
int verdict_of(const nlmsghdr& message) {
  const auto* code = netlink_header<int>(message);
  if (code == nullptr) return message.nlmsg_type == NLMSG_DONE ? 0 : EBADMSG;
  return *code < 0 ? -*code : 0;
}

// nullopt: there is more to come.
std::optional<int> take_datagram(const char* data, int size, unsigned int port, const Take& take) {
  const auto* message = reinterpret_cast<const nlmsghdr*>(data);
  for (; mnl_nlmsg_ok(message, size); message = mnl_nlmsg_next(message, &size)) {
    if (message->nlmsg_seq != kSequence || message->nlmsg_pid != port) continue;
    if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) return EINTR;
    if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) {
      return verdict_of(*message);
    }
    if (message->nlmsg_type >= NLMSG_MIN_TYPE && !take(*message)) return 0;
  }
  return std::nullopt;
}

int attempt(const NetlinkRequest& request, const Take& take) {
  const Socket socket(mnl_socket_open2(request.bus, SOCK_CLOEXEC));
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return errno;
  if (::setsockopt(mnl_socket_get_fd(socket.get()), SOL_SOCKET, SO_RCVTIMEO, &kPatience,
                   sizeof kPatience) != 0) {
    return errno;
  }
  if (const int error = ask(socket.get(), request); error != 0) return error;
  alignas(nlmsghdr) std::array<char, kDatagramLimit> buffer;
  while (true) {
    const auto size = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno == EAGAIN ? ETIMEDOUT : errno;
    const auto end = take_datagram(buffer.data(), static_cast<int>(size),
                                   mnl_socket_get_portid(socket.get()), take);
    if (end) return *end;
  }
}

}  // namespace

int netlink_dump(const NetlinkRequest& request, const std::function<void()>& begin,
                 const Take& take) {
  int error = EINTR;
  for (int count = 0; count < kAttempts && error == EINTR; ++count) {
    begin();
    error = attempt(request, take);
  }
  return error;
}

const nlattr* netlink_attribute(const nlmsghdr& message, std::size_t header, std::uint16_t type,
                                std::size_t size) {
  const auto* tail = static_cast<const char*>(mnl_nlmsg_get_payload_tail(&message));
  const auto* attribute =
      static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(&message, header));
  const auto room = [&] {
    return static_cast<int>(tail - reinterpret_cast<const char*>(attribute));
  };
  for (; mnl_attr_ok(attribute, room()); attribute = mnl_attr_next(attribute)) {
    if (mnl_attr_get_type(attribute) != type) continue;
    return mnl_attr_get_payload_len(attribute) < size ? nullptr : attribute;
  }
  return nullptr;
}

}  // namespace local
