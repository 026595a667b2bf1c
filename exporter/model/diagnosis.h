// What a probe's evidence proves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "model/cause.h"
#include "model/probe_result.h"

namespace model {

// What the source address of the answer is, relative to the connection.
enum class ResponderRole : std::uint8_t { target, path, self, unknown };
const char* name_of(ResponderRole role);

struct Responder {
  base::IpAddress address;
  ResponderRole role = ResponderRole::unknown;
  std::string signal;  // "rst", "icmp_3_13", "icmp6_1_1"
};

// One address of the name on its own.
struct AddressDiagnosis {
  Cause cause = Cause::unknown;
  Confidence confidence = Confidence::possible;
};

struct Diagnosis {
  bool success = false;  // the configured depth was reached on every probed address
  Cause cause = Cause::unknown;
  Confidence confidence = Confidence::possible;
  // The raw observation that decided; stage done and outcome ok when all is well.
  Stage stage = Stage::resolve;
  Outcome outcome = Outcome::dns_failed;
  std::optional<std::size_t> decided_by;    // index into ProbeResult::addresses
  std::vector<AddressDiagnosis> addresses;  // parallel to ProbeResult::addresses
  std::vector<std::string> evidence;   // the facts, in words, in the order of reasoning; printable
  std::string fix;                     // what to do, specific to the evidence; empty for none
  std::optional<Responder> responder;  // after a refusal
  std::optional<std::uint16_t> alternative_port;  // an SSH server answers there instead
};

}  // namespace model
