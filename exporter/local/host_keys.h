// Looks at the files of host keys as sshd would, and no further: what is secret in them is neither
// kept nor logged. Blocks on files, on the caller's thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "local/host.h"
#include "model/host_facts.h"

namespace local {

struct KeyFormat {
  std::string type;            // ed25519, rsa, ecdsa, dsa; empty if unknown
  std::optional<bool> usable;  // without a passphrase; absent if only decoding it would tell
  std::string problem;         // with usable false
};

// The text of a private key file: OpenSSH's own format or PEM. Pure.
KeyFormat inspect_key(std::string_view text);

// Root's sshd is assumed: it refuses root's own keys if others may read them.
model::HostKeyFacts look_at_host_key(const Host& host, const std::string& path);
// dropbear's own format, and no rule about the mode.
model::HostKeyFacts look_at_dropbear_key(const Host& host, const std::string& path);

// A 16384-bit RSA key in PEM has 13 KB.
constexpr std::size_t kKeyFileLimit = 64U << 10U;
// RequiredRSASize, as sshd has it without configuration; smaller keys never load.
constexpr std::size_t kSmallestRsaBits = 1024;

}  // namespace local
