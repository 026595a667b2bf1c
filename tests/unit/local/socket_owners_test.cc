// Owners by the real /proc, and by folders that stand for one.

#include "local/socket_owners.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "local/sock_diag.h"
#include "support/child.h"
#include "support/fake_host.h"
#include "support/host_folder.h"
#include "support/listening_socket.h"
#include "support/stepped_clock.h"

namespace {

using base::Fd;
using std::chrono::minutes;
using std::chrono::seconds;
using test_support::FakeHost;
using test_support::HostFolder;
using test_support::inode_of;
using test_support::listening;
using test_support::Process;
using test_support::SteppedClock;
using Listener = model::ListenerFacts::Listener;

// The kernel's list, with owners.
class Looker {
 public:
  explicit Looker(std::filesystem::path root = "/") : host_(std::move(root)) {}
  // nullptr if it is not listed.
  const Listener* find(const Fd& fd) {
    listeners_ = local::listening_sockets(65536).value().listeners;
    problem_ = owners_.assign(listeners_);
    const auto inode = inode_of(fd);
    const auto found = std::find_if(listeners_.begin(), listeners_.end(),
                                    [&](const Listener& one) { return one.inode == inode; });
    return found == listeners_.end() ? nullptr : &*found;
  }
  pid_t owner(const Fd& fd) {
    const auto* listener = find(fd);
    EXPECT_NE(listener, nullptr);
    return listener != nullptr && listener->owner ? listener->owner->pid : 0;
  }
  [[nodiscard]] const std::string& problem() const { return problem_; }
  void advance(base::Duration step) { clock_.advance(step); }

 private:
  FakeHost host_;
  SteppedClock clock_;
  local::SocketOwners owners_{host_, clock_};
  std::vector<Listener> listeners_;
  std::string problem_;
};

TEST(SocketOwners, OwnerFollowsTheSocket) {
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
}

TEST(SocketOwners, LowestNumberOfThoseThatShare) {
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
  // All processes could be seen, so nothing is hidden.
  EXPECT_EQ(looker.problem(), "");
}

TEST_F(FakeProc, SocketOfNobodyIsLookedForSoonThenRarely) {
  Looker looker(folder_.path());
  EXPECT_EQ(looker.owner(socket_), 0);
  EXPECT_EQ(looker.problem(), "");
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
  EXPECT_NE(looker.problem().find("CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"), std::string::npos);
  const auto first = looker.problem();
  EXPECT_EQ(looker.owner(second), 0);
  EXPECT_EQ(looker.problem(), first);
}

}  // namespace
