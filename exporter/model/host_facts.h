// What the agent knows of its own host: one part for each collector, immutable once made. Nothing
// is concluded here. Names and states are those of systemd, OpenSSH and Linux.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "model/log_event.h"

namespace model {

// A local TCP endpoint; an unspecified address stands for every address of its family.
struct Endpoint {
  base::IpAddress address;
  std::uint16_t port = 0;
  auto operator<=>(const Endpoint&) const = default;
};

// --- systemd ------------------------------------------------------------------------------------

struct ServiceFacts {
  int exit_code = 0;    // CLD_EXITED, CLD_KILLED, …; 0 if the main process has not ended
  int exit_status = 0;  // exit status or signal, as exit_code says; 203 is systemd's EXEC
  std::uint64_t restarts = 0;
  pid_t main_pid = 0;  // 0 if there is none
  // ExecStart's words with $VARIABLES put in, as the next start would have it; the first is the
  // program's path. Empty if there is none, or if it cannot be known.
  std::vector<std::string> start_command;
};

struct SocketFacts {
  std::vector<Endpoint> listen;  // its TCP streams only; both families' for a dual-stack one
  bool accept = false;           // Accept=yes: one service instance for each connection
  std::string service;           // the unit that it triggers; empty with `accept`
};

struct UnitFacts {
  std::string name;                  // its id, such as ssh.service
  std::vector<std::string> aliases;  // its other names
  std::string load_state;            // loaded, not-found, masked, bad-setting, error
  std::string active_state;     // active, reloading, inactive, failed, activating, deactivating
  std::string sub_state;        // running, dead, auto-restart, listening, …
  std::string unit_file_state;  // enabled, disabled, masked, static, …; empty if there is no file
  std::string result;           // success, exit-code, start-limit-hit, trigger-limit-hit, …
  std::string failed_condition;  // of the last start: ConditionPathExists=!/etc/…; empty if none
  std::string unmet_condition;   // of the next start, were it now; only paths are looked at
  std::optional<base::WallTime> activated;     // when it last became active
  std::optional<base::WallTime> last_attempt;  // when it last left the inactive state
  std::optional<base::WallTime> changed;       // when its active state last changed
  std::vector<std::string> ip_address_allow;   // IPAddressAllow=, ADDRESS/LENGTH
  std::vector<std::string> ip_address_deny;
  std::optional<ServiceFacts> service;
  std::optional<SocketFacts> socket;
};

struct SystemdFacts {
  // Units of SSH servers, by name; none if there is no such unit. Not those of single connections
  // (ssh@7-….service), nor sockets that are not reached over TCP.
  std::vector<UnitFacts> units;
};

// --- listeners ----------------------------------------------------------------------------------

struct SocketOwner {
  pid_t pid = 0;
  std::string process;  // its name, at most 15 bytes; printable
};

struct ListenerFacts {
  struct Listener {
    Endpoint endpoint;
    std::string interface;           // that it is bound to (SO_BINDTODEVICE); empty: to none
    bool dual_stack = false;         // [::] that takes IPv4 connections as well
    std::uint32_t queue_length = 0;  // connections waiting to be accepted
    std::uint32_t queue_limit = 0;   // the backlog
    std::uint64_t inode = 0;
    uid_t uid = 0;                     // who made the socket
    std::optional<SocketOwner> owner;  // systemd (process 1) before others that share the socket
  };
  std::vector<Listener> listeners;  // all listening TCP sockets, by endpoint
  // False if an owner is absent that may be hidden: it takes a right to look into other users'
  // processes. A socket without owner is otherwise the kernel's, or of another pid namespace.
  bool owners_known = true;
};

// --- configuration ------------------------------------------------------------------------------

enum class ConfigSource : std::uint8_t {
  effective,     // sshd -T
  parsed,        // our own reading of sshd_config
  command_line,  // dropbear has no file
};
const char* name_of(ConfigSource source);

// What `sshd -t` complains about.
enum class ConfigProblem : std::uint8_t {
  none,
  configuration,      // a line of the file, or a missing file
  host_keys,          // none that can be loaded
  runtime_directory,  // /run/sshd or its like is absent, or not root's own
  program,            // it cannot run: library, interpreter, crash, its helper
  other,
};
const char* name_of(ConfigProblem problem);

struct ConfigCheck {
  ConfigProblem problem = ConfigProblem::none;
  std::string file;       // with configuration: where; empty if not said
  int line = 0;           // 0 if not said
  std::string message;    // sshd's own words, printable; empty if all is well
  std::string directory;  // with runtime_directory
};

struct HostKeyFacts {
  std::string path;
  std::string type;  // ed25519, rsa, ecdsa, …; empty if unknown
  bool present = false;
  mode_t mode = 0;  // permission bits
  uid_t owner = 0;
  // Absent if it could not be looked at. A usable key is one that sshd would load.
  std::optional<bool> usable;
  std::string problem;  // why it is not usable, in words
};

struct MaxStartups {
  int begin = 10;
  int rate = 30;
  int full = 100;
};

struct SshdConfig {
  ConfigSource source = ConfigSource::effective;
  std::string program;  // sshd, dropbear; empty if none is installed
  std::string binary;   // its path on the host; empty if none is installed
  std::string file;     // the main configuration file
  std::string version;  // OpenSSH_9.2p1 Debian-2+deb12u3; empty if unknown
  std::vector<std::uint16_t> ports;
  std::vector<Endpoint> listen;        // what it asks to bind, each once
  std::string address_family = "any";  // any, inet, inet6
  std::optional<MaxStartups> max_startups;
  std::optional<base::Duration> login_grace;   // zero: no limit
  std::optional<int> per_source_max_startups;  // absent: none
  std::optional<bool> per_source_penalties;    // absent before OpenSSH 9.8
  std::uint32_t allow_users = 0;               // how many patterns
  std::uint32_t deny_users = 0;
  std::uint32_t allow_groups = 0;
  std::uint32_t deny_groups = 0;
  std::vector<HostKeyFacts> host_keys;
  std::optional<ConfigCheck> check;  // absent without the right to run it
};

// --- processes ----------------------------------------------------------------------------------

struct Startups {
  int now = 0;
  int begin = 0;
  int full = 0;
};

// A process that listens for SSH connections.
struct ServerProcess {
  pid_t pid = 0;
  std::string name;  // sshd, dropbear
  char state = '?';  // as in /proc/PID/stat: R, S, D, T, t, Z, …
  base::WallTime started;
  std::vector<std::string> command;  // its words, without the title's
  std::string executable;            // path; empty if it may not be read
  bool executable_deleted = false;   // the file that it runs has no name any more
  bool executable_replaced = false;  // another file is in its place
  // Whether children that the running binary starts from the file now in its place can work: false
  // if one of the two is of OpenSSH before 9.8 and the other is not, or the helper is missing.
  std::optional<bool> can_start_children;
  std::string missing_helper;  // sshd-session's path, if it is gone
  bool one_binary = true;      // false from OpenSSH 9.8 on: sshd-session does the work
  std::optional<Startups> startups;
  std::uint64_t open_files = 0;  // 0 if unknown
  std::uint64_t open_files_limit = 0;
  std::string unit;  // from its cgroup; empty if in none
};

// A line of hosts.allow or hosts.deny that speaks of sshd.
struct WrapperRule {
  bool allow = false;                // its verdict, whichever file it is in
  std::vector<std::string> clients;  // patterns; EXCEPT stays among them
  std::string where;                 // /etc/hosts.deny:3
  // False if it depends on what is not known here: a command that it runs (aclexec), or the address
  // of this host that was connected to (sshd@192.0.2.1).
  bool certain = true;
};

struct RuntimeDirectory {
  std::string path;
  bool present = false;
  bool safe = true;  // root's, and not writable for group or others
};

struct ProcessFacts {
  std::vector<ServerProcess> servers;
  std::uint32_t sessions = 0;                         // authenticated
  std::uint32_t unauthenticated = 0;                  // connections that have not logged in yet
  std::optional<RuntimeDirectory> runtime_directory;  // of sshd's privilege separation
  std::optional<bool> libwrap;                        // whether sshd is linked with it
  std::vector<WrapperRule> wrapper_rules;  // hosts.allow first, in order; first match wins
  bool complete = true;                    // false if other users' processes are hidden
};

// --- log ----------------------------------------------------------------------------------------

struct LogLine {
  base::WallTime time;
  std::string message;  // printable, bounded
  std::string unit;     // of whom systemd speaks, or in which the process ran; empty if unknown
  // True if the journal vouches that root's sshd or systemd wrote it.
  bool trusted = false;
  // What the line names, each empty or 0 if it does not.
  std::string address;
  std::uint16_t port = 0;
  std::string file;
  int line = 0;
  std::string why;
};

struct LogEventState {
  std::uint64_t count = 0;  // since the exporter's start, and while it was away
  std::optional<LogLine> newest;
};

struct LogFacts {
  std::string source;                 // journal, or the file's path
  std::vector<LogEventState> events;  // by LogEvent
  [[nodiscard]] const LogEventState& of(LogEvent event) const {
    return events.at(static_cast<std::size_t>(event));
  }
};

// --- kernel -------------------------------------------------------------------------------------

struct InterfaceAddress {
  base::IpAddress address;
  std::string interface;
  bool up = true;  // the interface is up; its addresses can be bound either way
};

struct KernelFacts {
  std::optional<std::uint64_t> listen_overflows;
  std::optional<std::uint64_t> listen_drops;
  std::optional<std::uint64_t> conntrack_entries;
  std::optional<std::uint64_t> conntrack_limit;
  std::vector<std::string> strict_rp_filter;  // interfaces on which rp_filter 1 is in effect
  // Those that a socket can be bound to. The rest of 127.0.0.0/8 and ranges routed as local (`ip
  // route add local`) can be bound as well and are not among them.
  std::vector<InterfaceAddress> addresses;
  bool addresses_known = true;        // false if the kernel did not tell them all
  std::optional<bool> nonlocal_bind;  // net.ipv4.ip_nonlocal_bind
  base::WallTime booted;
};

// --- other layers -------------------------------------------------------------------------------

struct GuardFacts {
  std::vector<std::string> running;  // fail2ban, crowdsec, sshguard
};

// --- all of it ----------------------------------------------------------------------------------

// Null: not collected (yet), or there is no such thing here.
struct HostFacts {
  std::shared_ptr<const SystemdFacts> systemd;
  std::shared_ptr<const ListenerFacts> listeners;
  std::shared_ptr<const SshdConfig> configuration;
  std::shared_ptr<const ProcessFacts> processes;
  std::shared_ptr<const LogFacts> log;
  std::shared_ptr<const KernelFacts> kernel;
  std::shared_ptr<const GuardFacts> guards;
};

// Takes over the parts that `from` has.
void merge(const HostFacts& from, HostFacts& into);

struct CollectorStatus {
  std::string_view name;
  bool success = false;
  // Its part is of the last round, and not kept from an earlier one.
  bool fresh = false;
  std::string error;  // why not, or what could not be known
  base::Duration duration{0};
  base::WallTime completed;  // when it last gave facts
};

}  // namespace model
