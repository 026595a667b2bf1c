// What to probe and how: one SSH endpoint with its settings, immutable and shared by threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"

namespace model {

inline constexpr std::uint16_t kSshPort = 22;

// How far a probe goes; enumerators are in order of depth.
enum class Depth : std::uint8_t { connect, banner, kexinit };
enum class IpProtocol : std::uint8_t { any, ipv4, ipv6 };
enum class AddressSelection : std::uint8_t { all, first };

// The algorithms that the imagined client offers, best first, under the names of ssh_config(5).
struct ClientProfile {
  std::vector<std::string> kex_algorithms;
  std::vector<std::string> host_key_algorithms;
  std::vector<std::string> ciphers;
  std::vector<std::string> macs;
  bool operator==(const ClientProfile&) const = default;
};
// What ssh of OpenSSH 10 offers by default (`ssh -Q` lists more than it offers; see ssh_config(5)).
const ClientProfile& openssh_client_profile();

struct ProbeSettings {
  base::Duration interval = std::chrono::seconds(60);
  base::Duration timeout = std::chrono::seconds(10);  // whole probe, all addresses and follow-ups
  Depth depth = Depth::kexinit;
  IpProtocol ip_protocol = IpProtocol::any;
  AddressSelection addresses = AddressSelection::all;
  std::optional<base::IpAddress> source_address;  // used for addresses of its own family
  std::vector<std::uint16_t> alternative_ports;
  std::vector<std::uint16_t> control_ports{443, 80};
  ClientProfile client = openssh_client_profile();
  bool operator==(const ProbeSettings&) const = default;
};

struct Target {
  std::string name;  // host:port as users see it; the `target` label
  std::string host;  // name or address literal, without brackets
  std::uint16_t port = kSshPort;
  std::vector<std::pair<std::string, std::string>> labels;  // sorted by name
  std::shared_ptr<const ProbeSettings> settings;            // never null; shared between targets
};

const char* name_of(Depth depth);
const char* name_of(IpProtocol protocol);
const char* name_of(AddressSelection selection);

}  // namespace model
