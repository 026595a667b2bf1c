// This machine's sshd and other programs, cut, altered and invented.

#include "local/ssh_binary.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>

#include "proc_folder.h"

namespace local {
namespace {

using testing::Contains;
using testing::StartsWith;
using namespace std::string_literals;

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class OpenSshBinary : public testing::Test {
 protected:
  void SetUp() override {
    if (bytes_.empty()) GTEST_SKIP() << "there is no /usr/sbin/sshd";
  }
  const std::string bytes_ = bytes_of("/usr/sbin/sshd");
};

TEST_F(OpenSshBinary, OfThisMachine) {
  const auto binary = read_ssh_binary(bytes_);
  EXPECT_EQ(binary.format, SshBinary::Format::elf);
  EXPECT_THAT(binary.version, StartsWith("OpenSSH_"));
  EXPECT_FALSE(binary.release.empty());
  EXPECT_TRUE(binary.one_binary.has_value());
  EXPECT_FALSE(binary.runtime_directory.empty());
  EXPECT_THAT(binary.libraries, Contains("libc.so.6"));
  EXPECT_THAT(binary.libraries, Contains(StartsWith("libcrypto.so.")));
}

TEST_F(OpenSshBinary, CutAnywhere) {
  for (std::size_t size = 0; size < 4096; ++size) {
    read_ssh_binary(std::string(bytes_, 0, size));
  }
  for (std::size_t size = 4096; size < bytes_.size(); size += 40961) {
    read_ssh_binary(std::string(bytes_, 0, size));
  }
}

TEST_F(OpenSshBinary, WithItsHeadersAltered) {
  std::mt19937 random(5);
  std::string small = bytes_.substr(0, 64U << 10U);
  for (int i = 0; i < 2000; ++i) {
    auto altered = small;
    for (int count = 0; count < 8; ++count) {
      altered[4 + random() % 1020] = static_cast<char>(random());
    }
    read_ssh_binary(altered);
  }
}

std::string program(const std::string& strings) { return "\177ELF\0"s + strings + "\0"s; }

TEST(SshBinary, GenerationNeedsVersionAndHelperToAgree) {
  const auto old = read_ssh_binary(program("OpenSSH_9.7p1\0OpenSSH_9.7\0"s));
  EXPECT_EQ(old.one_binary, true);
  EXPECT_EQ(old.release, "9.7");
  const auto split = read_ssh_binary(
      program("/usr/libexec/openssh/sshd-session\0OpenSSH_9.8\0OpenSSH_9.8p1 Fedora-1\0"s));
  EXPECT_EQ(split.one_binary, false);
  EXPECT_EQ(split.session_helper, "/usr/libexec/openssh/sshd-session");
  EXPECT_EQ(split.auth_helper, "");
  EXPECT_EQ(split.version, "OpenSSH_9.8p1 Fedora-1");
  EXPECT_EQ(read_ssh_binary(program("OpenSSH_9.8p1"s)).one_binary, std::nullopt);
  EXPECT_EQ(read_ssh_binary(program("/x/sshd-session\0OpenSSH_9.7"s)).one_binary, std::nullopt);
  EXPECT_EQ(read_ssh_binary(program("OpenSSH_8.9\0OpenSSH_9.2"s)).release, "") << "two of them";
  EXPECT_EQ(read_ssh_binary(program("OpenSSH_10.0"s + "\0/x/sshd-session"s)).release, "10.0");
  EXPECT_EQ(read_ssh_binary(program("dropbear_2022.83"s)).one_binary, std::nullopt);
}

TEST(SshBinary, PatternsOfVersionsAreNone) {
  const auto binary = read_ssh_binary(
      program("OpenSSH_7.0*,OpenSSH_7.1*\0OpenSSH_2.*\0OpenSSH_5*\0OpenSSH_\0OpenSSH_x.1\0"
              "OpenSSH_9.2p1-x\0OpenSSH_9.2p1 Debian\0OpenSSH_99999999999.1\0"s));
  EXPECT_EQ(binary.version, "OpenSSH_9.2p1 Debian");
}

TEST(SshBinary, RuntimeDirectoryIsAWholeStringAndTheOnlyOne) {
  EXPECT_EQ(read_ssh_binary(program("x\0/run/sshd\0/run/sshd.pid"s)).runtime_directory,
            "/run/sshd");
  EXPECT_EQ(read_ssh_binary(program("x\0/usr/share/empty.sshd"s)).runtime_directory,
            "/usr/share/empty.sshd");
  EXPECT_EQ(read_ssh_binary(program("x\0/run/sshd.pid\0/x/run/sshd"s)).runtime_directory, "");
  EXPECT_EQ(read_ssh_binary(program("x\0/run/sshd\0/var/empty"s)).runtime_directory, "");
  EXPECT_EQ(read_ssh_binary(program("/srv/ssh/empty"s)).runtime_directory, "");
}

TEST(SshBinary, StaticLibwrapNamesItsFile) {
  EXPECT_TRUE(read_ssh_binary(program("x\0/etc/hosts.deny"s)).libwrap);
  EXPECT_FALSE(read_ssh_binary(program("x\0/etc/hosts.denyx"s)).libwrap);
}

TEST(SshBinary, OtherFiles) {
  EXPECT_EQ(read_ssh_binary("").format, SshBinary::Format::other);
  EXPECT_EQ(read_ssh_binary("OpenSSH_9.2p1").format, SshBinary::Format::other);
  EXPECT_EQ(read_ssh_binary("OpenSSH_9.2p1").version, "");
  EXPECT_EQ(read_ssh_binary("#!/bin/sh\n").format, SshBinary::Format::script);
}

TEST(BinaryCache, ReadsAgainWhenTheFileChanged) {
  const ProcFolder folder;
  const auto path = folder.write("sshd", program("OpenSSH_9.2p1"s));
  BinaryCache cache;
  const auto look = [&] {
    const auto* binary = cache.look(base::Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
    return binary == nullptr ? "none" : binary->version;
  };
  EXPECT_EQ(look(), "OpenSSH_9.2p1");
  EXPECT_EQ(look(), "OpenSSH_9.2p1");
  std::filesystem::remove(path);
  folder.write("sshd", program("OpenSSH_9.3p1"s));
  EXPECT_EQ(look(), "OpenSSH_9.3p1");
  for (int i = 0; i < 20; ++i) {
    const auto other = folder.write("other" + std::to_string(i), program("OpenSSH_1.1"s));
    cache.look(base::Fd(::open(other.c_str(), O_RDONLY | O_CLOEXEC)));
  }
  EXPECT_EQ(look(), "OpenSSH_9.3p1") << "after it was dropped";
}

TEST(BinaryCache, RefusesWhatIsNoFileOrTooLarge) {
  const ProcFolder folder;
  BinaryCache cache;
  EXPECT_EQ(cache.look(base::Fd()), nullptr);
  EXPECT_EQ(cache.look(base::Fd(::open("/tmp", O_RDONLY | O_CLOEXEC))), nullptr);
  const auto path = folder.write("large", "x");
  std::filesystem::resize_file(path, 16U << 20U);
  EXPECT_NE(cache.look(base::Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC))), nullptr);
  std::filesystem::resize_file(path, (16U << 20U) + 1);
  EXPECT_EQ(cache.look(base::Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC))), nullptr);
}

}  // namespace
}  // namespace local
