// `inspect`: this host's own SSH, looked at once, for a person or a program.

#include <future>
#include <iostream>
#include <vector>

#include "app/commands.h"
#include "app/exporter.h"
#include "app/own_host.h"
#include "app/terminal.h"
#include "base/text.h"
#include "diagnose/host_words.h"
#include "web/host_json.h"

namespace app {

namespace {

constexpr int kBadInput = 2;

using Lines = std::vector<std::string>;

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

void add_count(Lines& lines, const char* name, std::uint32_t patterns) {
  if (patterns > 0) {
    lines.push_back(std::string(name) + "  " + std::to_string(patterns) + " patterns");
  }
}

template <typename Number>
void add_number(Lines& lines, const char* name, const std::optional<Number>& value) {
  if (value) lines.push_back(std::string(name) + " " + std::to_string(*value));
}

Lines unit_lines(const model::HostReport& report) {
  Lines lines;
  if (!report.facts.systemd) return lines;
  for (const auto& unit : report.facts.systemd->units) {
    auto line =
        unit.name + "  " + unit.load_state + "  " + unit.active_state + " (" + unit.sub_state + ")";
    if (!unit.unit_file_state.empty()) line += "  " + unit.unit_file_state;
    if (!unit.result.empty()) line += "  result " + unit.result;
    if (unit.service && unit.service->exit_code != 0) {
      line += "  exit " + std::to_string(unit.service->exit_status);
    }
    if (unit.service && unit.service->restarts > 0) {
      line += "  " + std::to_string(unit.service->restarts) + " restarts";
    }
    if (unit.activated) line += "  last became active " + diagnose::utc(*unit.activated);
    lines.push_back(std::move(line));
    if (!unit.ip_address_deny.empty()) {
      lines.push_back("  IPAddressDeny " + join(unit.ip_address_deny));
    }
    if (!unit.ip_address_allow.empty()) {
      lines.push_back("  IPAddressAllow " + join(unit.ip_address_allow));
    }
  }
  return lines;
}

Lines listener_lines(const model::HostReport& report) {
  Lines lines;
  for (const auto& row : report.bindings.listeners) {
    auto line = diagnose::endpoint_words(row.endpoint) + "  queue " +
                std::to_string(row.queue_length) + " of " + std::to_string(row.queue_limit);
    if (!row.process.empty()) line += "  " + row.process;
    lines.push_back(std::move(line));
  }
  for (const auto& row : report.bindings.missing) {
    lines.push_back(diagnose::endpoint_words(row) + "  not listened on");
  }
  for (const auto& row : report.bindings.conflicts) {
    lines.push_back(diagnose::endpoint_words(row.endpoint) + "  taken by " +
                    (row.process.empty() ? "another program" : row.process));
  }
  return lines;
}

Lines configuration_lines(const model::HostReport& report) {
  Lines lines;
  if (!report.facts.configuration) return lines;
  const auto& config = *report.facts.configuration;
  if (config.program.empty()) return {"no SSH server is installed"};
  lines.push_back(config.binary + (config.version.empty() ? "" : "  " + config.version) +
                  "  settings " + model::name_of(config.source));
  if (config.check) {
    const auto& check = *config.check;
    lines.push_back(check.problem == model::ConfigProblem::none
                        ? "sshd -t: valid"
                        : "sshd -t: " + std::string(model::name_of(check.problem)) + ": " +
                              check.message);
  }
  if (config.max_startups) {
    lines.push_back("MaxStartups " + std::to_string(config.max_startups->begin) + ":" +
                    std::to_string(config.max_startups->rate) + ":" +
                    std::to_string(config.max_startups->full));
  }
  if (config.login_grace) {
    lines.push_back("LoginGraceTime " + base::format_duration(*config.login_grace));
  }
  add_number(lines, "PerSourceMaxStartups", config.per_source_max_startups);
  if (config.per_source_penalties) {
    lines.push_back(std::string("PerSourcePenalties ") +
                    (*config.per_source_penalties ? "on" : "off"));
  }
  add_count(lines, "AllowUsers", config.allow_users);
  add_count(lines, "DenyUsers", config.deny_users);
  add_count(lines, "AllowGroups", config.allow_groups);
  add_count(lines, "DenyGroups", config.deny_groups);
  for (const auto& key : config.host_keys) {
    const auto* state = !key.usable   ? "not looked at"
                        : *key.usable ? "usable"
                                      : key.problem.c_str();
    lines.push_back("host key " + key.path + "  " + key.type + "  " +
                    (key.present ? state : "absent"));
  }
  return lines;
}

Lines process_lines(const model::HostReport& report) {
  Lines lines;
  if (!report.facts.processes) return lines;
  const auto& processes = *report.facts.processes;
  for (const auto& server : processes.servers) {
    auto line = server.name + "  process " + std::to_string(server.pid) + "  state " + server.state;
    if (server.startups) {
      line += "  " + std::to_string(server.startups->now) + " of " +
              std::to_string(server.startups->begin) + "-" + std::to_string(server.startups->full) +
              " startups";
    }
    lines.push_back(std::move(line));
  }
  lines.push_back(std::to_string(processes.sessions) + " sessions, " +
                  std::to_string(processes.unauthenticated) + " connections not logged in");
  if (processes.runtime_directory) {
    const auto& directory = *processes.runtime_directory;
    lines.push_back(directory.path + (directory.present
                                          ? (directory.safe ? "  in order" : "  open to others")
                                          : "  absent"));
  }
  if (processes.libwrap) {
    lines.push_back(*processes.libwrap ? "linked with libwrap" : "not linked with libwrap");
  }
  for (const auto& rule : processes.wrapper_rules) {
    lines.push_back(rule.where + "  " + (rule.allow ? "allow " : "deny ") + join(rule.clients));
  }
  return lines;
}

Lines kernel_lines(const model::HostReport& report) {
  Lines lines;
  if (!report.facts.kernel) return lines;
  const auto& kernel = *report.facts.kernel;
  add_number(lines, "connections dropped at full accept queues, of all programs:",
             kernel.listen_overflows);
  add_number(lines,
             "connections dropped at listening sockets, of all programs:", kernel.listen_drops);
  add_number(lines, "tracked connections:", kernel.conntrack_entries);
  add_number(lines, "tracked connections at most:", kernel.conntrack_limit);
  if (!kernel.strict_rp_filter.empty()) {
    lines.push_back("strict rp_filter on " + join(kernel.strict_rp_filter));
  }
  for (const auto& row : kernel.addresses) {
    lines.push_back(row.address.to_string() + "  " + row.interface + (row.up ? "" : "  down"));
  }
  return lines;
}

Lines log_lines(const model::HostReport& report) {
  Lines lines;
  if (!report.facts.log) return lines;
  for (auto event : model::all_log_events()) {
    const auto& newest = report.facts.log->of(event).newest;
    if (!newest) continue;
    // What people paste into tickets should name nobody.
    lines.push_back(
        diagnose::utc(newest->time) + "  " + model::name_of(event) + "  " +
        (model::may_name_user(event) ? "(not shown: it may name a user)" : newest->message));
  }
  return lines;
}

Lines collector_lines(const model::HostReport& report) {
  Lines lines;
  for (const auto& status : report.collectors) {
    if (!status.success) lines.push_back(std::string(status.name) + "  " + status.error);
  }
  return lines;
}

void print_for_people(const model::HostReport& report) {
  const auto& diagnosis = report.diagnosis;
  print_finding({"SSH on this host", "a new connection gets in", diagnosis.cause,
                 diagnosis.confidence, diagnosis.evidence, diagnosis.fix});
  print_section("Units", unit_lines(report));
  print_section("Listeners", listener_lines(report));
  print_section("Configuration", configuration_lines(report));
  print_section("Processes", process_lines(report));
  print_section("Kernel", kernel_lines(report));
  if (report.facts.guards) print_section("Guards that run", report.facts.guards->running);
  print_section("Newest lines of the log, by kind", log_lines(report));
  print_section("Not seen in full", collector_lines(report));
}

}  // namespace

int inspect(const InspectOptions& options) {
  auto configuration = load_configuration(options.config_file);
  if (!configuration) {
    std::cerr << configuration.error() << "\n";
    return kBadInput;
  }
  auto first = std::make_shared<std::promise<local::HostWatch::Report>>();
  auto report = first->get_future();
  auto watch =
      watch_host(once_settings(configuration->local),
                 [first](const local::HostWatch::Report& made) { first->set_value(made); });
  const auto made = report.get();
  watch.reset();  // a second report would find the promise kept
  if (options.json) {
    std::cout << web::to_json(*made, {}, made->diagnosis) << std::endl;
  } else {
    print_for_people(*made);
  }
  return made->diagnosis.cause == model::Cause::none ? 0 : 1;
}

}  // namespace app
