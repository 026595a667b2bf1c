// `serve`: the main thread waits for signals and changed files while the others work.

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

#include <csignal>
#include <functional>
#include <iostream>
#include <utility>

#include "app/build_info.h"
#include "app/commands.h"
#include "app/exporter.h"
#include "base/log.h"
#include "config/web_config.h"
#include "web/server.h"

namespace app {

namespace {

using base::EventLoop;

// Signals as events. They must be blocked before the first other thread starts.
class Signals final : private EventLoop::Handler {
 public:
  using Received = std::function<void(int signal)>;

  Signals(EventLoop& loop, Received received) : loop_(loop), received_(std::move(received)) {
    sigset_t wanted;
    sigemptyset(&wanted);
    for (int signal : {SIGHUP, SIGTERM, SIGINT}) sigaddset(&wanted, signal);
    pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    descriptor_ = base::Fd(signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    loop_.add(descriptor_.get(), EPOLLIN, *this);
  }
  ~Signals() { loop_.remove(descriptor_.get()); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  EventLoop::Progress ready(std::uint32_t /*events*/) override {
    signalfd_siginfo info{};
    if (::read(descriptor_.get(), &info, sizeof info) != sizeof info) {
      return EventLoop::Progress::none;
    }
    received_(static_cast<int>(info.ssi_signo));
    return EventLoop::Progress::some;
  }
  void stuck() override { loop_.stop(); }

  EventLoop& loop_;
  Received received_;
  base::Fd descriptor_;
};

int check(const base::Result<config::Configuration>& configuration) {
  if (!configuration) return 1;
  std::cout << config::print(*configuration);
  return 0;
}

base::Result<model::WebConfig> web_config(const ServeOptions& options) {
  if (options.web_config_file.empty()) return model::WebConfig{};
  return config::load_web_config(options.web_config_file);
}

web::ServerOptions server_options(const ServeOptions& options, model::WebConfig web_config) {
  web::ServerOptions server;
  server.listen_addresses = options.listen_addresses;
  server.telemetry_path = options.telemetry_path;
  server.route_prefix = options.route_prefix;
  server.external_url = options.external_url;
  server.web_config = std::move(web_config);
  server.build = {std::string(kVersion), std::string(kRevision), std::string(kCompiler)};
  return server;
}

}  // namespace

int serve(const ServeOptions& options) {
  auto configuration = load_configuration(options.config_file);
  if (!configuration) std::cerr << configuration.error() << "\n";
  auto of_web = web_config(options);
  if (!of_web) std::cerr << of_web.error() << "\n";
  if (options.config_check) return of_web ? check(configuration) : 1;
  if (!configuration || !of_web) return 1;

  base::SystemClock clock;
  EventLoop loop(clock);
  Exporter* running = nullptr;
  Signals signals(loop, [&](int signal) {
    if (signal == SIGHUP) {
      // It logs by itself what came of it.
      if (running != nullptr) static_cast<void>(running->apply_reload());
    } else {
      base::log::info("ending", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
      sd_notify(0, "STOPPING=1");
      if (running != nullptr) running->stop();
      loop.stop();
    }
  });
  Exporter exporter(loop, options, std::move(configuration).value());
  running = &exporter;
  auto server = web::Server::start(server_options(options, *of_web), exporter);
  if (!server) {
    std::cerr << server.error() << "\n";
    return 1;
  }
  for (const auto& address : options.listen_addresses) {
    base::log::info("listening", {{"address", address}, {"version", kVersion}});
  }
  sd_notify(0, "READY=1");
  loop.run();
  return 0;
}

}  // namespace app
