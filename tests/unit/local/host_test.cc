// The door to the host: a moved root keeps its links inside, strange files neither block nor exceed
// their limit, /proc means the procfs that is there.

#include "local/host.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "support/root_folder.h"

namespace {

namespace fs = std::filesystem;
using local::Host;
using test_support::RootFolder;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Host, ReadsBelowItsRoot) {
  const RootFolder root;
  root.write("/etc/hostname", "moved\n");
  const Host host(root.path());
  EXPECT_TRUE(host.moved());
  const auto file = host.read("/etc/hostname");
  EXPECT_EQ(file.error, 0);
  EXPECT_EQ(file.text, "moved\n");
  EXPECT_FALSE(file.truncated);
  EXPECT_EQ(host.read("/etc/nothing").error, ENOENT);
  EXPECT_EQ(host.read("/etc").error, EISDIR);
  EXPECT_EQ(host.read("/etc/hostname/below").error, ENOTDIR);
}

TEST(Host, LinksStayInsideTheRoot) {
  const RootFolder root;
  root.write("/etc/passwd", "inside\n");
  fs::create_directories(root.at("/a/b"));
  fs::create_symlink("/etc/passwd", root.at("/a/b/absolute"));
  fs::create_symlink("../../../../../../../../etc/passwd", root.at("/a/b/upwards"));
  fs::create_symlink("/a", root.at("/a/b/directory"));
  fs::create_symlink("self", root.at("/self"));
  const Host host(root.path());
  for (const auto* path : {"/a/b/absolute", "/a/b/upwards", "/a/b/directory/b/absolute",
                           "/../../../etc/passwd", "/a/../etc/passwd"}) {
    EXPECT_EQ(host.read(path).text, "inside\n") << path;
    EXPECT_TRUE(host.status(path)) << path;
  }
  EXPECT_EQ(host.read("/self").error, ELOOP);
  EXPECT_FALSE(host.status("/self"));
}

TEST(Host, LinkTextIsUnresolved) {
  const RootFolder root;
  fs::create_symlink("/nonexistent/../target", root.at("/link"));
  root.write("/file", "");
  const Host host(root.path());
  EXPECT_EQ(host.link("/link"), "/nonexistent/../target");
  EXPECT_EQ(host.link("/file"), "");
  EXPECT_EQ(host.link("/nothing"), "");
  EXPECT_EQ(errno, ENOENT);
}

TEST(Host, StatusFollowsLinksAndSaysWhyNot) {
  const RootFolder root;
  root.write("/key", "12345", 0640);
  fs::create_symlink("/key", root.at("/link"));
  const Host host(root.path());
  const auto status = host.status("/link");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->st_size, 5);
  EXPECT_EQ(status->st_mode & 07777U, 0640U);
  errno = 0;
  EXPECT_FALSE(host.status("/nothing"));
  EXPECT_EQ(errno, ENOENT);
}

TEST(Host, FifoAndSocketDoNotBlock) {
  const RootFolder root;
  ASSERT_EQ(::mkfifo(root.at("/fifo").c_str(), 0600), 0);
  const base::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  root.at("/socket").copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const Host host(root.path());
  EXPECT_EQ(host.read("/fifo").text, "");
  EXPECT_EQ(host.read("/socket").error, ENXIO);
  EXPECT_TRUE(host.status("/fifo"));
}

TEST(Host, ReadsNoMoreThanTheLimit) {
  const RootFolder root;
  // Around the limit and around the size of one read.
  for (const std::size_t size : {0UL, 1UL, 16383UL, 16384UL, 16385UL, 40000UL}) {
    root.write("/file", std::string(size, 'x'));
    const Host host(root.path());
    const auto exact = host.read("/file", size);
    EXPECT_EQ(exact.text.size(), size);
    EXPECT_FALSE(exact.truncated) << size;
    if (size == 0) continue;
    const auto cut = host.read("/file", size - 1);
    EXPECT_EQ(cut.text.size(), size - 1);
    EXPECT_TRUE(cut.truncated) << size;
  }
}

TEST(Host, ListsNamesInOrder) {
  const RootFolder root;
  for (const auto* name : {"/d/b", "/d/a", "/d/.hidden", "/d/B"}) root.write(name, "");
  fs::create_directories(root.at("/empty"));
  const Host host(root.path());
  EXPECT_THAT(host.list("/d"), ElementsAre(".hidden", "B", "a", "b"));
  errno = 0;
  EXPECT_THAT(host.list("/empty"), IsEmpty());
  EXPECT_EQ(errno, 0);
  EXPECT_THAT(host.list("/nothing"), IsEmpty());
  EXPECT_EQ(errno, ENOENT);
  EXPECT_THAT(host.list("/d/a"), IsEmpty());
  EXPECT_EQ(errno, ENOTDIR);
}

TEST(Host, ProcIsOurOwnWhereTheRootHasNone) {
  const RootFolder root;
  fs::create_directories(root.at("/proc"));
  const Host host(root.path());
  const auto self = "/proc/" + std::to_string(::getpid());
  EXPECT_NE(host.read(self + "/stat").text, "");
  EXPECT_THAT(host.list("/proc"), testing::Contains(std::to_string(::getpid())));
  EXPECT_EQ(host.link(self + "/exe"), fs::read_symlink("/proc/self/exe").string());
}

TEST(Host, ProcIsTheRootsWhereItHasOne) {
  const RootFolder root;
  root.write("/proc/1/stat", "1 (init) S\n");
  root.write("/proc/7/comm", "sshd\n");
  const Host host(root.path());
  EXPECT_EQ(host.read("/proc/7/comm").text, "sshd\n");
  EXPECT_EQ(host.read("/proc/" + std::to_string(::getpid()) + "/stat").error, ENOENT);
  EXPECT_THAT(host.list("/proc"), ElementsAre("1", "7"));
}

TEST(Host, UnmovedIsThisMachine) {
  const Host host;
  EXPECT_FALSE(host.moved());
  EXPECT_EQ(host.read("/proc/self/comm").text, "unit_local\n");
  EXPECT_TRUE(host.status("/"));
  const auto end = host.run({{"/bin/sh", "-c", "pwd"}, std::chrono::seconds(20)});
  EXPECT_EQ(end.out, "/\n");
}

TEST(Host, MissingRootHasNothing) {
  const Host host("/nonexistent/root");
  EXPECT_NE(host.read("/etc/passwd").error, 0);
  EXPECT_FALSE(host.status("/etc"));
  EXPECT_THAT(host.list("/"), IsEmpty());
}

TEST(Host, RunsInsideAMovedRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "chroot(2) needs root";
  const RootFolder root;
  root.write("/bin/program", "#!/bin/interpreter\n", 0755);
  const Host host(root.path());
  EXPECT_EQ(host.run({{"/bin/program"}, std::chrono::seconds(20)}).error, ENOENT)
      << "its interpreter is not there, though this machine has one";
  EXPECT_EQ(host.run({{"/bin/sh"}, std::chrono::seconds(20)}).error, ENOENT);
}

}  // namespace
