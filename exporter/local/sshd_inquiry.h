// Asks sshd itself what its configuration comes to and whether it would start with it. Runs
// programs of the host, on the caller's thread, for at most twelve seconds.
#pragma once

#include <memory>
#include <string>

#include "local/host.h"
#include "local/server_program.h"
#include "local/sshd_config.h"
#include "local/sshd_settings.h"
#include "model/host_facts.h"

namespace local {

struct SshdQuestion {
  std::string binary;
  std::string version;
  SshdOptions options;
  SshdConfigText text;  // our own reading, and what we make of it
  SshdSettings own;
  // Without it sshd can neither read the keys nor judge the files: there is no verdict.
  bool privileged = false;
};

struct SshdAnswer {
  std::shared_ptr<const model::SshdConfig> facts;
  std::string reasons;  // what could not be known, and why; empty if nothing is missing
};

SshdAnswer ask_sshd(const Host& host, const SshdQuestion& question);

// OpenSSH_9.2p1 Debian-2: 902. 0 if it is no such text.
int version_number(const std::string& version);

}  // namespace local
