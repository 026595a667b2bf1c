#include "diagnose/host_words.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <ctime>

#include "base/text.h"
#include "diagnose/tcp_wrappers.h"
#include "diagnose/words.h"

namespace diagnose {

namespace {

using model::Endpoint;
using model::UnitFacts;

// A line names no more of a kind; what is left out is counted.
constexpr std::size_t kNamed = 8;

std::string join(const std::vector<std::string>& items) {
  std::string text;
  for (std::size_t i = 0; i < items.size() && i < kNamed; ++i) {
    text += (i == 0 ? "" : ", ") + items[i];
  }
  if (items.size() > kNamed) text += " and " + std::to_string(items.size() - kNamed) + " more";
  return text;
}

// How the main process ended; empty if it has not.
std::string exit_words(const model::ServiceFacts& service) {
  constexpr int kNotExecuted = 203;  // systemd's EXIT_EXEC
  if (service.exit_code == CLD_EXITED) {
    if (service.exit_status == kNotExecuted) return "status 203: the program cannot be executed";
    return "status " + std::to_string(service.exit_status);
  }
  if (service.exit_code == CLD_KILLED || service.exit_code == CLD_DUMPED) {
    const char* name = sigabbrev_np(service.exit_status);
    return "killed by " + (name != nullptr ? "SIG" + std::string(name)
                                           : "signal " + std::to_string(service.exit_status));
  }
  return {};
}

std::string_view state_words(char state) {
  switch (state) {
    case 'T':
      return "stopped by a signal";
    case 't':
      return "stopped by a tracer";
    case 'D':
      return "blocked in the kernel";
    case 'Z':
      return "dead, but not yet reaped";
    default:
      return "running";
  }
}

std::string ports_words(const std::vector<std::uint16_t>& ports) {
  std::vector<std::string> texts;
  texts.reserve(ports.size());
  for (auto port : ports) texts.push_back(std::to_string(port));
  return (ports.size() == 1 ? "port " : "ports ") + join(texts);
}

std::string listeners_words(const HostCase& c) {
  std::vector<std::string> texts;
  for (const auto& listener : c.bindings.listeners) {
    auto text = endpoint_words(listener.endpoint);
    if (listener.dual_stack) text += " (IPv4 as well)";
    if (!listener.process.empty()) text += " by " + listener.process;
    texts.push_back(std::move(text));
  }
  return "SSH listens on " + join(texts) + ".";
}

}  // namespace

std::string utc(base::WallTime time) {
  const auto seconds = std::chrono::system_clock::to_time_t(time);
  std::tm fields{};
  gmtime_r(&seconds, &fields);
  std::array<char, 32> text;
  const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &fields);
  return {text.data(), size};
}

std::string endpoint_words(const Endpoint& endpoint) {
  return base::format_host_port(endpoint.address.to_string(), endpoint.port);
}

std::string endpoints_words(const std::vector<Endpoint>& endpoints) {
  std::vector<std::string> texts;
  texts.reserve(endpoints.size());
  for (const auto& endpoint : endpoints) texts.push_back(endpoint_words(endpoint));
  return join(texts);
}

std::string unit_words(const UnitFacts& unit) {
  if (unit.load_state == "masked") return unit.name + " is masked.";
  std::string text = unit.name + " is " + unit.active_state;
  if (!unit.sub_state.empty() && unit.sub_state != unit.active_state) {
    text += " (" + unit.sub_state + ")";
  }
  std::string ending;
  if (unit.service) ending = exit_words(*unit.service);
  if (!unit.result.empty() && unit.result != "success") {
    text += ", result " + unit.result;
    if (!ending.empty()) text += " (" + ending + ")";
  }
  if (!unit.unit_file_state.empty()) text += ", " + unit.unit_file_state;
  if (unit.service && unit.service->restarts > 0) {
    text += ", restarted " + std::to_string(unit.service->restarts) + " times by systemd";
  }
  if (unit.changed) text += ", since " + utc(*unit.changed);
  text += ".";
  if (!unit.failed_condition.empty()) {
    text += " It was not started because of " + unit.failed_condition + ".";
  } else if (!unit.unmet_condition.empty()) {
    text += " It cannot be started because of " + unit.unmet_condition + ".";
  }
  return text;
}

std::string server_words(const model::ServerProcess& server) {
  std::string text = server.name + " runs as process " + std::to_string(server.pid) + ", " +
                     std::string(state_words(server.state)) + " (" + server.state + ")";
  if (server.startups) {
    text += concat({", ", std::to_string(server.startups->now), " of ",
                    std::to_string(server.startups->begin), "-",
                    std::to_string(server.startups->full), " startups"});
  }
  return text + ".";
}

std::string log_words(const model::LogLine& line) {
  return "The log says at " + utc(line.time) + ": " + quote(line.message) +
         (line.trusted ? "." : " (from a file, which any program may write through syslog).");
}

void explain_state(const HostCase& c, Lines& lines) {
  if (!c.systemd_known) {
    lines.emplace_back("systemd could not be asked.");
  } else if (!c.facts.systemd) {
    lines.emplace_back("There is no systemd on this host.");
  } else if (c.service == nullptr && c.socket == nullptr) {
    lines.emplace_back("systemd has no unit of an SSH server.");
  }
  if (c.service != nullptr) lines.push_back(unit_words(*c.service));
  if (c.socket != nullptr) lines.push_back(unit_words(*c.socket));
  if (c.server != nullptr) {
    lines.push_back(server_words(*c.server));
  } else if (c.facts.processes && c.facts.processes->complete) {
    lines.emplace_back("No process of an SSH server listens.");
  }
  if (!c.facts.listeners) {
    lines.emplace_back("What is listened on is not known.");
  } else if (c.bindings.up) {
    lines.push_back(listeners_words(c));
  } else {
    lines.emplace_back("Nothing listens for SSH.");
  }
}

namespace facts {

void configuration_error(const HostCase& c, Lines& lines) {
  if (!c.facts.configuration || !c.facts.configuration->check) return;
  const auto& check = *c.facts.configuration->check;
  if (check.problem == model::ConfigProblem::none) {
    lines.emplace_back("`sshd -t` finds nothing wrong with the configuration as it is now.");
    return;
  }
  // The unit makes the directory when it starts, and takes it away when it stops.
  const bool usual = check.problem == model::ConfigProblem::runtime_directory &&
                     c.server == nullptr && c.facts.systemd;
  if (usual) return;
  std::string where;
  if (!check.file.empty()) {
    where = " in " + quote(check.file);
    if (check.line > 0) where += ", line " + std::to_string(check.line);
  }
  lines.push_back("`sshd -t` fails" + where + ": " + quote(check.message) + ".");
}

void host_keys(const HostCase& c, Lines& lines) {
  if (!c.facts.configuration) return;
  std::vector<std::string> absent;
  for (const auto& key : c.facts.configuration->host_keys) {
    if (!key.present) {
      absent.push_back(key.path);
    } else if (key.usable && !*key.usable) {
      lines.push_back(
          concat({"Host key ", quote(key.path), " (mode ", base::octal(key.mode), ", owner ",
                  std::to_string(key.owner), ") cannot be used: ", key.problem, "."}));
    }
  }
  if (!absent.empty()) lines.push_back("Host keys that are absent: " + join(absent) + ".");
}

void conflicts(const HostCase& c, Lines& lines) {
  for (const auto& conflict : c.bindings.conflicts) {
    const auto whose = conflict.process.empty() ? std::string("another program")
                                                : "the program " + quote(conflict.process);
    lines.push_back(endpoint_words(conflict.endpoint) + " belongs to " + whose + ".");
  }
}

void missing(const HostCase& c, Lines& lines) {
  if (!c.bindings.missing.empty()) {
    lines.push_back("Asked for, but not listened on: " + endpoints_words(c.bindings.missing) + ".");
  }
  std::vector<std::string> absent;
  for (const auto& endpoint : c.bindings.wanted) {
    if (!endpoint.address.is_unspecified() && !c.owns(endpoint.address)) {
      absent.push_back(endpoint.address.to_string());
    }
  }
  if (!absent.empty() && c.facts.kernel) {
    lines.push_back("No interface has the address " + join(absent) + ".");
  }
}

void binary(const HostCase& c, Lines& lines) {
  if (c.server != nullptr) {
    const auto& server = *c.server;
    if (server.executable_deleted || server.executable_replaced) {
      lines.push_back(concat({"The running program ", quote(server.executable), " was ",
                              server.executable_replaced ? "replaced" : "deleted",
                              " after it had been started."}));
    }
    if (!server.missing_helper.empty()) {
      lines.push_back(quote(server.missing_helper) + ", which serves each connection, is missing.");
    }
  }
  if (c.check_fails(model::ConfigProblem::program)) {
    const auto& config = *c.facts.configuration;
    lines.push_back(quote(config.binary) +
                    " as it is now cannot run: " + quote(config.check->message) + ".");
  } else if (c.server == nullptr && c.service != nullptr && c.service->service &&
             !c.service->service->start_command.empty()) {
    lines.push_back(c.service->name + " runs " + quote(c.service->service->start_command.front()) +
                    ".");
  }
}

void runtime_directory(const HostCase& c, Lines& lines) {
  if (c.facts.processes && c.facts.processes->runtime_directory) {
    const auto& directory = *c.facts.processes->runtime_directory;
    if (!directory.present) {
      lines.push_back("The directory " + quote(directory.path) + " is absent.");
    } else if (!directory.safe) {
      lines.push_back("The directory " + quote(directory.path) +
                      " is not root's own, or others may write to it.");
    }
  }
  if (c.check_fails(model::ConfigProblem::runtime_directory)) configuration_error(c, lines);
}

void startups(const HostCase& c, Lines& lines) {
  const auto startups = c.startups();
  if (!startups) return;
  lines.push_back(
      concat({std::to_string(startups->now), " connections are open that have not logged in; from ",
              std::to_string(startups->begin), " on some are turned away, from ",
              std::to_string(startups->full), " on all."}));
}

void queue(const HostCase& c, Lines& lines) {
  const auto* listener = c.overflowing();
  if (listener == nullptr) return;
  lines.push_back(concat({std::to_string(listener->queue_length), " connections wait at ",
                          endpoint_words(listener->endpoint), ", whose queue takes ",
                          std::to_string(listener->queue_limit), "."}));
}

void descriptors(const HostCase& c, Lines& lines) {
  if (c.server == nullptr || c.server->open_files == 0) return;
  lines.push_back(concat({"sshd has ", std::to_string(c.server->open_files), " of ",
                          std::to_string(c.server->open_files_limit), " descriptors open."}));
}

void conntrack(const HostCase& c, Lines& lines) {
  if (!c.facts.kernel) return;
  const auto& kernel = *c.facts.kernel;
  lines.push_back(std::to_string(kernel.conntrack_entries.value_or(0)) +
                  " connections are tracked, of at most " +
                  std::to_string(kernel.conntrack_limit.value_or(0)) + ".");
}

void wrappers(const HostCase& c, Lines& lines) {
  if (!c.facts.processes) return;
  const auto answer = ask_wrappers(c.facts.processes->wrapper_rules, c.question.source);
  if (answer.rule == nullptr) return;
  if (!c.question.source && answer.verdict == WrapperVerdict::unknown) {
    lines.push_back(concat({answer.rule->where, " and its like do not let everybody in: ",
                            quote(join(answer.rule->clients)), "."}));
    return;
  }
  const auto verdict = answer.verdict == WrapperVerdict::unknown  ? "may match"
                       : answer.verdict == WrapperVerdict::denied ? "denies"
                                                                  : "allows";
  lines.push_back(concat({answer.rule->where, " ", verdict, " ",
                          c.question.source ? c.question.source->to_string() : "everybody", ": ",
                          quote(join(answer.rule->clients)), "."}));
}

void ports(const HostCase& c, Lines& lines) {
  if (c.question.port) {
    lines.push_back("Port " + std::to_string(*c.question.port) + " was asked for.");
  }
  if (c.facts.configuration && !c.facts.configuration->ports.empty()) {
    lines.push_back("sshd's configuration names " + ports_words(c.facts.configuration->ports) +
                    ".");
  }
  if (c.socket_activated() && c.socket->socket) {
    lines.push_back(c.socket->name + " listens on " + endpoints_words(c.socket->socket->listen) +
                    ".");
  }
}

void families(const HostCase& c, Lines& lines) {
  if (!c.facts.kernel) return;
  std::vector<std::string> global;
  for (const auto& row : c.facts.kernel->addresses) {
    if (!row.address.is_loopback() && !row.address.is_link_local()) {
      global.push_back(row.address.to_string());
    }
  }
  if (!global.empty()) lines.push_back("The host's addresses: " + join(global) + ".");
  for (const auto family : {base::IpFamily::ipv4, base::IpFamily::ipv6}) {
    const auto& listeners = c.bindings.listeners;
    const bool served = std::any_of(listeners.begin(), listeners.end(), [&](const auto& row) {
      return row.endpoint.address.family() == family ||
             (row.dual_stack && family == base::IpFamily::ipv4);
    });
    if (!served) {
      lines.push_back(std::string("sshd listens on no IPv") +
                      (family == base::IpFamily::ipv4 ? "4" : "6") + " address.");
    }
  }
}

void ip_filter(const HostCase& c, Lines& lines) {
  for (const auto* unit : {c.service, c.socket}) {
    if (unit == nullptr || unit->ip_address_deny.empty()) continue;
    lines.push_back(unit->name + " has IPAddressDeny=" + join(unit->ip_address_deny) +
                    (unit->ip_address_allow.empty()
                         ? "."
                         : " and IPAddressAllow=" + join(unit->ip_address_allow) + "."));
  }
}

void guards(const HostCase& c, Lines& lines) {
  if (!c.facts.guards || c.facts.guards->running.empty()) return;
  lines.push_back("Bans are possible: " + join(c.facts.guards->running) + " runs here.");
}

}  // namespace facts

}  // namespace diagnose
