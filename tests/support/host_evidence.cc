#include "support/host_evidence.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <csignal>
#include <memory>
#include <utility>

#include "support/evidence.h"

namespace evidence {

using model::ConfigProblem;
using model::UnitFacts;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

constexpr std::array<std::string_view, 7> kCollectors{
    "systemd", "listeners", "configuration", "processes", "log", "kernel", "guards"};
constexpr pid_t kInit = 1;

UnitFacts unit_of(std::string name, std::string_view active, std::string_view sub,
                  std::string_view enabled) {
  UnitFacts unit;
  unit.name = std::move(name);
  unit.load_state = "loaded";
  unit.active_state = active;
  unit.sub_state = sub;
  unit.unit_file_state = enabled;
  unit.result = "success";
  return unit;
}

model::ServerProcess sshd_process() {
  model::ServerProcess server;
  server.pid = kSshdPid;
  server.name = "sshd";
  server.state = 'S';
  server.started = host_now() - hours(1);
  server.command = {"/usr/sbin/sshd", "-D"};
  server.executable = "/usr/sbin/sshd";
  server.can_start_children = true;
  server.startups = model::Startups{0, 10, 100};
  server.open_files = 5;
  server.open_files_limit = 1024;
  server.unit = "ssh.service";
  return server;
}

model::SshdConfig debian_configuration(std::string version) {
  model::SshdConfig config;
  config.program = "sshd";
  config.binary = "/usr/sbin/sshd";
  config.file = "/etc/ssh/sshd_config";
  config.version = std::move(version);
  config.ports = {22};
  config.listen = {endpoint("0.0.0.0"), endpoint("::")};
  config.max_startups = model::MaxStartups{};
  config.login_grace = minutes(2);
  for (const auto* type : {"rsa", "ecdsa", "ed25519"}) {
    config.host_keys.push_back(
        {"/etc/ssh/ssh_host_" + std::string(type) + "_key", type, true, 0600, 0, true, ""});
  }
  config.check = model::ConfigCheck{};
  return config;
}

}  // namespace

base::WallTime host_now() { return base::WallTime(std::chrono::seconds(1'767'323'045)); }

model::Endpoint endpoint(std::string_view address, std::uint16_t port) {
  return {ip(address), port};
}

Host::Host() {
  auto ssh = unit_of("ssh.service", "active", "running", "enabled");
  ssh.aliases = {"sshd.service"};
  ssh.activated = ssh.last_attempt = ssh.changed = host_now() - hours(1);
  ssh.service = model::ServiceFacts{0, 0, 0, kSshdPid, {"/usr/sbin/sshd", "-D"}};
  auto socket = unit_of("ssh.socket", "inactive", "dead", "disabled");
  socket.socket = model::SocketFacts{{endpoint("0.0.0.0"), endpoint("::")}, false, "ssh.service"};
  systemd.units = {ssh, socket};
  processes.servers = {sshd_process()};
  processes.runtime_directory = model::RuntimeDirectory{"/run/sshd", true, true};
  processes.libwrap = true;
  bound("0.0.0.0").bound("::");
  events.source = "journal";
  events.events.resize(model::all_log_events().size());
  addresses({"127.0.0.1", "::1", "192.0.2.10", "2001:db8::10", "fe80::10"}).booted(hours(24));
  kernel.nonlocal_bind = false;
}

Host Host::debian_12() {
  Host host;
  host.configuration = debian_configuration("OpenSSH_9.2p1 Debian-2+deb12u10");
  return host;
}

Host Host::debian_13() {
  Host host;
  host.configuration = debian_configuration("OpenSSH_10.0p2 Debian-7+deb13u4");
  host.configuration.per_source_penalties = true;
  host.server().one_binary = false;
  return host;
}

UnitFacts& Host::unit(std::string_view name) {
  auto found = std::find_if(systemd.units.begin(), systemd.units.end(),
                            [&](const UnitFacts& unit) { return unit.name == name; });
  if (found != systemd.units.end()) return *found;
  auto& added =
      systemd.units.emplace_back(unit_of(std::string(name), "inactive", "dead", "disabled"));
  if (name.ends_with(".service")) added.service.emplace();
  if (name.ends_with(".socket")) added.socket.emplace();
  return added;
}

model::ServerProcess& Host::server() {
  assert(!processes.servers.empty());
  return processes.servers.front();
}

Host& Host::unit_state(std::string_view active, std::string_view sub, std::string_view result) {
  auto& unit = service();
  unit.active_state = active;
  unit.sub_state = sub;
  unit.result = result;
  unit.changed = host_now() - minutes(1);
  unit.last_attempt = host_now() - minutes(1);
  unit.service->main_pid = 0;
  return *this;
}

Host& Host::down() {
  processes.servers.clear();
  // It goes with the unit that made it, and then `sshd -t` misses it.
  processes.runtime_directory->present = false;
  if (configuration.check && configuration.check->problem == ConfigProblem::none) {
    check(ConfigProblem::runtime_directory, "Missing privilege separation directory: /run/sshd");
  }
  return not_bound();
}

Host& Host::not_bound() {
  std::erase_if(listeners.listeners,
                [](const auto& row) { return row.owner && row.owner->process == "sshd"; });
  return *this;
}

Host& Host::stopped() {
  unit_state("inactive", "dead", "success");
  service().service->exit_code = CLD_EXITED;
  return down();
}

Host& Host::failed(std::string_view result, int status) {
  unit_state("failed", "failed", result);
  service().service->exit_code = CLD_EXITED;
  service().service->exit_status = status;
  return down();
}

Host& Host::auto_restart(std::uint64_t restarts) {
  unit_state("activating", "auto-restart", "exit-code");
  service().service->restarts = restarts;
  return down();
}

Host& Host::starting(std::uint64_t restarts) {
  unit_state("activating", "start-pre", "success");
  service().service->restarts = restarts;
  return down();
}

Host& Host::masked() {
  stopped();
  service().load_state = "masked";
  return enabled("masked");
}

Host& Host::enabled(std::string_view state) {
  service().unit_file_state = state;
  return *this;
}

Host& Host::condition(std::string_view text) {
  stopped();
  service().failed_condition = text;
  return *this;
}

Host& Host::socket_activated() {
  stopped();
  enabled("disabled");
  service().service->exit_code = 0;
  socket().active_state = "active";
  socket().sub_state = "listening";
  socket().unit_file_state = "enabled";
  socket().activated = host_now() - hours(2);
  bound_by("systemd", "::", 22, kInit);
  listeners.listeners.back().dual_stack = true;
  listeners.listeners.back().queue_limit = 4096;
  return *this;
}

Host& Host::connected() {
  unit_state("active", "running", "success");
  service().service->main_pid = kSshdPid;
  socket().sub_state = "running";
  processes.servers = {sshd_process()};
  processes.runtime_directory->present = true;
  return check(ConfigProblem::none);
}

Host& Host::socket_failed(std::string_view result) {
  socket().active_state = "failed";
  socket().sub_state = "failed";
  socket().result = result;
  listeners.listeners.clear();
  return *this;
}

Host& Host::socket_lost() {
  listeners.listeners.clear();
  return *this;
}

Host& Host::socket_listens(const std::vector<model::Endpoint>& endpoints) {
  socket().socket->listen = endpoints;
  return *this;
}

Host& Host::purged() {
  down();
  systemd.units.clear();
  configuration = model::SshdConfig{};
  return *this;
}

Host& Host::without_systemd() {
  has_systemd_ = false;
  return *this;
}

Host& Host::without_units() {
  systemd.units.clear();
  return *this;
}

Host& Host::dropbear() {
  stopped().enabled("disabled");
  auto& unit = this->unit("dropbear.service");
  unit.active_state = "active";
  unit.sub_state = "running";
  unit.unit_file_state = "enabled";
  unit.service->main_pid = kSshdPid;
  auto process = sshd_process();
  process.name = "dropbear";
  process.executable = "/usr/sbin/dropbear";
  process.command = {"/usr/sbin/dropbear", "-E", "-F"};
  process.unit = "dropbear.service";
  process.startups.reset();
  process.can_start_children.reset();
  processes.servers = {process};
  return bound_by("dropbear", "0.0.0.0", 22, kSshdPid).bound_by("dropbear", "::", 22, kSshdPid);
}

Host& Host::bound(std::string_view address, std::uint16_t port) {
  return bound_by("sshd", address, port, kSshdPid);
}

Host& Host::bound_by(std::string_view process, std::string_view address, std::uint16_t port,
                     pid_t pid) {
  model::ListenerFacts::Listener listener;
  listener.endpoint = endpoint(address, port);
  listener.queue_limit = 128;
  listener.inode = 4000 + listeners.listeners.size();
  listener.owner = model::SocketOwner{pid, std::string(process)};
  listeners.listeners.push_back(listener);
  return *this;
}

Host& Host::hidden_owners() {
  listeners.owners_known = false;
  for (auto& listener : listeners.listeners) listener.owner.reset();
  return *this;
}

Host& Host::queue(std::string_view address, std::uint32_t length) {
  for (auto& listener : listeners.listeners) {
    if (listener.endpoint.address == ip(address)) listener.queue_length = length;
  }
  return *this;
}

Host& Host::asks_for(const std::vector<model::Endpoint>& endpoints) {
  configuration.listen = endpoints;
  configuration.ports.clear();
  for (const auto& one : endpoints) {
    auto& ports = configuration.ports;
    if (std::find(ports.begin(), ports.end(), one.port) == ports.end()) ports.push_back(one.port);
  }
  return *this;
}

Host& Host::check(ConfigProblem problem, std::string message, std::string file, int line) {
  configuration.check = model::ConfigCheck{problem, std::move(file), line, std::move(message), ""};
  if (problem == ConfigProblem::runtime_directory) configuration.check->directory = "/run/sshd";
  return *this;
}

Host& Host::keys(bool present, std::string_view problem) {
  for (auto& key : configuration.host_keys) {
    key.present = present;
    key.mode = present ? 0644 : 0;
    key.usable = false;
    key.problem = problem;
  }
  return check(ConfigProblem::host_keys, "sshd: no hostkeys available -- exiting.");
}

Host& Host::program_gone() {
  configuration = model::SshdConfig{};
  return *this;
}

Host& Host::deny(std::vector<std::string> clients, bool linked) {
  const auto line = std::to_string(processes.wrapper_rules.size() + 1);
  processes.libwrap = linked;
  model::WrapperRule rule;
  rule.clients = std::move(clients);
  rule.where = "/etc/hosts.deny:" + line;
  processes.wrapper_rules.push_back(std::move(rule));
  return *this;
}

Host& Host::allow(std::vector<std::string> clients) {
  model::WrapperRule rule;
  rule.allow = true;
  rule.clients = std::move(clients);
  rule.where = "/etc/hosts.allow:1";
  processes.wrapper_rules.insert(processes.wrapper_rules.begin(), std::move(rule));
  return *this;
}

Host& Host::startups(int now, int begin, int full) {
  server().startups = model::Startups{now, begin, full};
  processes.unauthenticated = static_cast<std::uint32_t>(now);
  return *this;
}

Host& Host::log(model::LogEvent event, std::string message, base::Duration age, bool trusted) {
  auto& state = events.events.at(static_cast<std::size_t>(event));
  ++state.count;
  state.newest = model::LogLine{};
  state.newest->time = host_now() - std::chrono::duration_cast<base::WallTime::duration>(age);
  state.newest->message = std::move(message);
  state.newest->unit = "ssh.service";
  state.newest->trusted = trusted;
  return *this;
}

Host& Host::log_address(model::LogEvent event, std::string_view address, std::uint16_t port) {
  auto& state = events.events.at(static_cast<std::size_t>(event));
  assert(state.newest);
  state.newest->address = address;
  state.newest->port = port;
  return *this;
}

Host& Host::addresses(const std::vector<std::string_view>& all) {
  kernel.addresses.clear();
  for (auto address : all) {
    kernel.addresses.push_back({ip(address), ip(address).is_loopback() ? "lo" : "eth0"});
  }
  return *this;
}

Host& Host::booted(base::Duration ago) {
  kernel.booted = host_now() - std::chrono::duration_cast<base::WallTime::duration>(ago);
  return *this;
}

Host& Host::stale(std::string_view collector) {
  stale_.emplace(collector);
  return *this;
}

Host& Host::missing(std::string_view collector) {
  missing_.emplace(collector);
  return *this;
}

Host& Host::partial(std::string_view collector) {
  partial_.emplace(collector);
  return *this;
}

model::HostReport Host::report() const {
  model::HostReport report;
  report.completed = host_now();
  const auto put = [&](std::string_view name, auto& part, const auto& facts) {
    using Part = std::remove_cvref_t<decltype(facts)>;
    if (!missing_.contains(name)) part = std::make_shared<const Part>(facts);
  };
  if (has_systemd_) put("systemd", report.facts.systemd, systemd);
  put("listeners", report.facts.listeners, listeners);
  put("configuration", report.facts.configuration, configuration);
  put("processes", report.facts.processes, processes);
  put("log", report.facts.log, events);
  put("kernel", report.facts.kernel, kernel);
  put("guards", report.facts.guards, guards);
  for (auto name : kCollectors) {
    model::CollectorStatus status;
    status.name = name;
    status.fresh = !stale_.contains(name);
    status.success = status.fresh && !missing_.contains(name) && !partial_.contains(name);
    if (!status.success) status.error = "for the test";
    status.duration = std::chrono::milliseconds(2);
    status.completed = host_now();
    report.collectors.push_back(status);
  }
  return report;
}

}  // namespace evidence
