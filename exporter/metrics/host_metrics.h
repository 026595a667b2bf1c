// The table of the metrics of this host's own SSH: each row's name, help and how its samples come
// from a report.
#pragma once

#include <span>

#include "metrics/exposition.h"
#include "metrics/page.h"
#include "metrics/samples.h"

namespace metrics {

struct HostMetric {
  MetricSpec spec;
  void (*write)(const model::HostReport& host, Samples& samples);
};
std::span<const HostMetric> host_metrics();

// Nothing if this host is not watched.
void write_host(const model::Snapshot& snapshot, Exposition& page);

}  // namespace metrics
