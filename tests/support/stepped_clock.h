// A clock that moves only when the test says so; it may be read from any thread.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace test_support {

class SteppedClock final : public base::Clock {
 public:
  [[nodiscard]] base::SteadyTime steady() const override {
    return base::SteadyTime(std::chrono::hours(1) + base::Duration(passed_.load()));
  }
  [[nodiscard]] base::WallTime wall() const override {
    return base::WallTime(
        std::chrono::hours(1'000'000) +
        std::chrono::duration_cast<base::WallTime::duration>(base::Duration(passed_.load())));
  }
  void advance(base::Duration step) { passed_ += step.count(); }

 private:
  std::atomic<base::Duration::rep> passed_{0};
};

}  // namespace test_support
