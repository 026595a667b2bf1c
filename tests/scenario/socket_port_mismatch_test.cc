#include "scenario/expect.h"

namespace {

using namespace scenario;              // NOLINT: the vocabulary of scenarios
using namespace std::chrono_literals;  // NOLINT
using model::Cause;
using model::Confidence;
using model::Layer;
using model::LogEvent;

const std::string kStale =
    "ssh.socket: Socket unit configuration has changed while unit has been running, no open socket "
    "file descriptor left.";

Host other_port(Host host) {
  host.socket_activated().socket_listens({endpoint("0.0.0.0", 2222), endpoint("::", 2222)});
  host.listeners.listeners.clear();
  host.bound_by("systemd", "::", 2222, 1);
  host.listeners.listeners.back().dual_stack = true;
  return host;
}

TEST(socket_port_mismatch, the_socket_listens_elsewhere) {
  expect(other_port(Host::debian_12()),
         {Cause::socket_port_mismatch, Layer::binding, Confidence::likely},
         {"sshd's configuration names port 22.", "ssh.socket listens on 0.0.0.0:2222"});
  EXPECT_TRUE(advises(other_port(Host::debian_12()), "daemon-reload"));
  expect(Host::debian_13().socket_activated().asks_for({endpoint("0.0.0.0", 2222)}),
         {Cause::socket_port_mismatch, Layer::binding, Confidence::likely});
}

TEST(socket_port_mismatch, the_port_of_sshd_config_was_asked_for) {
  expect(other_port(Host::debian_12()),
         {Cause::socket_port_mismatch, Layer::binding, Confidence::likely},
         {"Port 22 was asked for."}, asking("192.0.2.10", "192.0.2.10", 22));
  expect_not(other_port(Host::debian_12()), Cause::socket_port_mismatch,
             asking("192.0.2.10", "192.0.2.10", 2022));
}

TEST(socket_port_mismatch, the_unit_changed_while_it_ran) {
  auto host = Host::debian_13().socket_activated().socket_lost();
  host.socket_listens({endpoint("0.0.0.0", 2222), endpoint("::", 2222)});
  expect(Host(host).log(LogEvent::sd_socket_stale, kStale),
         {Cause::socket_port_mismatch, Layer::binding, Confidence::certain}, {"has changed"});
  expect(Host(host).log(LogEvent::sd_socket_stale, kStale, 5s, false),
         {Cause::socket_port_mismatch, Layer::binding, Confidence::likely});
  // Of an earlier run of the socket.
  expect_not(Host(host).log(LogEvent::sd_socket_stale, kStale, 3h), Cause::socket_port_mismatch);
}

TEST(socket_port_mismatch, sshd_still_holds_the_old_socket) {
  auto host = Host::debian_12().socket_activated().connected();
  host.listeners.listeners.clear();
  host.bound("0.0.0.0").bound("::").socket_listens({endpoint("0.0.0.0", 2222)});
  expect(host, {Cause::socket_port_mismatch, Layer::binding, Confidence::likely},
         {"changed while it ran"});
}

TEST(socket_port_mismatch, refuted_by_an_sshd_of_its_own_on_that_port) {
  auto host = Host::debian_12();
  host.socket().active_state = "active";
  host.socket().socket->accept = true;
  host.socket().socket->service.clear();
  host.socket_listens({endpoint("0.0.0.0", 2222), endpoint("::", 2222)});
  host.bound_by("systemd", "0.0.0.0", 2222, 1).bound_by("systemd", "::", 2222, 1);
  expect(host, {Cause::none, Layer::none, Confidence::likely});
}

}  // namespace
