#include "diagnose/fixes.h"

#include <cerrno>

#include "base/text.h"
#include "diagnose/words.h"

namespace diagnose {

namespace {

using model::Outcome;
using model::Stage;

std::string address_of(const Case& c) { return c.address.address.to_string(); }

std::string sender_of(const Case& c) {
  return c.icmp == nullptr ? "the sender" : c.icmp->offender.to_string();
}

std::string_view family_words(const base::IpAddress& address) {
  return address.is_v4() ? "IPv4" : "IPv6";
}

std::string endpoint_of(const Case& c) {
  return base::format_host_port(address_of(c), c.target.port);
}

// The client's own list of the kind that a mismatch names, as ssh_config(5) writes it.
std::string client_list(const Case& c) {
  if (!c.target.settings || !c.seen.mismatch) return "";
  const auto& client = c.target.settings->client;
  std::string_view kind = c.seen.mismatch->kind;
  const std::vector<std::string>* list = nullptr;
  if (kind.starts_with("key exchange")) list = &client.kex_algorithms;
  if (kind.starts_with("host key")) list = &client.host_key_algorithms;
  if (kind.starts_with("cipher")) list = &client.ciphers;
  if (kind.starts_with("MAC")) list = &client.macs;
  if (list == nullptr) return "";
  std::string text;
  for (const auto& algorithm : *list) text += concat({text.empty() ? "" : ",", algorithm});
  return text;
}

// The keyword of sshd_config(5) for that kind.
std::string_view server_keyword(const Case& c) {
  std::string_view kind = c.seen.mismatch ? std::string_view(c.seen.mismatch->kind) : "";
  if (kind.starts_with("key exchange")) return "KexAlgorithms";
  if (kind.starts_with("host key")) return "HostKeyAlgorithms and HostKey";
  if (kind.starts_with("cipher")) return "Ciphers";
  if (kind.starts_with("MAC")) return "MACs";
  if (kind.starts_with("compression")) return "Compression";
  return "the algorithm lists";
}

}  // namespace

namespace fixes {

std::string none(const Case&) { return ""; }

std::string repeat(const Case& c) {
  return concat({"Run `ssh_refusal_exporter diagnose ", c.target.name,
                 "` again and read its evidence; nothing surer can be said."});
}

std::string client_resource(const Case& c) {
  switch (c.seen.error) {
    case EMFILE:
      return "Raise this exporter's limit of open files (LimitNOFILE=, ulimit -n).";
    case ENFILE:
      return "Raise this machine's limit of open files (sysctl fs.file-max).";
    case EADDRNOTAVAIL:
      return concat({"Correct source_address, give this machine an ",
                     family_words(c.address.address),
                     " address, or widen net.ipv4.ip_local_port_range if its ports are used up."});
    case EADDRINUSE:
      return "Widen net.ipv4.ip_local_port_range on this machine: its source ports are used up.";
    default:
      return "Free memory or buffers on this machine (free, ss -s, net.ipv4.tcp_mem, cgroup "
             "limits).";
  }
}

std::string bogus_address(const Case& c) {
  return concat({"Find out where ", c.target.host, " becomes ", address_of(c), ": `getent ahosts ",
                 c.target.host,
                 "`, /etc/hosts, a filtering resolver, or a proxy that answers with fake ",
                 "addresses."});
}

std::string client_no_route(const Case& c) {
  const auto& address = c.address.address;
  if (c.seen.error == EAFNOSUPPORT) {
    return concat({"Enable ", family_words(address), " on this machine, or set ip_protocol for ",
                   c.target.name, " to the other family."});
  }
  if (!address.is_v4() && address.is_link_local()) {
    return concat(
        {"Name the interface of the link-local address, as in ", address_of(c), "%eth0."});
  }
  return concat({"On this machine, look at `ip route get ", address_of(c),
                 "` and add the missing route, or set ip_protocol to a family that has one."});
}

std::string client_blocked(const Case& c) {
  return concat({"Allow outgoing TCP ", port_words(c.target.port), " to ", address_of(c),
                 " on this machine: output rules (`nft list ruleset`, `iptables -S OUTPUT`), ",
                 "prohibit routes (`ip route get ", address_of(c),
                 "`), security modules and service sandboxing (IPAddressDeny=)."});
}

std::string host_down(const Case& c) {
  std::string where = c.sender_role() == model::ResponderRole::path
                          ? concat({"the network behind ", sender_of(c)})
                          : std::string("this machine's own network");
  return concat({"Check power, cable, VLAN and address of ", address_of(c), ": nobody has it on ",
                 where, "."});
}

std::string no_route(const Case& c) {
  if (c.icmp != nullptr && !c.address.address.is_v4() && c.icmp->type == 1 && c.icmp->code == 2) {
    return concat({"Connect from a source address of wider scope (source_address): ", sender_of(c),
                   " cannot forward from this one to ", address_of(c), "."});
  }
  return concat({"Correct the route to ", address_of(c), " at the router ", sender_of(c), "."});
}

std::string routing_loop(const Case& c) {
  return concat({"Follow `traceroute ", address_of(c),
                 "`: routers that repeat there send the packet round in a circle; ", sender_of(c),
                 " is one of them."});
}

std::string path_firewall(const Case& c) {
  return concat({"Allow TCP ", port_words(c.target.port), " from this machine to ", address_of(c),
                 " in the firewall at ", sender_of(c), "."});
}

std::string host_firewall(const Case& c) {
  return concat({"At ", address_of(c), ", find the rule that rejects TCP ",
                 port_words(c.target.port),
                 " or this source: `nft list ruleset`, `iptables -S`, `ufw status`, `firewall-cmd ",
                 "--list-all`, `fail2ban-client status sshd`."});
}

std::string unreachable_from_target(const Case& c) {
  return concat({"At ", address_of(c), ", look for a rule that rejects TCP ",
                 port_words(c.target.port),
                 " (`nft list ruleset`), and for a forward of that port ",
                 "to an address that no longer answers."});
}

std::string wrong_port(const Case& c) {
  auto port = c.ssh_elsewhere();
  std::string number = port ? std::to_string(*port) : std::string("the other port");
  return concat({"Use ", base::format_host_port(c.target.host, port.value_or(c.target.port)),
                 ", or let sshd listen on ", std::to_string(c.target.port),
                 " too (Port in sshd_config, ListenStream of its socket unit), if the server on ",
                 number, " is the one that is meant."});
}

std::string wrong_address(const Case& c) {
  return concat({"Let sshd listen on ", address_of(c),
                 " (ListenAddress in sshd_config), or remove ", "the address from ", c.target.host,
                 " if it belongs to nothing any more."});
}

std::string address_family(const Case& c) {
  return concat({"Let sshd listen on ", family_words(c.address.address),
                 " (AddressFamily any, ListenAddress ",
                 c.address.address.is_v4() ? "0.0.0.0" : "::", "), or remove ", address_of(c),
                 " from ", c.target.host, "."});
}

std::string port_closed(const Case& c) {
  return concat({"On the host of ", address_of(c), ": `systemctl status ssh sshd ssh.socket`, `ss ",
                 "-ltn 'sport = :", std::to_string(c.target.port),
                 "'`; if it listens, look for a rule that rejects with a TCP reset."});
}

std::string port_filtered(const Case& c) {
  return concat(
      {"Look for a rule that drops TCP ", port_words(c.target.port), " to ", address_of(c),
       ": on the host, in the cloud (security group, network ACL) and on the way; on the ",
       "host also `ss -ltn`: a full accept queue is silent too."});
}

std::string no_answer(const Case& c) {
  return concat({"Find out whether ", address_of(c),
                 " is up (console, `ping`, `traceroute`); if it ",
                 "is, look for rules that drop TCP ", port_words(c.target.port),
                 " on the way, in the cloud and on the host."});
}

std::string max_startups(const Case& c) {
  return concat({"On the host of ", address_of(c),
                 ", see who holds connections (`ss -tn 'sport = :", std::to_string(c.target.port),
                 "'`), stop the flood, or raise MaxStartups in sshd_config."});
}

std::string turned_away(const Case& c) {
  return concat({"Look for 'drop connection' in the SSH log of ", address_of(c),
                 ": MaxStartups, or PerSourcePenalties for this source (exempt it with ",
                 "PerSourcePenaltyExemptList)."});
}

std::string tcp_wrappers(const Case& c) {
  return concat({"On the host of ", address_of(c),
                 ", allow this source in /etc/hosts.allow or drop ",
                 "its line from /etc/hosts.deny; the log says 'refused connect from'."});
}

std::string closed_early(const Case& c) {
  return concat(
      {"Read the SSH log of ", address_of(c),
       "; then suspect MaxStartups or a penalty, a replaced sshd that was not restarted, a "
       "missing /run/sshd, and a proxy whose backend is dead."});
}

std::string sshd_hung(const Case& c) {
  return concat({"On the host of ", address_of(c),
                 ": who accepts (`ss -ltnp 'sport = :", std::to_string(c.target.port),
                 "'`), and is that process stopped or blocked (state T or D in `ps`)? If it is a ",
                 "proxy, check its backend."});
}

std::string not_ssh(const Case& c) {
  return concat({"Correct the port of ", c.target.name, ", or find what answers at ",
                 endpoint_of(c), ": on the host `ss -ltnp`, on the way a proxy."});
}

std::string protocol_version(const Case& c) {
  return concat({"Replace or upgrade the SSH server at ", endpoint_of(c),
                 ": clients of today do not speak its protocol."});
}

std::string kex_mismatch(const Case& c) {
  std::string_view kind = c.seen.mismatch ? std::string_view(c.seen.mismatch->kind) : "";
  return concat({"Enable one of the client's ", kind, " algorithms on the server (",
                 server_keyword(c),
                 " in sshd_config; often it is an old server to upgrade), or add ",
                 "the server's to the client profile if your clients accept it."});
}

std::string kex_failed(const Case& c) {
  return concat(
      {"Read the SSH log of ", address_of(c),
       "; then suspect a device that inspects SSH, a path that loses full-sized packets, ",
       "and a server that cannot start its session process."});
}

}  // namespace fixes

namespace particulars {

std::string bogus_address(const Case& c) {
  std::string_view what = "is of a range for benchmarks that proxies hand out as fake addresses";
  if (unmapped(c.address.address).is_loopback()) what = "is this machine's own loopback";
  if (unmapped(c.address.address).is_unspecified()) what = "stands for no host";
  return concat({address_of(c), " ", what, "."});
}

std::string translation_hint(const Case& c) {
  if (c.icmp == nullptr || is_private(c.address.address) || !is_private(c.icmp->offender))
    return "";
  return concat({sender_of(c), " is a private address though the target's is public: perhaps the ",
                 "host itself, behind address translation."});
}

std::string reached_address(const Case& c) {
  const auto* other = c.reached_same_family();
  if (other == nullptr) other = c.reached_other_family();
  if (other == nullptr) return "";
  return concat({other->address.to_string(), " accepts on the same port."});
}

std::string wrapper_doubt(const Case& c) {
  if (c.seen.waited >= kWrapperLatest) return "";
  return "TCP wrappers, which close only after 5 s, are not excluded either: the wait was shorter.";
}

std::string other_protocol(const Case& c) {
  return concat({"It speaks ", quote(c.seen.other_protocol), "."});
}

std::string algorithms(const Case& c) {
  if (!c.seen.mismatch) return "";
  return concat({"No common ", c.seen.mismatch->kind, " algorithm: the server offers ",
                 c.seen.mismatch->offered.empty() ? "none" : c.seen.mismatch->offered,
                 "; the client knows ", client_list(c), "."});
}

std::string black_hole_hint(const Case& c) {
  if (!c.at(Stage::kexinit, {Outcome::timeout})) return "";
  return "Small packets pass and the larger key exchange does not: perhaps an MTU black hole.";
}

std::string impossible(const Case& c) {
  return concat({"Stage ", model::name_of(c.seen.stage), " cannot end with ",
                 model::name_of(c.seen.outcome), "."});
}

}  // namespace particulars

}  // namespace diagnose
