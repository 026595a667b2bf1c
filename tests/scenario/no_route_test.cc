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

Expected no_route(Confidence confidence) {
  return {Cause::no_route, Layer::network, confidence, Stage::connect, Outcome::rejected_icmp};
}

TEST(no_route, a_router_knows_no_way) {
  for (int code : {0, 6, 8, 11, 12}) {
    auto address =
        Address("192.0.2.10").rejected(3, static_cast<std::uint8_t>(code), "203.0.113.1");
    expect(Probe().saw(address), no_route(Confidence::likely));
    EXPECT_TRUE(advises(Probe().saw(address), "at the router 203.0.113.1"));
  }
  auto v6 = Probe().saw(Address("2001:db8::10").rejected(1, 0, "2001:db8:1::1"));
  expect(v6, no_route(Confidence::likely));
  EXPECT_EQ(responder(v6), "path 2001:db8:1::1 icmp6_1_0");
}

TEST(no_route, a_source_address_of_too_small_a_scope) {
  auto probe = Probe().saw(Address("2001:db8::10").rejected(1, 2, "2001:db8:1::1"));
  expect(probe, no_route(Confidence::likely));
  EXPECT_TRUE(advises(probe, "wider scope"));
}

TEST(no_route, a_routing_loop) {
  auto v4 = Probe().saw(Address("192.0.2.10").rejected(11, 0, "203.0.113.1"));
  expect(v4, no_route(Confidence::likely));
  EXPECT_TRUE(says(v4, "routing loop"));
  EXPECT_TRUE(advises(v4, "traceroute 192.0.2.10"));
  expect(Probe().saw(Address("2001:db8::10").rejected(3, 0, "2001:db8:1::1")),
         no_route(Confidence::likely));
  expect(Probe().saw(Address("192.0.2.10").rejected(11, 0, "192.0.2.10")),
         no_route(Confidence::possible));
}

TEST(no_route, possible_if_the_router_calls_the_host_unreachable_at_once) {
  auto probe = Probe().saw(Address("192.0.2.10").rejected(3, 1, "203.0.113.1", 2ms));
  expect(probe, no_route(Confidence::possible));
  EXPECT_TRUE(says(probe, "answered at once"));
  auto remembered =
      Address("192.0.2.10").silent().earlier(icmp(3, 1, "203.0.113.1"), 30s, base::Duration(2ms));
  expect(Probe().saw(remembered),
         {Cause::no_route, Layer::network, Confidence::possible, Stage::connect, Outcome::timeout});
}

TEST(no_route, refuted_by_another_port_that_answers) {
  auto address =
      Address("192.0.2.10").rejected(3, 0, "203.0.113.1").control(443, CheckOutcome::accepted);
  expect_not(Probe().saw(address), Cause::no_route);
  auto loop = Address("192.0.2.10")
                  .silent()
                  .earlier(icmp(11, 0, "203.0.113.1"), 30s)
                  .control(443, CheckOutcome::accepted);
  expect_not(Probe().saw(loop), Cause::no_route);
}

TEST(no_route, refuted_by_a_loop_that_is_gone) {
  for (auto sender : {"203.0.113.1", "192.0.2.10"}) {
    auto address = Address("192.0.2.10").silent().earlier(icmp(11, 0, sender), 30s);
    expect(Probe().saw(address), {Cause::no_route, Layer::network, Confidence::possible,
                                  Stage::connect, Outcome::timeout});
    expect_not(Probe().saw(address.control(443, CheckOutcome::accepted)), Cause::no_route);
  }
}

TEST(no_route, refuted_by_the_wrong_sender_or_code) {
  expect_not(Probe().saw(Address("192.0.2.10").rejected(3, 0, "192.0.2.10")), Cause::no_route);
  expect_not(Probe().saw(Address("192.0.2.10").rejected(3, 13, "203.0.113.1")), Cause::no_route);
  // Reassembly ran out of time, which is no loop.
  expect_not(Probe().saw(Address("192.0.2.10").rejected(11, 1, "203.0.113.1")), Cause::no_route);
  expect_not(Probe().saw(Address("192.0.2.10").rejected(11, 0, evidence::kProberV4)),
             Cause::no_route);
}

}  // namespace
