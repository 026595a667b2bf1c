#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::Layer;

constexpr ExpectedHost kNotInstalled{Cause::sshd_not_installed, Layer::service,
                                     Confidence::certain};

TEST(sshd_not_installed, neither_program_nor_unit_nor_process) {
  expect(Host::debian_12().purged(), kNotInstalled, {"no unit of an SSH server", "No process"});
  EXPECT_TRUE(advises(Host::debian_12().purged(), "apt install openssh-server"));
  // It may lie where only somebody's own script looks.
  expect(Host::debian_13().purged().without_systemd(),
         {Cause::sshd_not_installed, Layer::service, Confidence::likely}, {"no systemd"});
}

// Of a container that shares only the network with its host nothing is known about the host.
TEST(sshd_not_installed, refuted_by_a_listener_of_somebody_unseen) {
  auto host = Host::debian_12().purged().without_systemd().bound("0.0.0.0");
  host.listeners.listeners.back().owner.reset();
  expect(host, {Cause::unknown, Layer::unknown, Confidence::possible});
}

TEST(sshd_not_installed, a_mask_that_the_package_left) {
  auto host = Host::debian_12();
  host.masked().program_gone();
  std::erase_if(host.systemd.units, [](const auto& unit) { return unit.socket.has_value(); });
  expect(host, kNotInstalled, {"ssh.service is masked"});
}

TEST(sshd_not_installed, a_unit_that_was_looked_for_and_not_found) {
  auto host = Host::debian_12().purged();
  host.unit("sshd.service").load_state = "not-found";
  expect(host, kNotInstalled);
}

TEST(sshd_not_installed, refuted_by_any_of_them) {
  for (const auto& host :
       {Host::debian_12().stopped(), Host::debian_12().down().without_units(),
        Host::debian_12().stopped().program_gone(), Host::debian_12().program_gone()}) {
    expect_not(host, Cause::sshd_not_installed);
  }
}

TEST(sshd_not_installed, not_claimed_by_those_who_could_not_look) {
  for (auto collector : {"systemd", "configuration", "listeners"}) {
    expect_not(Host::debian_12().purged().missing(collector), Cause::sshd_not_installed);
    expect_not(Host::debian_12().purged().stale(collector), Cause::sshd_not_installed);
  }
}

}  // namespace
