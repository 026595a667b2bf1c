#include "diagnose/case.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "support/evidence.h"

namespace diagnose {
namespace {

using evidence::Address;
using evidence::icmp;
using evidence::Probe;
using model::CheckOutcome;
using model::Outcome;
using model::ResponderRole;
using model::Stage;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// Owns what a Case refers to.
struct Held {
  explicit Held(const Address& address) : Held(Probe().saw(address)) {}
  explicit Held(Probe from) : probe(std::move(from)) {}
  Probe probe;
  Case c{probe.target(), probe.result(), probe.result().addresses.front()};
};

TEST(case, memory_of_a_rejection_has_an_end) {
  auto remembered = [](base::Duration age) {
    return Held(Address("192.0.2.10").silent().earlier(icmp(3, 13, "203.0.113.1"), age))
        .c.icmp_is_remembered;
  };
  EXPECT_TRUE(remembered(nanoseconds(0)));
  EXPECT_TRUE(remembered(kRejectionMemory));
  EXPECT_FALSE(remembered(kRejectionMemory + nanoseconds(1)));
  EXPECT_FALSE(remembered(nanoseconds(-1)));
}

TEST(case, memory_serves_silence_alone) {
  auto with = [](Address address) {
    return Held(address.earlier(icmp(3, 13, "203.0.113.1"), milliseconds(1))).c.icmp;
  };
  EXPECT_NE(with(Address("192.0.2.10").silent()), nullptr);
  EXPECT_EQ(with(Address("192.0.2.10").refused()), nullptr);
  EXPECT_EQ(with(Address("192.0.2.10").local_error(EPERM)), nullptr);
  EXPECT_EQ(with(Address("192.0.2.10").ended(Stage::banner, Outcome::timeout)), nullptr);
  EXPECT_EQ(with(Address("2001:db8::10").silent()), nullptr) << "other family";
}

TEST(case, an_error_of_this_connection_comes_before_memory) {
  Held held(Address("192.0.2.10")
                .rejected(3, 3, "192.0.2.10")
                .earlier(icmp(3, 13, "203.0.113.1"), milliseconds(1)));
  EXPECT_FALSE(held.c.icmp_is_remembered);
  EXPECT_EQ(held.c.sender_role(), ResponderRole::target);
}

TEST(case, at_once_means_within_a_round_trip) {
  auto at_once = [](base::Duration waited) {
    return Held(Address("192.0.2.10").rejected(3, 1, "192.0.2.1", waited)).c.rejected_at_once();
  };
  EXPECT_TRUE(at_once(kRoundTripLimit - nanoseconds(1)));
  EXPECT_FALSE(at_once(kRoundTripLimit));
  auto remembered = [](std::optional<base::Duration> waited) {
    return Held(Address("192.0.2.10")
                    .silent()
                    .earlier(icmp(3, 1, "192.0.2.1"), milliseconds(1), waited))
        .c.rejected_at_once();
  };
  EXPECT_TRUE(remembered(milliseconds(1)));
  EXPECT_FALSE(remembered(kRoundTripLimit));
  EXPECT_FALSE(remembered(std::nullopt));
  EXPECT_FALSE(Held(Address("192.0.2.10").silent()).c.rejected_at_once());
}

TEST(case, local_errors_are_immediate) {
  EXPECT_FALSE(
      Held(Address("192.0.2.10").local_error(EPERM, kLocalErrorLimit - nanoseconds(1))).c.late());
  EXPECT_TRUE(Held(Address("192.0.2.10").local_error(EPERM, kLocalErrorLimit)).c.late());
}

TEST(case, which_checks_prove_that_the_host_answers) {
  auto answers = [](CheckOutcome outcome) {
    return Held(Address("192.0.2.10").silent().control(443, outcome)).c.host_answers();
  };
  EXPECT_TRUE(answers(CheckOutcome::accepted));
  EXPECT_TRUE(answers(CheckOutcome::refused_rst));
  EXPECT_FALSE(answers(CheckOutcome::rejected_icmp)) << "sender not known";
  EXPECT_FALSE(answers(CheckOutcome::timeout));
  EXPECT_FALSE(answers(CheckOutcome::local_error));
  EXPECT_FALSE(answers(CheckOutcome::skipped));
  auto rejected_by = [](std::string_view sender) {
    return Held(Address("192.0.2.10").silent().control_rejected(443, icmp(3, 3, sender)))
        .c.host_answers();
  };
  EXPECT_TRUE(rejected_by("192.0.2.10"));
  EXPECT_FALSE(rejected_by("192.0.2.1"));
}

TEST(case, ssh_elsewhere_is_the_first_that_was_found) {
  Held held(Address("192.0.2.10")
                .refused()
                .alternative(22, CheckOutcome::accepted, true)
                .alternative(222, CheckOutcome::accepted)
                .alternative(2222, CheckOutcome::accepted, true)
                .alternative(22222, CheckOutcome::accepted, true));
  EXPECT_EQ(held.c.ssh_elsewhere(), 2222);
  EXPECT_EQ(Held(Address("192.0.2.10").refused()).c.ssh_elsewhere(), std::nullopt);
}

TEST(case, every_stage_has_its_endings) {
  int possible = 0;
  for (int stage = 0; stage <= static_cast<int>(Stage::done); ++stage) {
    for (int outcome = 0; outcome <= static_cast<int>(Outcome::ok); ++outcome) {
      Held held(
          Address("192.0.2.10").ended(static_cast<Stage>(stage), static_cast<Outcome>(outcome)));
      possible += held.c.possible_ending() ? 1 : 0;
    }
  }
  EXPECT_EQ(possible, 4 + 6 + 5 + 1);
}

TEST(case, addresses_that_no_remote_host_has) {
  for (auto text : {"127.0.0.1", "127.255.255.255", "0.0.0.0", "198.18.0.0", "198.19.255.255",
                    "::1", "::", "::ffff:198.18.0.1"}) {
    EXPECT_TRUE(cannot_be_a_remote_host(evidence::ip(text))) << text;
  }
  for (auto text : {"126.255.255.255", "128.0.0.0", "198.17.255.255", "198.20.0.0", "::2"}) {
    EXPECT_FALSE(cannot_be_a_remote_host(evidence::ip(text))) << text;
  }
}

}  // namespace
}  // namespace diagnose
