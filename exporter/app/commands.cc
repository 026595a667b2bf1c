#include "app/commands.h"

#include <sys/resource.h>

#include <iostream>
#include <string>

#include "app/build_info.h"
#include "config/configuration.h"
#include "metrics/page.h"
#include "model/cause.h"
#include "web/health_check.h"

namespace app {

namespace {

struct Dispatch {
  int operator()(const ServeOptions& options) const { return serve(options); }
  int operator()(const DiagnoseOptions& options) const { return diagnose(options); }
  int operator()(const InspectOptions& options) const { return inspect(options); }
  int operator()(const HealthcheckOptions& options) const { return healthcheck(options); }
  int operator()(const ReferenceOptions& options) const { return print_reference(options); }
};

std::string causes_reference() {
  std::string text =
      "| Cause | Layer | Meaning | What to do |\n"
      "| --- | --- | --- | --- |\n";
  for (const auto& cause : model::all_causes()) {
    text += "| `" + std::string(cause.name) + "` | " + model::name_of(cause.layer) + " | " +
            std::string(cause.meaning) + " | " + std::string(cause.fix) + " |\n";
  }
  return text;
}

// A silent target holds a descriptor for its whole timeout; the usual soft limit of 1024 is too few
// for thousands of them, and nothing here uses select().
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int run(const CommandLine& line) {
  base::log::configure(line.log_level, line.log_format);
  raise_descriptor_limit();
  return std::visit(Dispatch{}, line.command);
}

int healthcheck(const HealthcheckOptions& options) {
  auto healthy = web::check_health(options.url);
  if (healthy) return 0;
  std::cerr << options.url << ": " << healthy.error() << "\n";
  return 1;
}

int print_reference(const ReferenceOptions& options) {
  switch (options.topic) {
    case ReferenceTopic::config:
      std::cout << config::reference();
      break;
    case ReferenceTopic::metrics:
      std::cout << metrics::reference();
      break;
    case ReferenceTopic::causes:
      std::cout << causes_reference();
      break;
  }
  return 0;
}

}  // namespace app
