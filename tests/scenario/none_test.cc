#include "scenario/expect.h"

namespace {

using namespace scenario;              // NOLINT: the vocabulary of scenarios
using namespace std::chrono_literals;  // NOLINT
using model::Cause;
using model::Confidence;
using model::Layer;
using model::LogEvent;
using model::Outcome;
using model::Stage;

constexpr Expected kFine{Cause::none, Layer::none, Confidence::certain, Stage::done, Outcome::ok};

TEST(none, every_address_was_reached) {
  expect(Probe().saw(Address("192.0.2.10").reached()), kFine);
  auto both = Probe().saw(Address("192.0.2.10").reached()).saw(Address("2001:db8::10").reached());
  expect(both, kFine);
  EXPECT_EQ(scenario::diagnose(both).decided_by, 0U);
  EXPECT_EQ(responder(both), "");
  EXPECT_TRUE(says(both, "192.0.2.10 and 1 more reached depth kexinit."));
}

TEST(none, skipped_addresses_do_not_spoil_success) {
  auto probe = Probe()
                   .saw(Address("192.0.2.10").reached())
                   .skipped("2001:db8::10", model::SkipReason::no_route)
                   .skipped("192.0.2.99", model::SkipReason::over_limit);
  expect(probe, kFine);
  EXPECT_TRUE(says(probe, "no route for the address family: 2001:db8::10"));
  EXPECT_TRUE(says(probe, "too many addresses: 1 more"));
}

TEST(none, a_bogus_address_that_works_is_only_noted) {
  auto probe = Probe().saw(Address("127.0.0.1").reached());
  expect(probe, kFine);
  EXPECT_TRUE(says(probe, "cannot be a remote host's"));
  EXPECT_TRUE(never_says(Probe().saw(Address("127.0.0.1").reached()).local_name(), "cannot be"));
  EXPECT_TRUE(never_says(Probe("127.0.0.1").saw(Address("127.0.0.1").reached()), "cannot be"));
}

TEST(none, refuted_by_a_single_failing_address) {
  expect_not(Probe().saw(Address("192.0.2.10").reached()).saw(Address("192.0.2.11").silent()),
             Cause::none);
}

TEST(none, refuted_by_an_early_stage) {
  expect_not(Probe().saw(Address("192.0.2.10").ended(Stage::banner, Outcome::ok)), Cause::none);
  expect_not(Probe(), Cause::none);
}

constexpr ExpectedHost kServes{Cause::none, Layer::none, Confidence::likely};

TEST(none, a_host_in_good_health) {
  for (const auto& host :
       {Host::debian_12(), Host::debian_13(), Host::debian_12().socket_activated(),
        Host::debian_13().socket_activated().connected(), Host::debian_12().dropbear()}) {
    expect(host, kServes, {"SSH listens on", "if the firewall lets it through"});
  }
}

TEST(none, an_sshd_without_systemd) {
  auto host = Host::debian_12().without_systemd();
  host.server().unit.clear();
  expect(host, kServes, {"no systemd"});
  // The first process of a container.
  host.server().pid = 1;
  for (auto& listener : host.listeners.listeners) listener.owner->pid = 1;
  expect(host, kServes);
}

TEST(none, less_certain_with_each_part_that_is_not_known) {
  for (auto collector : {"systemd", "listeners", "configuration", "processes", "kernel"}) {
    for (const auto& host :
         {Host::debian_12().stale(collector), Host::debian_12().missing(collector)}) {
      const auto diagnosis = scenario::diagnose(host);
      EXPECT_EQ(diagnosis.confidence, Confidence::possible) << collector;
      EXPECT_TRUE(diagnosis.cause == Cause::none || diagnosis.cause == Cause::unknown) << collector;
    }
  }
  expect(Host::debian_12().hidden_owners(), {Cause::none, Layer::none, Confidence::possible});
  expect(Host::debian_12().missing("log").missing("guards"), kServes);
}

TEST(none, names_who_may_ban) {
  auto host = Host::debian_12();
  host.guards.running = {"fail2ban"};
  expect(host, kServes, {"fail2ban runs here"});
}

TEST(none, a_second_server_that_failed_is_a_doubt) {
  auto host = Host::debian_12();
  auto& other = host.unit("sshd-admin.service");
  other.active_state = "failed";
  other.unit_file_state = "enabled";
  expect(host, {Cause::none, Layer::none, Confidence::possible});
  other.unit_file_state = "disabled";
  expect(host, kServes);
}

TEST(none, an_inactive_socket_beside_a_service_that_runs) {
  auto host = Host::debian_12();
  host.socket().unit_file_state = "enabled";
  expect(host, kServes);
}

TEST(none, old_lines_and_reloads) {
  auto host = Host::debian_12().log(
      LogEvent::bind_failed, "Bind to port 22 on 0.0.0.0 failed: Address already in use.", 2h);
  expect(host, kServes);
  host.service().active_state = "reloading";
  expect(host, kServes);
}

}  // namespace
