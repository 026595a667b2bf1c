// What dropbear's command line asks for: it has no configuration file. Pure.
#pragma once

#include <string>
#include <vector>

#include "local/sshd_settings.h"

namespace local {

struct DropbearOptions {
  std::vector<std::uint16_t> ports;
  std::vector<model::Endpoint> listen;
  std::vector<std::string> host_keys;
  bool creates_host_keys = false;    // -R
  std::vector<std::string> unknown;  // -p values that are no address and port
};

DropbearOptions dropbear_options(const std::vector<std::string>& words, const ServicePort& service);

// DROPBEAR_MAX_PORTS
constexpr std::size_t kDropbearPortLimit = 10;

}  // namespace local
