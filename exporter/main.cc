#include <exception>
#include <iostream>
#include <variant>

#include "app/command_line.h"
#include "app/commands.h"

int main(int argc, char** argv) {
  try {
    auto parsed = app::parse_command_line(argc, argv);
    if (const int* exit_code = std::get_if<int>(&parsed)) return *exit_code;
    return app::run(std::get<app::CommandLine>(parsed));
  } catch (const std::exception& error) {
    std::cerr << "ssh_refusal_exporter: " << error.what() << "\n";
    return 1;
  }
}
