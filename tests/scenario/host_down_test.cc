#include <cerrno>

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

constexpr Expected kDown{Cause::host_down, Layer::network, Confidence::likely, Stage::connect,
                         Outcome::rejected_icmp};

TEST(host_down, the_own_neighbour_is_unresolved) {
  auto probe = Probe().saw(Address("192.0.2.10").rejected(3, 1, evidence::kProberV4, 3060ms));
  expect(probe, kDown);
  EXPECT_EQ(responder(probe), "self 198.51.100.5 icmp_3_1");
  EXPECT_TRUE(advises(probe, "this machine's own network"));
  expect(Probe().saw(Address("2001:db8::10").rejected(1, 3, evidence::kProberV6, 3060ms)), kDown);
}

TEST(host_down, the_last_router_cannot_find_the_host) {
  auto probe = Probe().saw(Address("192.0.2.10").rejected(3, 1, "192.0.2.1", 3060ms));
  expect(probe, kDown);
  EXPECT_EQ(responder(probe), "path 192.0.2.1 icmp_3_1");
  EXPECT_TRUE(advises(probe, "the network behind 192.0.2.1"));
  expect(Probe().saw(Address("2001:db8::10").rejected(1, 3, "2001:db8::1", 3060ms)), kDown);
  expect(Probe().saw(Address("192.0.2.10").rejected(3, 7, "192.0.2.1", 3060ms)), kDown);
}

TEST(host_down, possible_from_memory) {
  auto address = Address("192.0.2.10").silent().earlier(icmp(3, 1, "192.0.2.1"), 9min);
  auto probe = Probe().saw(address);
  expect(probe, {Cause::host_down, Layer::network, Confidence::possible, Stage::connect,
                 Outcome::timeout});
  EXPECT_EQ(responder(probe), "");
  EXPECT_TRUE(says(probe, "540.0 s ago"));
}

TEST(host_down, possible_after_a_late_failure_without_icmp) {
  expect(Probe().saw(Address("192.0.2.10").local_error(EHOSTUNREACH, 3s)),
         {Cause::host_down, Layer::network, Confidence::possible, Stage::connect,
          Outcome::local_error});
}

TEST(host_down, refuted_by_another_port_that_answers) {
  for (auto outcome : {CheckOutcome::accepted, CheckOutcome::refused_rst}) {
    for (auto sender : {std::string_view("192.0.2.1"), evidence::kProberV4}) {
      auto address = Address("192.0.2.10").rejected(3, 1, sender, 3s).control(443, outcome);
      expect_not(Probe().saw(address), Cause::host_down);
    }
  }
  auto address = Address("192.0.2.10")
                     .silent()
                     .earlier(icmp(3, 1, "192.0.2.1"), 1min)
                     .control(443, CheckOutcome::accepted);
  expect_not(Probe().saw(address), Cause::host_down);
}

TEST(host_down, a_late_failure_is_refuted_by_another_port_that_answers) {
  expect_not(
      Probe().saw(
          Address("192.0.2.10").local_error(EHOSTUNREACH, 3s).control(443, CheckOutcome::accepted)),
      Cause::host_down);
}

TEST(host_down, refuted_by_a_router_that_did_not_look) {
  expect_not(Probe().saw(Address("192.0.2.10").rejected(3, 1, "192.0.2.1", 2ms)), Cause::host_down);
}

TEST(host_down, refuted_if_the_target_itself_says_so) {
  expect_not(Probe().saw(Address("192.0.2.10").rejected(3, 1, "192.0.2.10", 3s)), Cause::host_down);
}

}  // namespace
