// What sshd listens on against what it should listen on. Pure.
#pragma once

#include <vector>

#include "diagnose/host_case.h"
#include "model/host_report.h"

namespace diagnose {

model::Bindings bindings_of(const HostCase& c);

// Whether a connection to `endpoint` would reach the listener.
bool covers(const model::SshListener& listener, const model::Endpoint& endpoint);

}  // namespace diagnose
