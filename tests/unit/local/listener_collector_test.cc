// Real listening sockets, in a network namespace of their own where the test must know them all;
// owners by the real /proc, and by folders that stand for one.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "local/collector.h"
#include "local/sock_diag.h"
#include "support/child.h"
#include "support/fake_host.h"
#include "support/host_folder.h"
#include "support/stepped_clock.h"

namespace {

using base::Fd;
using base::IpAddress;
using model::Endpoint;
using std::chrono::minutes;
using std::chrono::seconds;
using test_support::FakeHost;
using test_support::HostFolder;
using test_support::Process;
using test_support::SteppedClock;
using test_support::succeeds_in_child;
using Listener = model::ListenerFacts::Listener;

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

struct SocketOptions {
  int family = AF_INET;
  bool only_v6 = false;
  bool share_port = false;
  bool to_loopback_device = false;
  int protocol = 0;
  int backlog = 16;
  std::uint16_t port = 0;
};

// Not yet listening. IPv4-mapped addresses are written as text of IPv6.
Fd bound(const char* address, const SocketOptions& options = {}) {
  Fd fd(::socket(options.family, SOCK_STREAM | SOCK_CLOEXEC, options.protocol));
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
    size = ip(address).to_sockaddr(options.port, storage);
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

Fd listening(const char* address, const SocketOptions& options = {}) {
  auto fd = bound(address, options);
  EXPECT_EQ(::listen(fd.get(), options.backlog), 0) << strerror(errno);
  return fd;
}

std::uint16_t port_of(const Fd& fd) {
  sockaddr_in6 name{};
  socklen_t size = sizeof name;
  EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
  return ntohs(name.sin6_port);  // at the same place in both families
}

std::uint64_t inode_of(const Fd& fd) {
  struct stat status {};
  EXPECT_EQ(::fstat(fd.get(), &status), 0);
  return status.st_ino;
}

// A collector with the things it needs.
class Looker {
 public:
  explicit Looker(std::filesystem::path root = "/") : host_(std::move(root)) {
    collector_ = local::make_listener_collector({host_, clock_, ""});
  }
  std::shared_ptr<const model::ListenerFacts> look() {
    model::HostFacts facts;
    problem_ = collector_->collect({}, facts);
    return facts.listeners;
  }
  // nullptr if it is not listed.
  const Listener* find(const Fd& fd) {
    facts_ = look();
    if (!facts_) return nullptr;
    const auto inode = inode_of(fd);
    const auto found = std::find_if(facts_->listeners.begin(), facts_->listeners.end(),
                                    [&](const Listener& one) { return one.inode == inode; });
    return found == facts_->listeners.end() ? nullptr : &*found;
  }
  pid_t owner(const Fd& fd) {
    const auto* listener = find(fd);
    EXPECT_NE(listener, nullptr);
    return listener != nullptr && listener->owner ? listener->owner->pid : 0;
  }
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] const model::ListenerFacts& facts() const { return *facts_; }
  void advance(base::Duration step) { clock_.advance(step); }

 private:
  FakeHost host_;
  SteppedClock clock_;
  std::unique_ptr<local::Collector> collector_;
  std::shared_ptr<const model::ListenerFacts> facts_;
  std::string problem_;
};

// Tests that must know every socket run where there are no others.
class OwnNetwork : public testing::Test {
 protected:
  void SetUp() override {
    if (!test_support::may_enter_network_namespace()) {
      GTEST_SKIP() << "needs the right to make a network namespace";
    }
  }
  static void inside(const std::function<void()>& body) {
    EXPECT_TRUE(succeeds_in_child([&] {
      ASSERT_TRUE(test_support::enter_network_namespace());
      body();
    }));
  }
};

std::string describe(const Listener& one) {
  return base::format_host_port(one.endpoint.address.to_string(), one.endpoint.port) + " " +
         one.interface + (one.dual_stack ? " dual" : "");
}

TEST_F(OwnNetwork, EveryKindOfSocket) {
  inside([] {
    SocketOptions v6;
    v6.family = AF_INET6;
    SocketOptions only_v6 = v6;
    only_v6.only_v6 = true;
    auto at = [](SocketOptions options, std::uint16_t port) {
      options.port = port;
      return options;
    };
    SocketOptions device;
    device.to_loopback_device = true;
    std::vector<Fd> sockets;
    sockets.push_back(listening("0.0.0.0", at({}, 22)));
    sockets.push_back(listening("127.0.0.1", at({}, 2201)));
    sockets.push_back(listening("::", at(v6, 2202)));
    sockets.push_back(listening("::", at(only_v6, 22)));
    sockets.push_back(listening("::1", at(v6, 2203)));
    sockets.push_back(listening("::ffff:127.0.0.1", at(v6, 2204)));
    sockets.push_back(listening("0.0.0.0", at(device, 2205)));
    // None of these listens.
    const auto silent = bound("127.0.0.1", at({}, 2206));
    const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage storage{};
    const auto size = ip("127.0.0.1").to_sockaddr(2201, storage);
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);

    Looker looker;
    const auto facts = looker.look();
    ASSERT_TRUE(facts);
    EXPECT_EQ(looker.problem(), "");
    EXPECT_TRUE(facts->owners_known);
    std::set<std::string> seen;
    std::set<std::uint64_t> inodes;
    for (const auto& one : facts->listeners) {
      seen.insert(describe(one));
      inodes.insert(one.inode);
      EXPECT_EQ(one.uid, ::getuid());
      EXPECT_EQ(one.queue_limit, 16U);
      EXPECT_EQ(one.queue_length, one.endpoint.port == 2201 ? 1U : 0U);
      ASSERT_TRUE(one.owner);
      EXPECT_EQ(one.owner->pid, ::getpid());
      EXPECT_EQ(one.owner->process, "unit_local");
    }
    EXPECT_EQ(seen, (std::set<std::string>{"0.0.0.0:22 ", "127.0.0.1:2201 ", "[::]:2202  dual",
                                           "[::]:22 ", "[::1]:2203 ", "127.0.0.1:2204 ",
                                           "0.0.0.0:2205 lo"}));
    std::set<std::uint64_t> expected;
    for (const auto& socket : sockets) expected.insert(inode_of(socket));
    EXPECT_EQ(inodes, expected);
    EXPECT_TRUE(std::is_sorted(
        facts->listeners.begin(), facts->listeners.end(),
        [](const Listener& a, const Listener& b) { return a.endpoint < b.endpoint; }));
  });
}

TEST_F(OwnNetwork, NothingListens) {
  inside([] {
    Looker looker;
    const auto facts = looker.look();
    ASSERT_TRUE(facts);
    EXPECT_TRUE(facts->listeners.empty());
    EXPECT_TRUE(facts->owners_known);
    EXPECT_EQ(looker.problem(), "");
  });
}

TEST_F(OwnNetwork, EachSocketOfASharedPort) {
  inside([] {
    SocketOptions shared;
    shared.share_port = true;
    shared.port = 22;
    const auto first = listening("0.0.0.0", shared);
    const auto second = listening("0.0.0.0", shared);
    EXPECT_EQ(Looker().look()->listeners.size(), 2U);
  });
}

TEST_F(OwnNetwork, MptcpListener) {
  inside([] {
    constexpr int kMptcp = 262;
    if (!Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, kMptcp)).valid()) return;
    SocketOptions options;
    options.protocol = kMptcp;
    options.port = 22;
    const auto socket = listening("127.0.0.1", options);
    Looker looker;
    const auto facts = looker.look();
    ASSERT_EQ(facts->listeners.size(), 1U);
    EXPECT_EQ(facts->listeners[0].endpoint, (Endpoint{ip("127.0.0.1"), 22}));
    EXPECT_EQ(looker.owner(socket), ::getpid());
  });
}

TEST_F(OwnNetwork, MoreThanOneDatagram) {
  inside([] {
    constexpr std::size_t kCount = 900;
    std::vector<Fd> sockets;
    SocketOptions v6;
    v6.family = AF_INET6;
    for (std::size_t i = 0; i < kCount; ++i) {
      sockets.push_back(i % 2 == 0 ? listening("127.0.0.1") : listening("::1", v6));
    }
    EXPECT_EQ(Looker().look()->listeners.size(), kCount);
    const auto whole = local::listening_sockets(kCount);
    EXPECT_EQ(whole->listeners.size(), kCount);
    EXPECT_FALSE(whole->truncated);
    const auto cut = local::listening_sockets(kCount - 1);
    EXPECT_EQ(cut->listeners.size(), kCount - 1);
    EXPECT_TRUE(cut->truncated);
  });
}

TEST(ListenerCollector, FullQueueIsLongerThanItsLimit) {
  SocketOptions small;
  small.backlog = 2;
  const auto server = listening("127.0.0.1", small);
  sockaddr_storage storage{};
  const auto size = ip("127.0.0.1").to_sockaddr(port_of(server), storage);
  std::vector<Fd> clients;
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ::connect(clients.back().get(), reinterpret_cast<sockaddr*>(&storage), size);
  }
  Looker looker;
  const auto* listener = looker.find(server);
  ASSERT_NE(listener, nullptr);
  EXPECT_EQ(listener->queue_limit, 2U);
  EXPECT_EQ(listener->queue_length, 3U);
}

TEST(ListenerCollector, OwnerFollowsTheSocket) {
  auto socket = listening("127.0.0.1");
  Looker looker;
  EXPECT_EQ(looker.owner(socket), ::getpid());
  // Another number in the same process: the remembered one is another file's now.
  Fd moved(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 900));
  const int number = socket.get();
  socket.reset();
  const Fd other(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(other.get(), number);
  EXPECT_EQ(looker.owner(moved), ::getpid());
  // A new socket in the next round; one that has gone.
  const auto late = listening("127.0.0.1");
  EXPECT_EQ(looker.owner(late), ::getpid());
  const auto count = looker.facts().listeners.size();
  moved.reset();
  EXPECT_EQ(looker.look()->listeners.size(), count - 1);
}

TEST(ListenerCollector, LowestNumberOfThoseThatShare) {
  const auto socket = listening("127.0.0.1");
  Looker looker;
  {
    const Process child([] {});
    // The numbers wrap, so that the child's may be the lower one.
    EXPECT_EQ(looker.owner(socket), std::min(child.pid(), ::getpid()));
  }
  EXPECT_EQ(looker.owner(socket), ::getpid());
}

// The kernel's list is the real one; /proc is the folder's.
class FakeProc : public testing::Test {
 protected:
  void open_in(const std::string& pid, const std::string& name, const std::string& descriptor) {
    folder_.write("proc/" + pid + "/comm", name + "\n");
    folder_.link("proc/" + pid + "/fd/" + descriptor,
                 "socket:[" + std::to_string(inode_of(socket_)) + "]");
  }
  Fd socket_ = listening("127.0.0.1");
  HostFolder folder_;
};

TEST_F(FakeProc, ProcessOneBeforeOthersThenTheNext) {
  open_in("1", "systemd", "47");
  open_in("1200", "sshd", "3");
  open_in("300", "sshd", "3");
  folder_.link("proc/1/fd/3", "/dev/null");
  folder_.link("proc/1/fd/4", "anon_inode:[eventpoll]");
  Looker looker(folder_.path());
  const auto* listener = looker.find(socket_);
  ASSERT_TRUE(listener != nullptr && listener->owner);
  EXPECT_EQ(listener->owner->pid, 1);
  EXPECT_EQ(listener->owner->process, "systemd");
  // The socket unit is stopped; those whom it served go on.
  folder_.remove("proc/1/fd/47");
  EXPECT_EQ(looker.owner(socket_), 300);
  folder_.remove("proc/300");
  EXPECT_EQ(looker.owner(socket_), 1200);
}

TEST_F(FakeProc, NameOfAnOwnerThatExecutesAnotherProgram) {
  open_in("300", "sshd", "3");
  Looker looker(folder_.path());
  EXPECT_EQ(looker.find(socket_)->owner->process, "sshd");
  folder_.write("proc/300/comm",
                "\x1b[31m\xff"
                "evil\n");
  EXPECT_EQ(looker.find(socket_)->owner->process, "?[31m?evil");
  folder_.write("proc/300/comm", std::string(100000, 'x'));
  EXPECT_LE(looker.find(socket_)->owner->process.size(), 15U);
}

TEST_F(FakeProc, GarbageIsNoOwner) {
  const auto inode = std::to_string(inode_of(socket_));
  folder_.write("proc/300/comm", "sshd\n");
  int descriptor = 3;
  for (const std::string& link : std::vector<std::string>{
           "socket:[" + inode, "socket:[" + inode + "0]", "socket:[ " + inode + "]",
           "pipe:[" + inode + "]", "socket:[]", "socket:[99999999999999999999999]",
           "/tmp/socket:[" + inode + "]", "]", "socket:[-" + inode + "]"}) {
    folder_.link("proc/300/fd/" + std::to_string(descriptor++), link);
  }
  folder_.write("proc/0/comm", "zero\n");
  folder_.write("proc/-7/comm", "minus\n");
  folder_.write("proc/30000000000000/comm", "huge\n");
  folder_.write("proc/301/fd", "not a directory");
  Looker looker(folder_.path());
  EXPECT_EQ(looker.owner(socket_), 0);
  // All processes could be seen, so this is no failure.
  EXPECT_TRUE(looker.facts().owners_known);
  EXPECT_EQ(looker.problem(), "");
}

TEST_F(FakeProc, SocketOfNobodyIsLookedForSoonThenRarely) {
  Looker looker(folder_.path());
  EXPECT_EQ(looker.owner(socket_), 0);
  EXPECT_TRUE(looker.facts().owners_known);
  looker.advance(seconds(1));
  EXPECT_EQ(looker.owner(socket_), 0);
  for (int i = 0; i < 20; ++i) {  // far beyond the longest wait
    looker.advance(minutes(10));
    EXPECT_EQ(looker.owner(socket_), 0);
  }
  // Now somebody takes it, but nobody looks before ten minutes have passed.
  open_in("300", "sshd", "3");
  EXPECT_EQ(looker.owner(socket_), 0);
  looker.advance(minutes(10) - seconds(1));
  EXPECT_EQ(looker.owner(socket_), 0);
  looker.advance(seconds(1));
  EXPECT_EQ(looker.owner(socket_), 300);
}

TEST_F(FakeProc, HiddenProcesses) {
  open_in("300", "sshd", "3");
  const auto second = listening("127.0.0.1");
  Looker looker(folder_.path());
  folder_.remove("proc/1");  // as hidepid=2 does
  EXPECT_EQ(looker.owner(socket_), 300);
  EXPECT_FALSE(looker.facts().owners_known);
  EXPECT_NE(looker.problem().find("CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"), std::string::npos);
  const auto first = looker.problem();
  EXPECT_EQ(looker.owner(second), 0);
  EXPECT_EQ(looker.problem(), first);
}

TEST_F(FakeProc, AnotherNetworkThanTheHosts) {
  open_in("1", "systemd", "3");
  folder_.link("proc/1/ns/net", "net:[4026531840]");
  folder_.link("proc/self/ns/net", "net:[4026531840]");
  EXPECT_EQ(Looker(folder_.path()).owner(socket_), 1);
  folder_.remove("proc/self/ns/net");
  folder_.link("proc/self/ns/net", "net:[4026532000]");
  Looker looker(folder_.path());
  EXPECT_EQ(looker.look(), nullptr);
  EXPECT_NE(looker.problem().find("another network namespace"), std::string::npos);
}

TEST(ListenerCollector, NobodySeesOnlyHisOwn) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root, to become nobody";
  const auto roots = listening("127.0.0.1");
  EXPECT_TRUE(succeeds_in_child([&] {
    const auto inode = inode_of(roots);
    ::close(roots.get());  // the child's own; the parent keeps the socket
    ASSERT_TRUE(test_support::become_nobody());
    const auto own = listening("127.0.0.1");
    Looker looker;
    EXPECT_EQ(looker.owner(own), ::getpid());
    EXPECT_EQ(looker.find(own)->uid, 65534U);
    EXPECT_FALSE(looker.facts().owners_known);
    EXPECT_NE(looker.problem().find("CAP_SYS_PTRACE"), std::string::npos);
    for (const auto& one : looker.facts().listeners) {
      if (one.inode != inode) continue;
      EXPECT_FALSE(one.owner);
      EXPECT_EQ(one.uid, 0U);
      return;
    }
    ADD_FAILURE() << "root's socket is not listed";
  }));
}

TEST(ListenerCollector, NoDescriptorIsLost) {
  const auto socket = listening("127.0.0.1");
  Looker looker;
  looker.look();
  const auto before = test_support::open_descriptors();
  for (int i = 0; i < 1000; ++i) {
    if (i % 20 == 0) looker.advance(seconds(700));  // looks for owners anew
    EXPECT_TRUE(looker.look());
  }
  EXPECT_EQ(test_support::open_descriptors(), before);
}

TEST(ListenerCollector, NoDescriptorToBeHad) {
  EXPECT_TRUE(succeeds_in_child([] {
    const auto socket = listening("127.0.0.1");
    Looker looker;
    const rlimit none{0, 1024};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    EXPECT_EQ(looker.look(), nullptr);
    EXPECT_NE(looker.problem().find("Too many open files"), std::string::npos);
    const rlimit some{1024, 1024};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &some), 0);
    EXPECT_EQ(looker.owner(socket), ::getpid());
  }));
}

}  // namespace
