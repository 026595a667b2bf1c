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

Expected bogus(Stage stage, Outcome outcome) {
  return {Cause::dns_bogus_address, Layer::dns, Confidence::likely, stage, outcome};
}

TEST(dns_bogus_address, failing_at_an_address_that_is_no_remote_hosts) {
  for (auto address :
       {"127.0.0.1", "127.0.1.1", "0.0.0.0", "198.18.0.7", "198.19.255.255", "::1", "::"}) {
    auto probe = Probe().saw(Address(address).refused());
    expect(probe, bogus(Stage::connect, Outcome::refused_rst));
    EXPECT_TRUE(advises(probe, address));
  }
  expect(Probe().saw(Address("198.18.0.7").silent()), bogus(Stage::connect, Outcome::timeout));
  expect(Probe().saw(Address("198.18.0.7").local_error(ENETUNREACH)),
         bogus(Stage::connect, Outcome::local_error));
  expect(Probe().saw(Address("127.0.0.1").ended(Stage::banner, Outcome::closed)),
         bogus(Stage::banner, Outcome::closed));
}

TEST(dns_bogus_address, likely_even_if_a_rejection_is_only_remembered) {
  auto address = Address("198.18.0.7").silent().earlier(icmp(3, 13, "203.0.113.1"), 60s);
  expect(Probe().saw(address), bogus(Stage::connect, Outcome::timeout));
}

TEST(dns_bogus_address, decides_over_an_umbrella_at_another_address) {
  auto probe = Probe().saw(Address("192.0.2.10").silent()).saw(Address("127.0.0.1").refused());
  expect(probe, bogus(Stage::connect, Outcome::refused_rst));
  EXPECT_EQ(scenario::diagnose(probe).decided_by, 1U);
}

TEST(dns_bogus_address, refuted_by_success_a_literal_and_a_local_name) {
  expect_not(Probe().saw(Address("127.0.0.1").reached()), Cause::dns_bogus_address);
  expect_not(Probe("127.0.0.1").saw(Address("127.0.0.1").refused()), Cause::dns_bogus_address);
  expect_not(Probe("localhost").local_name().saw(Address("127.0.0.1").refused()),
             Cause::dns_bogus_address);
}

TEST(dns_bogus_address, refuted_by_an_address_that_a_host_can_have) {
  for (auto address : {"198.17.255.255", "198.20.0.0", "10.0.0.1", "100.64.0.1", "fd00::1"}) {
    expect_not(Probe().saw(Address(address).refused()), Cause::dns_bogus_address);
  }
}

TEST(dns_bogus_address, refuted_by_this_machines_own_limits) {
  expect_not(Probe().saw(Address("127.0.0.1").local_error(EMFILE)), Cause::dns_bogus_address);
}

}  // namespace
