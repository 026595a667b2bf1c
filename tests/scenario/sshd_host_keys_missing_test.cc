#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::Layer;

constexpr ExpectedHost kMissing{Cause::sshd_host_keys_missing, Layer::service, Confidence::certain};
constexpr ExpectedHost kLikelyMissing{Cause::sshd_host_keys_missing, Layer::service,
                                      Confidence::likely};

TEST(sshd_host_keys_missing, it_failed_without_any) {
  for (const auto& host : {Host::debian_12().failed(), Host::debian_13().auto_restart()}) {
    auto without = Host(host).keys(false, "it does not exist");
    expect(without, kMissing, {"Host keys that are absent: /etc/ssh/ssh_host_rsa_key"});
    EXPECT_TRUE(advises(without, "ssh-keygen -A"));
  }
}

// Some distributions make them when the first connection comes.
TEST(sshd_host_keys_missing, a_socket_whose_service_has_none) {
  expect(Host::debian_12().socket_activated().keys(false, "it does not exist"), kLikelyMissing,
         {"The next connection"});
}

TEST(sshd_host_keys_missing, before_openssh_9_8_a_running_one_needs_them_too) {
  expect(Host::debian_12().keys(false, "it does not exist"), kLikelyMissing,
         {"reads the host keys"});
  expect(Host::debian_13().keys(false, "it does not exist"),
         {Cause::none, Layer::none, Confidence::likely});
  auto without_rexec = Host::debian_12().keys(false, "it does not exist");
  without_rexec.server().command = {"/usr/sbin/sshd", "-Dr"};
  expect_not(without_rexec, Cause::sshd_host_keys_missing);
  without_rexec.server().command = {"/usr/sbin/sshd", "-D", "-oPermitRootLogin=no"};
  expect(without_rexec, kLikelyMissing);
}

TEST(sshd_host_keys_missing, refuted_by_a_single_file) {
  auto host = Host::debian_12().failed().keys(false, "it does not exist");
  host.configuration.host_keys.back().present = true;
  expect(host, {Cause::sshd_host_keys_unusable, Layer::service, Confidence::certain});
  host.configuration.host_keys.clear();
  expect(host, {Cause::sshd_failed, Layer::service, Confidence::certain},
         {"no hostkeys available"});
}

TEST(sshd_host_keys_missing, refuted_by_keys_that_could_not_be_looked_at) {
  auto host = Host::debian_12().keys(false, "");
  host.configuration.host_keys.front().usable.reset();
  expect_not(host, Cause::sshd_host_keys_missing);
}

}  // namespace
