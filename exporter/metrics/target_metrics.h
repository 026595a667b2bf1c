// The table of the metrics of a probe: each row's name, help and how its samples come from a
// target's state. One row serves /metrics, /probe and the reference.
#pragma once

#include <span>
#include <string_view>

#include "metrics/exposition.h"
#include "metrics/page.h"
#include "metrics/samples.h"

namespace metrics {

// What most metrics of a target need, side by side. A page goes through all targets once for each
// metric: with ten thousand of them every pointer on the way would be a cache miss, a dozen times.
struct TargetView {
  explicit TargetView(const model::TargetState& state);

  const model::TargetState* state;
  const model::ProbeReport* report = nullptr;      // null before the first probe has completed
  const model::AddressResult* deciding = nullptr;  // the first if all addresses did; or null
  const model::ServerInfo* server = nullptr;       // of the deciding address
  model::PhaseTimes phases;                        // resolve, and the rest of the deciding address
  base::Duration duration{0};
  base::WallTime completed;
  model::Cause cause = model::Cause::unknown;
  model::Confidence confidence = model::Confidence::possible;
  model::Outcome outcome = model::Outcome::dns_failed;
  model::Stage stage = model::Stage::resolve;
  bool success = false;
  bool is_v4 = false;  // the deciding address
  bool has_several_addresses = false;
  bool has_responder = false;
  bool has_alternative_port = false;
  bool has_failures = false;
  std::uint64_t probes = 0;
};

struct TargetMetric {
  MetricSpec spec;
  void (*write)(const TargetView& target, Samples& samples);
};
std::span<const TargetMetric> target_metrics();

// All samples of all targets.
void write_targets(const model::Snapshot& snapshot, Exposition& page);
// All samples of one target, with its own labels but without `target`.
void write_probe(const model::TargetState& state, Exposition& page);

}  // namespace metrics
