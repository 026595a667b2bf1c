#include "scenario/expect.h"

namespace {

using namespace scenario;              // NOLINT: the vocabulary of scenarios
using namespace std::chrono_literals;  // NOLINT
using model::Cause;
using model::CheckOutcome;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

Expected rejected(Confidence confidence, Outcome outcome = Outcome::rejected_icmp) {
  return {Cause::path_firewall_reject, Layer::network, confidence, Stage::connect, outcome};
}

TEST(path_firewall_reject, a_policy_code_from_neither_end) {
  for (int code : {2, 3, 9, 10, 13, 14, 15}) {
    auto address =
        Address("192.0.2.10").rejected(3, static_cast<std::uint8_t>(code), "203.0.113.1");
    auto probe = Probe().saw(address);
    expect(probe, rejected(Confidence::likely));
    EXPECT_EQ(responder(probe), "path 203.0.113.1 icmp_3_" + std::to_string(code));
    EXPECT_TRUE(advises(probe, "in the firewall at 203.0.113.1"));
  }
  for (int code : {1, 4, 5, 6}) {
    auto address =
        Address("2001:db8::10").rejected(1, static_cast<std::uint8_t>(code), "2001:db8:1::1");
    expect(Probe().saw(address), rejected(Confidence::likely));
  }
}

TEST(path_firewall_reject, a_private_sender_for_a_public_target_hints_at_translation) {
  EXPECT_TRUE(says(Probe().saw(Address("192.0.2.10").rejected(3, 3, "10.0.0.5")),
                   "behind address translation"));
  EXPECT_TRUE(never_says(Probe().saw(Address("192.0.2.10").rejected(3, 3, "203.0.113.1")),
                         "address translation"));
  EXPECT_TRUE(never_says(Probe().saw(Address("10.0.0.9").rejected(3, 3, "10.0.0.5")),
                         "address translation"));
}

TEST(path_firewall_reject, possible_if_the_host_answers_though_it_is_called_unreachable) {
  for (int code : {0, 1}) {
    auto address = Address("192.0.2.10")
                       .rejected(3, static_cast<std::uint8_t>(code), "203.0.113.1")
                       .control(443, CheckOutcome::accepted);
    expect(Probe().saw(address), rejected(Confidence::possible));
  }
}

TEST(path_firewall_reject, possible_from_memory_and_only_for_a_while) {
  auto remembered = [](base::Duration age) {
    return Probe().saw(Address("192.0.2.10").silent().earlier(icmp(3, 13, "203.0.113.1"), age));
  };
  expect(remembered(10min), rejected(Confidence::possible, Outcome::timeout));
  EXPECT_TRUE(says(remembered(90s),
                   "90.0 s ago the same port was rejected by ICMP communication "
                   "administratively prohibited (3/13) from 203.0.113.1"));
  expect_not(remembered(10min + 1ns), Cause::path_firewall_reject);
  expect_not(remembered(-1s), Cause::path_firewall_reject);
}

TEST(path_firewall_reject, memory_holds_although_another_port_answers) {
  auto address = Address("192.0.2.10")
                     .silent()
                     .earlier(icmp(3, 13, "203.0.113.1"), 30s)
                     .control(443, CheckOutcome::accepted);
  expect(Probe().saw(address), rejected(Confidence::possible, Outcome::timeout));
}

TEST(path_firewall_reject, refuted_if_either_end_speaks) {
  expect_not(Probe().saw(Address("192.0.2.10").rejected(3, 3, "192.0.2.10")),
             Cause::path_firewall_reject);
  expect_not(Probe().saw(Address("192.0.2.10").rejected(3, 3, evidence::kProberV4)),
             Cause::path_firewall_reject);
  expect_not(Probe().saw(Address("192.0.2.10").rejected(3, 3, "0.0.0.0")),
             Cause::path_firewall_reject);
}

TEST(path_firewall_reject, refuted_by_an_answer_to_this_very_connection) {
  auto address = Address("192.0.2.10").refused().earlier(icmp(3, 13, "203.0.113.1"), 30s);
  expect_not(Probe().saw(address), Cause::path_firewall_reject);
}

}  // namespace
