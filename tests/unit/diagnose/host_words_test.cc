#include "diagnose/host_words.h"

#include <gtest/gtest.h>

#include <csignal>

#include "support/evidence.h"
#include "support/host_evidence.h"

namespace diagnose {
namespace {

using evidence::endpoint;
using evidence::Host;

TEST(host_words, endpoints) {
  EXPECT_EQ(endpoint_words(endpoint("0.0.0.0")), "0.0.0.0:22");
  EXPECT_EQ(endpoint_words(endpoint("2001:db8::1", 2222)), "[2001:db8::1]:2222");
  EXPECT_EQ(endpoints_words({}), "");
  std::vector<model::Endpoint> many;
  for (std::uint16_t port = 1; port <= 10; ++port) many.push_back(endpoint("::1", port));
  EXPECT_TRUE(endpoints_words(many).ends_with("[::1]:8 and 2 more")) << endpoints_words(many);
}

TEST(host_words, units) {
  auto host = Host::debian_12();
  EXPECT_EQ(unit_words(host.service()),
            "ssh.service is active (running), enabled, since 2026-01-02T02:04:05Z.");
  host.failed("exit-code", 255);
  EXPECT_EQ(unit_words(host.service()),
            "ssh.service is failed, result exit-code (status 255), enabled, since "
            "2026-01-02T03:03:05Z.");
  host.service().service->exit_code = CLD_DUMPED;
  host.service().service->exit_status = SIGSEGV;
  EXPECT_NE(unit_words(host.service()).find("(killed by SIGSEGV)"), std::string::npos);
  host.service().service->exit_status = 12345;
  EXPECT_NE(unit_words(host.service()).find("(killed by signal 12345)"), std::string::npos);
  host.condition("ConditionPathExists=!/x");
  EXPECT_TRUE(
      unit_words(host.service()).ends_with(" not started because of ConditionPathExists=!/x."));
  EXPECT_EQ(unit_words(host.masked().service()), "ssh.service is masked.");
}

TEST(host_words, processes_and_their_states) {
  auto host = Host::debian_12().startups(3);
  EXPECT_EQ(server_words(host.server()),
            "sshd runs as process 812, running (S), 3 of 10-100 startups.");
  host.server().startups.reset();
  for (auto [state, words] : {std::pair('T', "stopped by a signal"),
                              {'t', "stopped by a tracer"},
                              {'D', "blocked in the kernel"},
                              {'Z', "dead, but not yet reaped"}}) {
    host.server().state = state;
    EXPECT_EQ(server_words(host.server()),
              std::string("sshd runs as process 812, ") + words + " (" + state + ").");
  }
}

TEST(host_words, lines_of_the_log_and_who_vouches_for_them) {
  model::LogLine line;
  line.time = evidence::host_now();
  line.message = "fork: \x1b[31mno";
  line.trusted = true;
  EXPECT_EQ(log_words(line), "The log says at 2026-01-02T03:04:05Z: 'fork: ?[31mno'.");
  line.trusted = false;
  EXPECT_TRUE(
      log_words(line).ends_with("(from a file, which any program may write through "
                                "syslog)."));
}

Lines state(const Host& host) {
  const auto report = host.report();
  const model::HostQuestion anybody;
  Lines lines;
  explain_state(HostCase(report, anybody), lines);
  return lines;
}

TEST(host_words, the_state_that_every_answer_begins_with) {
  EXPECT_EQ(state(Host::debian_12().purged()),
            (Lines{"systemd has no unit of an SSH server.", "No process of an SSH server listens.",
                   "Nothing listens for SSH."}));
  EXPECT_EQ(state(Host::debian_12().without_systemd()).front(),
            "There is no systemd on this host.");
  EXPECT_EQ(state(Host::debian_12().missing("systemd")).front(), "systemd could not be asked.");
  EXPECT_EQ(state(Host::debian_12().stale("listeners")).back(),
            "What is listened on is not known.");
  EXPECT_EQ(state(Host::debian_12().socket_activated()).back(),
            "SSH listens on [::]:22 (IPv4 as well) by systemd.");
}

}  // namespace
}  // namespace diagnose
