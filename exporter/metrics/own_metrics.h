// The table of the metrics of the fleet as a whole and of the exporter itself, in prometheus-cpp's
// model: there are few of them, whatever the number of targets.
#pragma once

#include <prometheus/metric_family.h>

#include <span>
#include <vector>

#include "metrics/exposition.h"
#include "metrics/page.h"
#include "metrics/process.h"

namespace metrics {

struct OwnFacts {
  const model::Snapshot& snapshot;
  const BuildInfo& build;
  double previous_scrape = 0;  // seconds
  ProcessFacts process;
};

struct OwnMetric {
  MetricSpec spec;
  std::vector<prometheus::ClientMetric> (*collect)(const OwnFacts& facts);
};
std::span<const OwnMetric> own_metrics();

void write_own(const OwnFacts& facts, Exposition& page);

}  // namespace metrics
