#include "diagnose/host_rules.h"

#include <algorithm>
#include <array>
#include <csignal>

#include "base/text.h"
#include "diagnose/bindings.h"
#include "diagnose/host_words.h"
#include "diagnose/tcp_wrappers.h"
#include "diagnose/words.h"

namespace diagnose {

namespace {

using model::Cause;
using model::Confidence;
using model::ConfigProblem;
using model::LogEvent;
using model::LogLine;
using model::SshListener;

// Nothing listens.

// systemd starts it again and again.
bool retried(const HostCase& c) {
  return c.service_in("activating") && c.service->service && c.service->service->restarts > 0;
}

// sshd was started and ended by itself; without systemd: it is not there, and why is to be found
// out.
bool failed(const HostCase& c) {
  return c.down() && (c.service_failed() || retried(c) || (c.systemd_known && !c.facts.systemd));
}

// The socket unit is active, and yet has no socket any more.
bool socket_lost(const HostCase& c) {
  return c.down() && c.socket_activated() && c.socket->active_state == "active";
}

const LogLine* stale_socket_line(const HostCase& c) {
  if (!c.facts.log || c.socket == nullptr || !c.socket->activated) return nullptr;
  const auto& newest = c.facts.log->of(LogEvent::sd_socket_stale).newest;
  return newest && newest->time >= *c.socket->activated ? &*newest : nullptr;
}

bool no_program(const HostCase& c) {
  return c.facts.configuration && c.facts.configuration->program.empty();
}

bool installed(const HostCase& c) {
  // A mask is a link that stays when the package goes.
  const auto is_there = [](const model::UnitFacts* unit) {
    return unit != nullptr && unit->load_state != "masked";
  };
  return is_there(c.service) || is_there(c.socket) || c.server != nullptr || !no_program(c);
}

bool cannot_execute(const HostCase& c) {
  constexpr int kNotExecuted = 203;  // systemd's EXIT_EXEC
  if (c.service == nullptr || !c.service->service) return false;
  const auto& service = *c.service->service;
  return service.exit_code == CLD_EXITED && service.exit_status == kNotExecuted;
}

bool masked(const HostCase& c) {
  const auto off = [](const model::UnitFacts* unit) {
    return unit == nullptr || unit->load_state == "masked";
  };
  return c.systemd_known && (c.service != nullptr || c.socket != nullptr) && off(c.service) &&
         off(c.socket);
}

bool disabled(const HostCase& c) {
  const auto off = [](const model::UnitFacts* unit) {
    return unit == nullptr || unit->load_state == "masked" ||
           (unit->unit_file_state == "disabled" && unit->active_state == "inactive");
  };
  return c.systemd_known && (c.service != nullptr || c.socket != nullptr) && off(c.service) &&
         off(c.socket);
}

bool condition_failed(const HostCase& c) {
  const auto kept = [](const model::UnitFacts* unit) {
    return unit != nullptr && unit->active_state == "inactive" && !unit->failed_condition.empty();
  };
  return c.socket_activated() ? kept(c.socket) : kept(c.service);
}

// A path that its unit asks for is not there, or one that it must not find is.
bool condition_unmet(const HostCase& c) {
  const auto* unit = c.socket_activated() ? c.socket : c.service;
  return unit != nullptr && unit->active_state == "inactive" && !unit->unmet_condition.empty();
}

// systemd says that it runs, and nothing of it can be found here.
bool contradicts(const HostCase& c) {
  const auto* unit = c.socket_activated() ? c.socket : c.service;
  return c.down() && unit != nullptr && unit->active_state == "active" &&
         unit->sub_state != "exited";
}

bool just_booted(const HostCase& c) {
  return c.facts.kernel && c.now - c.facts.kernel->booted < kBootTime;
}

// It is to start with the host, which came up just now, and it has not been tried yet.
bool boot_will_start_it(const HostCase& c) {
  const auto* unit = c.socket_activated() ? c.socket : c.service;
  return just_booted(c) && unit != nullptr && unit->active_state == "inactive" &&
         !unit->last_attempt && unit->unit_file_state.starts_with("enabled");
}

const LogLine* bind_line(const HostCase& c, std::string_view why) {
  for (const auto event : {LogEvent::bind_failed, LogEvent::listen_failed}) {
    const auto* line = c.said_since_start(event);
    if (line != nullptr && line->message.find(why) != std::string::npos) return line;
  }
  return nullptr;
}

bool any_absent_address(const HostCase& c, const std::vector<model::Endpoint>& endpoints) {
  if (!c.facts.kernel || !c.facts.kernel->addresses_known) return false;
  // Where it may be bound without being there, it comes and goes between hosts.
  if (c.facts.kernel->nonlocal_bind.value_or(false)) return false;
  return std::any_of(endpoints.begin(), endpoints.end(), [&](const model::Endpoint& endpoint) {
    return !endpoint.address.is_unspecified() && !c.owns(endpoint.address);
  });
}

// Bound or not: a socket outlives its address, and then nothing can reach it.
bool wants_absent_address(const HostCase& c) { return any_absent_address(c, c.bindings.wanted); }

// Of what sshd should listen on and does not, what was asked for.
std::vector<model::Endpoint> missing_where_asked(const HostCase& c) {
  std::vector<model::Endpoint> asked;
  for (const auto& endpoint : c.bindings.missing) {
    if (c.asked(endpoint)) asked.push_back(endpoint);
  }
  return asked;
}

bool misses_absent_address(const HostCase& c) {
  return any_absent_address(c, missing_where_asked(c));
}

// Something listens.

bool running(const HostCase& c) { return c.bindings.up && c.server != nullptr; }

// The next connection would start a service that cannot start.
bool idle_and_fails(const HostCase& c, ConfigProblem problem) {
  return c.bindings.up && c.idle() && c.check_fails(problem);
}

bool server_state(const HostCase& c, char state) { return running(c) && c.server->state == state; }

bool connections_wait(const HostCase& c) {
  const auto& all = c.bindings.listeners;
  return std::any_of(all.begin(), all.end(), [&](const SshListener& listener) {
    return c.asked(listener) && listener.queue_length > 0;
  });
}

bool is_openssh(const HostCase& c) { return running(c) && c.server->name == "sshd"; }

bool without_runtime_directory(const HostCase& c) {
  if (!is_openssh(c) || !c.facts.processes || !c.facts.processes->runtime_directory) return false;
  const auto& directory = *c.facts.processes->runtime_directory;
  // From OpenSSH 9.8 on nobody looks at its mode when a connection comes.
  return !directory.present || (!directory.safe && c.server->one_binary);
}

bool outdated(const HostCase& c) {
  return running(c) && (c.server->executable_deleted || c.server->executable_replaced);
}

bool children_cannot_start(const HostCase& c) {
  return running(c) && c.server->can_start_children.has_value() && !*c.server->can_start_children;
}

// What sshd writes when its own program, or its helper, is of another release. Where the program is
// missing, sshd before 9.8 writes of a failed rexec as well, and serves the connection itself.
const LogLine* skew_line(const HostCase& c) {
  for (const auto event : {LogEvent::rexec_state, LogEvent::rexec_unsupported}) {
    if (const auto* line = c.said_since_start(event)) return line;
  }
  return is_openssh(c) && !c.server->one_binary ? c.said_recently(LogEvent::rexec_failed) : nullptr;
}

// Until OpenSSH 9.7 each connection reads the host keys anew, unless -r keeps it from starting
// sshd again.
bool reads_keys_again(const HostCase& c) {
  if (!is_openssh(c) || !c.server->one_binary || !c.without_usable_key()) return false;
  const auto& command = c.server->command;
  return std::none_of(command.begin(), command.end(), [](const std::string& word) {
    constexpr std::string_view kFlags = "-46DdeGiqrTtV";
    return word.starts_with('-') && word.find('r') != std::string::npos &&
           word.find_first_not_of(kFlags) == std::string::npos;
  });
}

WrapperVerdict wrappers(const HostCase& c) {
  if (!c.bindings.up || !c.facts.processes) return WrapperVerdict::allowed;
  // What is known of libwrap is said of sshd.
  if (c.server != nullptr && c.server->name != "sshd") return WrapperVerdict::allowed;
  const auto& processes = *c.facts.processes;
  if (processes.libwrap.has_value() && !*processes.libwrap) return WrapperVerdict::allowed;
  const auto verdict = ask_wrappers(processes.wrapper_rules, c.question.source).verdict;
  const bool obeyed = processes.libwrap.has_value();
  return obeyed || verdict == WrapperVerdict::allowed ? verdict : WrapperVerdict::unknown;
}

// The connection itself, a pipe, a pair of sockets: measured with OpenSSH 9.2 and 10.0, of which
// neither serves with one less.
constexpr std::uint64_t kDescriptorsEach = 5;

bool full(const HostCase& c) {
  const auto startups = c.startups();
  return running(c) && startups && startups->full > 0 && startups->now >= startups->full;
}

bool filling(const HostCase& c) {
  const auto startups = c.startups();
  return running(c) && startups && startups->begin > 0 && startups->now >= startups->begin;
}

const LogLine* penalty_of_source(const HostCase& c) {
  if (!c.question.source) return nullptr;
  for (const auto event : {LogEvent::penalty_drop, LogEvent::penalty_new}) {
    const auto* line = c.said_recently(event);
    // A deferred one is only counted, so far.
    if (line == nullptr || line->message.find(" deferred ") != std::string::npos) continue;
    const auto network = base::IpNetwork::parse(line->address);
    if (network && network->contains(*c.question.source)) return line;
  }
  return nullptr;
}

bool tracks_no_more(const HostCase& c) {
  if (!c.bindings.up || !c.facts.kernel) return false;
  const auto& kernel = *c.facts.kernel;
  // Without a limit the kernel says 0.
  return kernel.conntrack_entries && kernel.conntrack_limit.value_or(0) > 0 &&
         *kernel.conntrack_entries >= *kernel.conntrack_limit;
}

// systemd drops what this covers before sshd sees it.
bool filtered_by_systemd(const HostCase& c) {
  for (const auto* unit : {c.service, c.socket}) {
    if (unit == nullptr || !c.bindings.up) continue;
    const auto covers_source = [&](const std::string& text) {
      const auto network = base::IpNetwork::parse(text);
      if (!network) return false;
      if (c.question.source) return network->contains(*c.question.source);
      return text.ends_with("/0");
    };
    const auto& deny = unit->ip_address_deny;
    const auto& allow = unit->ip_address_allow;
    if (std::any_of(deny.begin(), deny.end(), covers_source) &&
        std::none_of(allow.begin(), allow.end(), covers_source)) {
      return true;
    }
  }
  return false;
}

// What is listened on.

template <typename Predicate>
bool any_listener(const HostCase& c, Predicate predicate) {
  return std::any_of(c.bindings.listeners.begin(), c.bindings.listeners.end(), predicate);
}

bool on_port(const HostCase& c, std::uint16_t port) {
  return any_listener(c, [&](const SshListener& row) { return row.endpoint.port == port; });
}

bool asked_port_elsewhere(const HostCase& c) {
  return c.bindings.up && c.question.port && !on_port(c, *c.question.port) &&
         !may_serve(c, c.question);
}

// Another program has what was asked for, which should be sshd's.
bool conflict_where_asked(const HostCase& c) {
  if (!c.bindings.up || any_listener(c, [&](const SshListener& row) { return c.asked(row); })) {
    return false;
  }
  const auto& conflicts = c.bindings.conflicts;
  return std::any_of(conflicts.begin(), conflicts.end(), [&](const model::PortConflict& row) {
    return !row.process.empty() && c.asked(row.endpoint);
  });
}

bool any_conflict(const HostCase& c, bool known) {
  const auto& conflicts = c.bindings.conflicts;
  return c.bindings.up && std::any_of(conflicts.begin(), conflicts.end(), [&](const auto& row) {
           return c.asked(row.endpoint) && (!known || !row.process.empty());
         });
}

// The asked address is not served on the asked port, though others are.
bool asked_address_unserved(const HostCase& c) {
  return c.bindings.up && c.question.address && !may_serve(c, c.question) &&
         !any_listener(c, [&](const SshListener& row) { return c.asked(row); });
}

bool loopback_only(const HostCase& c) {
  const bool bound = c.bindings.up && !any_listener(c, [](const SshListener& row) {
                       return !row.endpoint.address.is_loopback();
                     });
  // Whoever asks for a loopback address is served.
  return bound && !(c.question.address && c.question.address->is_loopback());
}

bool has_any_global(const HostCase& c) {
  return c.has_global(base::IpFamily::ipv4) || c.has_global(base::IpFamily::ipv6);
}

bool serves(const HostCase& c, base::IpFamily family) {
  return any_listener(c, [&](const SshListener& row) {
    return row.endpoint.address.family() == family ||
           (row.dual_stack && family == base::IpFamily::ipv4);
  });
}

bool family_unserved(const HostCase& c, base::IpFamily family) {
  return c.bindings.up && c.has_global(family) && !serves(c, family);
}

bool asked_family_unserved(const HostCase& c) {
  return asked_address_unserved(c) && !serves(c, c.question.address->family());
}

bool socket_differs(const HostCase& c) {
  if (!c.bindings.up || !c.socket_activated() || !c.facts.configuration) return false;
  const auto ports = ports_of(*c.facts.configuration);
  const auto& listen = c.socket->socket->listen;
  return std::any_of(ports.begin(), ports.end(), [&](std::uint16_t port) {
    return !on_port(c, port) &&
           std::none_of(listen.begin(), listen.end(),
                        [&](const model::Endpoint& row) { return row.port == port; });
  });
}

bool asked_port_of_configuration(const HostCase& c) {
  return asked_port_elsewhere(c) && wants_port(c, *c.question.port);
}

bool misses_port(const HostCase& c) {
  const auto& missing = c.bindings.missing;
  return c.bindings.up &&
         std::any_of(missing.begin(), missing.end(),
                     [&](const model::Endpoint& endpoint) { return !on_port(c, endpoint.port); });
}

// Since it started, sshd could not bind a port that it still misses.
const LogLine* missing_bind_line(const HostCase& c, std::string_view why) {
  const auto* line = bind_line(c, why);
  if (line == nullptr || !running(c)) return nullptr;
  const auto missing = missing_where_asked(c);
  const auto is_it = [&](const model::Endpoint& endpoint) {
    return endpoint.port == line->port && endpoint.address.to_string() == line->address;
  };
  return std::any_of(missing.begin(), missing.end(), is_it) ? line : nullptr;
}

// The host's own unit does not run, and what listens instead is a server of somebody's elsewhere.
bool other_server_elsewhere(const HostCase& c) {
  if (c.question.port && on_port(c, *c.question.port)) return false;
  return running(c) && !c.socket_activated() && c.service != nullptr && !switched_on(*c.service) &&
         !is_of(*c.service, *c.server) && !c.bindings.wanted.empty() &&
         c.bindings.missing.size() == c.bindings.wanted.size();
}

bool misses_own_address(const HostCase& c) {
  const auto& missing = c.bindings.missing;
  return c.bindings.up &&
         std::any_of(missing.begin(), missing.end(), [&](const model::Endpoint& endpoint) {
           return endpoint.address.is_unspecified() ? c.has_global(endpoint.address.family())
                                                    : c.owns(endpoint.address);
         });
}

// A second SSH server, which should run, does not.
bool another_failed(const HostCase& c) {
  if (!c.facts.systemd) return false;
  const auto& units = c.facts.systemd->units;
  return std::any_of(units.begin(), units.end(), [&](const model::UnitFacts& unit) {
    return &unit != c.service && &unit != c.socket && unit.active_state == "failed" &&
           unit.unit_file_state.starts_with("enabled");
  });
}

// Only the newest penalty is known, and it hides others that are still in force.
bool penalties_unknown(const HostCase& c) {
  return c.question.source && (c.said_recently(LogEvent::penalty_drop) != nullptr ||
                               c.said_recently(LogEvent::penalty_new) != nullptr);
}

// All that the answer `none` rests on is known.
bool everything_known(const HostCase& c) {
  return c.systemd_known && !penalties_unknown(c) && c.facts.listeners &&
         c.facts.listeners->owners_known && c.facts.configuration && c.facts.processes &&
         c.facts.processes->complete && c.facts.kernel && wrappers(c) == WrapperVerdict::allowed &&
         !another_failed(c);
}

std::string restart_fix(const HostCase& c) {
  const auto unit = c.service != nullptr ? c.service->name : std::string("sshd");
  return "Restart sshd with `systemctl restart " + unit + "`; sessions that are open stay.";
}

std::string start_fix(const HostCase& c) {
  const auto* unit = c.socket_activated() ? c.socket : c.service;
  if (unit == nullptr) return std::string(model::info(Cause::sshd_not_running).fix);
  return "`systemctl start " + unit->name + "`; `journalctl -u " + unit->name +
         "` says who stopped it.";
}

std::string config_fix(const HostCase& c) {
  if (!c.facts.configuration || !c.facts.configuration->check) {
    return std::string(model::info(Cause::sshd_config_invalid).fix);
  }
  const auto& check = *c.facts.configuration->check;
  if (check.file.empty()) return std::string(model::info(Cause::sshd_config_invalid).fix);
  return concat({"Correct ", check.file,
                 check.line > 0 ? ", line " + std::to_string(check.line) : std::string(),
                 "; `sshd -t` must be silent; then start sshd."});
}

constexpr std::array kHostRules = std::to_array<HostRule>({
    // Nothing listens.
    {.cause = Cause::sshd_not_installed,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return c.down() && c.systemd_known && !installed(c); },
     .because = "There is no SSH server's program, unit or process."},
    {.cause = Cause::sshd_disabled,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return c.down() && masked(c); },
     .because = "systemd does not start it, whatever asks for it."},
    {.cause = Cause::sshd_disabled,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return c.down() && condition_failed(c); },
     .because = "When it was to start, a condition of its unit was not met."},
    {.cause = Cause::sshd_starting,
     .confidence = Confidence::certain,
     .needs =
         [](const HostCase& c) {
           return c.down() && c.service_in("activating") && !c.service_failed() &&
                  c.service->service && c.service->service->restarts == 0;
         },
     .because = "systemd is starting it just now."},
    {.cause = Cause::sshd_binary_broken,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return failed(c) && cannot_execute(c); },
     .because = "systemd could not execute the program.",
     .facts = facts::binary},
    {.cause = Cause::sshd_binary_broken,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return failed(c) && c.check_fails(ConfigProblem::program); },
     .because = "The program does not get as far as its configuration.",
     .facts = facts::binary},
    {.cause = Cause::sshd_binary_broken,
     .confidence = Confidence::likely,
     .needs = [](const HostCase& c) { return failed(c) && c.service != nullptr && no_program(c); },
     .because = "There is a unit, but no program of an SSH server in the usual places.",
     .facts = facts::binary},
    {.cause = Cause::sshd_binary_broken,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return failed(c); },
     .line =
         [](const HostCase& c) {
           return c.said_since_start({LogEvent::libcrypto_mismatch, LogEvent::exec_missing,
                                      LogEvent::loader_failed, LogEvent::privsep_user});
         },
     .because = "sshd says itself what it lacks."},
    {.cause = Cause::sshd_config_invalid,
     .confidence = Confidence::certain,
     .needs =
         [](const HostCase& c) { return failed(c) && c.check_fails(ConfigProblem::configuration); },
     .because = "It has ended, and with this configuration it cannot start again.",
     .facts = facts::configuration_error,
     .fix = config_fix},
    {.cause = Cause::sshd_host_keys_missing,
     .confidence = Confidence::certain,
     .needs =
         [](const HostCase& c) {
           return failed(c) && c.check_fails(ConfigProblem::host_keys) && c.without_key_file();
         },
     .because = "It has ended, and without a host key it cannot start again.",
     .facts = facts::host_keys},
    {.cause = Cause::sshd_host_keys_unusable,
     .confidence = Confidence::certain,
     .needs =
         [](const HostCase& c) {
           return failed(c) && c.check_fails(ConfigProblem::host_keys) && c.with_key_file();
         },
     .because = "It has ended, and without a host key that it may use it cannot start again.",
     .facts = facts::host_keys},
    {.cause = Cause::sshd_runtime_dir_missing,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return failed(c); },
     .line =
         [](const HostCase& c) {
           return c.said_since_start({LogEvent::privsep_missing, LogEvent::privsep_perms});
         },
     .because = "sshd ended for want of its directory."},
    {.cause = Cause::port_conflict,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return failed(c) && !c.bindings.conflicts.empty(); },
     .line = [](const HostCase& c) { return bind_line(c, "Address already in use"); },
     .because = "sshd could not have the port, and another program has it.",
     .facts = facts::conflicts},
    {.cause = Cause::port_conflict,
     .confidence = Confidence::likely,
     .needs =
         [](const HostCase& c) {
           const bool socket_failed =
               c.down() && c.socket_activated() && c.socket->active_state == "failed";
           return (failed(c) || socket_failed) && !c.bindings.conflicts.empty();
         },
     .because = "It has ended, and another program has its port.",
     .facts = facts::conflicts},
    {.cause = Cause::port_conflict,
     .confidence = Confidence::likely,
     .needs = [](const HostCase& c) { return failed(c); },
     .line = [](const HostCase& c) { return bind_line(c, "Address already in use"); },
     .because = "Another program had the port when sshd started; it may have gone since."},
    {.cause = Cause::port_bind_denied,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return failed(c); },
     .line = [](const HostCase& c) { return bind_line(c, "Permission denied"); },
     .because = "The kernel refused the port: SELinux, or a missing capability."},
    {.cause = Cause::address_missing,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return failed(c) && wants_absent_address(c); },
     .line = [](const HostCase& c) { return bind_line(c, "Cannot assign requested address"); },
     .because = "sshd asked for an address that no interface has.",
     .facts = facts::missing},
    {.cause = Cause::address_missing,
     .confidence = Confidence::likely,
     .needs = [](const HostCase& c) { return failed(c); },
     .line = [](const HostCase& c) { return bind_line(c, "Cannot assign requested address"); },
     .because = "An address was not there when sshd started; it may be there now.",
     .facts = facts::missing},
    {.cause = Cause::resource_exhausted,
     .confidence = Confidence::likely,
     .needs = [](const HostCase& c) { return failed(c); },
     .line = [](const HostCase& c) { return c.said_since_start(LogEvent::fd_or_fork); },
     .because = "The last thing that failed was to get a descriptor or a process."},
    {.cause = Cause::sshd_failed,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return c.down() && c.service_failed(); },
     .because = "systemd says so; what is known of the configuration does not explain it.",
     .facts = facts::configuration_error},
    {.cause = Cause::sshd_failed,
     .confidence = Confidence::likely,
     .needs = [](const HostCase& c) { return c.down() && retried(c); },
     .because = "systemd starts it again and again, just now once more.",
     .facts = facts::configuration_error},
    {.cause = Cause::sshd_disabled,
     .confidence = Confidence::likely,
     .needs =
         [](const HostCase& c) {
           return c.down() && c.socket_activated() && c.socket->active_state == "failed" &&
                  c.service != nullptr && !c.service->unmet_condition.empty();
         },
     .because = "systemd gave up on the socket, whose service it cannot start for a connection."},
    {.cause = Cause::socket_unit_failed,
     .confidence = Confidence::certain,
     .needs =
         [](const HostCase& c) {
           return c.down() && c.socket_activated() && c.socket->active_state == "failed";
         },
     .because = "Nobody waits for connections in sshd's place any more."},
    {.cause = Cause::socket_port_mismatch,
     .confidence = Confidence::certain,
     .needs = socket_lost,
     .line = stale_socket_line,
     .because = "The socket unit was changed while it ran, and nothing listens until it is "
                "restarted.",
     .facts = facts::ports},
    {.cause = Cause::socket_unit_failed,
     .confidence = Confidence::likely,
     .needs = socket_lost,
     .because = "The socket unit is active, but nothing listens for it."},
    {.cause = Cause::sshd_starting,
     .confidence = Confidence::likely,
     .needs =
         [](const HostCase& c) {
           return c.down() && (c.service_in("activating") || c.service_in("reloading"));
         },
     .because = "systemd is starting it, or has told it to begin anew."},
    {.cause = Cause::unknown,
     .confidence = Confidence::possible,
     .needs = contradicts,
     .because = "systemd says that it runs; it may listen in another network namespace."},
    {.cause = Cause::sshd_disabled,
     .confidence = Confidence::likely,
     .needs = [](const HostCase& c) { return c.down() && condition_unmet(c); },
     .because = "As long as a condition of its unit is not met, nothing starts it."},
    {.cause = Cause::sshd_disabled,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return c.down() && disabled(c); },
     .because = "It does not run, and nothing starts it at boot."},
    {.cause = Cause::sshd_starting,
     .confidence = Confidence::likely,
     .needs =
         [](const HostCase& c) { return c.down() && c.systemd_known && boot_will_start_it(c); },
     .because = "The host came up less than two minutes ago, and sshd is to start with it."},
    {.cause = Cause::sshd_not_running,
     .confidence = Confidence::certain,
     .needs =
         [](const HostCase& c) {
           return c.down() && c.systemd_known && c.facts.processes && !c.service_in("deactivating");
         },
     .because = "There is no process and no listener, and no failure explains it.",
     .facts = facts::configuration_error,
     .fix = start_fix},
    {.cause = Cause::sshd_not_running,
     .confidence = Confidence::likely,
     .needs =
         [](const HostCase& c) {
           return c.down() && (c.facts.processes || (c.service != nullptr && c.systemd_known));
         },
     .because = "Nothing listens; why, or for how long, cannot be told from what is known.",
     .facts = facts::configuration_error,
     .fix = start_fix},
    {.cause = Cause::unknown,
     .confidence = Confidence::possible,
     .needs = [](const HostCase& c) { return !c.bindings.up; },
     .because = "Too little of this host can be seen, or what is seen contradicts itself."},

    // Something listens, but does not get to serve.
    {.cause = Cause::accept_queue_full,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return c.overflowing() != nullptr; },
     .because = "The kernel drops the SYN of every new connection until sshd accepts again.",
     .facts = facts::queue},
    {.cause = Cause::sshd_hung,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return server_state(c, 'T'); },
     .because = "The kernel accepts connections for a process that does not run.",
     .fix =
         [](const HostCase& c) {
           return "Find out who stopped it; `kill -CONT " + std::to_string(c.server->pid) +
                  "` lets it go on, else restart it.";
         }},
    {.cause = Cause::sshd_hung,
     .confidence = Confidence::likely,
     .needs =
         [](const HostCase& c) {
           // Every process is in D for moments.
           return server_state(c, 't') || (server_state(c, 'D') && connections_wait(c));
         },
     .because = "The kernel accepts connections for a process that waits for something else.",
     .fix =
         [](const HostCase& c) {
           return "See what it waits for: `cat /proc/" + std::to_string(c.server->pid) + "/stack`.";
         }},
    {.cause = Cause::sshd_disabled,
     .confidence = Confidence::certain,
     .needs =
         [](const HostCase& c) {
           return c.bindings.up && c.idle() && c.service != nullptr &&
                  c.service->load_state == "masked" && !c.socket->socket->accept;
         },
     .because = "The socket waits for connections, but the service behind it may not start."},
    {.cause = Cause::sshd_disabled,
     .confidence = Confidence::certain,
     .needs =
         [](const HostCase& c) {
           return c.bindings.up && c.idle() && c.service != nullptr &&
                  !c.service->unmet_condition.empty() && !c.socket->socket->accept;
         },
     .because = "The socket waits for connections, but a condition of the service behind it is not "
                "met."},
    {.cause = Cause::sshd_binary_broken,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return idle_and_fails(c, ConfigProblem::program); },
     .because = "The next connection starts a program that cannot run.",
     .facts = facts::binary},
    {.cause = Cause::sshd_binary_broken,
     .confidence = Confidence::likely,
     .needs = [](const HostCase& c) { return c.bindings.up && c.idle() && no_program(c); },
     .because = "The next connection starts a program that is in none of the usual places."},
    {.cause = Cause::sshd_config_invalid,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return idle_and_fails(c, ConfigProblem::configuration); },
     .because = "The next connection starts an sshd that refuses its configuration.",
     .facts = facts::configuration_error,
     .fix = config_fix},
    {.cause = Cause::sshd_host_keys_missing,
     .confidence = Confidence::likely,
     .needs =
         [](const HostCase& c) {
           return idle_and_fails(c, ConfigProblem::host_keys) && c.without_key_file();
         },
     .because = "The next connection starts an sshd without a host key, unless something makes one "
                "first.",
     .facts = facts::host_keys},
    {.cause = Cause::sshd_host_keys_unusable,
     .confidence = Confidence::certain,
     .needs =
         [](const HostCase& c) {
           return idle_and_fails(c, ConfigProblem::host_keys) && c.with_key_file();
         },
     .because = "The next connection starts an sshd that may not use any of its host keys.",
     .facts = facts::host_keys},
    {.cause = Cause::sshd_runtime_dir_missing,
     .confidence = Confidence::certain,
     .needs = without_runtime_directory,
     .because = "Each new connection needs the directory, and ends without it.",
     .facts = facts::runtime_directory,
     .fix = restart_fix},
    {.cause = Cause::sshd_binary_broken,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return running(c) && !c.server->missing_helper.empty(); },
     .because = "sshd accepts, and cannot start the program that serves the connection.",
     .facts = facts::binary},
    {.cause = Cause::sshd_upgrade_skew,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return outdated(c) && children_cannot_start(c); },
     .line = skew_line,
     .because = "The old process cannot hand connections to the new program.",
     .facts = facts::binary,
     .fix = restart_fix},
    {.cause = Cause::sshd_upgrade_skew,
     .confidence = Confidence::likely,
     .needs = [](const HostCase& c) { return outdated(c) && children_cannot_start(c); },
     .because = "The old process cannot hand connections to what is in its program's place now.",
     .facts = facts::binary,
     .fix = restart_fix},
    {.cause = Cause::sshd_upgrade_skew,
     .confidence = Confidence::likely,
     .needs =
         [](const HostCase& c) { return outdated(c) && !c.server->can_start_children.has_value(); },
     .line = skew_line,
     .because = "The old process had trouble to hand connections to the new program.",
     .facts = facts::binary,
     .fix = restart_fix},
    {.cause = Cause::sshd_binary_broken,
     .confidence = Confidence::likely,
     .needs = children_cannot_start,
     .because = "What sshd starts for each connection cannot run: it lacks a library, or may not.",
     .facts = facts::binary},
    {.cause = Cause::sshd_binary_broken,
     .confidence = Confidence::likely,
     .needs = is_openssh,
     .line = [](const HostCase& c) { return c.said_recently(LogEvent::loader_failed); },
     .because = "What sshd starts for each connection could not be loaded within the last minute.",
     .facts = facts::binary},
    {.cause = Cause::sshd_binary_broken,
     .confidence = Confidence::likely,
     .needs = is_openssh,
     .line = [](const HostCase& c) { return c.said_recently(LogEvent::privsep_user); },
     .because = "sshd lacked its user within the last minute, and ended a connection for that."},
    // With the names that the file has now; it may have been edited since sshd started.
    {.cause = Cause::sshd_host_keys_missing,
     .confidence = Confidence::likely,
     .needs = [](const HostCase& c) { return reads_keys_again(c) && c.without_key_file(); },
     .because = "Each new connection reads the host keys again, and ends without one.",
     .facts = facts::host_keys},
    {.cause = Cause::sshd_host_keys_unusable,
     .confidence = Confidence::likely,
     .needs = reads_keys_again,
     .because = "Each new connection reads the host keys again, and may not use any.",
     .facts = facts::host_keys},
    {.cause = Cause::max_startups,
     .confidence = Confidence::certain,
     .needs = full,
     .because = "sshd turns every new connection away until one of these logs in or ends.",
     .facts = facts::startups},
    {.cause = Cause::resource_exhausted,
     .confidence = Confidence::likely,
     .needs =
         [](const HostCase& c) {
           return running(c) && c.server->open_files_limit > 0 && c.server->open_files > 0 &&
                  c.server->open_files + kDescriptorsEach > c.server->open_files_limit;
         },
     .because = "sshd opens five descriptors for each new connection, and may not.",
     .facts = facts::descriptors},
    {.cause = Cause::resource_exhausted,
     .confidence = Confidence::likely,
     .needs = running,
     .line = [](const HostCase& c) { return c.said_recently(LogEvent::fd_or_fork); },
     .because = "sshd could not serve a connection within the last minute.",
     .facts = facts::descriptors},
    {.cause = Cause::tcp_wrappers_denied,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return wrappers(c) == WrapperVerdict::denied; },
     .because = "sshd is linked with libwrap, which obeys hosts.allow and hosts.deny.",
     .facts = facts::wrappers},
    {.cause = Cause::source_penalty,
     .confidence = Confidence::likely,
     .needs = running,
     .line = penalty_of_source,
     .because = "sshd turned this source away within the last minute."},
    // It may find room by giving up a connection that is not established yet.
    {.cause = Cause::conntrack_full,
     .confidence = Confidence::likely,
     .needs = tracks_no_more,
     .because = "The kernel drops what it cannot track.",
     .facts = facts::conntrack},
    {.cause = Cause::port_filtered,
     .confidence = Confidence::likely,
     .needs = filtered_by_systemd,
     .because = "systemd filters the packets of the unit by address.",
     .facts = facts::ip_filter,
     .fix =
         [](const HostCase&) {
           return std::string("Correct IPAddressDeny= and IPAddressAllow= of the unit.");
         }},

    // It serves, but not where it should.
    {.cause = Cause::port_conflict,
     .confidence = Confidence::certain,
     .needs = conflict_where_asked,
     .because = "Another program has what sshd should listen on, and what was asked for.",
     .facts = facts::conflicts},
    {.cause = Cause::socket_port_mismatch,
     .confidence = Confidence::likely,
     .needs = [](const HostCase& c) { return socket_differs(c) && asked_port_of_configuration(c); },
     .because = "The port of sshd_config was asked for, and systemd's socket listens on others.",
     .facts = facts::ports},
    {.cause = Cause::port_conflict,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return any_conflict(c, true); },
     .because = "Another program has what sshd should listen on.",
     .facts = facts::conflicts},
    {.cause = Cause::port_conflict,
     .confidence = Confidence::likely,
     .needs = [](const HostCase& c) { return any_conflict(c, false); },
     .because = "Something has what sshd should listen on; whose it is cannot be seen.",
     .facts = facts::conflicts},
    {.cause = Cause::sshd_failed,
     .confidence = Confidence::likely,
     .needs = [](const HostCase& c) { return other_server_elsewhere(c) && c.service_failed(); },
     .because = "The unit has failed, and what listens is another server, elsewhere."},
    {.cause = Cause::sshd_not_running,
     .confidence = Confidence::likely,
     .needs = other_server_elsewhere,
     .because = "The unit does not run, and what listens is another server, elsewhere.",
     .fix = start_fix},
    {.cause = Cause::address_missing,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return c.bindings.up && misses_absent_address(c); },
     .because = "sshd asks for an address that no interface has.",
     .facts = facts::missing},
    {.cause = Cause::address_missing,
     .confidence = Confidence::likely,
     .needs = [](const HostCase& c) { return c.bindings.up && !missing_where_asked(c).empty(); },
     .line =
         [](const HostCase& c) { return missing_bind_line(c, "Cannot assign requested address"); },
     .because = "An address was not there when sshd started.",
     .facts = facts::missing,
     .fix = restart_fix},
    {.cause = Cause::port_bind_denied,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return c.bindings.up && !missing_where_asked(c).empty(); },
     .line = [](const HostCase& c) { return missing_bind_line(c, "Permission denied"); },
     .because = "The kernel refused one of the ports: SELinux, or a missing capability.",
     .facts = facts::missing},
    {.cause = Cause::port_conflict,
     .confidence = Confidence::likely,
     .needs = [](const HostCase& c) { return c.bindings.up && !missing_where_asked(c).empty(); },
     .line = [](const HostCase& c) { return missing_bind_line(c, "Address already in use"); },
     .because = "Another program had one of the ports when sshd started, and has gone since.",
     .facts = facts::missing,
     .fix = restart_fix},
    {.cause = Cause::wrong_port,
     .confidence = Confidence::likely,
     .needs = asked_port_elsewhere,
     .because = "sshd listens, but on other ports.",
     .facts = facts::ports},
    {.cause = Cause::loopback_only,
     .confidence = Confidence::certain,
     .needs = [](const HostCase& c) { return loopback_only(c) && has_any_global(c); },
     .because = "Nobody else than this host itself can connect."},
    {.cause = Cause::address_family,
     .confidence = Confidence::certain,
     .needs = asked_family_unserved,
     .because = "sshd listens on no address of the family that was asked for."},
    {.cause = Cause::wrong_address,
     .confidence = Confidence::certain,
     .needs = asked_address_unserved,
     .because = "sshd listens on other addresses only.",
     .facts = facts::missing},
    {.cause = Cause::socket_port_mismatch,
     .confidence = Confidence::likely,
     .needs = socket_differs,
     .because = "Where systemd's socket listens, the port in sshd_config has no effect.",
     .facts = facts::ports},
    {.cause = Cause::address_missing,
     .confidence = Confidence::likely,
     .needs = [](const HostCase& c) { return c.bindings.up && wants_absent_address(c); },
     .because = "sshd still listens on an address that no interface has any more.",
     .facts = facts::missing},
    {.cause = Cause::socket_port_mismatch,
     .confidence = Confidence::likely,
     .needs = [](const HostCase& c) { return misses_port(c) && c.socket_activated(); },
     .because =
         "The socket unit names a port on which nothing listens: it was changed while it ran.",
     .facts = facts::ports},
    {.cause = Cause::wrong_port,
     .confidence = Confidence::likely,
     .needs = misses_port,
     .because = "sshd listens on other ports than its configuration names: it was not restarted "
                "since.",
     .facts = facts::ports,
     .fix = restart_fix},
    {.cause = Cause::address_family,
     .confidence = Confidence::certain,
     .needs =
         [](const HostCase& c) {
           return !c.question.address && (family_unserved(c, base::IpFamily::ipv4) ||
                                          family_unserved(c, base::IpFamily::ipv6));
         },
     .because = "The host has addresses of a family on which sshd does not listen.",
     .facts = facts::families},
    {.cause = Cause::wrong_address,
     .confidence = Confidence::likely,
     .needs = misses_own_address,
     .because =
         "sshd listens on other addresses than its configuration names: it was not restarted "
         "since.",
     .facts = facts::missing,
     .fix = restart_fix},

    // It serves, as far as can be seen.
    {.cause = Cause::max_startups,
     .confidence = Confidence::possible,
     .needs = filling,
     .because = "sshd turns some new connections away, at random, the more the fuller it is.",
     .facts = facts::startups},
    {.cause = Cause::sshd_starting,
     .confidence = Confidence::possible,
     .needs = [](const HostCase& c) { return running(c) && c.service_in("activating"); },
     .because = "sshd listens, but has not told systemd that it is ready."},
    {.cause = Cause::none,
     .confidence = Confidence::likely,
     .needs = everything_known,
     .because = "sshd would accept a new connection, if the firewall lets it through.",
     .facts = facts::guards},
    {.cause = Cause::none,
     .confidence = Confidence::possible,
     .needs = [](const HostCase&) { return true; },
     .because = "sshd would accept a new connection as far as can be seen; not all of it can.",
     .facts = facts::wrappers},
});

Confidence lower(Confidence confidence) {
  return confidence == Confidence::certain ? Confidence::likely : Confidence::possible;
}

bool proved(const HostRule& rule, const HostCase& c) {
  return rule.needs(c) && (rule.line == nullptr || rule.line(c) != nullptr);
}

}  // namespace

std::span<const HostRule> host_rules() { return kHostRules; }

const HostRule* decide(const HostCase& c) {
  const auto rule = std::find_if(kHostRules.begin(), kHostRules.end(),
                                 [&](const HostRule& row) { return proved(row, c); });
  return rule != kHostRules.end() ? &*rule : &kHostRules.back();
}

Confidence confidence_of(const HostRule& rule, const HostCase& c) {
  auto confidence = rule.confidence;
  if (rule.line != nullptr) {
    const auto* line = rule.line(c);
    if (line == nullptr || !line->trusted) confidence = lower(confidence);
  }
  // Else it is concluded from ports and names whose the sockets are, and what should be bound.
  const bool seen = c.facts.processes && c.facts.processes->complete && c.facts.listeners &&
                    c.facts.listeners->owners_known && c.systemd_known;
  const bool of_sockets =
      c.bindings.up && (model::info(rule.cause).layer == model::Layer::binding ||
                        rule.cause == Cause::accept_queue_full);
  if (of_sockets && !seen) confidence = lower(confidence);
  // Of several servers one was chosen, and what is said of libwrap and of directories is one's.
  const bool of_many = c.bindings.up && c.facts.processes && c.facts.processes->servers.size() > 1;
  if (of_many && confidence == Confidence::certain) confidence = Confidence::likely;
  // What has its port may be a program that starts sshd for each connection.
  const bool at_rest = rule.cause == Cause::sshd_disabled || rule.cause == Cause::sshd_not_running;
  if (at_rest && c.down() && !c.bindings.conflicts.empty()) confidence = lower(confidence);
  // Without systemd nobody knows that it was started at all.
  const bool of_failure = rule.cause != Cause::sshd_not_running && c.down();
  return of_failure && !c.facts.systemd ? lower(confidence) : confidence;
}

}  // namespace diagnose
