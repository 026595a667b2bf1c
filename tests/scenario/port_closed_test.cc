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

constexpr Expected kClosed{Cause::port_closed, Layer::service, Confidence::possible, Stage::connect,
                           Outcome::refused_rst};

TEST(port_closed, a_reset_and_nothing_finer) {
  auto address = Address("192.0.2.10")
                     .refused(1210us)
                     .control(443, CheckOutcome::accepted)
                     .control(80, CheckOutcome::skipped)
                     .alternative(2222, CheckOutcome::refused_rst);
  auto probe = Probe().saw(address);
  expect(probe, kClosed);
  EXPECT_EQ(responder(probe), "target 192.0.2.10 rst");
  EXPECT_TRUE(says(probe, "bastion.example.net resolves to 192.0.2.10 (in 12 ms)."));
  EXPECT_TRUE(says(probe, "192.0.2.10:22 refused the connection with a TCP reset after 1 ms."));
  EXPECT_TRUE(says(probe, "443 accepts, 80 was not tried (no time left)."));
  EXPECT_TRUE(says(probe, "A reset does not tell a port without a listener from a firewall rule"));
  EXPECT_TRUE(advises(probe, "systemctl status ssh"));
}

TEST(port_closed, a_literal_needs_no_resolver) {
  auto probe = Probe("2001:db8::10").saw(Address("2001:db8::10").refused());
  expect(probe, kClosed);
  EXPECT_TRUE(says(probe, "[2001:db8::10]:22 refused"));
  EXPECT_TRUE(never_says(probe, "resolves"));
}

TEST(port_closed, an_open_alternative_port_without_ssh_proves_nothing) {
  expect(Probe().saw(Address("192.0.2.10").refused().alternative(2222, CheckOutcome::accepted)),
         kClosed);
}

TEST(port_closed, an_ssh_flag_without_a_connection_is_ignored) {
  expect(
      Probe().saw(Address("192.0.2.10").refused().alternative(2222, CheckOutcome::timeout, true)),
      kClosed);
  expect(Probe().saw(Address("192.0.2.10").refused().alternative(22, CheckOutcome::accepted, true)),
         kClosed);
}

TEST(port_closed, refuted_by_icmp_and_by_silence) {
  expect_not(Probe().saw(Address("192.0.2.10").rejected(3, 3, "192.0.2.10")), Cause::port_closed);
  expect_not(Probe().saw(Address("192.0.2.10").silent()), Cause::port_closed);
}

}  // namespace
