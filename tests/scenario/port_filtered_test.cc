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

constexpr Expected kFiltered{Cause::port_filtered, Layer::network, Confidence::possible,
                             Stage::connect, Outcome::timeout};

TEST(port_filtered, silent_though_another_port_answers) {
  for (auto outcome : {CheckOutcome::accepted, CheckOutcome::refused_rst}) {
    auto address =
        Address("192.0.2.10").silent().control(443, CheckOutcome::timeout).control(80, outcome);
    expect(Probe().saw(address), kFiltered);
    EXPECT_EQ(responder(Probe().saw(address)), "");
  }
  auto alternative = Address("192.0.2.10").silent().alternative(2222, CheckOutcome::accepted, true);
  expect(Probe().saw(alternative), kFiltered);
  EXPECT_EQ(scenario::diagnose(Probe().saw(alternative)).alternative_port, 2222);
}

TEST(port_filtered, the_target_rejects_another_port_itself) {
  auto address = Address("192.0.2.10").silent().control_rejected(443, icmp(3, 3, "192.0.2.10"));
  expect(Probe().saw(address), kFiltered);
}

TEST(port_filtered, a_host_that_came_back_is_not_down) {
  for (auto sender : {evidence::kProberV4, std::string_view("192.0.2.1")}) {
    auto address = Address("192.0.2.10")
                       .silent()
                       .earlier(icmp(3, 1, sender), 5min)
                       .control(443, CheckOutcome::accepted);
    expect(Probe().saw(address), kFiltered);
  }
}

TEST(port_filtered, the_full_accept_queue_is_named) {
  EXPECT_TRUE(
      advises(Probe().saw(Address("192.0.2.10").silent().control(443, CheckOutcome::accepted)),
              "accept queue"));
}

TEST(port_filtered, refuted_if_only_the_path_speaks) {
  auto address = Address("192.0.2.10").silent().control_rejected(443, icmp(3, 13, "203.0.113.1"));
  expect_not(Probe().saw(address), Cause::port_filtered);
  EXPECT_TRUE(says(Probe().saw(address), "443 is rejected by ICMP"));
}

TEST(port_filtered, refuted_if_nothing_answers) {
  auto address = Address("192.0.2.10")
                     .silent()
                     .control(443, CheckOutcome::timeout)
                     .control(80, CheckOutcome::skipped)
                     .control(8080, CheckOutcome::local_error);
  expect_not(Probe().saw(address), Cause::port_filtered);
  expect_not(Probe().saw(Address("192.0.2.10").silent()).saw(Address("192.0.2.11").reached()),
             Cause::port_filtered);
}

TEST(port_filtered, systemd_filters_the_units_packets) {
  auto host = Host::debian_12();
  host.service().ip_address_deny = {"0.0.0.0/0", "::/0"};
  host.service().ip_address_allow = {"10.0.0.0/8"};
  expect(host, {Cause::port_filtered, Layer::network, Confidence::likely},
         {"ssh.service has IPAddressDeny=0.0.0.0/0, ::/0 and IPAddressAllow=10.0.0.0/8."});
  EXPECT_TRUE(advises(host, "IPAddressDeny="));
  expect_not(host, Cause::port_filtered, asking("10.1.2.3"));
  host.service().ip_address_deny = {"198.51.100.0/24"};
  expect_not(host, Cause::port_filtered);
  expect(host, {Cause::port_filtered, Layer::network, Confidence::likely}, {},
         asking("198.51.100.7"));
}

}  // namespace
