// What sshd listens on against what it should listen on. Pure.
#pragma once

#include <vector>

#include "diagnose/host_case.h"
#include "model/host_report.h"

namespace diagnose {

model::Bindings bindings_of(const HostCase& c);

// Some socket may be SSH's, though what could be seen does not prove it.
bool may_be_up(const HostCase& c);
// A socket whose owner is unknown, and which was not taken for SSH's, serves what was asked for.
bool may_serve(const HostCase& c, const model::HostQuestion& question);

// The ports that the configuration asks for.
std::vector<std::uint16_t> ports_of(const model::SshdConfig& configuration);
bool wants_port(const HostCase& c, std::uint16_t port);

// Whether a connection to `endpoint` would reach the listener.
bool covers(const model::SshListener& listener, const model::Endpoint& endpoint);

}  // namespace diagnose
