#include "scenario/expect.h"

namespace {

using namespace scenario;              // NOLINT: the vocabulary of scenarios
using namespace std::chrono_literals;  // NOLINT
using model::Cause;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

Expected denied(Outcome outcome) {
  return {Cause::tcp_wrappers_denied, Layer::access_policy, Confidence::likely, Stage::banner,
          outcome};
}

TEST(tcp_wrappers_denied, closed_after_five_seconds_without_a_byte) {
  for (auto waited : {4900ms, 5000ms, 5010ms, 5600ms}) {
    auto probe = Probe().saw(Address("192.0.2.10").ended(Stage::banner, Outcome::closed, waited));
    expect(probe, denied(Outcome::closed));
    EXPECT_EQ(responder(probe), "");
    EXPECT_TRUE(advises(probe, "/etc/hosts.allow"));
  }
}

TEST(tcp_wrappers_denied, a_reset_where_the_prober_had_spoken_first) {
  expect(Probe().saw(Address("192.0.2.10").ended(Stage::banner, Outcome::reset, 5s)),
         denied(Outcome::reset));
}

TEST(tcp_wrappers_denied, refuted_by_another_time) {
  for (auto waited : {1ms, 4899ms, 5601ms, 10000ms}) {
    expect_not(Probe().saw(Address("192.0.2.10").ended(Stage::banner, Outcome::closed, waited)),
               Cause::tcp_wrappers_denied);
  }
}

TEST(tcp_wrappers_denied, refuted_by_a_byte) {
  auto ended = Address("192.0.2.10").ended(Stage::banner, Outcome::closed, 5s);
  expect_not(Probe().saw(Address(ended).bytes(1)), Cause::tcp_wrappers_denied);
  expect_not(Probe().saw(Address(ended).said("bye")), Cause::tcp_wrappers_denied);
}

TEST(tcp_wrappers_denied, refuted_by_a_connection_that_stays) {
  expect_not(Probe().saw(Address("192.0.2.10").ended(Stage::banner, Outcome::timeout, 5s)),
             Cause::tcp_wrappers_denied);
}

constexpr ExpectedHost kDenied{Cause::tcp_wrappers_denied, Layer::access_policy,
                               Confidence::certain};

TEST(tcp_wrappers_denied, hosts_deny_of_this_host) {
  for (const auto& host : {Host::debian_12(), Host::debian_13()}) {
    expect(Host(host).deny({"ALL"}), kDenied, {"/etc/hosts.deny:1 denies everybody: 'ALL'."});
  }
  EXPECT_TRUE(advises(Host::debian_12().deny({"ALL"}), "/etc/hosts.allow"));
}

TEST(tcp_wrappers_denied, one_source) {
  auto host = Host::debian_12().deny({"198.51.100.7"});
  expect_not(host, Cause::tcp_wrappers_denied);
  expect(host, kDenied, {"denies 198.51.100.7"}, asking("198.51.100.7"));
  expect_not(host, Cause::tcp_wrappers_denied, asking("198.51.100.8"));
}

TEST(tcp_wrappers_denied, dropbear_does_not_ask) {
  expect_not(Host::debian_12().dropbear().deny({"ALL"}), Cause::tcp_wrappers_denied);
}

TEST(tcp_wrappers_denied, what_is_allowed_first_is_allowed) {
  auto host = Host::debian_12().deny({"ALL"}).allow({"10.77."});
  // Nobody is asked for: that some are let in and others not is meant so.
  expect(host, {Cause::none, Layer::none, Confidence::possible}, {"do not let everybody in"});
  expect(host, kDenied, {}, asking("192.0.2.77"));
  expect(host, {Cause::none, Layer::none, Confidence::likely}, {}, asking("10.77.1.2"));
}

TEST(tcp_wrappers_denied, names_cannot_be_decided) {
  auto host = Host::debian_12().deny({".example.net"});
  expect(host, {Cause::none, Layer::none, Confidence::possible}, {"do not let everybody in"});
}

TEST(tcp_wrappers_denied, refuted_where_sshd_does_not_ask) {
  expect(Host::debian_12().deny({"ALL"}, false), {Cause::none, Layer::none, Confidence::likely});
  auto unknown = Host::debian_12().deny({"ALL"});
  unknown.processes.libwrap.reset();
  expect(unknown, {Cause::none, Layer::none, Confidence::possible});
  expect_not(Host::debian_12().deny({"ALL"}).stale("processes"), Cause::tcp_wrappers_denied);
}

}  // namespace
