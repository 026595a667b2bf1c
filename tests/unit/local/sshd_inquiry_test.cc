#include "local/sshd_inquiry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "support/fake_host.h"
#include "support/root_folder.h"

namespace {

using local::ProgramEnd;
using model::ConfigProblem;
using model::ConfigSource;
using test_support::FakeHost;
using test_support::RootFolder;
using testing::ElementsAre;
using Words = std::vector<std::string>;

constexpr const char* kEffective =
    "port 2222\naddressfamily inet\nlistenaddress 0.0.0.0:2222\nhostkey /etc/ssh/k\n"
    "logingracetime 120\nmaxstartups 10:30:100\n";

ProgramEnd ended(int status, const std::string& out, const std::string& err) {
  ProgramEnd end;
  end.exit_status = status;
  end.out = out;
  end.err = err;
  return end;
}

class SshdInquiry : public testing::Test {
 protected:
  SshdInquiry() {
    root_.write("/usr/sbin/sshd", "", 0755);
    root_.write("/etc/ssh/sshd_config", "Port 2222\nHostKey /etc/ssh/k\nListenAddress bad.name\n");
    root_.write("/etc/ssh/k", "garbage", 0600);
  }

  local::SshdAnswer ask(bool privileged, const std::string& version,
                        const FakeHost::Program& program) {
    host_.program(program);
    local::SshdQuestion question;
    question.binary = "/usr/sbin/sshd";
    question.version = version;
    question.text = local::read_sshd_config(host_, "/etc/ssh/sshd_config");
    question.own = local::interpret_settings(question.text.lines, nullptr);
    question.privileged = privileged;
    return ask_sshd(host_, question);
  }

  RootFolder root_;
  FakeHost host_{root_.path()};
};

TEST_F(SshdInquiry, OneRunIfAllIsWell) {
  const auto answer =
      ask(true, "OpenSSH_9.2p1", [](const Words&) { return ended(0, kEffective, ""); });
  EXPECT_EQ(answer.reasons, "");
  EXPECT_EQ(answer.facts->source, ConfigSource::effective);
  EXPECT_EQ(answer.facts->check->problem, ConfigProblem::none);
  EXPECT_EQ(answer.facts->address_family, "inet");
  EXPECT_EQ(host_.calls().size(), 1U);
  ASSERT_EQ(answer.facts->host_keys.size(), 1U);
  EXPECT_EQ(answer.facts->host_keys[0].usable, true) << "sshd has loaded it without a word";
}

TEST_F(SshdInquiry, KeysThatSshdNames) {
  const auto answer = ask(true, "OpenSSH_9.2p1", [](const Words&) {
    return ended(0, kEffective, "Unable to load host key \"/etc/ssh/k\": error in libcrypto\r\n");
  });
  EXPECT_EQ(answer.facts->host_keys[0].usable, false);
  EXPECT_EQ(answer.facts->host_keys[0].problem, "error in libcrypto");
}

TEST_F(SshdInquiry, InvalidFileIsReadByUs) {
  const auto answer = ask(true, "OpenSSH_10.0p2", [](const Words&) {
    return ended(255, "", "bad addr or host: bad.name (Name or service not known)\r\n");
  });
  EXPECT_EQ(answer.facts->source, ConfigSource::parsed);
  EXPECT_THAT(answer.facts->ports, ElementsAre(2222));
  EXPECT_EQ(answer.facts->check->problem, ConfigProblem::configuration);
  EXPECT_EQ(answer.facts->check->file, "/etc/ssh/sshd_config");
  EXPECT_EQ(answer.facts->check->line, 3) << "found by us";
  EXPECT_EQ(answer.reasons, "");
  EXPECT_EQ(answer.facts->per_source_penalties, true) << "the default of 9.8 and later";
  EXPECT_EQ(host_.calls().size(), 1U);
}

TEST_F(SshdInquiry, WithoutKeysTheSettingsAreStillSshds) {
  const auto program = [](const Words& argv) {
    if (argv[1] == "-G") return ended(0, kEffective, "");
    return ended(1, "", "Unable to load host key: /etc/ssh/k\r\nsshd: no hostkeys available\r\n");
  };
  auto answer = ask(true, "OpenSSH_9.3p1", program);
  EXPECT_EQ(answer.facts->source, ConfigSource::effective);
  EXPECT_EQ(answer.facts->check->problem, ConfigProblem::host_keys);
  EXPECT_EQ(answer.facts->host_keys[0].usable, false);
  answer = ask(true, "OpenSSH_9.2p1", program);
  EXPECT_EQ(answer.facts->source, ConfigSource::parsed) << "which has no -G";
}

TEST_F(SshdInquiry, WithoutPrivilegeThereIsNoVerdict) {
  const auto program = [](const Words& argv) {
    EXPECT_EQ(argv[1], "-G");
    return ended(0, kEffective, "");
  };
  auto answer = ask(false, "OpenSSH_9.9p1", program);
  EXPECT_EQ(answer.facts->source, ConfigSource::effective);
  EXPECT_FALSE(answer.facts->check);
  EXPECT_EQ(answer.reasons, "not checked, as sshd -t needs root");
  answer = ask(false, "", program);
  EXPECT_EQ(answer.facts->source, ConfigSource::parsed);
  EXPECT_EQ(answer.reasons,
            "not checked, as sshd -t needs root; not resolved: ListenAddress bad.name");
}

TEST_F(SshdInquiry, HungOrForbidden) {
  auto answer = ask(true, "OpenSSH_9.9p1", [](const Words&) {
    ProgramEnd end;
    end.timed_out = true;
    return end;
  });
  EXPECT_FALSE(answer.facts->check);
  EXPECT_THAT(answer.reasons, testing::StartsWith("sshd gave no verdict: it did not end in time"));
  answer = ask(true, "OpenSSH_9.9p1", [](const Words&) {
    ProgramEnd end;
    end.error = EACCES;
    return end;
  });
  EXPECT_FALSE(answer.facts->check) << "the file can be executed, but not by us";
  EXPECT_EQ(host_.calls().size(), 2U);
}

TEST_F(SshdInquiry, NotExecutable) {
  root_.write("/usr/sbin/sshd", "", 0644);
  const auto answer = ask(true, "", [](const Words&) {
    ProgramEnd end;
    end.error = EACCES;
    return end;
  });
  ASSERT_TRUE(answer.facts->check);
  EXPECT_EQ(answer.facts->check->problem, ConfigProblem::program);
}

TEST_F(SshdInquiry, OldDumpThatAsksForAConnection) {
  const auto answer = ask(true, "OpenSSH_7.4p1", [](const Words& argv) {
    if (argv[1] == "-t") return ended(0, "", "");
    return ended(255, "",
                 "'Match User' in configuration but 'user' not in connection test "
                 "specification.\r\n");
  });
  EXPECT_EQ(answer.facts->check->problem, ConfigProblem::none);
  EXPECT_EQ(answer.facts->source, ConfigSource::parsed);
  EXPECT_EQ(answer.facts->per_source_penalties, std::nullopt);
}

TEST(VersionNumber, OfOpenssh) {
  EXPECT_EQ(local::version_number("OpenSSH_9.2p1 Debian-2+deb12u3"), 902);
  EXPECT_EQ(local::version_number("OpenSSH_10.0p2"), 1000);
  for (const auto* text : {"", "OpenSSH_", "OpenSSH_9", "OpenSSH_9.", "Dropbear v2022.83"}) {
    EXPECT_EQ(local::version_number(text), 0) << text;
  }
}

}  // namespace
