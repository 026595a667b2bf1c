// Files of /proc as Linux 6 writes them, and as nobody should.

#include "local/proc.h"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>

namespace local {
namespace {

constexpr const char* kStat =
    "912 (sshd) S 1 912 912 0 -1 4194560 1211 5020 0 3 1 2 4 1 20 0 1 0 31337 15818752 2304 "
    "18446744073709551615 1 1 0 0 0 0 0 4096 81925 0 0 0 17 0 0 0 0 0 0\n";

TEST(ProcessStat, IsReadByField) {
  const auto stat = parse_process_stat(kStat);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->name, "sshd");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->parent, 1);
  EXPECT_EQ(stat->start_ticks, 31337U);
}

TEST(ProcessStat, NameMayLookLikeTheRest) {
  const auto stat =
      parse_process_stat("7 (a) R 0 (sshd) D 4 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 99 0\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->name, "a) R 0 (sshd");
  EXPECT_EQ(stat->state, 'D');
  EXPECT_EQ(stat->parent, 4);
  EXPECT_EQ(stat->start_ticks, 99U);
}

TEST(ProcessStat, CutAnywhereItIsNothingOrWhole) {
  const std::string text = kStat;
  const auto needed = text.find("31337");
  for (std::size_t size = 0; size < needed; ++size) {
    EXPECT_FALSE(parse_process_stat(text.substr(0, size))) << size;
  }
  EXPECT_FALSE(parse_process_stat(")(")) << "parentheses the wrong way round";
}

TEST(Owner, AllFourHaveToBeRoot) {
  EXPECT_TRUE(is_roots("Name:\tsshd\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n"));
  EXPECT_FALSE(is_roots("Name:\tsshd\nUid:\t1000\t0\t0\t0\n")) << "set-user-id";
  EXPECT_FALSE(is_roots("Name:\tsshd\nUid:\t0\t1000\t0\t1000\n"));
  EXPECT_FALSE(is_roots("Name:\tsshd\nUid:\t0\t0\n"));
  EXPECT_FALSE(is_roots("Name:\tx\\nUid:\t0\t0\t0\t0\n")) << "no line of its own";
  EXPECT_FALSE(is_roots(""));
}

TEST(OpenFilesLimit, IsTheSoftOne) {
  const std::string limits =
      "Limit                     Soft Limit           Hard Limit           Units     \n"
      "Max processes             47874                47874                processes \n"
      "Max open files            1024                 524288               files     \n";
  EXPECT_EQ(parse_open_files_limit(limits), 1024U);
  EXPECT_EQ(parse_open_files_limit("Max open files            unlimited            x\n"),
            std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(parse_open_files_limit("Max open files            \n"), 0U);
  EXPECT_EQ(parse_open_files_limit(""), 0U);
}

TEST(Unit, IsTheOutermostThatIsNoSlice) {
  EXPECT_EQ(unit_of_cgroup("0::/system.slice/ssh.service\n"), "ssh.service");
  EXPECT_EQ(unit_of_cgroup("0::/system.slice/system-ssh.slice/ssh@3-1:2.service\n"),
            "ssh@3-1:2.service");
  EXPECT_EQ(unit_of_cgroup("0::/machine.slice/machine-a.scope/payload/system.slice/ssh.service\n"),
            "machine-a.scope");
  EXPECT_EQ(unit_of_cgroup("0::/user.slice/user-0.slice/session-3.scope\n"), "session-3.scope");
  EXPECT_EQ(unit_of_cgroup("0::/system.slice/_cpu.service\n"), "cpu.service");
  EXPECT_EQ(unit_of_cgroup("0::/system.slice/ssh.service"), "ssh.service") << "no newline";
}

TEST(Unit, OfTheFirstHierarchyIsSystemdsOwn) {
  EXPECT_EQ(unit_of_cgroup("9:name=systemd:/system.slice/sshd.service\n8:pids:/x.service\n0::/\n"),
            "sshd.service");
  EXPECT_EQ(unit_of_cgroup("0::/system.slice/ssh.service\n1:name=systemd:/\n"), "ssh.service");
  EXPECT_EQ(unit_of_cgroup("8:pids:/system.slice/ssh.service\n"), "") << "no manager's";
}

TEST(Unit, IsNoneElsewhere) {
  for (const auto* text :
       {"", "0::/\n", "0::/../..\n", "0::/../../system.slice/ssh.service\n", "0::/docker/1234\n",
        "0::/docker/ssh.service\n", "0::/system.slice\n", "0::/.service\n", "garbage",
        "0:", "::", "0::relative.service\n", "0::/ssh.service.d\n"}) {
    const std::string_view known = text;
    EXPECT_EQ(unit_of_cgroup(known), "") << text;
  }
}

TEST(BootTime, IsExact) {
  const base::SystemClock clock;
  const auto boot = boot_time(clock);
  EXPECT_LT(std::chrono::abs(boot_time(clock) - boot), std::chrono::milliseconds(20));
  std::ifstream file("/proc/uptime");
  double up = 0;
  ASSERT_TRUE(file >> up);
  EXPECT_NEAR(base::to_unix_seconds(clock.wall()) - base::to_unix_seconds(boot), up, 0.1);
}

TEST(ListeningInodes, EndWithTheFirstConnection) {
  const std::string head = "  sl  local_address rem_address   st ...\n";
  const std::string listening =
      "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "4711 1 0 100 0 0 10 0\n";
  const std::string connection =
      "   1: 0100007F:0016 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 "
      "5 1 0\n";
  EXPECT_EQ(parse_listening_inodes(head + listening + connection + listening),
            std::vector<std::uint64_t>{4711});
  EXPECT_TRUE(parse_listening_inodes(head).empty());
  EXPECT_TRUE(parse_listening_inodes("").empty());
  for (std::size_t size = 0; size < listening.size(); ++size) {
    EXPECT_TRUE(parse_listening_inodes(head + listening.substr(0, size)).empty())
        << "a number that is cut is another number";
  }
}

TEST(LibraryDirectories, AreThoseOfMappedLibraries) {
  EXPECT_EQ(parse_library_directories(
                "55d0-55d1 r--p 00000000 fe:00 1 /usr/sbin/sshd\n"
                "7f00-7f01 r--p 00000000 fe:00 2 /usr/lib/x/libc.so.6\n"
                "7f01-7f02 r--p 00000000 fe:00 2 /usr/lib/x/libz.so.1 (deleted)\n"
                "7f02-7f03 r--p 00000000 fe:00 2 /lib64/ld-linux-x86-64.so.2\n"
                "7f03-7f04 rw-p 00000000 00:00 0 [stack]\n7f04-7f05 r--p 0 0 0 /dev.so/zero\n"),
            (std::vector<std::string>{"/usr/lib/x", "/lib64"}));
}

}  // namespace
}  // namespace local
