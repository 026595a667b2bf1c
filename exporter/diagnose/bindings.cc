#include "diagnose/bindings.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace diagnose {

namespace {

using model::Bindings;
using model::Endpoint;
using model::ListenerFacts;
using model::SshListener;

constexpr pid_t kInit = 1;

bool meets(const Endpoint& bound, bool dual_stack, const Endpoint& wanted) {
  if (bound.port != wanted.port) return false;
  if (bound.address == wanted.address) return true;
  if (!bound.address.is_unspecified()) return false;
  return bound.address.family() == wanted.address.family() ||
         (dual_stack && wanted.address.is_v4());
}

bool waits_for_sshd(const HostCase& c, const Endpoint& endpoint) {
  if (!c.facts.systemd) return false;
  const auto& units = c.facts.systemd->units;
  return std::any_of(units.begin(), units.end(), [&](const model::UnitFacts& unit) {
    if (!unit.socket) return false;
    const auto& listen = unit.socket->listen;
    return std::any_of(listen.begin(), listen.end(), [&](const Endpoint& row) {
      // `ListenStream=22` is [::]:22, and 0.0.0.0:22 where IPv6 is off.
      return row.port == endpoint.port &&
             (row.address == endpoint.address ||
              (row.address.is_unspecified() && endpoint.address.is_unspecified()));
    });
  });
}

bool is_server_name(std::string_view process) {
  static constexpr std::array<std::string_view, 3> kNames{"sshd", "dropbear", "tinysshd"};
  return std::find(kNames.begin(), kNames.end(), process) != kNames.end();
}

// Whether the owner of a socket stays hidden, and its port is one that sshd could have.
bool is_hidden(const HostCase& c, const ListenerFacts::Listener& listener) {
  return !listener.owner && !c.facts.listeners->owners_known && listener.uid == 0;
}

// Whether a server may be at work, seen or not.
bool may_run(const HostCase& c) {
  if (c.server != nullptr || !c.facts.processes || !c.facts.processes->complete) return true;
  return c.service == nullptr || switched_on(*c.service) || c.socket_activated();
}

// Sessions listen as well, for what they forward: those are not the host's SSH.
bool is_ssh(const HostCase& c, const ListenerFacts::Listener& listener) {
  if (!listener.owner) {
    // Nobody could look whose it is. A stranger's socket on sshd's port would have kept it down.
    return is_hidden(c, listener) && may_run(c) &&
           (wants_port(c, listener.endpoint.port) || waits_for_sshd(c, listener.endpoint));
  }
  const bool seen = c.facts.processes && c.facts.processes->complete;
  if (c.facts.processes) {
    for (const auto& server : c.facts.processes->servers) {
      if (server.pid == listener.owner->pid) return c.is_the_hosts(server);
    }
  }
  if (listener.owner->pid == kInit) {
    // Without systemd's word its socket on sshd's port is taken for sshd's.
    return c.facts.systemd ? waits_for_sshd(c, listener.endpoint)
                           : wants_port(c, listener.endpoint.port);
  }
  if (seen || listener.uid != 0) return false;
  return is_server_name(listener.owner->process) &&
         (!c.facts.configuration || wants_port(c, listener.endpoint.port));
}

void add_once(std::vector<Endpoint>& endpoints, const Endpoint& endpoint) {
  if (std::find(endpoints.begin(), endpoints.end(), endpoint) == endpoints.end()) {
    endpoints.push_back(endpoint);
  }
}

// Of dropbear, where that runs and sshd is merely installed, sshd's file says nothing.
bool is_configuration_of_server(const HostCase& c) {
  if (!c.facts.configuration || c.facts.configuration->program.empty()) return false;
  return c.server == nullptr || c.server->name == c.facts.configuration->program;
}

std::vector<Endpoint> wanted_of(const HostCase& c) {
  std::vector<Endpoint> wanted;
  if (c.socket_activated()) {
    for (const auto& endpoint : c.socket->socket->listen) add_once(wanted, endpoint);
    // A service of its own beside a socket that starts one for each connection.
    if (!c.socket->socket->accept || c.service == nullptr) return wanted;
  }
  if (is_configuration_of_server(c)) {
    for (const auto& endpoint : c.facts.configuration->listen) {
      // Without IPv6 in the kernel sshd itself asks for 0.0.0.0 alone.
      const bool pointless =
          endpoint.address.is_unspecified() && !endpoint.address.is_v4() && c.facts.kernel &&
          c.facts.kernel->addresses_known && !c.facts.kernel->addresses.empty() &&
          std::all_of(c.facts.kernel->addresses.begin(), c.facts.kernel->addresses.end(),
                      [](const auto& row) { return row.address.is_v4(); });
      if (!pointless) add_once(wanted, endpoint);
    }
  }
  return wanted;
}

// Sockets that share an endpoint (SO_REUSEPORT) count as one, the fullest.
void add_listener(std::vector<SshListener>& listeners, SshListener listener) {
  auto same = std::find_if(listeners.begin(), listeners.end(), [&](const SshListener& row) {
    return row.endpoint == listener.endpoint;
  });
  if (same == listeners.end()) {
    listeners.push_back(std::move(listener));
    return;
  }
  const bool dual_stack = same->dual_stack || listener.dual_stack;
  if (std::tie(listener.queue_length, same->process) >
      std::tie(same->queue_length, listener.process)) {
    *same = std::move(listener);
  }
  same->dual_stack = dual_stack;
}

void add_once(std::vector<model::PortConflict>& conflicts, model::PortConflict conflict) {
  const auto same = [&](const model::PortConflict& row) {
    return row.endpoint == conflict.endpoint && row.process == conflict.process;
  };
  if (std::none_of(conflicts.begin(), conflicts.end(), same)) {
    conflicts.push_back(std::move(conflict));
  }
}

// Whether a socket there keeps another from being bound here.
bool collides(const ListenerFacts::Listener& there, const Endpoint& wanted) {
  if (there.endpoint.port != wanted.port) return false;
  if (there.endpoint.address == wanted.address) return true;
  if (there.endpoint.address.family() == wanted.address.family()) {
    return there.endpoint.address.is_unspecified() || wanted.address.is_unspecified();
  }
  return there.dual_stack && there.endpoint.address.is_unspecified();
}

}  // namespace

std::vector<std::uint16_t> ports_of(const model::SshdConfig& configuration) {
  // `ListenAddress 192.0.2.1:2222` leaves Port at 22, where nothing is asked for.
  if (configuration.listen.empty()) return configuration.ports;
  std::vector<std::uint16_t> ports;
  for (const auto& endpoint : configuration.listen) {
    if (std::find(ports.begin(), ports.end(), endpoint.port) == ports.end()) {
      ports.push_back(endpoint.port);
    }
  }
  return ports;
}

bool wants_port(const HostCase& c, std::uint16_t port) {
  if (!c.facts.configuration) return false;
  const auto ports = ports_of(*c.facts.configuration);
  return std::find(ports.begin(), ports.end(), port) != ports.end();
}

bool covers(const SshListener& listener, const Endpoint& endpoint) {
  return meets(listener.endpoint, listener.dual_stack, endpoint);
}

bool may_be_up(const HostCase& c) {
  if (!c.facts.listeners) return true;
  const auto& all = c.facts.listeners->listeners;
  return std::any_of(all.begin(), all.end(), [&](const ListenerFacts::Listener& listener) {
    if (is_hidden(c, listener)) {
      return !c.facts.configuration || !c.facts.processes || !c.systemd_known;
    }
    // In a container that shares the network only, nobody's processes and files are the host's.
    constexpr std::uint16_t kUsualPort = 22;
    if (!listener.owner && !c.facts.systemd) {
      const auto port = listener.endpoint.port;
      return c.facts.configuration && !c.facts.configuration->program.empty() ? wants_port(c, port)
                                                                              : port == kUsualPort;
    }
    const bool of_init = listener.owner && listener.owner->pid == kInit;
    return of_init && !c.facts.systemd && !c.facts.configuration;
  });
}

bool may_serve(const HostCase& c, const model::HostQuestion& question) {
  if (!c.facts.listeners || !question.port) return false;
  const auto& all = c.facts.listeners->listeners;
  return std::any_of(all.begin(), all.end(), [&](const ListenerFacts::Listener& listener) {
    return !listener.owner && !is_ssh(c, listener) && listener.endpoint.port == *question.port &&
           (!question.address ||
            meets(listener.endpoint, listener.dual_stack, {*question.address, *question.port}));
  });
}

Bindings bindings_of(const HostCase& c) {
  Bindings bindings;
  bindings.wanted = wanted_of(c);
  if (!c.facts.listeners) return bindings;
  std::vector<const ListenerFacts::Listener*> others;
  for (const auto& listener : c.facts.listeners->listeners) {
    if (!is_ssh(c, listener)) {
      others.push_back(&listener);
      continue;
    }
    add_listener(bindings.listeners, {listener.endpoint, listener.dual_stack,
                                      listener.owner ? listener.owner->process : std::string(),
                                      listener.queue_length, listener.queue_limit});
  }
  bindings.up = !bindings.listeners.empty();
  for (const auto& endpoint : bindings.wanted) {
    const bool bound =
        std::any_of(bindings.listeners.begin(), bindings.listeners.end(),
                    [&](const SshListener& listener) { return covers(listener, endpoint); });
    if (bound) continue;
    bindings.missing.push_back(endpoint);
    for (const auto* other : others) {
      if (!collides(*other, endpoint)) continue;
      add_once(bindings.conflicts,
               {other->endpoint, other->owner ? other->owner->process : std::string()});
    }
  }
  return bindings;
}

}  // namespace diagnose
