// The collector against a scripted systemd over the real protocol: healthy, refusing, hung, lying.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "local/collector.h"
#include "support/child.h"
#include "support/fake_host.h"
#include "support/fake_systemd.h"

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test_support::bus_array;
using test_support::bus_flag;
using test_support::bus_signed;
using test_support::bus_text;
using test_support::bus_time;
using test_support::bus_unsigned;
using test_support::bus_words;
using test_support::FakeSystemd;
using test_support::FakeUnit;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Door = FakeSystemd::Door;
using Manner = FakeSystemd::Manner;

constexpr const char* kBus = "run/dbus/system_bus_socket";

// As Debian 12's ssh.service while it runs.
FakeUnit service(const std::string& name) {
  FakeUnit unit;
  unit.name = name;
  unit.unit = {
      {"Id", bus_text(name)},
      {"Description", bus_text("OpenBSD Secure Shell server")},
      {"Names", bus_words({name})},
      {"LoadState", bus_text("loaded")},
      {"ActiveState", bus_text("active")},
      {"SubState", bus_text("running")},
      {"UnitFileState", bus_text("enabled")},
      {"ConditionResult", bus_flag(true)},
      {"AssertResult", bus_flag(true)},
      {"ActiveEnterTimestamp", bus_time(1'700'000'001'500'000)},
      {"InactiveExitTimestamp", bus_time(1'700'000'000'000'000)},
      {"StateChangeTimestamp", bus_time(1'700'000'002'000'000)},
      {"Job", [](sd_bus_message* m) { return sd_bus_message_append(m, "v", "(uo)", 0U, "/"); }},
  };
  unit.typed = {
      {"Result", bus_text("success")},
      {"ExecMainCode", bus_signed(0)},
      {"ExecMainStatus", bus_signed(0)},
      {"NRestarts", bus_unsigned(3)},
      {"MainPID", bus_unsigned(4711)},
      {"Environment", bus_words({})},
      {"UnsetEnvironment", bus_words({})},
      {"ExecStartEx",
       bus_array("(sasasttttuii)",
                 {test_support::exec_command("/usr/sbin/sshd", {"/usr/sbin/sshd", "-D"})})},
  };
  return unit;
}

FakeUnit socket(const std::string& name, std::vector<test_support::BusValue> listen,
                const std::vector<std::string>& triggers) {
  FakeUnit unit;
  unit.name = name;
  unit.unit = {
      {"Id", bus_text(name)},
      {"Names", bus_words({name})},
      {"LoadState", bus_text("loaded")},
      {"ActiveState", bus_text("active")},
      {"SubState", bus_text("listening")},
      {"UnitFileState", bus_text("enabled")},
      {"Triggers", bus_words(triggers)},
      {"ActiveEnterTimestamp", bus_time(0)},
  };
  unit.typed = {
      {"Result", bus_text("success")},
      {"Accept", bus_flag(false)},
      {"BindIPv6Only", bus_text("ipv6-only")},
      {"SocketProtocol", bus_signed(0)},
      {"Listen", bus_array("(ss)", std::move(listen))},
  };
  return unit;
}

test_support::BusValue command(std::vector<std::string> words,
                               std::vector<std::string> prefixes = {}) {
  const auto path = words.front();
  return bus_array("(sasasttttuii)",
                   {test_support::exec_command(path, std::move(words), std::move(prefixes))});
}

model::Endpoint endpoint(std::string_view address, std::uint16_t port) {
  return {base::IpAddress::parse(address).value(), port};
}

class SystemdCollector : public testing::Test {
 protected:
  SystemdCollector() {
    std::string pattern = testing::TempDir() + "systemd_XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    ::chmod(root_.c_str(), 0755);
    std::filesystem::create_directories(root_ / "run/systemd/system");
    host_ = std::make_unique<test_support::FakeHost>(root_);
    collector_ = local::make_systemd_collector({*host_, clock_, ""});
  }
  ~SystemdCollector() override {
    systemd_.reset();
    std::filesystem::remove_all(root_);
  }

  FakeSystemd& systemd(std::vector<FakeUnit> units = {}, const std::string& path = kBus,
                       bool greets = true) {
    systemd_ = std::make_unique<FakeSystemd>(root_ / path, greets);
    systemd_->units(std::move(units));
    return *systemd_;
  }

  void write(const std::string& path, std::string_view text) {
    const auto file = root_ / path.substr(1);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  std::string collect(const model::HostFacts& known = {}) {
    mine_ = {};
    const auto begin = std::chrono::steady_clock::now();
    auto error = collector_->collect(known, mine_);
    took_ = std::chrono::steady_clock::now() - begin;
    return error;
  }
  // Of a round that went well.
  std::vector<model::UnitFacts> units(const model::HostFacts& known = {}) {
    EXPECT_EQ(collect(known), "");
    return mine_.systemd ? mine_.systemd->units : std::vector<model::UnitFacts>();
  }
  std::vector<std::string> names(const model::HostFacts& known = {}) {
    std::vector<std::string> result;
    for (const auto& unit : units(known)) result.push_back(unit.name);
    return result;
  }
  std::vector<std::string> start_command() {
    const auto all = units();
    return all.size() == 1 ? all[0].service->start_command : std::vector<std::string>{"?"};
  }

  std::filesystem::path root_;
  base::SystemClock clock_;
  std::unique_ptr<test_support::FakeHost> host_;
  std::unique_ptr<FakeSystemd> systemd_;
  std::unique_ptr<local::Collector> collector_;
  model::HostFacts mine_;
  base::Duration took_{0};
};

// --- what is said of units ----------------------------------------------------------------------

TEST_F(SystemdCollector, HealthyService) {
  auto ssh = service("ssh.service");
  ssh.aliases = {"sshd.service"};
  ssh.unit["Names"] = bus_words({"sshd.service", "ssh.service"});
  systemd({ssh});
  const auto all = units();
  ASSERT_EQ(all.size(), 1U);
  const auto& unit = all[0];
  EXPECT_EQ(unit.name, "ssh.service");
  EXPECT_THAT(unit.aliases, ElementsAre("sshd.service"));
  EXPECT_EQ(unit.load_state, "loaded");
  EXPECT_EQ(unit.active_state, "active");
  EXPECT_EQ(unit.sub_state, "running");
  EXPECT_EQ(unit.unit_file_state, "enabled");
  EXPECT_EQ(unit.result, "success");
  EXPECT_EQ(unit.failed_condition, "");
  EXPECT_EQ(unit.activated, base::WallTime(milliseconds(1'700'000'001'500)));
  EXPECT_EQ(unit.last_attempt, base::WallTime(seconds(1'700'000'000)));
  EXPECT_EQ(unit.changed, base::WallTime(seconds(1'700'000'002)));
  EXPECT_FALSE(unit.socket);
  ASSERT_TRUE(unit.service);
  EXPECT_EQ(unit.service->restarts, 3U);
  EXPECT_EQ(unit.service->main_pid, 4711);
  EXPECT_THAT(unit.service->start_command, ElementsAre("/usr/sbin/sshd", "-D"));
}

TEST_F(SystemdCollector, FailedService) {
  auto ssh = service("ssh.service");
  ssh.unit["ActiveState"] = bus_text("failed");
  ssh.unit["SubState"] = bus_text("failed");
  ssh.unit["ActiveEnterTimestamp"] = bus_time(0);
  ssh.typed["Result"] = bus_text("start-limit-hit");
  ssh.typed["ExecMainCode"] = bus_signed(CLD_KILLED);
  ssh.typed["ExecMainStatus"] = bus_signed(SIGSEGV);
  ssh.typed["MainPID"] = bus_unsigned(0);
  systemd({ssh});
  const auto all = units();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].active_state, "failed");
  EXPECT_EQ(all[0].result, "start-limit-hit");
  EXPECT_FALSE(all[0].activated);
  EXPECT_EQ(all[0].service->exit_code, CLD_KILLED);
  EXPECT_EQ(all[0].service->exit_status, SIGSEGV);
  EXPECT_EQ(all[0].service->main_pid, 0);
}

TEST_F(SystemdCollector, MaskedServiceAndSocket) {
  FakeUnit ssh{"ssh.service", {}, "masked", "inactive", {}, {}};
  ssh.unit = {{"Id", bus_text("ssh.service")},
              {"LoadState", bus_text("masked")},
              {"ActiveState", bus_text("inactive")},
              {"UnitFileState", bus_text("masked")}};
  auto listener = socket("ssh.socket", {}, {});
  listener.unit["LoadState"] = bus_text("masked");
  systemd({ssh, listener});
  const auto all = units();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].load_state, "masked");
  EXPECT_EQ(all[0].unit_file_state, "masked");
  EXPECT_THAT(all[0].service->start_command, IsEmpty());
  EXPECT_EQ(all[1].load_state, "masked");
  EXPECT_THAT(all[1].socket->listen, IsEmpty());
}

TEST_F(SystemdCollector, FailedConditions) {
  using test_support::condition;
  struct Case {
    std::vector<test_support::BusValue> conditions;
    bool held;
    std::vector<test_support::BusValue> assertions;
    bool asserted;
    std::string expected;
  };
  const auto guard = [](int outcome) {
    return condition("ConditionPathExists", false, true, "/etc/ssh/sshd_not_to_be_run", outcome);
  };
  const std::vector<Case> cases{
      {{guard(-1)}, false, {}, true, "ConditionPathExists=!/etc/ssh/sshd_not_to_be_run"},
      {{guard(1)}, true, {}, true, ""},
      // Never started since it was loaded.
      {{guard(0)}, false, {}, false, ""},
      // Only one of the alternatives has to hold.
      {{condition("ConditionVirtualization", true, false, "vm", -1),
        condition("ConditionPathExists", true, false, "/x", 1), guard(1)},
       true,
       {},
       true,
       ""},
      {{condition("ConditionVirtualization", true, false, "vm", -1), guard(-1)},
       false,
       {},
       true,
       "ConditionPathExists=!/etc/ssh/sshd_not_to_be_run"},
      {{condition("ConditionVirtualization", true, true, "vm", -1),
        condition("ConditionPathExists", true, false, "/x", -1)},
       false,
       {},
       true,
       "ConditionVirtualization=|!vm"},
      {{},
       true,
       {condition("AssertPathExists", false, false, "/a\nb", -1)},
       false,
       "AssertPathExists=/a?b"},
  };
  auto& fake = systemd();
  for (const auto& one : cases) {
    auto ssh = service("ssh.service");
    ssh.unit["Conditions"] = bus_array("(sbbsi)", one.conditions);
    ssh.unit["ConditionResult"] = bus_flag(one.held);
    ssh.unit["Asserts"] = bus_array("(sbbsi)", one.assertions);
    ssh.unit["AssertResult"] = bus_flag(one.asserted);
    fake.units({ssh});
    const auto all = units();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].failed_condition, one.expected);
  }
}

// What systemd found at the last start it forgets with each daemon-reload.
TEST_F(SystemdCollector, ConditionsThatTheNextStartWouldNotMeet) {
  using test_support::condition;
  auto& fake = systemd();
  const auto unmet = [&](bool alternative, bool negated, const std::string& path) {
    auto ssh = service("ssh.service");
    ssh.unit["Conditions"] =
        bus_array("(sbbsi)", {condition("ConditionPathExists", alternative, negated, path, 0),
                              condition("ConditionVirtualization", false, false, "vm", 0)});
    fake.units({ssh});
    return units().at(0).unmet_condition;
  };
  EXPECT_EQ(unmet(false, true, "/etc/ssh/sshd_not_to_be_run"), "");
  EXPECT_EQ(unmet(false, false, "/etc/ssh/wanted"), "ConditionPathExists=/etc/ssh/wanted");
  write("/etc/ssh/sshd_not_to_be_run", "");
  write("/etc/ssh/wanted", "");
  EXPECT_EQ(unmet(false, true, "/etc/ssh/sshd_not_to_be_run"),
            "ConditionPathExists=!/etc/ssh/sshd_not_to_be_run");
  EXPECT_EQ(unmet(true, true, "/etc/ssh/sshd_not_to_be_run"), "") << "another one may hold";
  EXPECT_EQ(unmet(false, false, "/etc/ssh/wanted"), "");
}

TEST_F(SystemdCollector, SocketActivation) {
  using test_support::listen_on;
  auto ssh = service("ssh.service");
  ssh.unit["TriggeredBy"] = bus_words({"ssh.socket"});
  systemd({ssh, socket("ssh.socket",
                       {listen_on("Stream", "0.0.0.0:22"), listen_on("Stream", "[::]:22"),
                        listen_on("Stream", "[2001:db8::1]:2222"), listen_on("Stream", "/run/ssh"),
                        listen_on("Datagram", "0.0.0.0:23"), listen_on("Stream", "vsock:2:22"),
                        listen_on("Stream", "@abstract"), listen_on("Stream", "0.0.0.0:22")},
                       {"ssh.service"})});
  const auto all = units();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[1].name, "ssh.socket");
  EXPECT_FALSE(all[1].service);
  ASSERT_TRUE(all[1].socket);
  EXPECT_FALSE(all[1].socket->accept);
  EXPECT_EQ(all[1].socket->service, "ssh.service");
  EXPECT_THAT(all[1].socket->listen, ElementsAre(endpoint("0.0.0.0", 22), endpoint("::", 22),
                                                 endpoint("2001:db8::1", 2222)));
  EXPECT_FALSE(all[1].activated);
}

TEST_F(SystemdCollector, DualStackSocketAsksForBothFamilies) {
  auto ssh = socket("ssh.socket", {test_support::listen_on("Stream", "[::]:22")}, {});
  auto& fake = systemd();
  const auto listen = [&](const char* bind_ipv6_only) {
    ssh.typed["BindIPv6Only"] = bus_text(bind_ipv6_only);
    fake.units({ssh});
    const auto all = units();
    return all.size() == 1 ? all[0].socket->listen : std::vector<model::Endpoint>();
  };
  const auto both = ElementsAre(endpoint("::", 22), endpoint("0.0.0.0", 22));
  EXPECT_THAT(listen("both"), both);
  EXPECT_THAT(listen("ipv6-only"), ElementsAre(endpoint("::", 22)));
  write("/proc/1/stat", "1");
  write("/proc/sys/net/ipv6/bindv6only", "0\n");
  host_ = std::make_unique<test_support::FakeHost>(root_);
  collector_ = local::make_systemd_collector({*host_, clock_, ""});
  EXPECT_THAT(listen("default"), both);
  write("/proc/sys/net/ipv6/bindv6only", "1\n");
  EXPECT_THAT(listen("default"), ElementsAre(endpoint("::", 22)));
}

TEST_F(SystemdCollector, ServiceForEachConnection) {
  auto listener = socket("sshd.socket", {test_support::listen_on("Stream", "0.0.0.0:22")},
                         {"sshd@7-192.0.2.1:22-198.51.100.2:50022.service"});
  listener.typed["Accept"] = bus_flag(true);
  std::vector<FakeUnit> all{listener};
  for (int i = 0; i < 3000; ++i) {
    auto name = "sshd@" + std::to_string(i) + "-192.0.2.1:22-198.51.100.2:50022.service";
    all.push_back(service(name));
  }
  // An administrator's instance, and one that Debian 13 has of its template.
  all.push_back(service("sshd@internal.service"));
  all.push_back(service("sshd@sshd-keygen.service"));
  all.back().typed["ExecStartEx"] = command({"/usr/sbin/sshd", "-i"});
  systemd(all);
  const auto result = units();
  ASSERT_EQ(result.size(), 2U);
  EXPECT_EQ(result[0].name, "sshd.socket");
  EXPECT_TRUE(result[0].socket->accept);
  EXPECT_EQ(result[0].socket->service, "");
  EXPECT_EQ(result[1].name, "sshd@internal.service");
}

TEST_F(SystemdCollector, AddressLists) {
  auto ssh = service("ssh.service");
  ssh.typed["IPAddressAllow"] = bus_array(
      "(iayu)", {test_support::network(AF_INET, {192, 0, 2, 0}, 24),
                 test_support::network(AF_INET6, std::vector<unsigned char>(16, 0), 128)});
  ssh.typed["IPAddressDeny"] = bus_array(
      "(iayu)", {test_support::network(AF_INET, {0, 0, 0, 0}, 0),
                 test_support::network(
                     AF_INET6, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1}, 128)});
  systemd({ssh});
  const auto all = units();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_THAT(all[0].ip_address_allow, ElementsAre("192.0.2.0/24", "::/128"));
  EXPECT_THAT(all[0].ip_address_deny, ElementsAre("0.0.0.0/0", "::ffff:192.0.2.1/128"));
}

// --- the command line ---------------------------------------------------------------------------

TEST_F(SystemdCollector, VariablesOfTheCommandLine) {
  auto ssh = service("ssh.service");
  ssh.typed["ExecStartEx"] =
      command({"/usr/sbin/sshd", "-D", "$SSHD_OPTS", "-o", "Port=${PORT}", "$LANG", "${GONE}"});
  ssh.typed["Environment"] = bus_words({"PORT=2200", "SSHD_OPTS=overridden"});
  ssh.typed["UnsetEnvironment"] = bus_words({"GONE"});
  ssh.typed["EnvironmentFiles"] =
      bus_array("(sb)", {test_support::environment_file("/etc/default/ssh", true),
                         test_support::environment_file("/etc/missing", true),
                         test_support::environment_file("/etc/ssh/*.env", false)});
  write("/etc/default/ssh", "SSHD_OPTS=\"-f /etc/ssh/other -p 2222\"\nGONE=x\n");
  write("/etc/ssh/1.env", "PORT=2201");
  write("/etc/ssh/2.env", "PORT=2202");
  write("/etc/ssh/3.txt", "PORT=2203");
  systemd({ssh});
  EXPECT_THAT(start_command(), ElementsAre("/usr/sbin/sshd", "-D", "-f", "/etc/ssh/other", "-p",
                                           "2222", "-o", "Port=2202", "C.UTF-8", ""));
}

TEST_F(SystemdCollector, CommentsAreReadAsThatVersionDoes) {
  auto ssh = service("ssh.service");
  ssh.typed["ExecStartEx"] = command({"/usr/sbin/sshd", "$A"});
  ssh.typed["EnvironmentFiles"] =
      bus_array("(sb)", {test_support::environment_file("/env", false)});
  write("/env", "# comment\\\nA=-4\n");
  auto& fake = systemd({ssh});
  EXPECT_THAT(start_command(), ElementsAre("/usr/sbin/sshd"));
  fake.version("257.13-1~deb13u1", {});
  EXPECT_THAT(start_command(), ElementsAre("/usr/sbin/sshd"));  // asked once for a connection
  collector_ = local::make_systemd_collector({*host_, clock_, ""});
  EXPECT_THAT(start_command(), ElementsAre("/usr/sbin/sshd", "-4"));
}

TEST_F(SystemdCollector, CommandWithoutExpansionOrWithAnotherName) {
  auto ssh = service("ssh.service");
  auto& fake = systemd();
  ssh.typed["ExecStartEx"] = command({"/usr/sbin/sshd", "$LANG"}, {"no-env-expand"});
  fake.units({ssh});
  EXPECT_THAT(start_command(), ElementsAre("/usr/sbin/sshd", "$LANG"));
  ssh.typed["ExecStartEx"] = bus_array(
      "(sasasttttuii)", {test_support::exec_command("/usr/sbin/sshd", {"my-sshd", "-D"})});
  fake.units({ssh});
  EXPECT_THAT(start_command(), ElementsAre("/usr/sbin/sshd", "-D"));
  const auto calls = fake.calls();
  // Where there are no variables, nobody is asked for them.
  EXPECT_THAT(std::count(calls.begin(), calls.end(), "Get"), 0);
}

TEST_F(SystemdCollector, UnknownVariablesMakeNoCommandLine) {
  auto ssh = service("ssh.service");
  ssh.typed["ExecStartEx"] = command({"/usr/sbin/sshd", "-D", "$SSHD_OPTS"});
  ssh.typed["EnvironmentFiles"] =
      bus_array("(sb)", {test_support::environment_file("/etc/default/ssh", true)});
  systemd({ssh});
  for (const auto& content : {std::string("SSHD_OPTS=\0-4", 13), std::string("SSHD_OPTS=\xff"),
                              "A=" + std::string(70000, 'x')}) {
    write("/etc/default/ssh", content);
    EXPECT_THAT(collect(), HasSubstr("cannot read /etc/default/ssh"));
    ASSERT_TRUE(mine_.systemd);
    ASSERT_EQ(mine_.systemd->units.size(), 1U);
    EXPECT_THAT(mine_.systemd->units[0].service->start_command, IsEmpty());
  }
  write("/etc/default/ssh", "SSHD_OPTS=\"-f /etc/\x1b[31m\"");
  EXPECT_EQ(collect(), "the command line of ssh.service is too long or not printable");
  EXPECT_THAT(mine_.systemd->units[0].service->start_command, IsEmpty());
}

// --- which units --------------------------------------------------------------------------------

TEST_F(SystemdCollector, NoUnitOfAnSshServer) {
  systemd();
  EXPECT_THAT(units(), IsEmpty());
  EXPECT_TRUE(mine_.systemd);
}

TEST_F(SystemdCollector, OthersThatHaveSshInTheirNames) {
  using test_support::listen_on;
  const auto runs = [](const std::string& name, std::vector<std::string> words) {
    auto unit = service(name);
    unit.typed["ExecStartEx"] = command(std::move(words));
    return unit;
  };
  auto accepting = socket("ssh-tunnel.socket", {listen_on("Stream", "0.0.0.0:22")}, {});
  accepting.typed["Accept"] = bus_flag(true);
  auto sctp = socket("sshd-sctp.socket", {listen_on("Stream", "0.0.0.0:22")}, {"ssh.service"});
  sctp.typed["SocketProtocol"] = bus_signed(IPPROTO_SCTP);
  systemd(
      {runs("ssh-agent.service", {"/usr/bin/ssh-agent", "-D"}),
       runs("sshd-keygen.service", {"/usr/bin/ssh-keygen", "-A"}),
       runs("sshguard.service", {"/usr/sbin/sshguard"}),
       runs("ssh-tunnel.service", {"/usr/bin/ssh", "-N", "sshd"}),
       runs("sshd-restart.service", {"/usr/bin/systemctl", "restart", "sshd"}),
       runs("sshd-check.service", {"/usr/sbin/sshd", "-t"}),
       runs("sshd-alt.service", {"/opt/openssh/sbin/sshd", "-D", "-p", "2222"}),
       socket("sshd-unix-local.socket", {listen_on("Stream", "/run/ssh-unix-local/socket")}, {}),
       socket("sshd-vsock.socket", {listen_on("Stream", "vsock::22")}, {}), sctp, accepting,
       socket("ssh-proxy.socket", {listen_on("Stream", "0.0.0.0:22")}, {"ssh-proxy.service"}),
       runs("ssh-proxy.service", {"/usr/lib/systemd/systemd-socket-proxyd", "x:22"}),
       socket("sshd-alt.socket", {listen_on("Stream", "0.0.0.0:2222")}, {"sshd-alt.service"})});
  EXPECT_THAT(names(), ElementsAre("sshd-alt.service", "sshd-alt.socket"));
}

TEST_F(SystemdCollector, SocketsAndServicesLeadToEachOther) {
  auto custom = service("corp.service");
  auto ssh = service("ssh.service");
  ssh.unit["TriggeredBy"] = bus_words({"door.socket", "night.timer"});
  systemd(
      {ssh, custom,
       socket("door.socket", {test_support::listen_on("Stream", "0.0.0.0:22")}, {"ssh.service"}),
       socket("dropbear.socket", {test_support::listen_on("Stream", "0.0.0.0:23")},
              {"corp.service"})});
  EXPECT_THAT(names(),
              ElementsAre("corp.service", "door.socket", "dropbear.socket", "ssh.service"));
}

TEST_F(SystemdCollector, UnitsInWhichServersRunAreKeptInMind) {
  auto wrapped = service("door.service");
  wrapped.typed["ExecStartEx"] = command({"/usr/local/bin/start-door"});
  auto other = service("docker.service");
  other.typed["ExecStartEx"] = command({"/usr/bin/dockerd"});
  auto& fake = systemd({wrapped, other});
  EXPECT_THAT(names(), IsEmpty());
  auto processes = std::make_shared<model::ProcessFacts>();
  model::ServerProcess server;
  server.pid = 4711;
  server.unit = "door.service";
  processes->servers.push_back(server);
  server.pid = 99;  // not docker's own process, but one in a container
  server.unit = "docker.service";
  processes->servers.push_back(server);
  for (const auto* unit :
       {"", "session-3.scope", "bad name/.service", "sshd@3-192.0.2.1:22-198.51.100.2:1.service"}) {
    server.unit = unit;
    processes->servers.push_back(server);
  }
  model::HostFacts known;
  known.processes = processes;
  EXPECT_THAT(names(known), ElementsAre("door.service"));
  wrapped.unit["ActiveState"] = bus_text("failed");
  wrapped.typed["MainPID"] = bus_unsigned(0);
  fake.units({wrapped});
  EXPECT_THAT(names(), ElementsAre("door.service"));
  wrapped.typed["ExecStartEx"] = command({"/usr/bin/other"});
  fake.units({wrapped});
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(SystemdCollector, AUnitOutlivesItsFile) {
  auto ssh = service("ssh.service");
  ssh.load_state = "not-found";
  ssh.unit["LoadState"] = bus_text("not-found");
  auto& fake = systemd({ssh});
  EXPECT_THAT(names(), ElementsAre("ssh.service"));
  ssh.active_state = "inactive";
  ssh.unit["ActiveState"] = bus_text("inactive");
  fake.units({ssh});
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(SystemdCollector, TooManyCandidates) {
  std::vector<FakeUnit> all;
  for (int i = 0; i < 129; ++i) all.push_back(service("ssh-" + std::to_string(i) + ".service"));
  auto& fake = systemd(all);
  EXPECT_THAT(collect(), HasSubstr("more than 128 units"));
  ASSERT_TRUE(mine_.systemd);
  EXPECT_EQ(mine_.systemd->units.size(), 128U);
  all.pop_back();
  fake.units(all);
  EXPECT_EQ(units().size(), 128U);
}

// --- what refuses -------------------------------------------------------------------------------

TEST_F(SystemdCollector, WithoutSystemdIsNoFailure) {
  std::filesystem::remove_all(root_ / "run");
  EXPECT_EQ(collect(), "");
  EXPECT_FALSE(mine_.systemd);
  EXPECT_TRUE(host_->calls().empty());
}

TEST_F(SystemdCollector, NoBus) {
  const auto error = collect();
  EXPECT_THAT(error, HasSubstr("no D-Bus socket /run/dbus/system_bus_socket"));
  EXPECT_FALSE(mine_.systemd);
  EXPECT_EQ(collect(), error);
}

TEST_F(SystemdCollector, NothingListensOnTheBus) {
  systemd();
  systemd_.reset();  // leaves the socket's name behind
  EXPECT_THAT(collect(), HasSubstr("nothing listens on /run/dbus/system_bus_socket"));
}

TEST_F(SystemdCollector, NotPermitted) {
  systemd();
  ::chmod((root_ / kBus).c_str(), 0);
  // Only this thread's rights to files; root's would open every door.
  const auto before = ::setfsuid(65534);
  const auto error = collect();
  ::setfsuid(static_cast<uid_t>(before));
  EXPECT_EQ(error,
            "not permitted to connect to /run/dbus/system_bus_socket: run as a user who may");
}

TEST_F(SystemdCollector, RootReachesSystemdWithoutABus) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may";
  auto& fake = systemd({service("ssh.service")}, "run/systemd/private", false);
  // Where there is no bus between, systemd sends its signals to everybody, asked or not.
  fake.signals(50);
  for (int i = 1; i <= 3; ++i) {
    EXPECT_THAT(names(), ElementsAre("ssh.service"));
    EXPECT_EQ(fake.connections(), i);
  }
}

TEST_F(SystemdCollector, AnEnabledUnitOfAnyNameThatWasNeverStarted) {
  auto own = service("my-ssh.service");
  own.loaded = false;
  auto agent = service("ssh-agent.service");
  agent.loaded = false;
  agent.typed["ExecStartEx"] = command({"/usr/bin/ssh-agent", "-D"});
  auto& fake = systemd({own, agent});
  EXPECT_THAT(names(), ElementsAre("my-ssh.service"));
  // systemd is not asked for its files at every round.
  fake.units({own, agent, service("sshd.service")});
  EXPECT_THAT(names(), ElementsAre("my-ssh.service", "sshd.service"));
  const auto listed = [&] {
    const auto calls = fake.calls();
    return std::count(calls.begin(), calls.end(), "ListUnitFilesByPatterns");
  };
  EXPECT_EQ(listed(), 1);
  auto other = service("other-ssh.service");
  other.loaded = false;
  fake.units({own, other});
  write("/etc/systemd/system/other-ssh.service", "");
  EXPECT_THAT(names(), ElementsAre("my-ssh.service", "other-ssh.service"));
  EXPECT_EQ(listed(), 2);
}

TEST_F(SystemdCollector, EveryRefusalSaysWhatRefuses) {
  auto ssh = service("ssh.service");
  ssh.typed["ExecStartEx"] = command({"/usr/sbin/sshd", "$X"});
  auto& fake = systemd({ssh, service("sshd-alt.service")});
  for (const auto* method : {"ListUnitsByNames", "ListUnitsByPatterns", "GetAll", "Get"}) {
    fake.manner(method, Manner::refuse);
    EXPECT_EQ(collect(),
              std::string(method) + " fails at /run/dbus/system_bus_socket: not?for you");
    EXPECT_FALSE(mine_.systemd);
    fake.manner(method, Manner::wrong_type);
    EXPECT_THAT(collect(), HasSubstr("cannot be understood"));
    EXPECT_FALSE(mine_.systemd);
    fake.manner(method, Manner::answer);
    EXPECT_EQ(units().size(), 2U);
  }
  fake.manner("Hello", Manner::refuse);
  collector_ = local::make_systemd_collector({*host_, clock_, ""});
  EXPECT_THAT(collect(), HasSubstr("refuses this client"));
}

TEST_F(SystemdCollector, PropertiesOfOtherTypes) {
  auto& fake = systemd();
  for (const auto* property :
       {"ActiveState", "Names", "Conditions", "ConditionResult", "ActiveEnterTimestamp"}) {
    auto ssh = service("ssh.service");
    ssh.unit[property] = bus_signed(1);
    fake.units({ssh});
    EXPECT_EQ(collect(), "systemd's answer about ssh.service cannot be understood") << property;
    EXPECT_FALSE(mine_.systemd);
  }
  auto ssh = service("ssh.service");
  ssh.unit.erase("ActiveState");
  fake.units({ssh});
  EXPECT_EQ(collect(), "systemd's answer about ssh.service lacks its name or state");
  ssh = service("ssh.service");
  ssh.typed["IPAddressDeny"] =
      bus_array("(iayu)", {test_support::network(AF_INET, {192, 0, 2}, 24)});
  fake.units({ssh});
  EXPECT_EQ(collect(), "systemd's answer about ssh.service cannot be understood");
}

TEST_F(SystemdCollector, TextIsMadePrintableAndBounded) {
  auto ssh = service("ssh.service");
  ssh.unit["SubState"] = bus_text("a\x1b[31m" + std::string(5000, 'x'));
  systemd({ssh});
  const auto all = units();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].sub_state.size(), 256U);
  EXPECT_TRUE(all[0].sub_state.starts_with("a?[31mxxx"));
}

// --- what hangs ---------------------------------------------------------------------------------

TEST_F(SystemdCollector, HangsWhileAuthenticating) {
  systemd().door(Door::silence);
  EXPECT_THAT(collect(), HasSubstr("does not answer in time"));
  EXPECT_LT(took_, milliseconds(2900));
  EXPECT_FALSE(mine_.systemd);
}

TEST_F(SystemdCollector, HangsBeforeItGreets) {
  auto& fake = systemd({service("ssh.service")});
  fake.manner("Hello", Manner::say_nothing);
  EXPECT_THAT(collect(), HasSubstr("does not answer in time"));
  EXPECT_LT(took_, milliseconds(2900));
  fake.manner("Hello", Manner::answer);
  EXPECT_THAT(names(), ElementsAre("ssh.service"));
}

TEST_F(SystemdCollector, HangsInTheMiddle) {
  auto& fake = systemd({service("ssh.service")});
  EXPECT_THAT(names(), ElementsAre("ssh.service"));
  fake.manner("GetAll", Manner::say_nothing);
  EXPECT_THAT(collect(), HasSubstr("does not answer in time"));
  EXPECT_LT(took_, milliseconds(2900));
  EXPECT_FALSE(mine_.systemd);
  fake.manner("GetAll", Manner::answer);
  EXPECT_THAT(names(), ElementsAre("ssh.service"));
}

TEST_F(SystemdCollector, TakesNoConnections) {
  std::filesystem::create_directories(root_ / "run/dbus");
  const base::Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (root_ / kBus).string().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 0), 0);
  const base::Fd first(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(first.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_THAT(collect(), HasSubstr("takes no connections"));
  EXPECT_LT(took_, seconds(2));
}

// --- the connection -----------------------------------------------------------------------------

TEST_F(SystemdCollector, ConnectionIsKeptAndMadeAnew) {
  auto& fake = systemd({service("ssh.service")});
  for (int i = 0; i < 5; ++i) EXPECT_THAT(names(), ElementsAre("ssh.service"));
  EXPECT_EQ(fake.connections(), 1);
  fake.hang_up();
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_THAT(names(), ElementsAre("ssh.service"));
  EXPECT_EQ(fake.connections(), 2);
  systemd_.reset();
  EXPECT_THAT(collect(), HasSubstr("nothing listens"));
  std::filesystem::remove(root_ / kBus);
  systemd({service("sshd.service")});
  EXPECT_THAT(names(), ElementsAre("sshd.service"));
}

TEST_F(SystemdCollector, ClosedOrNoisyDoors) {
  auto& fake = systemd({service("ssh.service")});
  fake.door(Door::close);
  EXPECT_THAT(collect(), HasSubstr("refuses this client"));
  fake.door(Door::noise);
  EXPECT_THAT(collect(), HasSubstr("does not answer in time"));
  EXPECT_LT(took_, milliseconds(2900));
  EXPECT_FALSE(mine_.systemd);
  fake.door(Door::serve);
  EXPECT_THAT(names(), ElementsAre("ssh.service"));
}

TEST_F(SystemdCollector, NoDescriptorIsLeftOpen) {
  auto& fake = systemd({service("ssh.service")});
  EXPECT_EQ(collect(), "");
  const auto before = test_support::open_descriptors();
  for (int i = 0; i < 3000; ++i) ASSERT_EQ(collect(), "");
  EXPECT_EQ(test_support::open_descriptors(), before);
  fake.manner("GetAll", Manner::refuse);
  for (int i = 0; i < 500; ++i) ASSERT_NE(collect(), "");
  fake.door(Door::close);
  for (int i = 0; i < 500; ++i) ASSERT_NE(collect(), "");
  std::this_thread::sleep_for(milliseconds(300));
  // Neither end of the connection is there any more.
  EXPECT_EQ(test_support::open_descriptors(), before - 2);
}

TEST_F(SystemdCollector, ThePathOfTheRootMayBeLong) {
  systemd({service("ssh.service")});
  auto deep = root_;
  for (int i = 0; i < 3; ++i) deep /= std::string(60, 'd');
  std::filesystem::create_directories(deep / "run/systemd/system");
  std::filesystem::create_directories(deep / "run/dbus");
  // A hard link: the socket itself.
  std::filesystem::create_hard_link(root_ / kBus, deep / kBus);
  host_ = std::make_unique<test_support::FakeHost>(deep);
  collector_ = local::make_systemd_collector({*host_, clock_, ""});
  EXPECT_THAT(names(), ElementsAre("ssh.service"));
}

}  // namespace
