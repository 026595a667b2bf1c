#include "metrics/own_metrics.h"

#include <array>
#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>

namespace metrics {

namespace {

using prometheus::ClientMetric;
using Metrics = std::vector<ClientMetric>;

template <typename Number>
Metrics one(std::optional<Number> value) {
  if (!value) return {};
  // Readers of the model take the member that belongs to the family's type.
  ClientMetric metric;
  metric.gauge.value = static_cast<double>(*value);
  metric.counter.value = metric.gauge.value;
  return {metric};
}

Metrics one(double value) { return one(std::optional(value)); }

// Whole milliseconds: a double has no room for many more digits of a date.
double unix_seconds(base::WallTime time) {
  auto whole = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  return static_cast<double>(whole.count()) / 1000;
}

ClientMetric histogram_of(const model::Histogram& histogram) {
  ClientMetric metric;
  auto& data = metric.histogram;
  const auto bounds = histogram.bounds();
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    data.sample_count += histogram.count(i);
    data.bucket.push_back({data.sample_count, bounds[i]});
  }
  data.sample_count += histogram.count(bounds.size());
  data.sample_sum = histogram.sum();
  return metric;
}

Metrics collect_phases(const OwnFacts& facts) {
  Metrics metrics;
  using model::Stage;
  for (auto phase : {Stage::resolve, Stage::connect, Stage::banner, Stage::kexinit}) {
    metrics.push_back(histogram_of(facts.snapshot.fleet.phase(phase)));
    metrics.back().label = {{"phase", model::name_of(phase)}};
  }
  return metrics;
}

Metrics collect_targets(const OwnFacts& facts) {
  const auto causes = model::all_causes();
  std::vector<std::uint64_t> counts(causes.size());
  for (const auto& state : facts.snapshot.targets) {
    if (state->last) ++counts.at(static_cast<std::size_t>(state->last->diagnosis.cause));
  }
  Metrics metrics;
  for (std::size_t i = 0; i < causes.size(); ++i) {
    ClientMetric metric;
    metric.label = {{"layer", model::name_of(causes[i].layer)},
                    {"cause", std::string(causes[i].name)}};
    metric.gauge.value = static_cast<double>(counts[i]);
    metrics.push_back(metric);
  }
  return metrics;
}

Metrics collect_build(const OwnFacts& facts) {
  ClientMetric metric;
  metric.label = {{"version", facts.build.version},
                  {"revision", facts.build.revision},
                  {"compiler", facts.build.compiler}};
  metric.gauge.value = 1;
  return {metric};
}

constexpr auto kGauge = MetricType::gauge;
constexpr auto kCounter = MetricType::counter;
constexpr auto kHistogram = MetricType::histogram;

constexpr std::array kOwnMetrics = std::to_array<OwnMetric>({
    {{"ssh_probe_phase_duration_seconds", kHistogram, "phase",
      "How long the completed phases of all probes took."},
     collect_phases},
    {{"ssh_targets", kGauge, "layer,cause",
      "Number of targets by current cause; those not probed yet are not counted."},
     collect_targets},
    {{"ssh_refusal_exporter_build_info", kGauge, "version,revision,compiler",
      "Always 1: how this exporter was built."},
     collect_build},
    {{"ssh_refusal_exporter_config_last_reload_successful", kGauge, "",
      "1 if the last reading of the configuration succeeded, else 0: then the one before is still "
      "in force."},
     [](const OwnFacts& facts) { return one(facts.snapshot.reload.successful ? 1 : 0); }},
    {{"ssh_refusal_exporter_config_last_reload_success_timestamp_seconds", kGauge, "",
      "When the configuration was last read with success, in Unix time."},
     [](const OwnFacts& facts) { return one(unix_seconds(facts.snapshot.reload.last_success)); }},
    {{"ssh_refusal_exporter_scheduler_lag_seconds", kHistogram, "",
      "How late probes were started, against their slots."},
     [](const OwnFacts& facts) {
       return Metrics{histogram_of(facts.snapshot.fleet.scheduler_lag)};
     }},
    {{"ssh_refusal_exporter_probes_in_flight", kGauge, "", "Probes under way."},
     [](const OwnFacts& facts) {
       return one(static_cast<double>(facts.snapshot.fleet.probes_in_flight));
     }},
    {{"ssh_refusal_exporter_scrape_duration_seconds", kGauge, "",
      "How long it took to write and send the previous page of metrics."},
     [](const OwnFacts& facts) { return one(facts.previous_scrape); }},
    {{"process_cpu_seconds_total", kCounter, "",
      "Total user and system CPU time spent in seconds."},
     [](const OwnFacts& facts) { return one(facts.process.cpu_seconds); }},
    {{"process_open_fds", kGauge, "", "Number of open file descriptors."},
     [](const OwnFacts& facts) { return one(facts.process.open_fds); }},
    {{"process_max_fds", kGauge, "", "Maximum number of open file descriptors."},
     [](const OwnFacts& facts) { return one(facts.process.max_fds); }},
    {{"process_virtual_memory_bytes", kGauge, "", "Virtual memory size in bytes."},
     [](const OwnFacts& facts) { return one(facts.process.virtual_memory_bytes); }},
    {{"process_resident_memory_bytes", kGauge, "", "Resident memory size in bytes."},
     [](const OwnFacts& facts) { return one(facts.process.resident_memory_bytes); }},
    {{"process_threads", kGauge, "", "Number of threads of this process."},
     [](const OwnFacts& facts) { return one(facts.process.threads); }},
    {{"process_start_time_seconds", kGauge, "",
      "Start time of the process since unix epoch in seconds."},
     [](const OwnFacts& facts) { return one(facts.process.start_time_seconds); }},
});

prometheus::MetricType to_prometheus(MetricType type) {
  switch (type) {
    case MetricType::counter:
      return prometheus::MetricType::Counter;
    case MetricType::gauge:
      return prometheus::MetricType::Gauge;
    case MetricType::histogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

}  // namespace

std::span<const OwnMetric> own_metrics() { return kOwnMetrics; }

void write_own(const OwnFacts& facts, Exposition& page) {
  for (const auto& metric : kOwnMetrics) {
    page.family({.name = std::string(metric.spec.name),
                 .help = std::string(metric.spec.help),
                 .type = to_prometheus(metric.spec.type),
                 .metric = metric.collect(facts)});
  }
}

}  // namespace metrics
