// This host's facts in words: short sentences for an administrator.
#pragma once

#include <string>
#include <vector>

#include "diagnose/host_case.h"

namespace diagnose {

using Lines = std::vector<std::string>;

std::string utc(base::WallTime time);                         // "2026-01-31T12:00:00Z"
std::string endpoint_words(const model::Endpoint& endpoint);  // "0.0.0.0:22"
std::string endpoints_words(const std::vector<model::Endpoint>& endpoints);
// "ssh.service is failed (exit-code: status 255), enabled."
std::string unit_words(const model::UnitFacts& unit);
std::string server_words(const model::ServerProcess& server);
std::string log_words(const model::LogLine& line);

// What every answer begins with: the units, the process, what is listened on.
void explain_state(const HostCase& c, Lines& lines);

// Facts that single rules add.
namespace facts {
void configuration_error(const HostCase& c, Lines& lines);
void host_keys(const HostCase& c, Lines& lines);
void conflicts(const HostCase& c, Lines& lines);
void missing(const HostCase& c, Lines& lines);
void binary(const HostCase& c, Lines& lines);
void runtime_directory(const HostCase& c, Lines& lines);
void startups(const HostCase& c, Lines& lines);
void queue(const HostCase& c, Lines& lines);
void conntrack(const HostCase& c, Lines& lines);
void descriptors(const HostCase& c, Lines& lines);
void wrappers(const HostCase& c, Lines& lines);
void ports(const HostCase& c, Lines& lines);
void families(const HostCase& c, Lines& lines);
void ip_filter(const HostCase& c, Lines& lines);
void guards(const HostCase& c, Lines& lines);
}  // namespace facts

}  // namespace diagnose
