// Everything that is published, at one moment; immutable, swapped whole. Readers hold a shared_ptr
// and never wait for whoever makes the next one.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "model/cause.h"
#include "model/diagnosis.h"
#include "model/host_report.h"
#include "model/probe_result.h"
#include "model/target.h"

namespace model {

// Cumulative counts by upper bound in seconds, as Prometheus histograms want them.
class Histogram {
 public:
  static constexpr std::size_t kBucketLimit = 16;

  explicit Histogram(std::span<const double> bounds) : bounds_(bounds) {}
  void observe(double seconds) {
    std::size_t i = 0;
    while (i < bounds_.size() && seconds > bounds_[i]) ++i;
    ++counts_.at(i);
    sum_ += seconds;
  }
  // Ascending, without +Inf; at most kBucketLimit - 1.
  [[nodiscard]] std::span<const double> bounds() const { return bounds_; }
  // Observations in bucket i alone, not cumulative; i == bounds().size() is +Inf.
  [[nodiscard]] std::uint64_t count(std::size_t i) const { return counts_.at(i); }
  [[nodiscard]] double sum() const { return sum_; }

 private:
  std::span<const double> bounds_;
  std::array<std::uint64_t, kBucketLimit> counts_{};
  double sum_ = 0;
};

// From a loopback answer to the longest timeouts in use.
inline constexpr std::array<double, 14> kPhaseBounds{
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
inline constexpr std::array<double, 10> kLagBounds{0.001, 0.0025, 0.005, 0.01, 0.025,
                                                   0.05,  0.1,    0.25,  0.5,  1};

struct ProbeReport {
  ProbeResult result;
  Diagnosis diagnosis;
};

// One target with its history; replaced whole when a probe completes.
struct TargetState {
  std::shared_ptr<const Target> target;     // never null
  std::shared_ptr<const ProbeReport> last;  // null before the first probe has completed
  std::uint64_t probes = 0;                 // completed since start
  std::vector<std::pair<Cause, std::uint64_t>> failures;  // causes seen so far, by first appearance
};

struct FleetState {
  Histogram resolve{kPhaseBounds};
  Histogram connect{kPhaseBounds};
  Histogram banner{kPhaseBounds};
  Histogram kexinit{kPhaseBounds};
  Histogram scheduler_lag{kLagBounds};
  std::uint64_t probes_in_flight = 0;

  Histogram& phase(Stage stage);
  [[nodiscard]] const Histogram& phase(Stage stage) const;
};

struct ReloadState {
  bool successful = true;
  base::WallTime last_success;
};

struct Snapshot {
  std::vector<std::shared_ptr<const TargetState>> targets;  // in configuration order
  FleetState fleet;
  ReloadState reload;
  std::shared_ptr<const HostReport> host;  // null if this host is not watched, or not yet looked at
};

}  // namespace model
