// What each command of the command line does; the values are process exit codes.
#pragma once

#include "app/command_line.h"

namespace app {

int run(const CommandLine& line);

int serve(const ServeOptions& options);              // 0 after a clean end, 1 for bad input
int diagnose(const DiagnoseOptions& options);        // 0 reachable, 1 refused, 2 bad input
int inspect(const InspectOptions& options);          // 0 a connection gets in, 1 not, 2 bad input
int healthcheck(const HealthcheckOptions& options);  // 0 healthy, 1 not
int print_reference(const ReferenceOptions& options);

}  // namespace app
