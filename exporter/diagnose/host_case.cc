#include "diagnose/host_case.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

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
    // Sockets for AF_UNIX and AF_VSOCK do not speak for TCP; a masked one names nothing at all.
    if (of_sockets && unit.socket->listen.empty() && unit.load_state != "masked") continue;
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

const UnitFacts* find_service(const model::SystemdFacts& systemd, const std::string& name) {
  const auto found = std::find_if(
      systemd.units.begin(), systemd.units.end(),
      [&](const UnitFacts& unit) { return !unit.socket && loaded(unit) && is_called(unit, name); });
  return found != systemd.units.end() ? &*found : nullptr;
}

bool listens_on(const HostCase& c, const model::ServerProcess& server, std::uint16_t port) {
  if (!c.facts.listeners) return false;
  const auto& all = c.facts.listeners->listeners;
  return std::any_of(all.begin(), all.end(), [&](const auto& row) {
    return row.endpoint.port == port && row.owner && row.owner->pid == server.pid;
  });
}

// The process that listens where the host's sshd should, if several do; of the asked port's, if
// one has it.
const model::ServerProcess* main_server(const HostCase& c) {
  const model::ServerProcess* best = nullptr;
  const auto rank = [&](const model::ServerProcess& server) {
    return std::pair(c.question.port && listens_on(c, server, *c.question.port),
                     c.service != nullptr && is_of(*c.service, server));
  };
  for (const auto& server : c.facts.processes->servers) {
    if (!c.is_the_hosts(server)) continue;
    if (best == nullptr || rank(server) > rank(*best)) best = &server;
  }
  return best;
}

}  // namespace

bool switched_on(const UnitFacts& unit) {
  return unit.active_state == "active" || unit.active_state == "activating" ||
         unit.active_state == "reloading";
}

bool is_called(const UnitFacts& unit, std::string_view name) {
  return unit.name == name ||
         std::find(unit.aliases.begin(), unit.aliases.end(), name) != unit.aliases.end();
}

bool is_of(const UnitFacts& service, const model::ServerProcess& server) {
  const auto main_pid = service.service ? service.service->main_pid : 0;
  return (main_pid != 0 && main_pid == server.pid) || is_called(service, server.unit);
}

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
  // What the socket starts matters, and no other service that happens to be there.
  if (service != nullptr && !switched_on(*service) && socket_activated()) {
    const auto* triggered =
        socket->socket->accept ? nullptr : find_service(*facts.systemd, socket->socket->service);
    if (triggered != nullptr || socket->socket->accept) service = triggered;
  }
  if (facts.processes) server = main_server(*this);
  bindings = bindings_of(*this);
}

bool HostCase::socket_activated() const {
  if (socket == nullptr || !socket->socket) return false;
  if (switched_on(*socket)) return true;
  // Where both are there, the service may run on its own and the socket be left alone.
  if (service != nullptr && (switched_on(*service) || enabled(*service))) return false;
  return socket->active_state == "failed" || enabled(*socket);
}

bool HostCase::idle() const {
  if (!socket_activated()) return false;
  if (socket->socket->accept) return service == nullptr || !switched_on(*service);
  // A process that could not be seen may run all the same.
  return server == nullptr && service != nullptr && !switched_on(*service);
}

bool HostCase::is_the_hosts(const model::ServerProcess& candidate) const {
  if (!facts.listeners || (service != nullptr && is_of(*service, candidate))) return true;
  const auto& all = facts.listeners->listeners;
  const auto is_its = [&](const auto& row) { return row.owner && row.owner->pid == candidate.pid; };
  // What listens in another network namespace, a container's, is not reached at this host.
  if (std::none_of(all.begin(), all.end(), is_its)) return !facts.listeners->owners_known;
  return service == nullptr || std::any_of(all.begin(), all.end(), [&](const auto& row) {
           return is_its(row) && row.uid == 0;
         });
}

bool HostCase::service_in(std::string_view active_state) const {
  return service != nullptr && service->active_state == active_state;
}

bool HostCase::service_failed() const {
  // From systemd 254 on there is auto-restart-queued as well.
  return service_in("failed") ||
         (service_in("activating") && service->sub_state.starts_with("auto-restart"));
}

bool HostCase::down() const {
  return facts.listeners != nullptr && !bindings.up && server == nullptr &&
         (facts.processes == nullptr || facts.processes->complete) && !may_be_up(*this);
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

bool HostCase::with_key_file() const {
  if (!facts.configuration) return false;
  const auto& keys = facts.configuration->host_keys;
  return std::any_of(keys.begin(), keys.end(), [](const auto& key) { return key.present; });
}

const LogLine* HostCase::said_since_start(LogEvent event) const {
  if (!facts.log) return nullptr;
  const auto& newest = facts.log->of(event).newest;
  if (!newest || !concerns(*newest)) return nullptr;
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
  if (!newest || !concerns(*newest) || newest->time + kRecently < now) return nullptr;
  // The clock was set back since.
  if (newest->time > now + std::chrono::seconds(1)) return nullptr;
  // A restart is a cure for most things.
  const bool of_before = server != nullptr && newest->time < server->started;
  return of_before ? nullptr : &*newest;
}

bool HostCase::concerns(const LogLine& line) const {
  if (line.unit.empty() || service == nullptr || is_called(*service, line.unit)) return true;
  if (socket != nullptr && is_called(*socket, line.unit)) return true;
  return server != nullptr && server->unit == line.unit;
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

bool HostCase::asked(const model::Endpoint& endpoint) const {
  return (!question.port || *question.port == endpoint.port) &&
         (!question.address || *question.address == endpoint.address ||
          (endpoint.address.is_unspecified() &&
           endpoint.address.family() == question.address->family()));
}

const model::SshListener* HostCase::overflowing() const {
  for (const auto& listener : bindings.listeners) {
    // The kernel drops a SYN once more than the limit wait (sk_acceptq_is_full()).
    if (asked(listener) && listener.queue_length > listener.queue_limit) return &listener;
  }
  return nullptr;
}

bool HostCase::owns(const base::IpAddress& address) const {
  // All of 127.0.0.0/8 can be bound, though the interface has one address of it.
  if (address.is_loopback()) return true;
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
    return row.up && row.address.family() == family && !row.address.is_loopback() &&
           !row.address.is_link_local();
  });
}

}  // namespace diagnose
