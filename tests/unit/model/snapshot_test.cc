#include "model/snapshot.h"

#include <gtest/gtest.h>

#include <limits>

namespace model {
namespace {

TEST(snapshot, histogram_counts_up_to_and_including_its_bounds) {
  constexpr std::array kBounds{1.0, 2.0};
  Histogram histogram(kBounds);
  for (double seconds : {0.0, 1.0, 1.5, 2.0, 2.5, std::numeric_limits<double>::infinity()}) {
    histogram.observe(seconds);
  }
  EXPECT_EQ(histogram.count(0), 2U);
  EXPECT_EQ(histogram.count(1), 2U);
  EXPECT_EQ(histogram.count(2), 2U);
}

TEST(snapshot, histogram_sums) {
  Histogram histogram(kLagBounds);
  histogram.observe(0.25);
  histogram.observe(0.5);
  EXPECT_DOUBLE_EQ(histogram.sum(), 0.75);
}

TEST(snapshot, bounds_fit_and_ascend) {
  static_assert(kPhaseBounds.size() < Histogram::kBucketLimit);
  static_assert(kLagBounds.size() < Histogram::kBucketLimit);
  for (std::size_t i = 1; i < kPhaseBounds.size(); ++i) {
    EXPECT_LT(kPhaseBounds[i - 1], kPhaseBounds[i]);
  }
  for (std::size_t i = 1; i < kLagBounds.size(); ++i) EXPECT_LT(kLagBounds[i - 1], kLagBounds[i]);
}

TEST(snapshot, every_phase_has_its_own_histogram) {
  FleetState fleet;
  for (auto stage : {Stage::resolve, Stage::connect, Stage::banner, Stage::kexinit}) {
    fleet.phase(stage).observe(1);
  }
  const FleetState& read = fleet;
  for (auto stage : {Stage::resolve, Stage::connect, Stage::banner, Stage::kexinit}) {
    EXPECT_DOUBLE_EQ(read.phase(stage).sum(), 1);
  }
}

}  // namespace
}  // namespace model
