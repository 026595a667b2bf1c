// Builds what the agent knows of its host, a word for each fact:
// Host::debian_12().failed().check(ConfigProblem::configuration, "…").report().
// Whoever begins is in good health, and all collectors have just succeeded.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "model/host_report.h"

namespace evidence {

// When the report was completed; the host has been up for a day, and its sshd for an hour.
base::WallTime host_now();
model::Endpoint endpoint(std::string_view address, std::uint16_t port = 22);

inline constexpr pid_t kSshdPid = 812;

class Host {
 public:
  // OpenSSH 9.2 with one binary, and 10.0 with sshd-session; ssh.service runs, on both families.
  static Host debian_12();
  static Host debian_13();

  // --- systemd
  Host& unit_state(std::string_view active, std::string_view sub, std::string_view result);
  Host& stopped();  // by `systemctl stop`
  // By its own exit, of status 255 unless said: no process, no listener, ssh.service failed.
  Host& failed(std::string_view result = "exit-code", int status = 255);
  Host& auto_restart(std::uint64_t restarts = 2);  // between two attempts
  Host& starting(std::uint64_t restarts = 0);      // start-pre
  Host& masked();
  Host& enabled(std::string_view state);  // of ssh.service's file
  Host& condition(std::string_view text);
  Host& socket_activated();  // idle: systemd listens, no sshd
  Host& connected();         // idle no more: sshd shares the socket
  Host& socket_failed(std::string_view result = "trigger-limit-hit");
  Host& socket_lost();                                                  // active, and nothing bound
  Host& socket_listens(const std::vector<model::Endpoint>& endpoints);  // by its unit's file
  Host& purged();                                                       // openssh-server
  Host& without_systemd();
  Host& without_units();
  Host& dropbear();  // in sshd's place, which is installed but disabled

  // --- what is bound
  Host& down();  // no process and no listener
  Host& not_bound();
  Host& bound(std::string_view address, std::uint16_t port = 22);  // by sshd
  Host& bound_by(std::string_view process, std::string_view address, std::uint16_t port = 22,
                 pid_t pid = 4000);
  Host& hidden_owners();
  Host& queue(std::string_view address, std::uint32_t length);

  // --- sshd and its configuration
  Host& asks_for(const std::vector<model::Endpoint>& endpoints);
  Host& check(model::ConfigProblem problem, std::string message = "", std::string file = "",
              int line = 0);
  Host& keys(bool present, std::string_view problem);  // all of them
  Host& program_gone();
  Host& deny(std::vector<std::string> clients, bool linked = true);  // by hosts.deny
  Host& allow(std::vector<std::string> clients);                     // before what denies
  Host& startups(int now, int begin = 10, int full = 100);

  // --- the rest
  Host& log(model::LogEvent event, std::string message,
            base::Duration age = std::chrono::seconds(5), bool trusted = true);
  Host& log_address(model::LogEvent event, std::string_view address, std::uint16_t port = 0);
  Host& addresses(const std::vector<std::string_view>& all);
  Host& booted(base::Duration ago);
  Host& stale(std::string_view collector);    // its facts are of an earlier round
  Host& missing(std::string_view collector);  // it failed, and left nothing
  Host& partial(std::string_view collector);  // it failed, and left what it could see

  [[nodiscard]] model::HostReport report() const;  // not concluded

  // To change what no word is for.
  model::UnitFacts& service() { return unit("ssh.service"); }
  model::UnitFacts& socket() { return unit("ssh.socket"); }
  model::UnitFacts& unit(std::string_view name);
  model::ServerProcess& server();
  model::SystemdFacts systemd;
  model::ListenerFacts listeners;
  model::SshdConfig configuration;
  model::ProcessFacts processes;
  model::LogFacts events;
  model::KernelFacts kernel;
  model::GuardFacts guards;

 private:
  Host();
  std::set<std::string, std::less<>> stale_;
  std::set<std::string, std::less<>> missing_;
  std::set<std::string, std::less<>> partial_;
  bool has_systemd_ = true;
};

}  // namespace evidence
