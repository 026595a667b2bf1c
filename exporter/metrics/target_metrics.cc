#include "metrics/target_metrics.h"

#include <array>
#include <string>
#include <vector>

namespace metrics {

namespace {

using model::TargetState;

std::string_view layer_of(model::Cause cause) { return model::name_of(model::info(cause).layer); }

// The address whose observation decided; the first one if all of them did. Null if there is none.
const model::AddressResult* deciding_address(const model::ProbeReport& report) {
  const auto& addresses = report.result.addresses;
  auto index = report.diagnosis.decided_by.value_or(0);
  return index < addresses.size() ? &addresses[index] : nullptr;
}

void write_success(const TargetState& state, Samples& samples) {
  if (state.last) samples.add({}, state.last->diagnosis.success ? 1 : 0);
}

void write_cause(const TargetState& state, Samples& samples) {
  if (!state.last) return;
  const auto& diagnosis = state.last->diagnosis;
  samples.add({{"cause", model::info(diagnosis.cause).name},
               {"layer", layer_of(diagnosis.cause)},
               {"confidence", model::name_of(diagnosis.confidence)}},
              1);
}

void write_outcome(const TargetState& state, Samples& samples) {
  if (!state.last) return;
  const auto& diagnosis = state.last->diagnosis;
  samples.add(
      {{"outcome", model::name_of(diagnosis.outcome)}, {"stage", model::name_of(diagnosis.stage)}},
      1);
}

void write_failures(const TargetState& state, Samples& samples) {
  for (const auto& [cause, count] : state.failures) {
    samples.add({{"cause", model::info(cause).name}, {"layer", layer_of(cause)}}, count);
  }
}

void write_probes(const TargetState& state, Samples& samples) { samples.add({}, state.probes); }

void write_phases(const TargetState& state, Samples& samples) {
  if (!state.last) return;
  auto add = [&](model::Stage phase, std::optional<base::Duration> duration) {
    if (duration) samples.add({{"phase", model::name_of(phase)}}, *duration);
  };
  add(model::Stage::resolve, state.last->result.resolve_time);
  const auto* address = deciding_address(*state.last);
  if (address == nullptr) return;
  for (auto phase : {model::Stage::connect, model::Stage::banner, model::Stage::kexinit}) {
    add(phase, address->seen.phases.get(phase));
  }
}

void write_duration(const TargetState& state, Samples& samples) {
  if (state.last) samples.add({}, state.last->result.duration);
}

void write_last_completed(const TargetState& state, Samples& samples) {
  if (state.last) samples.add({}, state.last->result.completed);
}

void write_ip_protocol(const TargetState& state, Samples& samples) {
  const auto* address = state.last ? deciding_address(*state.last) : nullptr;
  if (address != nullptr) samples.add({}, address->address.is_v4() ? 4 : 6);
}

// Calls `add` with text and diagnosis of each address of a name that has several.
template <typename Function>
void for_each_address(const TargetState& state, Function add) {
  if (!state.last || state.last->result.addresses.size() < 2) return;
  const auto& [result, diagnosis] = *state.last;
  for (std::size_t i = 0; i < result.addresses.size() && i < diagnosis.addresses.size(); ++i) {
    add(result.addresses[i].address.to_string(), diagnosis.addresses[i]);
  }
}

void write_address_success(const TargetState& state, Samples& samples) {
  for_each_address(state, [&](const std::string& address, const model::AddressDiagnosis& found) {
    samples.add({{"address", address}}, found.cause == model::Cause::none ? 1 : 0);
  });
}

void write_address_cause(const TargetState& state, Samples& samples) {
  for_each_address(state, [&](const std::string& address, const model::AddressDiagnosis& found) {
    samples.add({{"address", address},
                 {"cause", model::info(found.cause).name},
                 {"layer", layer_of(found.cause)}},
                1);
  });
}

void write_responder(const TargetState& state, Samples& samples) {
  if (!state.last || !state.last->diagnosis.responder) return;
  const auto& responder = *state.last->diagnosis.responder;
  samples.add({{"responder", responder.address.to_string()},
               {"role", model::name_of(responder.role)},
               {"signal", responder.signal}},
              1);
}

void write_server(const TargetState& state, Samples& samples) {
  const auto* address = state.last ? deciding_address(*state.last) : nullptr;
  if (address == nullptr || !address->seen.server) return;
  samples.add(
      {{"protocol", address->seen.server->protocol}, {"software", address->seen.server->software}},
      1);
}

void write_alternative_port(const TargetState& state, Samples& samples) {
  if (!state.last || !state.last->diagnosis.alternative_port) return;
  samples.add({{"port", std::to_string(*state.last->diagnosis.alternative_port)}}, 1);
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

// Every series of a target starts with the same labels: rendered once for each page. They lie end
// to end in one buffer, in the order in which the page goes through them.
class CommonLabels {
 public:
  explicit CommonLabels(const model::Snapshot& snapshot) {
    ends_.reserve(snapshot.targets.size());
    std::string labels;
    for (const auto& state : snapshot.targets) {
      labels.clear();
      render_label(labels, {"target", state->target->name});
      for (const auto& [name, value] : state->target->labels) render_label(labels, {name, value});
      text_ += labels;
      ends_.push_back(text_.size());
    }
  }
  [[nodiscard]] std::string_view of(std::size_t i) const {
    std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(text_).substr(begin, ends_[i] - begin);
  }

 private:
  std::string text_;
  std::vector<std::size_t> ends_;
};

void begin(const MetricSpec& spec, Exposition& page) {
  page.begin(spec.name, name_of(spec.type), spec.help);
}

}  // namespace

std::span<const TargetMetric> target_metrics() { return kTargetMetrics; }

void write_targets(const model::Snapshot& snapshot, Exposition& page) {
  const CommonLabels labels(snapshot);
  for (const auto& metric : kTargetMetrics) {
    begin(metric.spec, page);
    for (std::size_t i = 0; i < snapshot.targets.size(); ++i) {
      Samples samples(page, labels.of(i));
      metric.write(*snapshot.targets[i], samples);
    }
  }
}

void write_probe(const model::TargetState& state, Exposition& page) {
  const std::string labels = own_labels(*state.target);
  Samples samples(page, labels);
  for (const auto& metric : kTargetMetrics) {
    begin(metric.spec, page);
    metric.write(state, samples);
  }
}

}  // namespace metrics
