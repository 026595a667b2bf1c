#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::ConfigProblem;
using model::Layer;

constexpr ExpectedHost kUnusable{Cause::sshd_host_keys_unusable, Layer::service,
                                 Confidence::certain};

TEST(sshd_host_keys_unusable, it_failed_over_their_mode) {
  for (const auto& host : {Host::debian_12().failed(), Host::debian_13().auto_restart(),
                           Host::debian_13().socket_activated()}) {
    auto open = Host(host).keys(true, "others may read or write it");
    expect(open, kUnusable,
           {"'/etc/ssh/ssh_host_ed25519_key' (mode 0644, owner 0) cannot be used: others may"});
    EXPECT_TRUE(advises(open, "chmod 600"));
  }
}

TEST(sshd_host_keys_unusable, before_openssh_9_8_a_running_one_reads_them_again) {
  // The file may name other keys by now than when sshd started.
  expect(Host::debian_12().keys(true, "it is empty"),
         {Cause::sshd_host_keys_unusable, Layer::service, Confidence::likely}, {"it is empty"});
  expect(Host::debian_13().keys(true, "it is empty"),
         {Cause::none, Layer::none, Confidence::likely});
}

TEST(sshd_host_keys_unusable, refuted_by_one_that_is_fine) {
  auto host =
      Host::debian_12().keys(true, "others may read or write it").check(ConfigProblem::none);
  host.configuration.host_keys.back().usable = true;
  expect(host, {Cause::none, Layer::none, Confidence::likely});
}

}  // namespace
