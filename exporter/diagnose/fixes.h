// What to do about it, naming the addresses, ports and names of the case at hand; and the facts
// that a rule adds to its reason.
#pragma once

#include <string>

#include "diagnose/case.h"

namespace diagnose::fixes {

std::string none(const Case& c);
std::string repeat(const Case& c);
std::string client_resource(const Case& c);
std::string bogus_address(const Case& c);
std::string client_no_route(const Case& c);
std::string client_blocked(const Case& c);
std::string host_down(const Case& c);
std::string no_route(const Case& c);
std::string routing_loop(const Case& c);
std::string path_firewall(const Case& c);
std::string host_firewall(const Case& c);
std::string unreachable_from_target(const Case& c);
std::string wrong_port(const Case& c);
std::string wrong_address(const Case& c);
std::string address_family(const Case& c);
std::string port_closed(const Case& c);
std::string port_filtered(const Case& c);
std::string no_answer(const Case& c);
std::string max_startups(const Case& c);
std::string turned_away(const Case& c);
std::string tcp_wrappers(const Case& c);
std::string closed_early(const Case& c);
std::string sshd_hung(const Case& c);
std::string not_ssh(const Case& c);
std::string protocol_version(const Case& c);
std::string kex_mismatch(const Case& c);
std::string kex_failed(const Case& c);

}  // namespace diagnose::fixes

namespace diagnose::particulars {

std::string bogus_address(const Case& c);
std::string translation_hint(const Case& c);  // empty unless addresses hint at NAT
std::string reached_address(const Case& c);
std::string wrapper_doubt(const Case& c);
std::string other_protocol(const Case& c);
std::string algorithms(const Case& c);
std::string black_hole_hint(const Case& c);
std::string impossible(const Case& c);

}  // namespace diagnose::particulars
