#include "model/cause.h"

#include <array>

namespace model {

namespace {

constexpr std::array kCauses = std::to_array<CauseInfo>({
    {Cause::none, "none", Layer::none,
     "All is well: a new connection gets in, as far as it was looked at.", ""},
    {Cause::dns_not_found, "dns_not_found", Layer::dns,
     "The name does not exist, or has no address of the wanted family.",
     "Correct the name in the configuration, or add its A or AAAA record."},
    {Cause::dns_failed, "dns_failed", Layer::dns, "The resolver gave no usable answer.",
     "Check the name servers in /etc/resolv.conf and the zone's own servers."},
    {Cause::dns_bogus_address, "dns_bogus_address", Layer::dns,
     "The name resolves to an address that cannot be that host's.",
     "Look for the entry in /etc/hosts, a filtering resolver, or a proxy that answers with fake "
     "addresses."},
    {Cause::client_no_route, "client_no_route", Layer::client,
     "This machine has no route to the address.",
     "Check `ip route get ADDRESS` on the prober: add the route or the address family."},
    {Cause::client_blocked, "client_blocked", Layer::client,
     "This machine itself forbids the connection.",
     "Look at the prober's own output rules, prohibit routes and security modules."},
    {Cause::client_resource, "client_resource", Layer::client,
     "This machine could not open the connection: descriptors, ports, memory or source address.",
     "Raise the limit that the evidence names, or correct source_address."},
    {Cause::host_down, "host_down", Layer::network,
     "The last hop cannot find the host on its network.",
     "Check power, cable and the address: the host does not answer on its own network."},
    {Cause::no_route, "no_route", Layer::network, "A router on the way has no route to the host.",
     "Correct the routing at the router that the evidence names."},
    {Cause::path_firewall_reject, "path_firewall_reject", Layer::network,
     "A device on the way rejects the connection.",
     "Allow the port in the firewall at the address that the evidence names."},
    {Cause::no_answer, "no_answer", Layer::network,
     "Nothing answers: neither this port nor any other that was tried.",
     "Find out whether the host is up; then look for drop rules on the way, in the cloud and on "
     "the host."},
    {Cause::port_filtered, "port_filtered", Layer::network,
     "The host answers, but this port is silent: a rule drops the connection somewhere.",
     "Look for a drop rule on the host, in the cloud (security group, network ACL) and on the "
     "way, or a full accept queue."},
    {Cause::host_firewall_reject, "host_firewall_reject", Layer::host_firewall,
     "A firewall rule that answers with the host's address rejects the connection.",
     "List the host's rules (`nft list ruleset`, `iptables -S`, `ufw status`, `fail2ban-client "
     "status sshd`) for one that rejects this port or this source."},
    {Cause::port_closed, "port_closed", Layer::service,
     "The connection is reset: as far as can be told, nothing listens on this port.",
     "On the host: `systemctl status ssh ssh.socket`, `ss -ltn`; then rules that answer with a "
     "TCP reset."},
    {Cause::sshd_not_installed, "sshd_not_installed", Layer::service,
     "There is no SSH server on the host: no program, no unit, no process.",
     "Install one: `apt install openssh-server`, `dnf install openssh-server`."},
    {Cause::sshd_disabled, "sshd_disabled", Layer::service,
     "sshd is switched off: its unit is masked or disabled, or a condition keeps it from starting.",
     "Find out who switched it off; then `systemctl unmask` and `systemctl enable --now` the unit, "
     "or remove the file that its condition names."},
    {Cause::sshd_starting, "sshd_starting", Layer::service, "sshd is about to start.",
     "Wait; if it lasts, see `systemctl status ssh` and `systemctl list-jobs`."},
    {Cause::sshd_not_running, "sshd_not_running", Layer::service,
     "sshd is stopped: no process, nothing listens.",
     "Start it: `systemctl start ssh` (`sshd` on Fedora and its kin)."},
    {Cause::sshd_binary_broken, "sshd_binary_broken", Layer::service,
     "The SSH server's program cannot run: a library, an interpreter or a helper is missing.",
     "Install the package again: `apt install --reinstall openssh-server`."},
    {Cause::sshd_config_invalid, "sshd_config_invalid", Layer::service,
     "sshd refuses its configuration.",
     "Correct the line that the evidence names, check with `sshd -t`, then start sshd."},
    {Cause::sshd_host_keys_missing, "sshd_host_keys_missing", Layer::service,
     "sshd has no host key.", "Make them: `ssh-keygen -A`, then start sshd."},
    {Cause::sshd_host_keys_unusable, "sshd_host_keys_unusable", Layer::service,
     "Host keys are there, but sshd may not use any: mode, owner or format.",
     "Correct what the evidence names: `chmod 600`, `chown root`, or make the key anew with "
     "`ssh-keygen -A`."},
    {Cause::sshd_runtime_dir_missing, "sshd_runtime_dir_missing", Layer::service,
     "The directory of sshd's privilege separation is absent or not root's own.",
     "Make it again (`install -d -m 755 /run/sshd`) or restart sshd, whose unit makes it."},
    {Cause::sshd_upgrade_skew, "sshd_upgrade_skew", Layer::service,
     "sshd was replaced while it runs, and the old process cannot use the new program.",
     "Restart sshd: sessions that are open stay."},
    {Cause::socket_unit_failed, "socket_unit_failed", Layer::service,
     "The systemd socket that should wait for SSH connections has failed.",
     "See `systemctl status ssh.socket`, then `systemctl restart ssh.socket`."},
    {Cause::sshd_failed, "sshd_failed", Layer::service, "sshd's unit has failed.",
     "Read `systemctl status ssh` and `journalctl -u ssh`, then restart it."},
    {Cause::socket_port_mismatch, "socket_port_mismatch", Layer::binding,
     "systemd's socket listens for sshd, but not on the port that sshd_config names.",
     "Run `systemctl daemon-reload` and restart ssh.socket, or correct its ListenStream."},
    {Cause::port_conflict, "port_conflict", Layer::binding,
     "Another program listens on sshd's port.",
     "Move one of the two: the evidence names the program (`ss -ltnp`)."},
    {Cause::port_bind_denied, "port_bind_denied", Layer::binding,
     "sshd may not listen on its port: SELinux, or no privilege.",
     "Allow the port: `semanage port -a -t ssh_port_t -p tcp PORT`, or give the capability."},
    {Cause::address_missing, "address_missing", Layer::binding,
     "sshd should listen on an address that the host does not have.",
     "Correct ListenAddress, or start sshd only after the network has the address."},
    {Cause::loopback_only, "loopback_only", Layer::binding,
     "sshd listens on the loopback interface only.",
     "Correct ListenAddress in sshd_config, or the socket unit's ListenStream."},
    {Cause::wrong_port, "wrong_port", Layer::binding,
     "This port is refused, but an SSH server listens on another one.",
     "Use the port that the evidence names, or add it to Port in sshd_config."},
    {Cause::wrong_address, "wrong_address", Layer::binding,
     "One address of the name is refused while another of the same family accepts.",
     "Check ListenAddress in sshd_config, or remove the stale address from the name."},
    {Cause::address_family, "address_family", Layer::binding,
     "One address family is refused while the other accepts.",
     "Let sshd listen on both families (AddressFamily any, ListenAddress), or correct the DNS "
     "records."},
    {Cause::accept_queue_full, "accept_queue_full", Layer::overload,
     "The queue of connections that wait for sshd is full: the kernel drops new ones silently.",
     "Find out why sshd does not accept: stopped, blocked, or flooded (`ss -ltn`)."},
    {Cause::conntrack_full, "conntrack_full", Layer::overload,
     "The kernel tracks as many connections as it may, and drops new ones silently.",
     "Find who opens them (`conntrack -L`); raise net.netfilter.nf_conntrack_max."},
    {Cause::sshd_hung, "sshd_hung", Layer::overload,
     "The connection is accepted, then silence: sshd, or what stands before it, does not answer.",
     "On the host: is the listening process stopped or blocked (state T or D), or is a proxy's "
     "backend dead?"},
    {Cause::max_startups, "max_startups", Layer::overload,
     "sshd has too many unauthenticated connections and turns new ones away.",
     "Stop the flood, or raise MaxStartups; see who holds connections with `ss -tn`."},
    {Cause::resource_exhausted, "resource_exhausted", Layer::overload,
     "sshd is out of descriptors, processes or memory.",
     "Raise the limit that the evidence names (LimitNOFILE, TasksMax), or find who uses it up."},
    {Cause::source_penalty, "source_penalty", Layer::access_policy,
     "sshd penalises this source for what it did before.",
     "Wait for the penalty to end, or list the source in PerSourcePenaltyExemptList."},
    {Cause::turned_away, "turned_away", Layer::access_policy,
     "A text line and the end instead of an SSH identification: MaxStartups or a penalty.",
     "Look in the host's log for 'drop connection': MaxStartups, or PerSourcePenalties for this "
     "source (PerSourcePenaltyExemptList)."},
    {Cause::tcp_wrappers_denied, "tcp_wrappers_denied", Layer::access_policy,
     "The server waits five seconds and closes: TCP wrappers refuse this source.",
     "Check /etc/hosts.allow and /etc/hosts.deny on the host; its log says 'refused connect "
     "from'."},
    {Cause::closed_before_banner, "closed_before_banner", Layer::service,
     "The connection is accepted and closed without a byte.",
     "Read the host's sshd log; suspects are a replaced binary, /run/sshd, MaxStartups, or a "
     "proxy with a dead backend."},
    {Cause::not_ssh, "not_ssh", Layer::protocol, "Something other than an SSH server answers.",
     "Correct the port, or find the program that owns it on the host (`ss -ltnp`)."},
    {Cause::protocol_version, "protocol_version", Layer::protocol,
     "The server speaks SSH protocol 1 only.", "Replace or upgrade the server."},
    {Cause::kex_mismatch, "kex_mismatch", Layer::protocol,
     "Server and client share no algorithm of a kind that both must agree on.",
     "Enable a common algorithm of that kind on the server, or add the server's to the client "
     "profile if your clients accept it."},
    {Cause::kex_failed, "kex_failed", Layer::protocol,
     "The server identifies itself, but the key exchange does not start.",
     "Read the host's sshd log; suspects are a device that inspects SSH, an MTU black hole and a "
     "server that cannot start its session process."},
    {Cause::unknown, "unknown", Layer::unknown, "The evidence contradicts itself.",
     "Read the evidence; run `diagnose` again."},
});

constexpr bool rows_match_enumerators() {
  for (std::size_t i = 0; i < kCauses.size(); ++i) {
    if (static_cast<std::size_t>(kCauses[i].cause) != i) return false;
  }
  return kCauses.back().cause == Cause::unknown;
}
static_assert(rows_match_enumerators(), "one row per cause, in the order of the enumeration");

}  // namespace

std::span<const CauseInfo> all_causes() { return kCauses; }

const CauseInfo& info(Cause cause) { return kCauses.at(static_cast<std::size_t>(cause)); }

const char* name_of(Layer layer) {
  switch (layer) {
    case Layer::none:
      return "none";
    case Layer::dns:
      return "dns";
    case Layer::client:
      return "client";
    case Layer::network:
      return "network";
    case Layer::host_firewall:
      return "host_firewall";
    case Layer::access_policy:
      return "access_policy";
    case Layer::service:
      return "service";
    case Layer::binding:
      return "binding";
    case Layer::overload:
      return "overload";
    case Layer::protocol:
      return "protocol";
    case Layer::unknown:
      return "unknown";
  }
  return "";
}

const char* name_of(Confidence confidence) {
  switch (confidence) {
    case Confidence::possible:
      return "possible";
    case Confidence::likely:
      return "likely";
    case Confidence::certain:
      return "certain";
  }
  return "";
}

}  // namespace model
