// Runs another program for a test, without a shell.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace test_support {

struct ProgramResult {
  int exit_code = -1;  // -1 if it was ended by a signal
  std::string output;  // standard output and error
};

// `arguments` begin with the program's name, which is looked for in PATH; nullopt if it is not
// there. Standard input comes from the file `input`, or is empty.
std::optional<ProgramResult> run_program(const std::vector<std::string>& arguments,
                                         const std::string& input = "/dev/null");

}  // namespace test_support
