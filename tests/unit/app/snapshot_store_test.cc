#include "app/snapshot_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/snapshots.h"

namespace app {
namespace {

std::vector<std::shared_ptr<const model::TargetState>> one_target() {
  return {test_support::reachable("a.example.net:22")};
}

TEST(SnapshotStoreTest, BeginsEmptyAndNeverNull) {
  const SnapshotStore store;
  ASSERT_NE(store.snapshot(), nullptr);
  EXPECT_TRUE(store.snapshot()->targets.empty());
  EXPECT_TRUE(store.snapshot()->reload.successful);
}

TEST(SnapshotStoreTest, PublishKeepsTheReload) {
  SnapshotStore store;
  store.set_reload({false, test_support::fixed_wall_time()});
  model::FleetState fleet;
  fleet.probes_in_flight = 7;
  store.publish(one_target(), fleet);
  const auto snapshot = store.snapshot();
  EXPECT_FALSE(snapshot->reload.successful);
  EXPECT_EQ(snapshot->reload.last_success, test_support::fixed_wall_time());
  EXPECT_EQ(snapshot->targets.size(), 1U);
  EXPECT_EQ(snapshot->fleet.probes_in_flight, 7U);
}

TEST(SnapshotStoreTest, SetReloadKeepsTheTargets) {
  SnapshotStore store;
  model::FleetState fleet;
  fleet.probes_in_flight = 7;
  const auto targets = one_target();
  store.publish(targets, fleet);
  store.set_reload({false, test_support::fixed_wall_time()});
  const auto snapshot = store.snapshot();
  ASSERT_EQ(snapshot->targets.size(), 1U);
  EXPECT_EQ(snapshot->targets[0], targets[0]);
  EXPECT_EQ(snapshot->fleet.probes_in_flight, 7U);
  EXPECT_FALSE(snapshot->reload.successful);
}

TEST(SnapshotStoreTest, WhatAReaderHoldsDoesNotChange) {
  SnapshotStore store;
  store.publish(one_target(), {});
  const auto held = store.snapshot();
  store.publish({}, {});
  store.set_reload({false, {}});
  EXPECT_EQ(held->targets.size(), 1U);
  EXPECT_TRUE(held->reload.successful);
  EXPECT_TRUE(store.snapshot()->targets.empty());
}

// Both writers and readers at once; the thread sanitizer watches. Whatever is read is whole: the
// counters of one writer never go back, whatever the other one does.
TEST(SnapshotStoreTest, ThreadsNeverSeeLessThanTheWhole) {
  SnapshotStore store;
  constexpr std::uint64_t kRounds = 2000;
  std::atomic<int> writers = 2;
  std::thread prober([&] {
    for (std::uint64_t round = 1; round <= kRounds; ++round) {
      model::FleetState fleet;
      fleet.probes_in_flight = round;
      store.publish(one_target(), fleet);
    }
    --writers;
  });
  std::thread reloader([&] {
    for (std::uint64_t round = 1; round <= kRounds; ++round) {
      store.set_reload({round % 2 == 0, base::WallTime(std::chrono::seconds(round))});
    }
    --writers;
  });
  const auto read = [&] {
    std::uint64_t published = 0;
    base::WallTime reloaded{};
    while (writers > 0) {
      const auto snapshot = store.snapshot();
      ASSERT_NE(snapshot, nullptr);
      ASSERT_EQ(snapshot->targets.empty(), snapshot->fleet.probes_in_flight == 0);
      ASSERT_GE(snapshot->fleet.probes_in_flight, published);
      ASSERT_GE(snapshot->reload.last_success, reloaded);
      published = snapshot->fleet.probes_in_flight;
      reloaded = snapshot->reload.last_success;
    }
  };
  std::thread reader(read);
  read();
  prober.join();
  reloader.join();
  reader.join();
  EXPECT_EQ(store.snapshot()->fleet.probes_in_flight, kRounds);
  EXPECT_EQ(store.snapshot()->reload.last_success, base::WallTime(std::chrono::seconds(kRounds)));
}

TEST(SnapshotStoreTest, ThePartsKeepEachOther) {
  SnapshotStore store;
  store.publish(one_target(), {});
  store.set_host(test_support::busy_host());
  EXPECT_EQ(store.snapshot()->targets.size(), 1U);
  store.publish({}, {});
  store.set_reload({false, test_support::fixed_wall_time()});
  ASSERT_TRUE(store.snapshot()->host);
  EXPECT_EQ(store.snapshot()->host->diagnosis.cause, model::Cause::port_conflict);
  store.set_host(nullptr);
  EXPECT_FALSE(store.snapshot()->host);
}

}  // namespace
}  // namespace app
