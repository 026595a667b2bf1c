#include "support/snapshots.h"

#include <cerrno>

namespace test_support {

namespace {

using namespace std::chrono_literals;
using model::Cause;
using model::Confidence;
using model::Outcome;
using model::Stage;

base::IpAddress ip(const std::string& text) { return base::IpAddress::parse(text).value(); }

model::ProbeReport report_at(base::Duration duration) {
  model::ProbeReport report;
  report.result.started = fixed_wall_time();
  report.result.duration = duration;
  report.result.completed =
      fixed_wall_time() + std::chrono::duration_cast<base::WallTime::duration>(duration);
  return report;
}

std::shared_ptr<const model::TargetState> state_of(const std::string& name, Labels labels,
                                                   model::ProbeReport report, std::uint64_t probes,
                                                   std::uint64_t failures) {
  auto state = std::make_shared<model::TargetState>();
  state->target = make_target(name, std::move(labels));
  state->probes = probes;
  if (failures > 0) state->failures.emplace_back(report.diagnosis.cause, failures);
  state->last = std::make_shared<const model::ProbeReport>(std::move(report));
  return state;
}

model::AddressResult accepted(const std::string& address) {
  model::AddressResult result;
  result.address = ip(address);
  result.seen.stage = Stage::done;
  result.seen.outcome = Outcome::ok;
  result.seen.phases.set(Stage::connect, 1250us);
  result.seen.phases.set(Stage::banner, 7500us);
  result.seen.phases.set(Stage::kexinit, 800us);
  result.seen.server = model::ServerInfo{"2.0", "OpenSSH_9.2p1", "Debian-2+deb12u7"};
  return result;
}

model::AddressResult reset(const std::string& address) {
  model::AddressResult result;
  result.address = ip(address);
  result.seen.stage = Stage::connect;
  result.seen.outcome = Outcome::refused_rst;
  result.seen.error = ECONNREFUSED;
  result.seen.waited = 310us;
  return result;
}

model::Endpoint endpoint(std::string_view address, std::uint16_t port) {
  return {*base::IpAddress::parse(address), port};
}

std::shared_ptr<const model::SystemdFacts> units_of_busy_host() {
  model::UnitFacts service;
  service.name = "ssh.service";
  service.aliases = {"sshd.service"};
  service.load_state = "loaded";
  service.active_state = "active";
  service.sub_state = "running";
  service.unit_file_state = "enabled";
  service.result = "success";
  service.activated = fixed_wall_time() - std::chrono::hours(1);
  service.service = model::ServiceFacts{.exit_code = 0,
                                        .exit_status = 0,
                                        .restarts = 2,
                                        .main_pid = 812,
                                        .start_command = {"/usr/sbin/sshd", "-D"}};
  model::UnitFacts socket;
  socket.name = "ssh.socket";
  socket.load_state = "loaded";
  socket.active_state = "inactive";
  socket.sub_state = "dead";
  socket.unit_file_state = "disabled";
  socket.result = "success";
  socket.socket = model::SocketFacts{{endpoint("::", 22)}, false, "ssh.service"};
  return std::make_shared<const model::SystemdFacts>(model::SystemdFacts{{service, socket}});
}

std::shared_ptr<const model::SshdConfig> configuration_of_busy_host() {
  model::SshdConfig config;
  config.program = "sshd";
  config.binary = "/usr/sbin/sshd";
  config.file = "/etc/ssh/sshd_config";
  config.version = "OpenSSH_9.2p1 Debian-2+deb12u7";
  config.ports = {22, 2222};
  config.listen = {endpoint("0.0.0.0", 22), endpoint("0.0.0.0", 2222)};
  config.max_startups = model::MaxStartups{10, 30, 100};
  config.login_grace = std::chrono::seconds(120);
  config.allow_users = 3;
  config.host_keys = {
      {"/etc/ssh/ssh_host_ed25519_key", "ed25519", true, 0600, 0, true, ""},
      {"/etc/ssh/ssh_host_rsa_key", "rsa", true, 0644, 0, false, "group or others may read it"}};
  config.check = model::ConfigCheck{};
  return std::make_shared<const model::SshdConfig>(config);
}

std::shared_ptr<const model::ProcessFacts> processes_of_busy_host() {
  model::ServerProcess server;
  server.pid = 812;
  server.name = "sshd";
  server.state = 'S';
  server.started = fixed_wall_time() - std::chrono::hours(1);
  server.command = {"/usr/sbin/sshd", "-D"};
  server.executable = "/usr/sbin/sshd";
  server.startups = model::Startups{4, 10, 100};
  server.open_files = 7;
  server.open_files_limit = 1024;
  server.unit = "ssh.service";
  model::ProcessFacts processes;
  processes.servers = {server};
  processes.sessions = 5;
  processes.unauthenticated = 4;
  processes.runtime_directory = model::RuntimeDirectory{"/run/sshd", true, true};
  processes.libwrap = true;
  processes.wrapper_rules = {{false, {"198.51.100."}, "/etc/hosts.deny:3"}};
  return std::make_shared<const model::ProcessFacts>(processes);
}

std::shared_ptr<const model::LogFacts> log_of_busy_host() {
  model::LogFacts log;
  log.source = "journal";
  log.events.resize(model::all_log_events().size());
  const auto set = [&](model::LogEvent event, std::uint64_t count, std::string message) {
    model::LogLine line;
    line.time = fixed_wall_time() - std::chrono::minutes(30);
    line.message = std::move(message);
    line.unit = "ssh.service";
    line.trusted = true;
    log.events.at(static_cast<std::size_t>(event)) = {count, line};
  };
  set(model::LogEvent::bind_failed, 1,
      "error: Bind to port 2222 on 0.0.0.0 failed: Address already in use.");
  set(model::LogEvent::invalid_user, 42, "Invalid user hunter2 from 198.51.100.7 port 4711");
  return std::make_shared<const model::LogFacts>(log);
}

std::shared_ptr<const model::KernelFacts> kernel_of_busy_host() {
  model::KernelFacts kernel;
  kernel.listen_overflows = 3;
  kernel.listen_drops = 4;
  kernel.conntrack_entries = 1200;
  kernel.conntrack_limit = 262144;
  kernel.addresses = {{*base::IpAddress::parse("127.0.0.1"), "lo"},
                      {*base::IpAddress::parse("192.0.2.10"), "eth0"}};
  kernel.nonlocal_bind = false;
  kernel.booted = fixed_wall_time() - std::chrono::hours(24);
  return std::make_shared<const model::KernelFacts>(kernel);
}

std::vector<model::CollectorStatus> collectors_of_busy_host() {
  std::vector<model::CollectorStatus> collectors;
  for (std::string_view name :
       {"systemd", "listeners", "configuration", "processes", "log", "kernel", "guards"}) {
    model::CollectorStatus status;
    status.name = name;
    status.success = true;
    status.fresh = true;
    status.duration = std::chrono::microseconds(1500);
    status.completed = fixed_wall_time();
    collectors.push_back(status);
  }
  collectors.back().success = false;
  collectors.back().fresh = false;
  collectors.back().error = "no answer within 2s; still waiting";
  return collectors;
}

}  // namespace

base::WallTime fixed_wall_time() { return base::WallTime(1767323045678ms); }

std::shared_ptr<const model::Target> make_target(const std::string& name, Labels labels) {
  static const auto kSettings = std::make_shared<const model::ProbeSettings>();
  auto target = std::make_shared<model::Target>();
  target->name = name;
  target->host = name.substr(0, name.rfind(':'));
  target->labels = std::move(labels);
  target->settings = kSettings;
  return target;
}

std::shared_ptr<const model::TargetState> never_probed(const std::string& name, Labels labels) {
  auto state = std::make_shared<model::TargetState>();
  state->target = make_target(name, std::move(labels));
  return state;
}

std::shared_ptr<const model::TargetState> reachable(const std::string& name, Labels labels) {
  auto report = report_at(11ms);
  report.result.resolve_time = 1450us;
  report.result.addresses = {accepted("192.0.2.10")};
  auto& diagnosis = report.diagnosis;
  diagnosis.success = true;
  diagnosis.cause = Cause::none;
  diagnosis.confidence = Confidence::certain;
  diagnosis.stage = Stage::done;
  diagnosis.outcome = Outcome::ok;
  diagnosis.addresses = {{Cause::none, Confidence::certain}};
  diagnosis.evidence = {"192.0.2.10 sent its identification and its algorithms"};
  return state_of(name, std::move(labels), std::move(report), 42, 0);
}

std::shared_ptr<const model::TargetState> rejected(const std::string& name, Labels labels) {
  auto report = report_at(2s);
  report.result.name_is_address = true;
  model::AddressResult address;
  address.address = ip("192.0.2.20");
  address.seen.stage = Stage::connect;
  address.seen.outcome = Outcome::rejected_icmp;
  address.seen.error = EHOSTUNREACH;
  address.seen.icmp = model::IcmpError{base::IpFamily::ipv4, 3, 13, ip("192.0.2.20")};
  address.seen.local_address = ip("192.0.2.1");
  address.earlier_rejection.emplace();
  address.earlier_rejection->icmp = *address.seen.icmp;
  address.earlier_rejection->age = 61s;
  address.checks = {{.role = model::CheckRole::control,
                     .port = 443,
                     .outcome = model::CheckOutcome::accepted,
                     .ssh = false,
                     .icmp = {}}};
  report.result.addresses = {address};
  auto& diagnosis = report.diagnosis;
  diagnosis.cause = Cause::host_firewall_reject;
  diagnosis.confidence = Confidence::likely;
  diagnosis.stage = Stage::connect;
  diagnosis.outcome = Outcome::rejected_icmp;
  diagnosis.decided_by = 0;
  diagnosis.addresses = {{Cause::host_firewall_reject, Confidence::likely}};
  diagnosis.evidence = {
      "192.0.2.20 answered with ICMP communication administratively "
      "prohibited (3/13)",
      "the same host accepts connections on port 443"};
  diagnosis.fix = "Allow port 22 in the firewall of 192.0.2.20.";
  diagnosis.responder =
      model::Responder{ip("192.0.2.20"), model::ResponderRole::target, "icmp_3_13"};
  return state_of(name, std::move(labels), std::move(report), 40, 3);
}

std::shared_ptr<const model::TargetState> half_reachable(const std::string& name, Labels labels) {
  auto report = report_at(15ms);
  report.result.resolve_time = 2ms;
  report.result.addresses = {accepted("192.0.2.30"), reset("2001:db8::30")};
  report.result.addresses[1].checks = {{.role = model::CheckRole::alternative,
                                        .port = 2222,
                                        .outcome = model::CheckOutcome::accepted,
                                        .ssh = true,
                                        .icmp = {}}};
  report.result.skipped = {{ip("2001:db8::31"), model::SkipReason::over_limit}};
  auto& diagnosis = report.diagnosis;
  diagnosis.cause = Cause::address_family;
  diagnosis.confidence = Confidence::likely;
  diagnosis.stage = Stage::connect;
  diagnosis.outcome = Outcome::refused_rst;
  diagnosis.decided_by = 1;
  diagnosis.addresses = {{Cause::none, Confidence::certain},
                         {Cause::wrong_port, Confidence::certain}};
  diagnosis.evidence = {"192.0.2.30 accepts", "2001:db8::30 answers with a reset"};
  diagnosis.fix = "Let sshd listen on [::]:22 as well.";
  diagnosis.responder = model::Responder{ip("2001:db8::30"), model::ResponderRole::target, "rst"};
  diagnosis.alternative_port = 2222;
  return state_of(name, std::move(labels), std::move(report), 41, 41);
}

std::shared_ptr<const model::TargetState> unresolved(const std::string& name, Labels labels) {
  auto report = report_at(3ms);
  report.result.resolve_failure = Outcome::dns_not_found;
  report.result.resolve_detail = "Domain name not found";
  auto& diagnosis = report.diagnosis;
  diagnosis.cause = Cause::dns_not_found;
  diagnosis.confidence = Confidence::certain;
  diagnosis.stage = Stage::resolve;
  diagnosis.outcome = Outcome::dns_not_found;
  diagnosis.evidence = {"the resolver says: Domain name not found"};
  diagnosis.fix = "Correct the name.";
  return state_of(name, std::move(labels), std::move(report), 7, 7);
}

std::shared_ptr<const model::TargetState> hostile(const std::string& name, Labels labels) {
  using namespace std::string_literals;
  auto report = report_at(5ms);
  model::AddressResult address;
  address.address = ip("192.0.2.66");
  address.seen.stage = Stage::banner;
  address.seen.outcome = Outcome::not_ssh;
  address.seen.other_protocol = "HTTP";
  address.seen.server = model::ServerInfo{"2.0", "evil\"}\n# x\\ \xff\xfe <b>\0</b>"s, ""};
  address.seen.text = {"<script>alert(1)</script>", "\xc3\x28 not UTF-8"};
  report.result.addresses = {address};
  auto& diagnosis = report.diagnosis;
  diagnosis.cause = Cause::not_ssh;
  diagnosis.confidence = Confidence::certain;
  diagnosis.stage = Stage::banner;
  diagnosis.outcome = Outcome::not_ssh;
  diagnosis.decided_by = 0;
  diagnosis.addresses = {{Cause::not_ssh, Confidence::certain}};
  diagnosis.evidence = {"it said: <script>alert(1)</script>"};
  diagnosis.fix = "Correct the port.";
  return state_of(name, std::move(labels), std::move(report), 2, 2);
}

std::shared_ptr<const model::HostReport> busy_host() {
  auto host = std::make_shared<model::HostReport>();
  host->completed = fixed_wall_time();
  host->facts.systemd = units_of_busy_host();
  model::ListenerFacts listeners;
  listeners.listeners = {
      {endpoint("0.0.0.0", 22), "", false, 1, 128, 4001, 0, model::SocketOwner{812, "sshd"}},
      {endpoint("0.0.0.0", 2222), "", false, 0, 511, 4002, 0, model::SocketOwner{700, "nginx"}}};
  host->facts.listeners = std::make_shared<const model::ListenerFacts>(listeners);
  host->facts.configuration = configuration_of_busy_host();
  host->facts.processes = processes_of_busy_host();
  host->facts.log = log_of_busy_host();
  host->facts.kernel = kernel_of_busy_host();
  host->collectors = collectors_of_busy_host();
  host->bindings.up = true;
  host->bindings.listeners = {{endpoint("0.0.0.0", 22), false, "sshd", 1, 128}};
  host->bindings.wanted = {endpoint("0.0.0.0", 22), endpoint("0.0.0.0", 2222)};
  host->bindings.missing = {endpoint("0.0.0.0", 2222)};
  host->bindings.conflicts = {{endpoint("0.0.0.0", 2222), "nginx"}};
  host->diagnosis = {
      model::Cause::port_conflict,
      model::Confidence::certain,
      {"ssh.service is active (running), enabled.", "0.0.0.0:2222 belongs to the program 'nginx'."},
      "Move one of the two."};
  return host;
}

model::Snapshot small_snapshot() {
  model::Snapshot snapshot;
  snapshot.targets = {
      reachable("bastion.example.net:22", {{"owner", "ops"}, {"site", "ams"}}),
      rejected("192.0.2.20:22"),
      half_reachable("both.example.net:22"),
      unresolved("gone.example.net:22"),
      hostile("[2001:db8::66]:2022", {{"note", "a \"quoted\" \\ and\nbroken\xff label"}}),
      never_probed("new.example.net:22", {{"site", "fra"}}),
  };
  for (double seconds : {0.00145, 0.002, 0.0021}) snapshot.fleet.resolve.observe(seconds);
  for (double seconds : {0.00125, 0.0013, 3.0, 30.0}) snapshot.fleet.connect.observe(seconds);
  snapshot.fleet.banner.observe(0.0075);
  snapshot.fleet.kexinit.observe(0.0008);
  for (double seconds : {0.0002, 0.0125}) snapshot.fleet.scheduler_lag.observe(seconds);
  snapshot.fleet.probes_in_flight = 3;
  snapshot.reload = {.successful = true, .last_success = fixed_wall_time()};
  snapshot.host = busy_host();
  return snapshot;
}

model::Snapshot large_snapshot(std::size_t count) {
  auto snapshot = small_snapshot();
  snapshot.targets.clear();
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = "host-" + std::to_string(i) + ".example.net:22";
    const Labels labels{{"site", i % 2 == 0 ? "ams" : "fra"}};
    switch (i % 40) {
      case 10:
        snapshot.targets.push_back(rejected(name, labels));
        break;
      case 20:
        snapshot.targets.push_back(half_reachable(name, labels));
        break;
      case 25:
        snapshot.targets.push_back(hostile(name, labels));
        break;
      case 30:
        snapshot.targets.push_back(unresolved(name, labels));
        break;
      default:
        snapshot.targets.push_back(reachable(name, labels));
    }
  }
  return snapshot;
}

}  // namespace test_support
