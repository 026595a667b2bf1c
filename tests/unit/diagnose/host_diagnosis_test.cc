#include "diagnose/host_diagnosis.h"

#include <gtest/gtest.h>

#include "diagnose/diagnose.h"
#include "support/evidence.h"
#include "support/host_evidence.h"

namespace diagnose {
namespace {

using evidence::Address;
using evidence::endpoint;
using evidence::Host;
using evidence::ip;
using evidence::Probe;
using model::Cause;
using model::Confidence;
using model::Outcome;
using model::Stage;

model::Diagnosis refined(const Probe& probe, const Host& host) {
  return refine(diagnose(probe.target(), probe.result()), probe.target(), probe.result(),
                host.report());
}

Address own() { return Address("192.0.2.10"); }

TEST(host_diagnosis, a_host_is_its_own_by_its_addresses) {
  const auto report = Host::debian_12().report();
  EXPECT_TRUE(is_own_host(Probe().saw(own()).result(), &report));
  EXPECT_TRUE(is_own_host(Probe().saw(own()).saw(Address("2001:db8::10")).result(), &report));
  EXPECT_FALSE(is_own_host(Probe().saw(own()).saw(Address("192.0.2.11")).result(), &report));
  EXPECT_FALSE(is_own_host(Probe().result(), &report));
  EXPECT_FALSE(is_own_host(Probe().saw(own()).result(), nullptr));
  EXPECT_TRUE(is_own_host(Probe().saw(Address("127.0.0.1")).result(), nullptr));
  auto address = own();
  address.result().seen.local_address = ip("192.0.2.10");
  EXPECT_TRUE(is_own_host(Probe().saw(address).result(), nullptr));
}

TEST(host_diagnosis, a_finer_cause_where_both_fit) {
  struct Row {
    Address seen;
    Host host;
    Cause cause;
  };
  auto stopped_process = Host::debian_12();
  stopped_process.server().state = 'T';
  auto no_directory = Host::debian_13();
  no_directory.processes.runtime_directory->present = false;
  const std::vector<Row> rows{
      {own().refused(), Host::debian_12().stopped(), Cause::sshd_not_running},
      {own().refused(), Host::debian_12().masked(), Cause::sshd_disabled},
      {own().ended(Stage::banner, Outcome::timeout), stopped_process, Cause::sshd_hung},
      {own().silent(), Host::debian_12().queue("0.0.0.0", 129), Cause::accept_queue_full},
      {own().ended(Stage::banner, Outcome::closed), Host::debian_12().deny({"ALL"}),
       Cause::tcp_wrappers_denied},
      {own().ended(Stage::banner, Outcome::timeout), Host::debian_12().deny({"ALL"}),
       Cause::tcp_wrappers_denied},
      {own().ended(Stage::kexinit, Outcome::reset), no_directory, Cause::sshd_runtime_dir_missing},
      {own().ended(Stage::banner, Outcome::turned_away).said("Not allowed at this time"),
       Host::debian_13().startups(100), Cause::max_startups},
      {own().ended(Stage::banner, Outcome::closed),
       Host::debian_12().socket_activated().check(model::ConfigProblem::configuration, "Bad"),
       Cause::sshd_config_invalid},
  };
  for (const auto& row : rows) {
    const auto probe = Probe().saw(row.seen);
    const auto diagnosis = refined(probe, row.host);
    EXPECT_EQ(model::info(diagnosis.cause).name, model::info(row.cause).name);
    EXPECT_EQ(diagnosis.addresses.front().cause, row.cause);
    EXPECT_EQ(diagnosis.confidence, Confidence::certain);
    EXPECT_FALSE(diagnosis.success);
    EXPECT_FALSE(diagnosis.fix.empty());
  }
}

TEST(host_diagnosis, the_probes_own_where_they_do_not_fit) {
  auto stopped_process = Host::debian_12();
  stopped_process.server().state = 'T';
  for (const auto& [seen, host] :
       {std::pair(own().silent(), Host::debian_12().stopped()),
        std::pair(own().refused(), stopped_process), std::pair(own().refused(), Host::debian_12()),
        std::pair(own().rejected(3, 3, "192.0.2.10"), Host::debian_12().stopped())}) {
    const auto probe = Probe().saw(seen);
    const auto before = diagnose(probe.target(), probe.result());
    const auto after = refined(probe, host);
    EXPECT_EQ(after.cause, before.cause);
    EXPECT_EQ(after.confidence, before.confidence);
    EXPECT_EQ(after.fix, before.fix);
    EXPECT_NE(after.evidence.back().find("does not explain what the probe saw"), std::string::npos);
  }
}

TEST(host_diagnosis, of_the_port_and_address_that_were_probed) {
  const auto other_port = Probe("192.0.2.10", 2222).saw(own().refused());
  EXPECT_EQ(refined(other_port, Host::debian_12()).cause, Cause::wrong_port);
  // A program on its port that is not to be sshd's leaves what was seen.
  const auto web = Probe("192.0.2.10", 80).saw(own().ended(Stage::banner, Outcome::not_ssh));
  EXPECT_EQ(refined(web, Host::debian_12().bound_by("nginx", "0.0.0.0", 80)).cause, Cause::not_ssh);
  auto v4_only = Host::debian_12().asks_for({endpoint("0.0.0.0")});
  v4_only.not_bound().bound("0.0.0.0");
  const auto both = Probe().saw(own().reached()).saw(Address("2001:db8::10").refused());
  const auto diagnosis = refined(both, v4_only);
  EXPECT_EQ(diagnosis.decided_by, 1U);
  EXPECT_EQ(diagnosis.cause, Cause::address_family);
  EXPECT_EQ(diagnosis.addresses.at(1).cause, Cause::address_family);
  EXPECT_EQ(diagnosis.addresses.at(0).cause, Cause::none);
}

TEST(host_diagnosis, success_stays_untouched) {
  const auto probe = Probe().saw(own().reached());
  const auto before = diagnose(probe.target(), probe.result());
  const auto after = refined(probe, Host::debian_12().stopped());
  EXPECT_TRUE(after.success);
  EXPECT_EQ(after.evidence, before.evidence);
}

TEST(host_diagnosis, what_the_probe_knows_best_stays) {
  const auto bogus = Probe("www.example.net").saw(Address("127.0.0.1").refused());
  ASSERT_EQ(diagnose(bogus.target(), bogus.result()).cause, Cause::dns_bogus_address);
  EXPECT_EQ(refined(bogus, Host::debian_12().stopped()).cause, Cause::dns_bogus_address);
  const auto full =
      Probe().saw(own().ended(Stage::banner, Outcome::turned_away).said("Exceeded MaxStartups"));
  ASSERT_EQ(diagnose(full.target(), full.result()).confidence, Confidence::certain);
  auto denied = Host::debian_12().deny({"ALL"});
  EXPECT_EQ(refined(full, denied).cause, Cause::max_startups);
}

TEST(host_diagnosis, no_address_to_speak_of) {
  const auto probe = Probe().resolve_failure(Outcome::dns_not_found, "no such name");
  EXPECT_EQ(refined(probe, Host::debian_12()).cause, Cause::dns_not_found);
}

TEST(host_diagnosis, conclude_fills_in_what_follows) {
  auto report = Host::debian_12().stopped().report();
  conclude(report);
  EXPECT_EQ(report.diagnosis.cause, Cause::sshd_not_running);
  EXPECT_FALSE(report.bindings.up);
  EXPECT_EQ(report.bindings.missing.size(), 2U);
}

}  // namespace
}  // namespace diagnose
