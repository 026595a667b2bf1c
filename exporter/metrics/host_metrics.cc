#include "metrics/host_metrics.h"

#include <array>
#include <set>
#include <string>

namespace metrics {

namespace {

using model::HostReport;

std::string port_text(const model::Endpoint& endpoint) { return std::to_string(endpoint.port); }

void write_up(const HostReport& host, Samples& samples) {
  // Unknown is not down.
  if (host.facts.listeners) samples.add({}, host.bindings.up ? 1 : 0);
}

void write_cause(const HostReport& host, Samples& samples) {
  const auto& cause = model::info(host.diagnosis.cause);
  samples.add({{"cause", cause.name},
               {"layer", model::name_of(cause.layer)},
               {"confidence", model::name_of(host.diagnosis.confidence)}},
              1);
}

template <typename Function>
void for_each_unit(const HostReport& host, Function add) {
  if (!host.facts.systemd) return;
  for (const auto& unit : host.facts.systemd->units) add(unit);
}

void write_unit_state(const HostReport& host, Samples& samples) {
  static constexpr std::array<std::string_view, 6> kStates{"active", "reloading",  "inactive",
                                                           "failed", "activating", "deactivating"};
  for_each_unit(host, [&](const model::UnitFacts& unit) {
    for (auto state : kStates) {
      samples.add({{"unit", unit.name}, {"state", state}}, unit.active_state == state ? 1 : 0);
    }
  });
}

void write_unit_enabled(const HostReport& host, Samples& samples) {
  for_each_unit(host, [&](const model::UnitFacts& unit) {
    // A masked unit has no file of its own that could say so.
    const bool masked = unit.load_state == "masked" && unit.unit_file_state.empty();
    const auto& state = masked ? unit.load_state : unit.unit_file_state;
    if (!state.empty()) samples.add({{"unit", unit.name}, {"state", state}}, 1);
  });
}

void write_unit_restarts(const HostReport& host, Samples& samples) {
  for_each_unit(host, [&](const model::UnitFacts& unit) {
    if (unit.service) samples.add({{"unit", unit.name}}, unit.service->restarts);
  });
}

void write_unit_start(const HostReport& host, Samples& samples) {
  for_each_unit(host, [&](const model::UnitFacts& unit) {
    if (unit.activated) samples.add({{"unit", unit.name}}, *unit.activated);
  });
}

void write_config_valid(const HostReport& host, Samples& samples) {
  const auto& configuration = host.facts.configuration;
  if (!configuration || !configuration->check) return;
  // Its directory is the unit's to make, and no part of the configuration.
  const auto problem = configuration->check->problem;
  const bool valid =
      problem == model::ConfigProblem::none || problem == model::ConfigProblem::runtime_directory;
  samples.add({}, valid ? 1 : 0);
}

void write_wanted(const HostReport& host, Samples& samples) {
  for (const auto& endpoint : host.bindings.wanted) {
    samples.add({{"address", endpoint.address.to_string()}, {"port", port_text(endpoint)}}, 1);
  }
}

void write_max_startups(const HostReport& host, Samples& samples) {
  if (!host.facts.configuration || !host.facts.configuration->max_startups) return;
  const auto& limits = *host.facts.configuration->max_startups;
  samples.add({{"bound", "begin"}}, limits.begin);
  samples.add({{"bound", "rate"}}, limits.rate);
  samples.add({{"bound", "full"}}, limits.full);
}

void write_login_grace(const HostReport& host, Samples& samples) {
  if (!host.facts.configuration || !host.facts.configuration->login_grace) return;
  samples.add({}, *host.facts.configuration->login_grace);
}

void write_listeners(const HostReport& host, Samples& samples) {
  for (const auto& listener : host.bindings.listeners) {
    samples.add({{"address", listener.endpoint.address.to_string()},
                 {"port", port_text(listener.endpoint)},
                 {"process", listener.process}},
                1);
  }
}

void write_missing(const HostReport& host, Samples& samples) {
  for (const auto& endpoint : host.bindings.missing) {
    samples.add({{"address", endpoint.address.to_string()}, {"port", port_text(endpoint)}}, 1);
  }
}

template <std::uint32_t model::SshListener::*kMember>
void write_queue(const HostReport& host, Samples& samples) {
  for (const auto& listener : host.bindings.listeners) {
    samples.add({{"address", listener.endpoint.address.to_string()},
                 {"port", port_text(listener.endpoint)}},
                listener.*kMember);
  }
}

void write_conflicts(const HostReport& host, Samples& samples) {
  for (const auto& conflict : host.bindings.conflicts) {
    samples.add({{"address", conflict.endpoint.address.to_string()},
                 {"port", port_text(conflict.endpoint)},
                 {"process", conflict.process}},
                1);
  }
}

// sshd's own count, if its title tells it; dropbear and old releases do not.
void write_startups(const HostReport& host, Samples& samples) {
  if (!host.facts.processes) return;
  std::optional<std::uint32_t> told;
  for (const auto& server : host.facts.processes->servers) {
    if (server.startups) {
      told = told.value_or(0) + static_cast<std::uint32_t>(server.startups->now);
    }
  }
  samples.add({}, told.value_or(host.facts.processes->unauthenticated));
}

void write_sessions(const HostReport& host, Samples& samples) {
  if (host.facts.processes) samples.add({}, host.facts.processes->sessions);
}

void write_host_keys(const HostReport& host, Samples& samples) {
  if (!host.facts.configuration) return;
  std::set<std::string_view> seen;
  for (const auto& key : host.facts.configuration->host_keys) {
    // A key that may be named twice is one key.
    if (!key.usable || !seen.insert(key.path).second) continue;
    samples.add({{"path", key.path}, {"type", key.type}}, *key.usable ? 1 : 0);
  }
}

void write_log_events(const HostReport& host, Samples& samples) {
  if (!host.facts.log) return;
  for (auto event : model::all_log_events()) {
    samples.add({{"event", model::name_of(event)}}, host.facts.log->of(event).count);
  }
}

template <std::optional<std::uint64_t> model::KernelFacts::*kMember>
void write_kernel(const HostReport& host, Samples& samples) {
  if (host.facts.kernel && (*host.facts.kernel).*kMember) {
    samples.add({}, *((*host.facts.kernel).*kMember));
  }
}

void write_collector_success(const HostReport& host, Samples& samples) {
  for (const auto& status : host.collectors) {
    samples.add({{"collector", status.name}}, status.success ? 1 : 0);
  }
}

void write_collector_duration(const HostReport& host, Samples& samples) {
  for (const auto& status : host.collectors) {
    samples.add({{"collector", status.name}}, status.duration);
  }
}

constexpr auto kGauge = MetricType::gauge;
constexpr auto kCounter = MetricType::counter;

constexpr std::array kHostMetrics = std::to_array<HostMetric>({
    {{"sshd_up", kGauge, "",
      "1 if something that speaks for sshd listens on this host: sshd itself or its systemd "
      "socket."},
     write_up},
    {{"sshd_cause", kGauge, "cause,layer,confidence",
      "Always 1; exactly one series: why a new connection to this host's SSH would fail now, as "
      "far as the host itself can tell. cause=\"none\" if it would not."},
     write_cause},
    {{"sshd_unit_state", kGauge, "unit,state",
      "1 for the state that the systemd unit of an SSH server is in, 0 for the others."},
     write_unit_state},
    {{"sshd_unit_enabled", kGauge, "unit,state",
      "Always 1: the state of the unit's file, such as enabled, disabled, masked or static."},
     write_unit_enabled},
    {{"sshd_unit_restarts_total", kCounter, "unit",
      "How often systemd has restarted the service by itself."},
     write_unit_restarts},
    {{"sshd_unit_start_time_seconds", kGauge, "unit",
      "When the unit last became active, in Unix time."},
     write_unit_start},
    {{"sshd_config_valid", kGauge, "",
      "1 if sshd accepts its configuration and host keys as they are now (sshd -t), else 0."},
     write_config_valid},
    {{"sshd_config_listen_info", kGauge, "address,port",
      "Always 1 for each address and port that sshd's configuration, or the systemd socket in its "
      "place, asks for."},
     write_wanted},
    {{"sshd_config_max_startups", kGauge, "bound",
      "MaxStartups: from `begin` unauthenticated connections on `rate` percent of new ones are "
      "turned away, from `full` on all."},
     write_max_startups},
    {{"sshd_config_login_grace_seconds", kGauge, "",
      "LoginGraceTime: how long a connection may take to log in; 0 for no limit."},
     write_login_grace},
    {{"sshd_listener", kGauge, "address,port,process",
      "Always 1 for each listening socket of SSH, and the process that holds it."},
     write_listeners},
    {{"sshd_listener_missing", kGauge, "address,port",
      "Always 1 for each address and port that is asked for and not listened on."},
     write_missing},
    {{"sshd_listener_queue_length", kGauge, "address,port",
      "Connections that wait to be accepted."},
     write_queue<&model::SshListener::queue_length>},
    {{"sshd_listener_queue_limit", kGauge, "address,port",
      "How many connections may wait to be accepted; the kernel drops more."},
     write_queue<&model::SshListener::queue_limit>},
    {{"sshd_port_conflict_info", kGauge, "address,port,process",
      "Always 1: another program listens where sshd should."},
     write_conflicts},
    {{"sshd_startups", kGauge, "", "Connections that have not logged in yet."}, write_startups},
    {{"sshd_sessions", kGauge, "", "Connections that have logged in."}, write_sessions},
    {{"sshd_host_key_usable", kGauge, "path,type",
      "1 if sshd would load this host key, 0 if it is absent or it would not."},
     write_host_keys},
    {{"sshd_log_events_total", kCounter, "event",
      "Lines of sshd's log, and of systemd's about its units, by what they tell."},
     write_log_events},
    {{"sshd_tcp_listen_overflows_total", kCounter, "",
      "Connections that the kernel dropped because an accept queue was full; of all programs."},
     write_kernel<&model::KernelFacts::listen_overflows>},
    {{"sshd_tcp_listen_drops_total", kCounter, "",
      "Connections that the kernel dropped at a listening socket for any reason; of all programs."},
     write_kernel<&model::KernelFacts::listen_drops>},
    {{"sshd_conntrack_entries", kGauge, "", "Connections that the kernel tracks."},
     write_kernel<&model::KernelFacts::conntrack_entries>},
    {{"sshd_conntrack_entries_limit", kGauge, "",
      "How many connections the kernel may track; it drops new ones beyond."},
     write_kernel<&model::KernelFacts::conntrack_limit>},
    {{"sshd_collector_success", kGauge, "collector",
      "1 if this part of the host could be seen in full, else 0; the log says why not."},
     write_collector_success},
    {{"sshd_collector_duration_seconds", kGauge, "collector",
      "How long the last look at this part of the host took."},
     write_collector_duration},
});

}  // namespace

std::span<const HostMetric> host_metrics() { return kHostMetrics; }

void write_host(const model::Snapshot& snapshot, Exposition& page) {
  if (!snapshot.host) return;
  for (const auto& metric : kHostMetrics) {
    page.begin(metric.spec.name, name_of(metric.spec.type), metric.spec.help);
    Samples samples(page, "");
    metric.write(*snapshot.host, samples);
  }
}

}  // namespace metrics
