// What configurations mean; the oracle is sshd itself.

#include "local/sshd_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "local/program.h"
#include "local/sshd_inquiry.h"
#include "support/root_folder.h"

namespace {

using local::effective_lines;
using local::interpret_settings;
using local::parse_sshd_time;
using local::split_config;
using local::SshdSettings;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::optional<std::uint16_t> service(const std::string& name) {
  return local::find_service("ssh 22/tcp # SSH\nntp 123/udp\nhttp\t80/tcp www\n", name);
}

SshdSettings settings_of(const std::string& text) {
  return interpret_settings(split_config(text, "f"), service);
}

std::vector<std::string> listen_of(const SshdSettings& settings) {
  std::vector<std::string> endpoints;
  for (const auto& endpoint : settings.config.listen) {
    endpoints.push_back(base::format_host_port(endpoint.address.to_string(), endpoint.port));
  }
  return endpoints;
}

TEST(SshdSettings, DefaultsAreSshds) {
  const auto settings = settings_of("");
  EXPECT_THAT(settings.config.ports, ElementsAre(22));
  EXPECT_THAT(listen_of(settings), ElementsAre("0.0.0.0:22", "[::]:22"));
  EXPECT_EQ(settings.config.address_family, "any");
  EXPECT_EQ(settings.config.max_startups->begin, 10);
  EXPECT_EQ(settings.config.max_startups->rate, 30);
  EXPECT_EQ(settings.config.max_startups->full, 100);
  EXPECT_EQ(settings.config.login_grace, seconds(120));
  EXPECT_FALSE(settings.config.per_source_max_startups);
  EXPECT_FALSE(settings.config.per_source_penalties);
  EXPECT_TRUE(settings.host_keys_by_default);
  EXPECT_THAT(settings.host_keys,
              ElementsAre("/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ecdsa_key",
                          "/etc/ssh/ssh_host_ed25519_key"));
}

TEST(SshdSettings, EveryFormOfListenAddress) {
  const auto settings = settings_of(
      "Port 22\nPort 2222\nListenAddress 192.0.2.1\nListenAddress 192.0.2.2:80\n"
      "ListenAddress [2001:db8::1]:443\nListenAddress [2001:db8::2]\nListenAddress 2001:db8::3\n"
      "ListenAddress 192.0.2.3:ssh\nListenAddress 192.0.2.4:81 rdomain blue\n"
      "ListenAddress 192.0.2.1\nListenAddress 127.1:82\n");
  EXPECT_THAT(listen_of(settings),
              ElementsAre("192.0.2.1:22", "192.0.2.1:2222", "192.0.2.2:80", "[2001:db8::1]:443",
                          "[2001:db8::2]:22", "[2001:db8::2]:2222", "[2001:db8::3]:22",
                          "[2001:db8::3]:2222", "192.0.2.3:22", "192.0.2.4:81", "127.0.0.1:82"));
  EXPECT_THAT(settings.unknown, IsEmpty());
}

TEST(SshdSettings, NamesAreNotResolved) {
  const auto settings = settings_of("ListenAddress host.example\nListenAddress 192.0.2.1\n");
  EXPECT_THAT(listen_of(settings), ElementsAre("192.0.2.1:22"));
  EXPECT_THAT(settings.unknown, ElementsAre("ListenAddress host.example"));
  EXPECT_THAT(listen_of(settings_of("ListenAddress host.example\n")), IsEmpty())
      << "and do not become every address";
}

TEST(SshdSettings, FamilyDecidesWhatEveryAddressIs) {
  EXPECT_THAT(listen_of(settings_of("AddressFamily inet\n")), ElementsAre("0.0.0.0:22"));
  EXPECT_THAT(listen_of(settings_of("AddressFamily INET6\n")), ElementsAre("[::]:22"));
  EXPECT_THAT(listen_of(settings_of("AddressFamily any\nAddressFamily inet\n")),
              ElementsAre("0.0.0.0:22", "[::]:22"));
  const auto other = settings_of("AddressFamily inet6\nListenAddress 192.0.2.1\n");
  EXPECT_THAT(listen_of(other), IsEmpty());
  EXPECT_THAT(other.unknown, ElementsAre("ListenAddress 192.0.2.1"));
}

TEST(SshdSettings, WhatSshdRefusesIsNotGuessed) {
  const auto port = settings_of("Port 22x\n");
  EXPECT_THAT(port.config.ports, IsEmpty());
  EXPECT_THAT(port.config.listen, IsEmpty());
  EXPECT_THAT(port.unknown, ElementsAre("Port 22x"));
  EXPECT_THAT(settings_of("AddressFamily ipv4\n").config.listen, IsEmpty());
  for (const auto* text : {"Port 0\n", "Port 65536\n", "Port -1\n", "Port ntp\n"}) {
    EXPECT_THAT(settings_of(text).config.ports, IsEmpty()) << text;
  }
  for (const auto* text : {"MaxStartups 10:0:20\n", "MaxStartups 20:30:10\n", "MaxStartups x\n",
                           "MaxStartups 10:30\n", "MaxStartups 0:30:10\n"}) {
    EXPECT_FALSE(settings_of(text).config.max_startups) << text;
  }
  EXPECT_FALSE(settings_of("LoginGraceTime soon\n").config.login_grace);
}

TEST(SshdSettings, Times) {
  EXPECT_EQ(parse_sshd_time("0"), seconds(0));
  EXPECT_EQ(parse_sshd_time("90"), seconds(90));
  EXPECT_EQ(parse_sshd_time("1h30m"), minutes(90));
  EXPECT_EQ(parse_sshd_time("1W2D"), hours(24 * 9));
  EXPECT_EQ(parse_sshd_time("2m30"), seconds(150));
  for (const auto* text : {"", "none", "-1", "m", "5x", "1.5h", "99999999999", "9999999w", " 5"}) {
    EXPECT_FALSE(parse_sshd_time(text)) << text;
  }
}

TEST(SshdSettings, EffectiveOutput) {
  const auto settings = interpret_settings(
      effective_lines(
          "port 22\nport 2222\naddressfamily any\nlistenaddress [::]:22\n"
          "listenaddress 0.0.0.0:2222 rdomain blue\nlogingracetime 0\n"
          "maxstartups 5:50:60\npersourcemaxstartups none\npersourcepenalties no\n"
          "hostkey /etc/a key\nhostkeyagent none\nallowusers a\nallowusers b\nbanner\n"),
      nullptr);
  EXPECT_THAT(settings.config.ports, ElementsAre(22, 2222));
  EXPECT_THAT(listen_of(settings), ElementsAre("[::]:22", "0.0.0.0:2222"));
  EXPECT_EQ(settings.config.login_grace, seconds(0));
  EXPECT_EQ(settings.config.max_startups->full, 60);
  EXPECT_FALSE(settings.config.per_source_max_startups);
  EXPECT_EQ(settings.config.per_source_penalties, false);
  EXPECT_EQ(settings.config.allow_users, 2U);
  EXPECT_THAT(settings.host_keys, ElementsAre("/etc/a key"));
  EXPECT_FALSE(settings.host_keys_by_default);
  EXPECT_FALSE(settings.host_key_agent);
}

TEST(SshdSettings, Services) {
  EXPECT_EQ(service("ssh"), 22);
  EXPECT_EQ(service("www"), 80);
  EXPECT_EQ(service("ntp"), std::nullopt);
  EXPECT_EQ(service("22/tcp"), std::nullopt);
  EXPECT_EQ(service("SSH"), std::nullopt);
}

// --- sshd as the oracle -------------------------------------------------------------------------

class SshdOracle : public testing::Test {
 protected:
  void SetUp() override {
    if (::access("/usr/sbin/sshd", X_OK) != 0) GTEST_SKIP() << "no /usr/sbin/sshd to compare with";
    const auto made = local::run_program(
        {{"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", root_.at("/key")},
         seconds(20)},
        "");
    ASSERT_EQ(made.exit_status, 0) << made.err;
    root_.write("/config", "");
    const auto end = ask();
    if (end.exit_status != 0) GTEST_SKIP() << "sshd -T does not work here: " << end.err;
  }

  [[nodiscard]] local::ProgramEnd ask() const {
    return local::run_program(
        {{"/usr/sbin/sshd", "-T", "-f", root_.at("/config"), "-h", root_.at("/key")}, seconds(20)},
        "");
  }

  // Whether sshd takes the file; if so, we must read the same in it.
  bool agree(const std::string& text) {
    root_.write("/config", text);
    const auto end = ask();
    const local::Host host;
    auto read = local::read_sshd_config(host, root_.at("/config"));
    local::ConfigLine key;
    key.keyword = "hostkey";
    key.arguments = {root_.at("/key")};
    read.lines.insert(read.lines.begin(), key);
    const auto ours = interpret_settings(read.lines, [&](const std::string& name) {
      return local::find_service(host.read("/etc/services").text, name);
    });
    if (end.exit_status != 0) return false;
    const auto theirs = interpret_settings(effective_lines(end.out), nullptr);
    EXPECT_EQ(ours.config.ports, theirs.config.ports) << text;
    auto our_listen = ours.config.listen;
    auto their_listen = theirs.config.listen;
    std::sort(our_listen.begin(), our_listen.end());
    std::sort(their_listen.begin(), their_listen.end());
    EXPECT_EQ(our_listen, their_listen) << text << end.out.substr(0, 300);
    EXPECT_EQ(ours.config.address_family, theirs.config.address_family) << text;
    EXPECT_EQ(ours.config.login_grace, theirs.config.login_grace) << text;
    EXPECT_EQ(ours.config.per_source_max_startups, theirs.config.per_source_max_startups) << text;
    EXPECT_EQ(startups(ours), startups(theirs)) << text;
    EXPECT_EQ(ours.config.allow_users, theirs.config.allow_users) << text;
    EXPECT_EQ(ours.config.deny_users, theirs.config.deny_users) << text;
    EXPECT_EQ(ours.config.allow_groups, theirs.config.allow_groups) << text;
    EXPECT_EQ(ours.config.deny_groups, theirs.config.deny_groups) << text;
    EXPECT_EQ(ours.host_keys, theirs.host_keys) << text;
    EXPECT_EQ(ours.host_key_agent, theirs.host_key_agent) << text;
    return true;
  }

  static std::string startups(const SshdSettings& settings) {
    const auto& value = settings.config.max_startups;
    return !value ? "none"
                  : std::to_string(value->begin) + ":" + std::to_string(value->rate) + ":" +
                        std::to_string(value->full);
  }

  test_support::RootFolder root_;
};

TEST_F(SshdOracle, HandWritten) {
  const auto key = root_.at("/key");
  root_.write("/inc/a.conf", "Port 1001\nMatch User x\nMaxSessions 3\n");
  root_.write("/inc/b.conf", "Port 1002\nAllowUsers q\n");
  std::filesystem::create_directories(root_.at("/inc/c.conf"));
  root_.write("/inc/d.conf", "AllowUsers q\nMatch all\nAllowUsers r\n");
  for (const auto& text : std::vector<std::string>{
           "",
           "Port 2222\n",
           "port=2222\nPORT = 2223\n\"Port\" 2224\nPort\t2225\r\n  Port 2226 # x\n=Port 2227\n",
           "Port \"2222\"\nPort '2223'\nPort 2222\n",
           "ListenAddress 127.0.0.1\nPort 2222\n",
           "ListenAddress 127.0.0.1:99\nListenAddress [::1]:98\nListenAddress ::1\n",
           "ListenAddress [::1]\nListenAddress [127.0.0.1]:96\n",
           "ListenAddress 0.0.0.0\nListenAddress ::\nPort 1\nPort 2\n",
           "ListenAddress 127.1\nListenAddress 0x7f000002:7\n",
           "AddressFamily inet\n",
           "addressfamily INET6\nAddressFamily inet\n",
           "AddressFamily inet6\nListenAddress ::1\n",
           "MaxStartups 5\n",
           "MaxStartups 5:60:20\nMaxStartups 6:60:20\n",
           "MaxStartups 7:60:20\nMaxStartups 6\n",
           "LoginGraceTime 1m30s\n",
           "LoginGraceTime 0\nLoginGraceTime 5\n",
           "PerSourceMaxStartups 5\nPerSourceMaxStartups 5\n",
           "PerSourceMaxStartups none\n",
           "AllowUsers a b c # d\nAllowUsers \"e f\"\nDenyUsers g@1.2.3.4\nAllowGroups h i\n"
           "DenyGroups j\n",
           "Match User a\nMaxSessions 3\nAllowUsers z\n",
           "Port 5\nMatch all\nPort 6\nAllowUsers z\n",
           "Match User a\nAllowUsers y\nMatch all\nAllowUsers z\nPort 7\n",
           "Match all # with a comment\nPort 8\n",
           "Match ALL\nPort 8\n",
           "Include " + root_.at("/inc/*.conf") + "\nPort 1003\n",
           "Include " + root_.at("/inc/a.conf") + " " + root_.at("/inc/b.conf") + "\n",
           "Include " + root_.at("/i?c/[b-z].conf") + "\n",
           "Include \"" + root_.at("/inc/b.conf") + "\" " + root_.at("/nothing") + "\n",
           "Match User a\nInclude " + root_.at("/inc/d.conf") + "\nMaxSessions 4\n",
           "Match all\nInclude " + root_.at("/inc/b.conf") + "\nPort 4\n",
           "Include " + root_.at("/none/*") + "\n",
           "HostKey " + key + "\nHostKey /nonexistent\nHostKey relative\n",
           "HostKeyAgent none\n",
           "UsePrivilegeSeparation yes\nPort 3\n",
           std::string("Port 33\0junk\n44\nPort 2\n", 23),
           "Port 3\f\n",
           "Banner \"a b\"\nPort 3",
       }) {
    EXPECT_TRUE(agree(text)) << ask().err << text;
  }
}

TEST_F(SshdOracle, NamesOfServices) {
  if (::access("/etc/services", R_OK) != 0) GTEST_SKIP() << "no /etc/services";
  EXPECT_TRUE(agree("Port ssh\nPort http\nListenAddress 127.0.0.1:ssh\n")) << ask().err;
}

TEST_F(SshdOracle, NestedIncludes) {
  for (const int depth : {16, 17}) {
    for (int i = 1; i < depth; ++i) {
      root_.write("/f" + std::to_string(i), "Include " + root_.at("/f" + std::to_string(i + 1)));
    }
    root_.write("/f" + std::to_string(depth), "Port 5\n");
    EXPECT_EQ(agree("Include " + root_.at("/f1")), depth == 16);
  }
}

TEST_F(SshdOracle, Generated) {
  std::mt19937 random(20240607);
  const auto pick = [&](const std::vector<std::string>& from) {
    return from[random() % from.size()];
  };
  const std::vector<std::string> values{"Port 22",
                                        "Port 2222",
                                        "Port 23",
                                        "ListenAddress 127.0.0.1",
                                        "MaxStartups 3",
                                        "MaxStartups 1:2:3",
                                        "LoginGraceTime 2m",
                                        "LoginGraceTime 1h5",
                                        "AllowUsers a b",
                                        "DenyUsers c",
                                        "AllowGroups d",
                                        "DenyGroups e f",
                                        "ListenAddress ::",
                                        "ListenAddress [::1]:5",
                                        "ListenAddress 10.0.0.1:6",
                                        "AddressFamily any",
                                        "AddressFamily inet",
                                        "PerSourceMaxStartups 4",
                                        "Match all",
                                        "Match User a,b",
                                        "MaxSessions 5",
                                        "# comment",
                                        "",
                                        "Include INCLUDED",
                                        "HostKeyAgent none",
                                        "Match Address 10.0.0.0/8"};
  int taken = 0;
  constexpr int kFiles = 120;
  for (int i = 0; i < kFiles; ++i) {
    const auto make = [&] {
      std::string text;
      for (auto lines = random() % 9; lines > 0; --lines) {
        auto line = pick(values);
        const auto space = line.find(' ');
        if (space != std::string::npos && line[0] != '#') {
          const auto word = line.substr(space + 1);
          const bool single = word.find(' ') == std::string::npos;
          const auto between = pick({" ", "=", "\t", " = ", "  "});
          line = pick({"", " ", "\t"}) + line.substr(0, space) + between +
                 (single && random() % 3 == 0 ? "\"" + word + "\"" : word);
        }
        text += line + pick({"", "", " ", " # x", "\r"}) + "\n";
      }
      return text;
    };
    auto included = make();
    auto text = make();
    // One level is enough here.
    for (auto at = included.find("INCLUDED"); at != std::string::npos;
         at = included.find("INCLUDED")) {
      included.replace(at, 8, "/nonexistent");
    }
    root_.write("/included", included);
    for (auto at = text.find("INCLUDED"); at != std::string::npos; at = text.find("INCLUDED")) {
      text.replace(at, 8, root_.at("/included"));
    }
    if (agree(text)) ++taken;
    if (HasFailure()) FAIL() << "included:\n" << included;
  }
  // sshd refuses some, such as Port within Match.
  EXPECT_GE(taken, kFiles / 3);
}

}  // namespace
