#include "metrics/target_metrics.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

namespace metrics {

namespace {

std::string_view layer_of(model::Cause cause) { return model::name_of(model::info(cause).layer); }

void write_success(const TargetView& target, Samples& samples) {
  if (target.report != nullptr) samples.add({}, target.success ? 1 : 0);
}

void write_cause(const TargetView& target, Samples& samples) {
  if (target.report == nullptr) return;
  const auto& cause = model::info(target.cause);
  samples.add({{"cause", cause.name},
               {"layer", model::name_of(cause.layer)},
               {"confidence", model::name_of(target.confidence)}},
              1);
}

void write_outcome(const TargetView& target, Samples& samples) {
  if (target.report == nullptr) return;
  samples.add(
      {{"outcome", model::name_of(target.outcome)}, {"stage", model::name_of(target.stage)}}, 1);
}

void write_failures(const TargetView& target, Samples& samples) {
  if (!target.has_failures) return;
  for (const auto& [cause, count] : target.state->failures) {
    samples.add({{"cause", model::info(cause).name}, {"layer", layer_of(cause)}}, count);
  }
}

void write_probes(const TargetView& target, Samples& samples) { samples.add({}, target.probes); }

void write_phases(const TargetView& target, Samples& samples) {
  using model::Stage;
  for (auto phase : {Stage::resolve, Stage::connect, Stage::banner, Stage::kexinit}) {
    auto duration = target.phases.get(phase);
    if (duration) samples.add({{"phase", model::name_of(phase)}}, *duration);
  }
}

void write_duration(const TargetView& target, Samples& samples) {
  if (target.report != nullptr) samples.add({}, target.duration);
}

void write_last_completed(const TargetView& target, Samples& samples) {
  if (target.report != nullptr) samples.add({}, target.completed);
}

void write_ip_protocol(const TargetView& target, Samples& samples) {
  if (target.deciding != nullptr) samples.add({}, target.is_v4 ? 4 : 6);
}

// Calls `add` with text and diagnosis of each address of a name that has several.
template <typename Function>
void for_each_address(const TargetView& target, Function add) {
  if (!target.has_several_addresses) return;
  const auto& [result, diagnosis] = *target.report;
  for (std::size_t i = 0; i < result.addresses.size() && i < diagnosis.addresses.size(); ++i) {
    add(result.addresses[i].address.to_string(), diagnosis.addresses[i]);
  }
}

void write_address_success(const TargetView& target, Samples& samples) {
  for_each_address(target, [&](const std::string& address, const model::AddressDiagnosis& found) {
    samples.add({{"address", address}}, found.cause == model::Cause::none ? 1 : 0);
  });
}

void write_address_cause(const TargetView& target, Samples& samples) {
  for_each_address(target, [&](const std::string& address, const model::AddressDiagnosis& found) {
    samples.add({{"address", address},
                 {"cause", model::info(found.cause).name},
                 {"layer", layer_of(found.cause)}},
                1);
  });
}

void write_responder(const TargetView& target, Samples& samples) {
  if (!target.has_responder) return;
  const auto& responder = *target.report->diagnosis.responder;
  samples.add({{"responder", responder.address.to_string()},
               {"role", model::name_of(responder.role)},
               {"signal", responder.signal}},
              1);
}

void write_server(const TargetView& target, Samples& samples) {
  if (target.server == nullptr) return;
  samples.add({{"protocol", target.server->protocol}, {"software", target.server->software}}, 1);
}

void write_alternative_port(const TargetView& target, Samples& samples) {
  if (!target.has_alternative_port) return;
  samples.add({{"port", std::to_string(*target.report->diagnosis.alternative_port)}}, 1);
}

constexpr auto kGauge = MetricType::gauge;
constexpr auto kCounter = MetricType::counter;

constexpr std::array kTargetMetrics = std::to_array<TargetMetric>({
    {{"ssh_probe_success", kGauge, "",
      "1 if the last probe reached the configured depth on every probed address, else 0."},
     write_success},
    {{"ssh_probe_cause", kGauge, "cause,layer,confidence",
      "Always 1; exactly one series for each target: what refuses a new connection now, as far as "
      "the last probe proves it. cause=\"none\" when all is well."},
     write_cause},
    {{"ssh_probe_outcome", kGauge, "outcome,stage",
      "Always 1; exactly one series for each target: what the last probe saw, and the stage where "
      "it stopped."},
     write_outcome},
    {{"ssh_probe_failures_total", kCounter, "cause,layer", "Failed probes by cause."},
     write_failures},
    {{"ssh_probes_total", kCounter, "", "Completed probes."}, write_probes},
    {{"ssh_probe_phase_seconds", kGauge, "phase",
      "How long each phase of the last probe took; a phase that was not completed is absent."},
     write_phases},
    {{"ssh_probe_duration_seconds", kGauge, "",
      "How long the last probe took, all addresses and follow-ups included."},
     write_duration},
    {{"ssh_probe_last_completed_timestamp_seconds", kGauge, "",
      "When the last probe was completed, in Unix time."},
     write_last_completed},
    {{"ssh_probe_ip_protocol", kGauge, "",
      "4 or 6: the IP version of the address that decided the last probe."},
     write_ip_protocol},
    {{"ssh_probe_address_success", kGauge, "address",
      "1 if the configured depth was reached on this address, else 0; only for names with several "
      "addresses."},
     write_address_success},
    {{"ssh_probe_address_cause", kGauge, "address,cause,layer",
      "Always 1: what refuses a new connection to this address; only for names with several "
      "addresses."},
     write_address_cause},
    {{"ssh_probe_responder_info", kGauge, "responder,role,signal",
      "Always 1, after a refusal: who answered (role target, path, self or unknown) and how."},
     write_responder},
    {{"ssh_probe_server_info", kGauge, "protocol,software",
      "Always 1: what the server said about itself in its identification line."},
     write_server},
    {{"ssh_probe_alternative_port_info", kGauge, "port",
      "Always 1, after a refusal: an SSH server was found on this port instead."},
     write_alternative_port},
});

std::string own_labels(const model::Target& target) {
  std::string labels;
  for (const auto& [name, value] : target.labels) render_label(labels, {name, value});
  return labels;
}

// What a page says of each target again and again, collected once: its view, and its own labels,
// with which every series of the target starts. The labels lie end to end in one buffer, in the
// order in which the page goes through them.
class Targets {
 public:
  explicit Targets(const std::vector<std::shared_ptr<const model::TargetState>>& states) {
    views_.reserve(states.size());
    ends_.reserve(states.size());
    std::string labels;
    for (std::size_t i = 0; i < states.size(); ++i) {
      fetch_ahead(states, i);
      views_.emplace_back(*states[i]);
      labels.clear();
      render_label(labels, {"target", states[i]->target->name});
      for (const auto& [name, value] : states[i]->target->labels) {
        render_label(labels, {name, value});
      }
      text_ += labels;
      ends_.push_back(text_.size());
    }
  }
  [[nodiscard]] std::size_t size() const { return views_.size(); }
  [[nodiscard]] const TargetView& view(std::size_t i) const { return views_[i]; }
  [[nodiscard]] std::string_view labels(std::size_t i) const {
    std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(text_).substr(begin, ends_[i] - begin);
  }

 private:
  // The parts of a state are scattered over the heap and reached one through the other. Asking for
  // each a few targets early takes a quarter off the whole page.
  static void fetch_ahead(const std::vector<std::shared_ptr<const model::TargetState>>& states,
                          std::size_t i) {
    constexpr std::size_t kStep = 6;
    const std::size_t last = states.size() - 1;
    __builtin_prefetch(states[std::min(i + 3 * kStep, last)].get());
    const auto& second = *states[std::min(i + 2 * kStep, last)];
    __builtin_prefetch(second.target.get());
    fetch(second.last.get(), sizeof(model::ProbeReport));
    const auto& first = *states[std::min(i + kStep, last)];
    __builtin_prefetch(first.target->name.data());
    __builtin_prefetch(first.target->labels.data());
    if (!first.last) return;
    const auto& addresses = first.last->result.addresses;
    if (!addresses.empty()) fetch(addresses.data(), sizeof(model::AddressResult));
  }
  static void fetch(const void* object, std::size_t size) {
    constexpr std::size_t kCacheLine = 64;
    if (object == nullptr) return;
    for (std::size_t at = 0; at < size; at += kCacheLine) {
      __builtin_prefetch(static_cast<const char*>(object) + at);
    }
  }

  std::vector<TargetView> views_;
  std::string text_;
  std::vector<std::size_t> ends_;
};

void begin(const MetricSpec& spec, Exposition& page) {
  page.begin(spec.name, name_of(spec.type), spec.help);
}

}  // namespace

TargetView::TargetView(const model::TargetState& of)
    : state(&of), report(of.last.get()), has_failures(!of.failures.empty()), probes(of.probes) {
  if (report == nullptr) return;
  const auto& [result, diagnosis] = *report;
  success = diagnosis.success;
  cause = diagnosis.cause;
  confidence = diagnosis.confidence;
  outcome = diagnosis.outcome;
  stage = diagnosis.stage;
  duration = result.duration;
  completed = result.completed;
  has_several_addresses = result.addresses.size() > 1;
  has_responder = diagnosis.responder.has_value();
  has_alternative_port = diagnosis.alternative_port.has_value();
  auto index = diagnosis.decided_by.value_or(0);
  if (index < result.addresses.size()) {
    deciding = &result.addresses[index];
    phases = deciding->seen.phases;
    is_v4 = deciding->address.is_v4();
    if (deciding->seen.server) server = &*deciding->seen.server;
  }
  if (result.resolve_time) phases.set(model::Stage::resolve, *result.resolve_time);
}

std::span<const TargetMetric> target_metrics() { return kTargetMetrics; }

void write_targets(const model::Snapshot& snapshot, Exposition& page) {
  const Targets targets(snapshot.targets);
  for (const auto& metric : kTargetMetrics) {
    begin(metric.spec, page);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      Samples samples(page, targets.labels(i));
      metric.write(targets.view(i), samples);
    }
  }
}

void write_probe(const model::TargetState& state, Exposition& page) {
  const std::string labels = own_labels(*state.target);
  Samples samples(page, labels);
  for (const auto& metric : kTargetMetrics) {
    begin(metric.spec, page);
    metric.write(TargetView(state), samples);
  }
}

}  // namespace metrics
