#include <cerrno>

#include "scenario/expect.h"

namespace {

using namespace scenario;              // NOLINT: the vocabulary of scenarios
using namespace std::chrono_literals;  // NOLINT
using model::Cause;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

constexpr Expected kNoRoute{Cause::client_no_route, Layer::client, Confidence::certain,
                            Stage::connect, Outcome::local_error};

TEST(client_no_route, connect_fails_at_once_without_an_icmp_error) {
  for (int error : {ENETUNREACH, EHOSTUNREACH, EINVAL, ENETDOWN, EAFNOSUPPORT}) {
    auto probe = Probe().saw(Address("192.0.2.10").local_error(error));
    expect(probe, kNoRoute);
    EXPECT_EQ(responder(probe), "");
  }
  auto probe = Probe().saw(Address("192.0.2.10").local_error(ENETUNREACH));
  EXPECT_TRUE(says(probe, "Network is unreachable (ENETUNREACH)"));
  EXPECT_TRUE(advises(probe, "ip route get 192.0.2.10"));
}

TEST(client_no_route, a_link_local_address_needs_its_interface) {
  auto probe = Probe("fe80::1").saw(Address("fe80::1").local_error(EINVAL));
  expect(probe, kNoRoute);
  EXPECT_TRUE(advises(probe, "fe80::1%"));
}

TEST(client_no_route, only_possible_if_the_kernel_says_so_by_icmp) {
  auto probe = Probe().saw(Address("192.0.2.10").rejected(3, 0, evidence::kProberV4));
  expect(probe, {Cause::client_no_route, Layer::client, Confidence::possible, Stage::connect,
                 Outcome::rejected_icmp});
  EXPECT_EQ(responder(probe), "self 198.51.100.5 icmp_3_0");
}

TEST(client_no_route, refuted_by_an_icmp_error_from_the_network) {
  auto address = Address("192.0.2.10").local_error(EHOSTUNREACH);
  address.result().seen.icmp = icmp(3, 1, "203.0.113.1");
  expect_not(Probe().saw(address), Cause::client_no_route);
}

TEST(client_no_route, refuted_by_a_late_failure) {
  expect_not(Probe().saw(Address("192.0.2.10").local_error(EHOSTUNREACH, 3s)),
             Cause::client_no_route);
  expect_not(Probe().saw(Address("192.0.2.10").local_error(ENETUNREACH, 1s)),
             Cause::client_no_route);
}

}  // namespace
