#include "scenario/expect.h"

namespace {

using namespace scenario;              // NOLINT: the vocabulary of scenarios
using namespace std::chrono_literals;  // NOLINT
using model::Cause;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

Expected rejected(Confidence confidence, Outcome outcome = Outcome::rejected_icmp) {
  return {Cause::host_firewall_reject, Layer::host_firewall, confidence, Stage::connect, outcome};
}

TEST(host_firewall_reject, a_policy_code_from_the_target) {
  for (int code : {2, 3, 9, 10, 13, 14, 15}) {
    auto address = Address("192.0.2.10").rejected(3, static_cast<std::uint8_t>(code), "192.0.2.10");
    auto probe = Probe().saw(address);
    expect(probe, rejected(Confidence::likely));
    EXPECT_EQ(responder(probe), "target 192.0.2.10 icmp_3_" + std::to_string(code));
    EXPECT_TRUE(advises(probe, "fail2ban-client status sshd"));
  }
  for (int code : {1, 4, 5, 6}) {
    auto address =
        Address("2001:db8::10").rejected(1, static_cast<std::uint8_t>(code), "2001:db8::10");
    expect(Probe().saw(address), rejected(Confidence::likely));
  }
}

TEST(host_firewall_reject, the_own_machine_as_target) {
  auto address = Address("198.51.100.5").rejected(3, 3, "198.51.100.5");
  expect(Probe("198.51.100.5").saw(address), rejected(Confidence::likely));
  EXPECT_EQ(responder(Probe("198.51.100.5").saw(address)).substr(0, 6), "target");
}

TEST(host_firewall_reject, a_mapped_address_is_the_same_on_the_wire) {
  auto address = Address("::ffff:192.0.2.10").rejected(3, 3, "192.0.2.10");
  expect(Probe("::ffff:192.0.2.10").saw(address), rejected(Confidence::likely));
}

TEST(host_firewall_reject, only_possible_if_the_target_calls_itself_unreachable) {
  for (int code : {0, 1, 6, 7, 11, 12}) {
    auto address = Address("192.0.2.10").rejected(3, static_cast<std::uint8_t>(code), "192.0.2.10");
    auto probe = Probe().saw(address);
    expect(probe, rejected(Confidence::possible));
    EXPECT_TRUE(says(probe, "a forward to a backend that is gone"));
  }
  for (int code : {0, 3}) {
    auto address =
        Address("2001:db8::10").rejected(1, static_cast<std::uint8_t>(code), "2001:db8::10");
    expect(Probe().saw(address), rejected(Confidence::possible));
  }
}

TEST(host_firewall_reject, possible_from_memory) {
  auto address = Address("192.0.2.10").silent().earlier(icmp(3, 3, "192.0.2.10"), 45s);
  auto probe = Probe().saw(address);
  expect(probe, rejected(Confidence::possible, Outcome::timeout));
  EXPECT_TRUE(says(probe, "silence now does not take that back"));
  EXPECT_EQ(responder(probe), "");
}

TEST(host_firewall_reject, refuted_by_a_reset_and_by_other_senders) {
  expect_not(Probe().saw(Address("192.0.2.10").refused()), Cause::host_firewall_reject);
  expect_not(Probe().saw(Address("192.0.2.10").rejected(3, 3, "192.0.2.11")),
             Cause::host_firewall_reject);
  expect_not(Probe().saw(Address("192.0.2.10").rejected(3, 4, "192.0.2.10")),
             Cause::host_firewall_reject);
  expect_not(Probe().saw(Address("192.0.2.10").rejected(5, 1, "192.0.2.10")),
             Cause::host_firewall_reject);
}

}  // namespace
