// Keys as ssh-keygen writes them, whole and damaged; the oracle is `sshd -t`.

#include "local/host_keys.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "local/program.h"
#include "local/sshd_check.h"
#include "support/fake_host.h"
#include "support/root_folder.h"

namespace {

using local::inspect_key;
using local::look_at_host_key;
using std::chrono::seconds;
using test_support::FakeHost;
using test_support::RootFolder;

class HostKeys : public testing::Test {
 protected:
  void SetUp() override {
    if (::access("/usr/bin/ssh-keygen", X_OK) != 0) GTEST_SKIP() << "no ssh-keygen";
  }

  // The text of a new key.
  [[nodiscard]] std::string make(std::vector<std::string> options) const {
    const auto path = root_.at("/made");
    std::filesystem::remove(path);
    options.insert(options.begin(), {"/usr/bin/ssh-keygen", "-q", "-f", path});
    const auto end = local::run_program({options, seconds(60)}, "");
    EXPECT_EQ(end.exit_status, 0) << end.err;
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  // What sshd makes of it; nullopt where it cannot be asked.
  [[nodiscard]] std::optional<bool> sshd_loads(const std::string& text) const {
    root_.write("/asked", text, 0600);
    root_.write("/config", "HostKey " + root_.at("/asked") + "\n");
    const auto end =
        local::run_program({{"/usr/sbin/sshd", "-t", "-f", root_.at("/config")}, seconds(20)}, "");
    const auto check = local::interpret_check(end, root_.at("/config"));
    if (!check) return std::nullopt;
    if (check->problem == model::ConfigProblem::host_keys) return false;
    if (check->problem == model::ConfigProblem::none) return true;
    return std::nullopt;
  }

  void expect(const std::string& text, const char* type, std::optional<bool> usable,
              const std::string& what) const {
    const auto key = inspect_key(text);
    EXPECT_EQ(key.type, type) << what;
    EXPECT_EQ(key.usable, usable) << what << ": " << key.problem;
    EXPECT_EQ(key.problem.empty(), usable != false) << what;
    const auto oracle = sshd_loads(text);
    if (oracle && usable) {
      EXPECT_EQ(*oracle, *usable) << what;
    }
  }

  RootFolder root_;
};

TEST_F(HostKeys, EveryTypeAndFormat) {
  expect(make({"-t", "ed25519", "-N", ""}), "ed25519", true, "ed25519");
  expect(make({"-t", "rsa", "-b", "2048", "-N", ""}), "rsa", true, "rsa");
  expect(make({"-t", "ecdsa", "-N", ""}), "ecdsa", true, "ecdsa");
  expect(make({"-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""}), "rsa", true, "rsa PEM");
  expect(make({"-t", "ecdsa", "-m", "PEM", "-N", ""}), "ecdsa", true, "ecdsa PEM");
  expect(make({"-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", ""}), "", std::nullopt, "PKCS8");
}

TEST_F(HostKeys, PassphraseMakesItUseless) {
  expect(make({"-t", "ed25519", "-N", "secret"}), "ed25519", false, "ed25519");
  expect(make({"-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "secret"}), "rsa", false, "PEM");
  expect(make({"-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", "secret"}), "", false, "PKCS8");
}

TEST_F(HostKeys, Damaged) {
  const auto whole = make({"-t", "ed25519", "-N", ""});
  const auto pem = make({"-t", "ecdsa", "-m", "PEM", "-N", ""});
  expect("", "", false, "empty");
  expect("garbage\n", "", false, "garbage");
  expect(whole.substr(0, whole.size() / 2), "", false, "cut off");
  expect("before\n" + whole, "", false, "text before");
  expect(whole + "after\n", "ed25519", true, "text after");
  expect("-----BEGIN OPENSSH PRIVATE KEY-----\n!!!\n-----END OPENSSH PRIVATE KEY-----\n", "", false,
         "no base64");
  expect(pem.substr(0, pem.size() / 2), "ecdsa", false, "PEM cut off");
  expect("before\n" + pem, "ecdsa", true, "PEM with text before");
  auto short_body = pem;
  short_body.erase(pem.find('\n') + 1, 8);
  expect(short_body, "ecdsa", false, "PEM with a piece missing");
  expect("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== root@host\n", "", false, "public key");
  std::string crlf;
  for (const char c : whole) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  expect(crlf, "", false, "carriage returns");
}

TEST_F(HostKeys, EveryTruncationIsSafe) {
  const auto whole = make({"-t", "ecdsa", "-N", ""});
  for (std::size_t size = 0; size < whole.size() - 40; ++size) {
    EXPECT_EQ(inspect_key(whole.substr(0, size)).usable, false) << size;
  }
}

TEST(LookAtHostKey, ModeAndOwnerDecide) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs files of root";
  const RootFolder root;
  const FakeHost host(root.path());
  root.write("/etc/key", "x", 0644);
  auto key = look_at_host_key(host, "/etc/key");
  EXPECT_TRUE(key.present);
  EXPECT_EQ(key.mode, 0644U);
  EXPECT_EQ(key.owner, 0U);
  EXPECT_EQ(key.usable, false);
  EXPECT_EQ(key.problem, "others may read or write it");
  // sshd looks at the mode of its own user's files only.
  ASSERT_EQ(::chown(root.at("/etc/key").c_str(), 1000, 1000), 0);
  key = look_at_host_key(host, "/etc/key");
  EXPECT_EQ(key.owner, 1000U);
  EXPECT_EQ(key.problem, "it is not a private key");
}

TEST(LookAtHostKey, MissingDirectoryAndHuge) {
  const RootFolder root;
  const FakeHost host(root.path());
  auto key = look_at_host_key(host, "/etc/nothing");
  EXPECT_FALSE(key.present);
  EXPECT_EQ(key.usable, false);
  std::filesystem::create_directories(root.at("/etc/directory"));
  key = look_at_host_key(host, "/etc/directory");
  EXPECT_TRUE(key.present);
  EXPECT_EQ(key.usable, false);
  root.write("/etc/huge", std::string(local::kKeyFileLimit + 1, 'x'), 0600);
  key = look_at_host_key(host, "/etc/huge");
  EXPECT_EQ(key.usable, std::nullopt);
  root.write("/etc/exact", std::string(local::kKeyFileLimit, 'x'), 0600);
  EXPECT_EQ(look_at_host_key(host, "/etc/exact").usable, false);
}

TEST(LookAtDropbearKey, ItsOwnFormat) {
  const RootFolder root;
  const FakeHost host(root.path());
  const std::string good = std::string("\0\0\0\x0bssh-ed25519\0\0\0\x04", 19) + "abcd";
  root.write("/key", good, 0600);
  auto key = local::look_at_dropbear_key(host, "/key");
  EXPECT_EQ(key.type, "ed25519");
  EXPECT_EQ(key.usable, true);
  root.write("/key", good.substr(0, good.size() - 1), 0600);
  EXPECT_EQ(local::look_at_dropbear_key(host, "/key").usable, false);
  root.write("/key", "-----BEGIN OPENSSH PRIVATE KEY-----\n", 0600);
  EXPECT_EQ(local::look_at_dropbear_key(host, "/key").usable, false);
}

}  // namespace
