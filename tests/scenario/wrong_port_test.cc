#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::CheckOutcome;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

TEST(wrong_port, refused_here_and_ssh_elsewhere) {
  auto address = Address("192.0.2.10")
                     .refused()
                     .alternative(222, CheckOutcome::refused_rst)
                     .alternative(2222, CheckOutcome::accepted, true);
  auto probe = Probe().saw(address);
  expect(probe, {Cause::wrong_port, Layer::binding, Confidence::likely, Stage::connect,
                 Outcome::refused_rst});
  EXPECT_EQ(scenario::diagnose(probe).alternative_port, 2222);
  EXPECT_TRUE(says(probe, "222 refuses with a reset, 2222 is an SSH server."));
  EXPECT_TRUE(advises(probe, "bastion.example.net:2222"));
}

TEST(wrong_port, refuted_without_a_reset_though_the_port_is_named) {
  for (auto address :
       {Address("192.0.2.10").silent(), Address("192.0.2.10").rejected(3, 3, "192.0.2.10"),
        Address("192.0.2.10").ended(Stage::banner, Outcome::closed)}) {
    auto probe = Probe().saw(address.alternative(2222, CheckOutcome::accepted, true));
    expect_not(probe, Cause::wrong_port);
    EXPECT_EQ(scenario::diagnose(probe).alternative_port, 2222);
  }
}

TEST(wrong_port, refuted_by_another_service_there) {
  expect_not(Probe().saw(Address("192.0.2.10").refused().alternative(2222, CheckOutcome::accepted)),
             Cause::wrong_port);
}

TEST(wrong_port, the_host_itself_says_where) {
  expect(Host::debian_12(), {Cause::wrong_port, Layer::binding, Confidence::likely},
         {"Port 2222 was asked for.", "SSH listens on 0.0.0.0:22"},
         asking("192.0.2.10", "192.0.2.10", 2222));
  expect_not(Host::debian_12(), Cause::wrong_port, asking("192.0.2.10", "192.0.2.10", 22));
  // Something that only this host itself reaches has that port.
  auto other = Host::debian_12().bound_by("nginx", "127.0.0.1", 2222);
  expect(other, {Cause::wrong_port, Layer::binding, Confidence::likely}, {},
         asking("192.0.2.10", "192.0.2.10", 2222));
  // It may be sshd's: its owner is hidden.
  other.bound("0.0.0.0", 2222).hidden_owners();
  expect_not(other, Cause::wrong_port, asking("192.0.2.10", "192.0.2.10", 2222));
}

TEST(wrong_port, a_port_that_waits_for_a_restart) {
  auto host = Host::debian_12().asks_for({endpoint("0.0.0.0", 2222), endpoint("::", 2222)});
  expect(host, {Cause::wrong_port, Layer::binding, Confidence::likely},
         {"names port 2222", "not restarted since"});
  EXPECT_TRUE(advises(host, "systemctl restart ssh.service"));
  expect_not(host.stale("configuration"), Cause::wrong_port);
}

TEST(wrong_port, sshds_file_says_nothing_of_dropbears_port) {
  auto host = Host::debian_12().dropbear();
  host.listeners.listeners.clear();
  host.bound_by("dropbear", "0.0.0.0", 2222, evidence::kSshdPid)
      .bound_by("dropbear", "::", 2222, evidence::kSshdPid);
  expect(host, {Cause::none, Layer::none, Confidence::likely});
}

}  // namespace
