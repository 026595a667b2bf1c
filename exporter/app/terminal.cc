#include "app/terminal.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

namespace app {

namespace {

struct Style {
  const char* bold = "";
  const char* dim = "";
  const char* good = "";
  const char* bad = "";
  const char* end = "";
};

// https://no-color.org
Style terminal_style() {
  if (isatty(STDOUT_FILENO) == 0 || std::getenv("NO_COLOR") != nullptr) return {};
  return {"\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m"};
}

}  // namespace

void print_finding(const Finding& finding) {
  static const auto kStyle = terminal_style();
  const auto& cause = model::info(finding.cause);
  const bool good = finding.cause == model::Cause::none;
  std::cout << kStyle.bold << finding.subject << kStyle.end << "  "
            << (good ? kStyle.good : kStyle.bad) << (good ? finding.good : cause.name)
            << kStyle.end;
  if (!good) {
    std::cout << kStyle.dim << "  (" << model::name_of(cause.layer) << ", "
              << model::name_of(finding.confidence) << ")" << kStyle.end << "\n  " << cause.meaning;
  }
  std::cout << "\n";
  for (const auto& fact : finding.evidence) {
    std::cout << kStyle.dim << "  - " << kStyle.end << fact << "\n";
  }
  if (!finding.fix.empty()) {
    std::cout << kStyle.bold << "  What to do: " << kStyle.end << finding.fix << "\n";
  }
}

void print_section(std::string_view heading, const std::vector<std::string>& lines) {
  static const auto kStyle = terminal_style();
  if (lines.empty()) return;
  std::cout << "\n" << kStyle.bold << heading << kStyle.end << "\n";
  for (const auto& line : lines) std::cout << "  " << line << "\n";
}

}  // namespace app
