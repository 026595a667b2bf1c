#include "probe/pacer.h"

#include <gtest/gtest.h>

#include "support/tcp_peer.h"

namespace probe {
namespace {

using namespace std::chrono_literals;
using base::SteadyTime;
using test_support::ip;

const SteadyTime kNow{std::chrono::hours(5)};

TEST(Pacer, AFreshAddressMayStartAtOnce) {
  Pacer pacer;
  EXPECT_EQ(pacer.reserve(ip("192.0.2.1"), kNow, kNow), kNow);
}

TEST(Pacer, OneConnectionPerGap) {
  Pacer pacer;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(pacer.reserve(ip("192.0.2.1"), kNow, kNow + 10s), kNow + i * Pacer::kGap);
  }
}

TEST(Pacer, AddressesDoNotShare) {
  Pacer pacer;
  for (const char* address : {"192.0.2.1", "192.0.2.2", "::1"}) {
    EXPECT_EQ(pacer.reserve(ip(address), kNow, kNow), kNow) << address;
  }
  EXPECT_FALSE(pacer.reserve(ip("::ffff:192.0.2.1"), kNow, kNow)) << "another spelling";
}

TEST(Pacer, TheLatestTimeIsStillGood) {
  Pacer pacer;
  pacer.reserve(ip("192.0.2.1"), kNow, kNow);
  EXPECT_EQ(pacer.reserve(ip("192.0.2.1"), kNow, kNow + Pacer::kGap - 1ns), std::nullopt);
  EXPECT_EQ(pacer.reserve(ip("192.0.2.1"), kNow, kNow + Pacer::kGap), kNow + Pacer::kGap);
}

TEST(Pacer, ARefusedReservationTakesNothing) {
  Pacer pacer;
  EXPECT_EQ(pacer.reserve(ip("192.0.2.1"), kNow, kNow - 1ns), std::nullopt);
  pacer.reserve(ip("192.0.2.1"), kNow, kNow);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(pacer.reserve(ip("192.0.2.1"), kNow, kNow));
  EXPECT_EQ(pacer.reserve(ip("192.0.2.1"), kNow, kNow + 5s), kNow + Pacer::kGap);
}

TEST(Pacer, TheGapIsOverAfterASecond) {
  Pacer pacer;
  pacer.reserve(ip("192.0.2.1"), kNow, kNow);
  const auto early = kNow + Pacer::kGap - 1ns;
  EXPECT_EQ(pacer.reserve(ip("192.0.2.1"), early, early), std::nullopt);
  EXPECT_EQ(pacer.reserve(ip("192.0.2.1"), kNow + Pacer::kGap, kNow + Pacer::kGap),
            kNow + Pacer::kGap);
}

TEST(Pacer, ForgettingPastAddressesKeepsThoseThatStillWait) {
  Pacer pacer;
  const auto waiting = ip("192.0.2.1");
  auto reserve_many = [&](std::uint8_t block, SteadyTime now) {
    for (unsigned i = 0; i < 2000; ++i) {
      in_addr raw{htonl((10U << 24) | (unsigned{block} << 16) | i)};
      EXPECT_EQ(pacer.reserve(base::IpAddress::from_v4(raw), now, now), now);
    }
  };
  reserve_many(1, kNow);
  const auto later = kNow + 1min;
  pacer.reserve(waiting, later, later);
  reserve_many(2, later);
  reserve_many(3, later);
  EXPECT_EQ(pacer.reserve(waiting, later, later + 5s), later + Pacer::kGap);
}

}  // namespace
}  // namespace probe
