#include "probe/resolver.h"

#include <ares.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <stdexcept>
#include <utility>

#include "base/log.h"

namespace probe {

namespace {

using base::EventLoop;

constexpr const char* kResolverConfiguration = "/etc/resolv.conf";
// Per server and try; the probe's own deadline usually comes first. glibc waits 5 s, twice.
constexpr int kQueryTimeoutMilliseconds = 2000;
constexpr int kQueryTries = 3;
// How long one family may keep the other waiting: many times a usual answer, and short beside a
// probe.
constexpr auto kFamilyPatience = std::chrono::seconds(1);

// What resolv.conf looked like when a channel was made; laptops and DHCP change it under us.
struct FileIdentity {
  ino_t inode = 0;
  timespec changed{};
  bool operator==(const FileIdentity& other) const {
    return inode == other.inode && changed.tv_sec == other.changed.tv_sec &&
           changed.tv_nsec == other.changed.tv_nsec;
  }
};

FileIdentity identify(const char* path) {
  struct stat status {};
  if (stat(path, &status) != 0) return {};
  return {status.st_ino, status.st_mtim};
}

int address_family(model::IpProtocol protocol) {
  switch (protocol) {
    case model::IpProtocol::any:
      return AF_UNSPEC;
    case model::IpProtocol::ipv4:
      return AF_INET;
    case model::IpProtocol::ipv6:
      return AF_INET6;
  }
  return AF_UNSPEC;
}

Resolution failure(int status) {
  const bool absent = status == ARES_ENOTFOUND || status == ARES_ENODATA ||
                      status == ARES_EBADNAME || status == ARES_ENONAME;
  Resolution resolution;
  resolution.failure = absent ? model::Outcome::dns_not_found : model::Outcome::dns_failed;
  // c-ares has one status for servers that cannot be reached and for those that answer with an
  // error.
  resolution.detail = status == ARES_ECONNREFUSED
                          ? "no name server gave a usable answer (unreachable, SERVFAIL or REFUSED)"
                          : ares_strerror(status);
  return resolution;
}

Resolution addresses_of(const ares_addrinfo& info) {
  Resolution resolution;
  for (const auto* node = info.nodes; node != nullptr; node = node->ai_next) {
    auto address = base::IpAddress::from_sockaddr(node->ai_addr);
    if (!address) continue;
    auto& list = resolution.addresses;
    if (std::find(list.begin(), list.end(), *address) == list.end()) list.push_back(*address);
  }
  if (resolution.addresses.empty()) return failure(ARES_ENODATA);
  return resolution;
}

// The addresses of both families, the preferred one first.
Resolution joined(const std::optional<Resolution>& first, const std::optional<Resolution>& second) {
  Resolution both;
  for (const auto* family : {&first, &second}) {
    if (!*family) continue;
    const auto& addresses = (*family)->addresses;
    both.addresses.insert(both.addresses.end(), addresses.begin(), addresses.end());
  }
  return both;
}

}  // namespace

// One ares_channel and its sockets and timer on the loop.
class Resolver::Channel {
 public:
  explicit Channel(EventLoop& loop)
      : loop_(loop), configuration_(identify(kResolverConfiguration)) {
    ares_options options{};
    options.timeout = kQueryTimeoutMilliseconds;
    options.tries = kQueryTries;
    options.sock_state_cb = [](void* self, ares_socket_t socket, int readable, int writable) {
      static_cast<Channel*>(self)->watch(socket, readable != 0, writable != 0);
    };
    options.sock_state_cb_data = this;
    int status = ares_init_options(&channel_, &options,
                                   ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    if (status != ARES_SUCCESS) {
      throw std::runtime_error(std::string("cannot start the resolver: ") + ares_strerror(status));
    }
  }

  ~Channel() {
    closing_ = true;
    ares_destroy(channel_);
    if (timer_) loop_.cancel(*timer_);
    for (auto& [socket, watch] : sockets_) loop_.remove(socket);
  }

  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  void resolve(const std::string& host, model::IpProtocol protocol, Done done) {
    ares_addrinfo_hints hints{};
    hints.ai_family = address_family(protocol);
    hints.ai_socktype = SOCK_STREAM;
    auto query = std::make_unique<Query>(Query{this, std::move(done)});
    ++pending_;
    // Owned by the library until it calls back, which it does exactly once.
    ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, &Channel::on_answer, query.release());
    update_timer();
  }

  [[nodiscard]] bool idle() const { return pending_ == 0; }
  [[nodiscard]] bool outdated() const {
    return !(identify(kResolverConfiguration) == configuration_);
  }

 private:
  struct Query {
    Channel* channel;
    Done done;
  };

  class Watch final : public EventLoop::Handler {
   public:
    Watch(Channel& channel, ares_socket_t socket) : channel_(channel), socket_(socket) {}
    EventLoop::Progress ready(std::uint32_t events) override {
      bool read = (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0;
      bool write = (events & EPOLLOUT) != 0;
      channel_.process(read ? socket_ : ARES_SOCKET_BAD, write ? socket_ : ARES_SOCKET_BAD);
      return EventLoop::Progress::some;
    }
    void stuck() override {}

   private:
    Channel& channel_;
    ares_socket_t socket_;
  };

  static void on_answer(void* argument, int status, int /*timeouts*/, ares_addrinfo* info) {
    std::unique_ptr<Query> query(static_cast<Query*>(argument));
    auto* channel = query->channel;
    --channel->pending_;
    Resolution resolution =
        status == ARES_SUCCESS && info != nullptr ? addresses_of(*info) : failure(status);
    if (info != nullptr) ares_freeaddrinfo(info);
    if (!channel->closing_) query->done(std::move(resolution));
  }

  void watch(ares_socket_t socket, bool readable, bool writable) {
    const std::uint32_t events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U);
    auto found = sockets_.find(socket);
    if (events == 0) {
      if (found == sockets_.end()) return;
      loop_.remove(socket);
      sockets_.erase(found);
    } else if (found == sockets_.end()) {
      auto made = sockets_.emplace(socket, Watch(*this, socket)).first;
      // Without room in the kernel the query runs into its timeout.
      if (loop_.try_add(socket, events, made->second) != 0) sockets_.erase(made);
    } else {
      loop_.modify(socket, events);
    }
  }

  void process(ares_socket_t readable, ares_socket_t writable) {
    ares_process_fd(channel_, readable, writable);
    update_timer();
  }

  void update_timer() {
    if (timer_) loop_.cancel(*timer_);
    timer_.reset();
    timeval storage{};
    const auto* wait = ares_timeout(channel_, nullptr, &storage);
    if (wait == nullptr) return;
    auto delay = std::chrono::seconds(wait->tv_sec) + std::chrono::microseconds(wait->tv_usec);
    timer_ = loop_.at(loop_.clock().steady() + delay, [this] {
      timer_.reset();
      process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    });
  }

  EventLoop& loop_;
  FileIdentity configuration_;
  ares_channel channel_{};
  std::map<ares_socket_t, Watch> sockets_;
  std::optional<EventLoop::TimerId> timer_;
  std::size_t pending_ = 0;
  bool closing_ = false;
};

Resolver::Resolver(EventLoop& loop) : loop_(loop) {
  static const int kStatus = ares_library_init(ARES_LIB_INIT_ALL);
  if (kStatus != ARES_SUCCESS) {
    throw std::runtime_error(std::string("cannot start the resolver: ") + ares_strerror(kStatus));
  }
  channel_ = std::make_unique<Channel>(loop_);
}

Resolver::~Resolver() = default;

Resolver::Channel& Resolver::current_channel() {
  std::erase_if(retired_, [](const auto& channel) { return channel->idle(); });
  if (channel_->outdated()) {
    try {
      auto next = std::make_unique<Channel>(loop_);
      retired_.push_back(std::exchange(channel_, std::move(next)));
    } catch (const std::runtime_error& error) {
      base::log::warn("resolv.conf has changed; the old one stays", {{"error", error.what()}});
    }
  }
  return *channel_;
}

// One question for both families, and, if that takes long, one for each beside it: servers that
// drop AAAA queries must not hide the A record that they know.
struct Resolver::Race {
  Done done;  // empty once called
  std::optional<EventLoop::TimerId> timer;
  std::optional<Resolution> v4;
  std::optional<Resolution> v6;
};

void Resolver::resolve(const std::string& host, model::IpProtocol protocol, Done done) {
  auto& channel = current_channel();
  if (protocol != model::IpProtocol::any) {
    channel.resolve(host, protocol, std::move(done));
    return;
  }
  auto race = std::make_shared<Race>();
  race->done = std::move(done);
  race->timer = loop_.at(loop_.clock().steady() + kFamilyPatience,
                         [this, race, host, alive = std::weak_ptr<bool>(alive_)] {
                           race->timer.reset();
                           if (!alive.expired()) ask_families(race, host);
                         });
  channel.resolve(host, protocol,
                  [this, race](Resolution resolution) { end_race(race, std::move(resolution)); });
}

void Resolver::ask_families(const std::shared_ptr<Race>& race, const std::string& host) {
  auto& channel = current_channel();
  channel.resolve(host, model::IpProtocol::ipv4, [this, race](Resolution resolution) {
    on_family(race, race->v4, std::move(resolution));
  });
  channel.resolve(host, model::IpProtocol::ipv6, [this, race](Resolution resolution) {
    on_family(race, race->v6, std::move(resolution));
  });
}

// Addresses of one family wait a little for the other's; failures wait for the question about both.
void Resolver::on_family(const std::shared_ptr<Race>& race, std::optional<Resolution>& slot,
                         Resolution resolution) {
  slot = std::move(resolution);
  if (!race->done) return;
  const auto found = joined(race->v6, race->v4);
  if (found.addresses.empty()) return;
  if (race->v4 && race->v6) {
    end_race(race, found);
  } else if (!race->timer) {
    race->timer = loop_.at(loop_.clock().steady() + kFamilyPatience,
                           [this, race, found, alive = std::weak_ptr<bool>(alive_)] {
                             race->timer.reset();
                             if (!alive.expired()) end_race(race, found);
                           });
  }
}

void Resolver::end_race(const std::shared_ptr<Race>& race, Resolution resolution) {
  if (!race->done) return;
  if (race->timer) loop_.cancel(*race->timer);
  race->timer.reset();
  auto done = std::exchange(race->done, nullptr);
  done(std::move(resolution));
}

bool is_local_name(const std::string& host) {
  auto equal = [&](const std::string& name) { return strcasecmp(host.c_str(), name.c_str()) == 0; };
  constexpr std::string_view kSuffix = ".localhost";
  if (equal("localhost")) return true;
  if (host.size() > kSuffix.size() &&
      strcasecmp(host.c_str() + host.size() - kSuffix.size(), kSuffix.data()) == 0) {
    return true;
  }
  std::array<char, 256> own{};
  if (gethostname(own.data(), own.size() - 1) != 0) return false;
  std::string name = own.data();
  return equal(name) || equal(name.substr(0, name.find('.')));
}

}  // namespace probe
