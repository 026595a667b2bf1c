#include "app/command_line.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <utility>

#include "app/build_info.h"
#include "web/routes.h"

namespace app {

namespace {

constexpr int kUsageError = 2;

std::string version_text() {
  return "ssh_refusal_exporter " + std::string(kVersion) + " (revision " + std::string(kRevision) +
         ", " + std::string(kCompiler) + ")";
}

void add_config_file(CLI::App& app, std::optional<std::string>& file) {
  app.add_option("--config.file", file,
                 std::string("Configuration file. Default: ") + kDefaultConfigFile +
                     "; without it, localhost:22 is probed and "
                     "this host watched")
      ->type_name("FILE");
}

template <typename Value>
using Choices = std::vector<std::pair<std::string, Value>>;

// An option or a positional that takes one of a few words.
template <typename Value>
CLI::Option* add_choice(CLI::App& app, const std::string& name, Value& value,
                        const Choices<Value>& choices, const std::string& help) {
  std::vector<std::string> words;
  for (const auto& [word, meaning] : choices) words.push_back(word);
  auto choose = [&value, choices](const std::string& wanted) {
    for (const auto& [word, meaning] : choices) {
      if (word == wanted) value = meaning;
    }
  };
  return app.add_option_function<std::string>(name, choose, help)
      ->check(CLI::IsMember(words).description(""))
      ->type_name(CLI::detail::join(words, "|"));
}

void add_log_flags(CLI::App& app, CommandLine& line) {
  using base::log::Format;
  using base::log::Level;
  add_choice<Level>(app, "--log.level", line.log_level,
                    {{"debug", Level::debug},
                     {"info", Level::info},
                     {"warn", Level::warn},
                     {"error", Level::error}},
                    "Least level that is logged (default info)");
  add_choice<Format>(app, "--log.format", line.log_format,
                     {{"logfmt", Format::logfmt}, {"json", Format::json}},
                     "Form of log lines (default logfmt)");
}

void add_serve_flags(CLI::App& app, ServeOptions& options) {
  add_config_file(app, options.config_file);
  app.add_flag("--config.check", options.config_check,
               "Validate the configuration, print the effective one, and exit");
  app.add_option("--web.listen-address", options.listen_addresses,
                 "Where to listen: HOST:PORT, [IPV6]:PORT or :PORT for all addresses; repeatable")
      ->type_name("ADDRESS")
      ->capture_default_str()
      ->allow_extra_args(false);
  app.add_option("--web.telemetry-path", options.telemetry_path, "Path of the metrics")
      ->type_name("PATH")
      ->capture_default_str();
  app.add_option("--web.config.file", options.web_config_file,
                 "TLS and authentication, in the format of the Prometheus exporter toolkit")
      ->type_name("FILE");
  app.add_option("--web.route-prefix", options.route_prefix,
                 "Prefix of all paths, / for none. Default: the path of --web.external-url")
      ->type_name("PREFIX");
  app.add_option("--web.external-url", options.external_url,
                 "URL under which the exporter is reached, for links")
      ->type_name("URL");
}

struct Commands {
  ServeOptions serve;
  DiagnoseOptions diagnose;
  InspectOptions inspect;
  HealthcheckOptions healthcheck;
  ReferenceOptions reference;
};

void add_commands(CLI::App& app, Commands& commands) {
  auto& [serve, diagnose, inspect, healthcheck, reference] = commands;
  app.add_subcommand("serve", "Probe targets and serve metrics (the default)")->fallthrough();

  auto* diagnose_command = app.add_subcommand(
      "diagnose", "Probe targets once and say what refuses; exit code 0 reachable, 1 refused");
  diagnose_command->add_option("targets", diagnose.targets, "What to probe")
      ->required()
      ->type_name("HOST[:PORT] ...");
  add_config_file(*diagnose_command, diagnose.config_file);
  diagnose_command->add_option("--timeout", diagnose.timeout, "For each probe, such as 5s")
      ->type_name("DURATION");
  diagnose_command->add_flag("--json", diagnose.json, "One JSON object per line");

  auto* inspect_command = app.add_subcommand(
      "inspect", "Look at this host's own SSH server; exit code 0 a connection gets in, 1 not");
  add_config_file(*inspect_command, inspect.config_file);
  inspect_command->add_flag("--json", inspect.json, "One JSON object");

  auto* health_command = app.add_subcommand(
      "healthcheck", "Exit code 0 if a running exporter answers; for container health checks");
  health_command->add_option("url", healthcheck.url, "What to ask")
      ->type_name("URL")
      ->capture_default_str();

  auto* reference_command =
      app.add_subcommand("reference", "Print a reference of this version as Markdown");
  add_choice<ReferenceTopic>(*reference_command, "topic", reference.topic,
                             {{"config", ReferenceTopic::config},
                              {"metrics", ReferenceTopic::metrics},
                              {"causes", ReferenceTopic::causes}},
                             "What about")
      ->required();
}

// Flags of `serve` before another command would be ignored without a word.
void refuse_misplaced_flags(const CLI::App& app) {
  const auto commands = app.get_subcommands();
  if (commands.empty() || commands.front()->get_name() == "serve") return;
  const auto& command = commands.front()->get_name();
  for (const auto* option : app.get_options()) {
    if (option->count() == 0 || option->get_name().starts_with("--log.")) continue;
    throw CLI::ValidationError(
        option->get_name(),
        std::string("before '").append(command).append("' it means nothing; see ").append(command) +
            " --help");
  }
}

void settle_paths(ServeOptions& options) {
  if (auto usable = web::check_telemetry_path(options.telemetry_path); !usable) {
    throw CLI::ValidationError("--web.telemetry-path",
                               "'" + options.telemetry_path + "' " + usable.error());
  }
  options.route_prefix = web::normalised_prefix(options.route_prefix, options.external_url);
}

}  // namespace

std::variant<CommandLine, int> parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  Commands commands;

  CLI::App app("Says which thing refuses an SSH connection: a Prometheus exporter.",
               "ssh_refusal_exporter");
  app.set_version_flag("--version", version_text());
  app.require_subcommand(0, 1);
  add_serve_flags(app, commands.serve);
  add_log_flags(app, line);
  add_commands(app, commands);
  try {
    app.parse(argc, argv);
    refuse_misplaced_flags(app);
    settle_paths(commands.serve);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? 0 : kUsageError;
  }
  if (app.got_subcommand("diagnose")) {
    line.command = commands.diagnose;
  } else if (app.got_subcommand("inspect")) {
    line.command = commands.inspect;
  } else if (app.got_subcommand("healthcheck")) {
    line.command = commands.healthcheck;
  } else if (app.got_subcommand("reference")) {
    line.command = commands.reference;
  } else {
    line.command = commands.serve;
  }
  return line;
}

}  // namespace app
