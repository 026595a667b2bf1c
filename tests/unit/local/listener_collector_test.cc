// Sockets and owners together, as root and as nobody.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "local/collector.h"
#include "support/child.h"
#include "support/fake_host.h"
#include "support/host_folder.h"
#include "support/listening_socket.h"
#include "support/own_network.h"
#include "support/stepped_clock.h"

namespace {

using base::Fd;
using std::chrono::seconds;
using test_support::FakeHost;
using test_support::HostFolder;
using test_support::inode_of;
using test_support::listening;
using test_support::OwnNetwork;
using test_support::SteppedClock;
using test_support::succeeds_in_child;
using Listener = model::ListenerFacts::Listener;

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

TEST_F(OwnNetwork, OwnSocketAndItsEnd) {
  inside([] {
    Looker looker;
    auto socket = listening("127.0.0.1");
    const auto* listener = looker.find(socket);
    ASSERT_TRUE(listener != nullptr && listener->owner);
    EXPECT_EQ(listener->owner->pid, ::getpid());
    EXPECT_EQ(listener->owner->process, "unit_local");
    EXPECT_TRUE(looker.facts().owners_known);
    EXPECT_EQ(looker.problem(), "");
    socket.reset();
    EXPECT_TRUE(looker.look()->listeners.empty());
  });
}

TEST(ListenerCollector, AnotherNetworkThanTheHosts) {
  const auto socket = listening("127.0.0.1");
  const HostFolder folder;
  folder.link("proc/1/fd/3", "socket:[" + std::to_string(inode_of(socket)) + "]");
  folder.link("proc/1/ns/net", "net:[4026531840]");
  folder.link("proc/self/ns/net", "net:[4026531840]");
  EXPECT_EQ(Looker(folder.path()).owner(socket), 1);
  folder.remove("proc/self/ns/net");
  folder.link("proc/self/ns/net", "net:[4026532000]");
  Looker looker(folder.path());
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
    // The sanitizers take a descriptor to check a type that they have not met yet.
    ASSERT_TRUE(Looker().look());
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
