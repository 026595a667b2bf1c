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

constexpr Expected kBlocked{Cause::client_blocked, Layer::client, Confidence::certain,
                            Stage::connect, Outcome::local_error};

TEST(client_blocked, connect_is_forbidden_at_once) {
  for (int error : {EPERM, EACCES}) {
    expect(Probe().saw(Address("192.0.2.10").local_error(error)), kBlocked);
  }
  EXPECT_TRUE(advises(Probe("h", 2222).saw(Address("192.0.2.10").local_error(EPERM)),
                      "outgoing TCP port 2222 to 192.0.2.10"));
}

TEST(client_blocked, the_rejection_comes_from_the_own_address) {
  for (int code : {2, 3, 9, 10, 13}) {
    auto address = Address("192.0.2.10").local_error(EHOSTUNREACH);
    address.result().seen.icmp = icmp(3, static_cast<std::uint8_t>(code), evidence::kProberV4);
    expect(Probe().saw(address), kBlocked);
  }
  for (int code : {1, 4, 5, 6}) {
    auto address =
        Address("2001:db8::10").rejected(1, static_cast<std::uint8_t>(code), evidence::kProberV6);
    expect(Probe().saw(address), {Cause::client_blocked, Layer::client, Confidence::certain,
                                  Stage::connect, Outcome::rejected_icmp});
    EXPECT_EQ(responder(Probe().saw(address)).substr(0, 20), "self 2001:db8:5::5 i");
  }
}

TEST(client_blocked, only_possible_if_the_host_answers_though_it_is_called_unreachable) {
  auto address = Address("192.0.2.10")
                     .rejected(3, 1, evidence::kProberV4)
                     .control(443, CheckOutcome::accepted);
  expect(Probe().saw(address), {Cause::client_blocked, Layer::client, Confidence::possible,
                                Stage::connect, Outcome::rejected_icmp});
}

TEST(client_blocked, only_possible_if_the_host_answers_though_no_way_is_known) {
  auto address = Address("192.0.2.10")
                     .rejected(3, 0, evidence::kProberV4)
                     .control(443, CheckOutcome::accepted);
  expect(Probe().saw(address), {Cause::client_blocked, Layer::client, Confidence::possible,
                                Stage::connect, Outcome::rejected_icmp});
}

TEST(client_blocked, less_sure_from_memory) {
  auto address = Address("192.0.2.10").silent().earlier(icmp(3, 3, evidence::kProberV4), 30s);
  expect(Probe().saw(address), {Cause::client_blocked, Layer::client, Confidence::likely,
                                Stage::connect, Outcome::timeout});
}

TEST(client_blocked, refuted_by_a_remote_sender) {
  // Over IPv6 a remote rule is "Permission denied" too.
  auto address = Address("2001:db8::10").local_error(EACCES);
  address.result().seen.icmp = icmp(1, 1, "2001:db8:1::1");
  expect_not(Probe().saw(address), Cause::client_blocked);
}

TEST(client_blocked, refuted_by_a_late_failure) {
  expect_not(Probe().saw(Address("2001:db8::10").local_error(EACCES, 2s)), Cause::client_blocked);
}

TEST(client_blocked, refuted_where_the_own_address_is_the_target) {
  auto address = Address("198.51.100.5").rejected(3, 3, "198.51.100.5");
  expect_not(Probe().saw(address), Cause::client_blocked);
}

}  // namespace
