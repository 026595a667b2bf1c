#include "scenario/expect.h"

namespace {

using namespace scenario;              // NOLINT: the vocabulary of scenarios
using namespace std::chrono_literals;  // NOLINT
using model::Cause;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

Expected other(Confidence confidence, Outcome outcome = Outcome::not_ssh) {
  return {Cause::not_ssh, Layer::protocol, confidence, Stage::banner, outcome};
}

TEST(not_ssh, certain_if_the_protocol_is_recognised) {
  auto address = Address("192.0.2.10")
                     .ended(Stage::banner, Outcome::not_ssh)
                     .said("HTTP/1.1 400 Bad Request")
                     .other_protocol("HTTP");
  auto probe = Probe().saw(address);
  expect(probe, other(Confidence::certain));
  EXPECT_TRUE(says(probe, "It speaks 'HTTP'."));
  EXPECT_TRUE(says(probe, "It said 'HTTP/1.1 400 Bad Request'."));
  EXPECT_TRUE(advises(probe, "192.0.2.10:22"));
}

TEST(not_ssh, likely_if_it_is_not) {
  auto address = Address("192.0.2.10").ended(Stage::banner, Outcome::not_ssh).bytes(9000);
  address.result().seen.detail = "a line longer than 8192 bytes";
  expect(Probe().saw(address), other(Confidence::likely));
  EXPECT_TRUE(says(Probe().saw(address), "a line longer than 8192 bytes"));
}

TEST(not_ssh, a_malformed_identification_is_never_certain) {
  auto address = Address("192.0.2.10")
                     .ended(Stage::banner, Outcome::not_ssh)
                     .said("SSH-")
                     .other_protocol("HTTP");
  expect(Probe().saw(address), other(Confidence::likely));
}

TEST(not_ssh, possible_if_bytes_come_but_never_an_identification) {
  auto tarpit = Address("192.0.2.10").ended(Stage::banner, Outcome::timeout, 9s);
  expect(Probe().saw(Address(tarpit).bytes(9)), other(Confidence::possible, Outcome::timeout));
  expect(Probe().saw(Address(tarpit).said("x7fj2k")),
         other(Confidence::possible, Outcome::timeout));
  expect(Probe().saw(Address(tarpit).unfinished("hello")),
         other(Confidence::possible, Outcome::timeout));
  EXPECT_TRUE(says(Probe().saw(Address(tarpit).bytes(9)), "a tarpit"));
}

TEST(not_ssh, refuted_by_silence_and_by_an_old_version) {
  expect_not(Probe().saw(Address("192.0.2.10").ended(Stage::banner, Outcome::timeout)),
             Cause::not_ssh);
  expect_not(Probe().saw(Address("192.0.2.10").ended(Stage::banner, Outcome::unsupported_version)),
             Cause::not_ssh);
}

}  // namespace
