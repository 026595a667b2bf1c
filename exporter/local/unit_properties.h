// What systemd says of one unit, read from the answers of its D-Bus interface. Strict: a property
// of another type than expected is an error, one that is missing keeps its empty value. No I/O.
#pragma once

#include <systemd/sd-bus.h>

#include <string>
#include <string_view>
#include <vector>

#include "model/host_facts.h"

namespace local {

// A line of ExecStart=, before its $VARIABLES are put in.
struct ExecCommand {
  std::string path;
  std::vector<std::string> words;  // the first is the path, whatever name it runs under
  bool expand = true;              // false with the prefix ':'
};

struct EnvironmentFile {
  std::string path;
  bool optional = false;  // with the prefix '-'
};

struct UnitProperties {
  model::UnitFacts unit;
  std::vector<std::string> triggers;      // units that this one starts
  std::vector<std::string> triggered_by;  // sockets and timers that start this one
  model::ServiceFacts service;
  std::vector<ExecCommand> commands;
  std::vector<std::string> environment;  // NAME=VALUE
  std::vector<std::string> unset_environment;
  std::vector<EnvironmentFile> environment_files;
  bool accept = false;
  std::vector<std::string>
      streams;                 // addresses as systemd prints them: 0.0.0.0:22, [::]:22, /run/x
  std::string bind_ipv6_only;  // default, both, ipv6-only
  int socket_protocol = 0;     // 0 and IPPROTO_TCP are TCP
  struct PathCondition {
    std::string line;  // ConditionPathExists=!/etc/…
    std::string path;
    bool wanted = true;  // whether it is to exist
  };
  struct Conditions {
    // The first line that did not hold at the last start; alternatives ('|') also where another one
    // held, so the result counts.
    std::string failed;
    std::vector<PathCondition> paths;  // those that all have to hold
    bool result = false;
  };
  Conditions conditions;
  Conditions assertions;
  bool malformed = false;  // something was longer than we take, and is missing
};

// Adds what an answer to Properties.GetAll says (a{sv}). A negative errno if it is no such thing.
int add_properties(sd_bus_message* answer, UnitProperties& properties);

// Adds one property's value, the answer to Properties.Get (v).
int add_property(sd_bus_message* answer, std::string_view name, UnitProperties& properties);

// "192.0.2.0/24" of an (iayu) as in IPAddressAllow=; empty if it is none.
std::string network_text(int family, const void* bytes, std::size_t size, unsigned prefix_length);

}  // namespace local
