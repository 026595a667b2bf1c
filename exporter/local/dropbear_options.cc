#include "local/dropbear_options.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"

namespace local {

namespace {

constexpr std::size_t kNoteLimit = 120;  // as much of a strange word as a message can bear

void listen_on(DropbearOptions& options, const base::IpAddress& address, std::uint16_t port) {
  const model::Endpoint endpoint{address, port};
  auto& listen = options.listen;
  if (std::find(listen.begin(), listen.end(), endpoint) == listen.end()) listen.push_back(endpoint);
}

// [ADDRESS:]PORT; the last colon counts, brackets around the address are optional. Nothing and *
// are every address.
void take_port(DropbearOptions& options, const std::string& text, const ServicePort& service) {
  std::string host;
  auto port_text = text;
  if (const auto colon = text.rfind(':'); colon != std::string::npos) {
    host = text.substr(0, colon);
    port_text = text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  }
  auto port = base::parse_integer<std::uint16_t>(port_text);
  if (!port && service) port = service(port_text);
  const bool every = host.empty() || host == "*";
  const auto address = base::IpAddress::parse(host);
  // A zero asks for any free port: nobody can say which.
  if (!port || *port == 0 || (!every && !address)) {
    options.unknown.push_back("-p " + base::printable(text, kNoteLimit));
    return;
  }
  if (std::find(options.ports.begin(), options.ports.end(), *port) == options.ports.end()) {
    options.ports.push_back(*port);
  }
  if (address) return listen_on(options, *address, *port);
  listen_on(options, *base::IpAddress::parse("0.0.0.0"), *port);
  listen_on(options, *base::IpAddress::parse("::"), *port);
}

}  // namespace

DropbearOptions dropbear_options(const std::vector<std::string>& words,
                                 const ServicePort& service) {
  // svr-runopts.c of 2022.83: these have an argument; letters can be joined.
  constexpr std::string_view kWithArgument = "bcrpPWKITGADlq";
  DropbearOptions options;
  std::size_t ports = 0;
  const auto take = [&](char letter, const std::string& value) {
    if (letter == 'r' && options.host_keys.size() < kHostKeyLimit) {
      options.host_keys.push_back(value.starts_with('/') ? value : "/" + value);
    } else if (letter == 'p' && ports++ < kDropbearPortLimit) {
      take_port(options, value, service);
    }
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    if (word.size() < 2 || word[0] != '-') continue;
    for (std::size_t j = 1; j < word.size(); ++j) {
      if (word[j] == 'R') options.creates_host_keys = true;
      if (kWithArgument.find(word[j]) == std::string_view::npos) continue;
      if (j + 1 < word.size()) {
        take(word[j], word.substr(j + 1));
      } else if (i + 1 < words.size()) {
        take(word[j], words[++i]);
      }
      break;
    }
  }
  if (ports == 0) take_port(options, "22", service);
  if (options.host_keys.empty()) {
    for (const auto* type : {"rsa", "ecdsa", "ed25519"}) {
      options.host_keys.push_back("/etc/dropbear/dropbear_" + std::string(type) + "_host_key");
    }
  }
  return options;
}

}  // namespace local
