#include <cerrno>

#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

void expect_unknown(const Address& address) {
  auto probe = Probe().saw(address);
  expect(probe, {Cause::unknown, Layer::unknown, Confidence::possible, address.result().seen.stage,
                 address.result().seen.outcome});
  EXPECT_TRUE(advises(probe, "diagnose bastion.example.net:22"));
}

TEST(unknown, an_ending_that_cannot_be) {
  expect_unknown(Address("192.0.2.10").ended(Stage::banner, Outcome::ok));
  expect_unknown(Address("192.0.2.10").ended(Stage::done, Outcome::timeout));
  expect_unknown(Address("192.0.2.10").ended(Stage::resolve, Outcome::dns_failed));
  expect_unknown(Address("192.0.2.10").ended(Stage::connect, Outcome::turned_away));
  EXPECT_TRUE(says(Probe().saw(Address("192.0.2.10").ended(Stage::banner, Outcome::ok)),
                   "Stage banner cannot end with ok."));
}

TEST(unknown, an_icmp_outcome_without_or_with_the_wrong_message) {
  expect_unknown(Address("192.0.2.10").ended(Stage::connect, Outcome::rejected_icmp));
  expect_unknown(Address("192.0.2.10").rejected(1, 1, "2001:db8::1"));
}

TEST(unknown, an_icmp_error_that_ends_no_connection_attempt) {
  expect_unknown(Address("192.0.2.10").rejected(3, 4, "203.0.113.1"));
  expect_unknown(Address("192.0.2.10").rejected(12, 0, "203.0.113.1"));
  expect_unknown(Address("192.0.2.10").rejected(11, 0, evidence::kProberV4));
  expect_unknown(Address("2001:db8::10").rejected(2, 0, "2001:db8::1"));
  EXPECT_TRUE(says(Probe().saw(Address("192.0.2.10").rejected(3, 4, "203.0.113.1")),
                   "should not end a connection attempt"));
}

TEST(unknown, a_rejection_by_nobody) {
  expect_unknown(Address("192.0.2.10").rejected(3, 3, "0.0.0.0"));
  EXPECT_EQ(responder(Probe().saw(Address("192.0.2.10").rejected(3, 3, "0.0.0.0"))),
            "unknown 0.0.0.0 icmp_3_3");
}

TEST(unknown, a_local_error_that_fits_nothing) {
  expect_unknown(Address("192.0.2.10").local_error(EIO));
  expect_unknown(Address("192.0.2.10").local_error(0));
  EXPECT_TRUE(says(Probe().saw(Address("192.0.2.10").local_error(EIO)),
                   "fits neither its routes, its rules nor its resources"));
  EXPECT_TRUE(says(Probe().saw(Address("192.0.2.10").local_error(123456)), "error 123456"));
}

TEST(unknown, a_probe_without_an_address_and_without_a_reason) {
  expect(Probe(), {Cause::unknown, Layer::unknown, Confidence::possible, Stage::resolve,
                   Outcome::dns_failed});
}

TEST(unknown, gives_way_to_an_address_that_is_understood) {
  auto probe = Probe()
                   .saw(Address("192.0.2.10").ended(Stage::done, Outcome::timeout))
                   .saw(Address("192.0.2.11").silent());
  expect(probe, {Cause::no_answer, Layer::network, Confidence::possible, Stage::connect,
                 Outcome::timeout});
  EXPECT_TRUE(says(probe, "its evidence alone is conclusive"));
}

TEST(unknown, too_little_of_the_host_is_seen) {
  const ExpectedHost unknown{Cause::unknown, Layer::unknown, Confidence::possible};
  expect(Host::debian_12().missing("listeners"), unknown, {"What is listened on is not known."});
  auto nothing = Host::debian_12();
  for (auto collector : {"systemd", "listeners", "configuration", "processes", "log", "kernel"}) {
    nothing.missing(collector);
  }
  expect(nothing, unknown, {"systemd could not be asked."});
}

TEST(unknown, a_unit_that_runs_where_nothing_listens) {
  auto host = Host::debian_12();
  host.processes.servers.clear();
  expect(host.not_bound(), {Cause::unknown, Layer::unknown, Confidence::possible},
         {"ssh.service is active (running)"});
}

}  // namespace
