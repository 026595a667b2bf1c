// The one place that runs other programs.
#pragma once

#include <string>

#include "local/host.h"

namespace local {

// Runs a program to its end, or to its deadline: then its whole process group is killed. Without a
// shell, with empty input and next to no environment. `root`: chroot(2) there first; empty: not.
ProgramEnd run_program(const ProgramRun& program, const std::string& root);

}  // namespace local
