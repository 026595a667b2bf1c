// The table of the metrics of a probe: each row's name, help and how its samples come from a
// target's state. One row serves /metrics, /probe and the reference.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

#include "metrics/exposition.h"
#include "metrics/page.h"

namespace metrics {

// Where the samples of one metric of one target go.
class Samples {
 public:
  Samples(Exposition& page, std::string_view common) : page_(page), common_(common) {}
  void add(std::initializer_list<Label> labels, const Value& value) {
    page_.sample(common_, labels, value);
  }

 private:
  Exposition& page_;
  std::string_view common_;
};

struct TargetMetric {
  MetricSpec spec;
  void (*write)(const model::TargetState& state, Samples& samples);
};
std::span<const TargetMetric> target_metrics();

// All samples of all targets.
void write_targets(const model::Snapshot& snapshot, Exposition& page);
// All samples of one target, with its own labels but without `target`.
void write_probe(const model::TargetState& state, Exposition& page);

}  // namespace metrics
