#include "probe/rejection_memory.h"

#include <gtest/gtest.h>

#include "support/tcp_peer.h"

namespace probe {
namespace {

using namespace std::chrono_literals;
using base::SteadyTime;
using test_support::ip;

const SteadyTime kNow{std::chrono::hours(5)};

model::IcmpError rejection(std::uint8_t code) {
  return {base::IpFamily::ipv4, 3, code, ip("192.0.2.254")};
}

TEST(RejectionMemory, KnowsNothingAtFirst) {
  EXPECT_FALSE(RejectionMemory().explain_silence(ip("192.0.2.1"), 22, kNow));
}

TEST(RejectionMemory, TellsWhatWhenAndHowLong) {
  RejectionMemory memory;
  memory.remember(ip("192.0.2.1"), 22, rejection(13), 3ms, kNow);
  auto found = memory.explain_silence(ip("192.0.2.1"), 22, kNow + 5s);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->icmp, rejection(13));
  EXPECT_EQ(found->age, 5s);
  EXPECT_EQ(found->waited, 3ms);
}

TEST(RejectionMemory, AddressAndPortCount) {
  RejectionMemory memory;
  memory.remember(ip("192.0.2.1"), 22, rejection(13), 3ms, kNow);
  EXPECT_FALSE(memory.explain_silence(ip("192.0.2.1"), 23, kNow));
  EXPECT_FALSE(memory.explain_silence(ip("192.0.2.2"), 22, kNow));
  memory.forget(ip("192.0.2.1"), 23);
  memory.forget(ip("192.0.2.2"), 22);
  EXPECT_TRUE(memory.explain_silence(ip("192.0.2.1"), 22, kNow));
  memory.forget(ip("192.0.2.1"), 22);
  EXPECT_FALSE(memory.explain_silence(ip("192.0.2.1"), 22, kNow));
}

TEST(RejectionMemory, TheLastOneCounts) {
  RejectionMemory memory;
  memory.remember(ip("192.0.2.1"), 22, rejection(13), 3ms, kNow);
  memory.remember(ip("192.0.2.1"), 22, rejection(3), 4ms, kNow + 1s);
  EXPECT_EQ(memory.explain_silence(ip("192.0.2.1"), 22, kNow + 2s)->icmp, rejection(3));
}

TEST(RejectionMemory, Lifetime) {
  RejectionMemory memory;
  memory.remember(ip("192.0.2.1"), 22, rejection(13), 3ms, kNow);
  EXPECT_TRUE(memory.explain_silence(ip("192.0.2.1"), 22, kNow + RejectionMemory::kLifetime));
  EXPECT_FALSE(
      memory.explain_silence(ip("192.0.2.1"), 22, kNow + RejectionMemory::kLifetime + 1ns));
}

TEST(RejectionMemory, ManySilencesInARowAreNoLongerExplained) {
  RejectionMemory memory;
  memory.remember(ip("192.0.2.1"), 22, rejection(13), 3ms, kNow);
  for (int i = 0; i < RejectionMemory::kSilenceLimit; ++i) {
    EXPECT_TRUE(memory.explain_silence(ip("192.0.2.1"), 22, kNow)) << i;
  }
  EXPECT_FALSE(memory.explain_silence(ip("192.0.2.1"), 22, kNow));
}

TEST(RejectionMemory, ARejectionBetweenSilencesStartsTheCountAnew) {
  RejectionMemory memory;
  for (int i = 0; i < 2 * RejectionMemory::kSilenceLimit; ++i) {
    memory.remember(ip("192.0.2.1"), 22, rejection(13), 3ms, kNow);
    EXPECT_TRUE(memory.explain_silence(ip("192.0.2.1"), 22, kNow)) << i;
  }
}

TEST(RejectionMemory, OneTooManyDropsTheOldest) {
  RejectionMemory memory;
  auto address = [](std::size_t i) {
    return base::IpAddress::from_v4({htonl(static_cast<std::uint32_t>(0x0a000000 + i))});
  };
  const auto limit = RejectionMemory::kEntryLimit;
  for (std::size_t i = 0; i < limit; ++i) {
    memory.remember(address(i), 22, rejection(13), 0s, kNow + std::chrono::milliseconds(i));
  }
  const auto now = kNow + std::chrono::milliseconds(limit);
  EXPECT_TRUE(memory.explain_silence(address(0), 22, now));
  memory.remember(address(limit), 22, rejection(13), 0s, now);
  EXPECT_FALSE(memory.explain_silence(address(0), 22, now));
  EXPECT_TRUE(memory.explain_silence(address(1), 22, now));
  EXPECT_TRUE(memory.explain_silence(address(limit), 22, now));
}

}  // namespace
}  // namespace probe
