#include "diagnose/host_case.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "diagnose/bindings.h"

namespace diagnose {

namespace {

using model::ConfigProblem;
using model::LogEvent;
using model::LogLine;
using model::UnitFacts;

bool loaded(const UnitFacts& unit) {
  return unit.load_state != "not-found" && !unit.load_state.empty();
}

bool switched_on(const UnitFacts& unit) {
  return unit.active_state == "active" || unit.active_state == "activating" ||
         unit.active_state == "reloading";
}

bool enabled(const UnitFacts& unit) { return unit.unit_file_state.starts_with("enabled"); }

// Of several units of a kind, the one whose state matters: what serves, then what should, then the
// usual names. Null for an empty list.
const UnitFacts* choose(const model::SystemdFacts& systemd, bool of_sockets) {
  const UnitFacts* best = nullptr;
  const auto rank = [](const UnitFacts& unit) {
    static constexpr std::array<std::string_view, 4> kUsual{"ssh.service", "sshd.service",
                                                            "ssh.socket", "sshd.socket"};
    return std::tuple(!switched_on(unit), unit.active_state != "failed", !enabled(unit),
                      std::find(kUsual.begin(), kUsual.end(), unit.name) - kUsual.begin(),
                      std::string_view(unit.name));
  };
  for (const auto& unit : systemd.units) {
    if (unit.socket.has_value() != of_sockets || !loaded(unit)) continue;
    // A masked socket has no Listen; a service without a process of its own has all else.
    if (best == nullptr || rank(unit) < rank(*best)) best = &unit;
  }
  return best;
}

template <typename Part>
void keep_if_fresh(const model::HostReport& report, std::string_view collector,
                   std::shared_ptr<const Part> model::HostFacts::*part, model::HostFacts& facts) {
  for (const auto& status : report.collectors) {
    if (status.name == collector && status.fresh) facts.*part = report.facts.*part;
  }
}

// The process that listens where the host's sshd should, if several do.
const model::ServerProcess* main_server(const model::ProcessFacts& processes,
                                        const UnitFacts* service) {
  if (processes.servers.empty()) return nullptr;
  for (const auto& server : processes.servers) {
    const bool of_unit = service != nullptr && service->service &&
                         service->service->main_pid == server.pid && server.pid != 0;
    if (of_unit) return &server;
  }
  return &processes.servers.front();
}

}  // namespace

HostCase::HostCase(const model::HostReport& report, const model::HostQuestion& asked_for)
    : question(asked_for), now(report.completed) {
  using model::HostFacts;
  keep_if_fresh(report, "systemd", &HostFacts::systemd, facts);
  keep_if_fresh(report, "listeners", &HostFacts::listeners, facts);
  keep_if_fresh(report, "configuration", &HostFacts::configuration, facts);
  keep_if_fresh(report, "processes", &HostFacts::processes, facts);
  keep_if_fresh(report, "log", &HostFacts::log, facts);
  keep_if_fresh(report, "kernel", &HostFacts::kernel, facts);
  keep_if_fresh(report, "guards", &HostFacts::guards, facts);
  for (const auto& status : report.collectors) {
    if (status.name == "systemd") systemd_known = status.fresh && status.success;
  }
  if (facts.systemd) {
    service = choose(*facts.systemd, false);
    socket = choose(*facts.systemd, true);
  }
  if (facts.processes) server = main_server(*facts.processes, service);
  bindings = bindings_of(*this);
}

bool HostCase::socket_activated() const {
  if (socket == nullptr || !socket->socket) return false;
  if (switched_on(*socket)) return true;
  // Where both are there, the service may run on its own and the socket be left alone.
  if (service != nullptr && (switched_on(*service) || enabled(*service))) return false;
  return socket->active_state == "failed" || enabled(*socket);
}

bool HostCase::service_in(std::string_view active_state) const {
  return service != nullptr && service->active_state == active_state;
}

bool HostCase::service_failed() const {
  return service_in("failed") || (service_in("activating") && service->sub_state == "auto-restart");
}

bool HostCase::down() const {
  return facts.listeners != nullptr && !bindings.up && server == nullptr &&
         (facts.processes == nullptr || facts.processes->complete);
}

bool HostCase::check_fails(ConfigProblem problem) const {
  return facts.configuration && facts.configuration->check &&
         facts.configuration->check->problem == problem;
}

bool HostCase::without_usable_key() const {
  if (!facts.configuration || facts.configuration->program != "sshd") return false;
  const auto& keys = facts.configuration->host_keys;
  return !keys.empty() && std::all_of(keys.begin(), keys.end(), [](const auto& key) {
    return key.usable.has_value() && !*key.usable;
  });
}

bool HostCase::without_key_file() const {
  return without_usable_key() &&
         std::none_of(facts.configuration->host_keys.begin(), facts.configuration->host_keys.end(),
                      [](const auto& key) { return key.present; });
}

const LogLine* HostCase::said_since_start(LogEvent event) const {
  if (!facts.log) return nullptr;
  const auto& newest = facts.log->of(event).newest;
  if (!newest) return nullptr;
  std::optional<base::WallTime> start;
  if (server != nullptr) start = server->started;
  if (server == nullptr && service != nullptr) start = service->last_attempt;
  if (!start) return nullptr;
  // Times of processes are exact to a tick of the kernel, those of log files to a second.
  constexpr auto kRounding = std::chrono::seconds(1);
  return newest->time + kRounding >= *start ? &*newest : nullptr;
}

const LogLine* HostCase::said_since_start(std::initializer_list<LogEvent> events) const {
  for (const auto event : events) {
    if (const auto* line = said_since_start(event)) return line;
  }
  return nullptr;
}

const LogLine* HostCase::said_recently(LogEvent event) const {
  if (!facts.log) return nullptr;
  const auto& newest = facts.log->of(event).newest;
  return newest && newest->time + kRecently >= now ? &*newest : nullptr;
}

std::optional<model::Startups> HostCase::startups() const {
  if (server == nullptr) return std::nullopt;
  return server->startups;
}

bool HostCase::asked(const model::SshListener& listener) const {
  if (question.port && *question.port != listener.endpoint.port) return false;
  if (!question.address) return true;
  return covers(listener, {*question.address, listener.endpoint.port});
}

const model::SshListener* HostCase::overflowing() const {
  for (const auto& listener : bindings.listeners) {
    // The kernel drops a SYN once more than the limit wait (sk_acceptq_is_full()).
    if (asked(listener) && listener.queue_length > listener.queue_limit) return &listener;
  }
  return nullptr;
}

bool HostCase::owns(const base::IpAddress& address) const {
  if (!facts.kernel) return false;
  const auto& owned = facts.kernel->addresses;
  return std::any_of(owned.begin(), owned.end(), [&](const auto& row) {
    return row.address.bytes() == address.bytes() && row.address.family() == address.family();
  });
}

bool HostCase::has_global(base::IpFamily family) const {
  if (!facts.kernel) return false;
  const auto& owned = facts.kernel->addresses;
  return std::any_of(owned.begin(), owned.end(), [&](const auto& row) {
    return row.address.family() == family && !row.address.is_loopback() &&
           !row.address.is_link_local();
  });
}

}  // namespace diagnose
