#include "local/system_bus.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace local {

namespace {

// What a service says for itself; D-Bus bounds it at 64 MiB.
constexpr std::size_t kReasonLimit = 200;
// A bus that floods us between two rounds is left, not drained for ever.
constexpr int kUnaskedLimit = 4096;

std::string words_of(int error) { return std::generic_category().message(error); }

std::uint64_t microseconds_until(base::SteadyTime deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(
      deadline - std::chrono::steady_clock::now());
  // 0 would mean sd-bus's own default of 25 s.
  return static_cast<std::uint64_t>(std::max<std::chrono::microseconds::rep>(left.count(), 1));
}

// Through the descriptor: a path below a root may be longer than the 107 bytes of sun_path, and its
// links are to be followed inside that root.
base::Fd connect_to(const Host& host, const std::string& path, int& error) {
  const auto place = host.open(path, O_PATH);
  base::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!place.valid() || !socket.valid()) {
    error = errno;
    return {};
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", place.get());
  error = 0;
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return socket;
  }
  error = errno;
  return {};
}

std::string connect_error(const std::string& path, int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "no D-Bus socket " + path + ": is dbus running, and its socket visible here?";
    case EACCES:
    case EPERM:
      return "not permitted to connect to " + path + ": run as a user who may";
    case ECONNREFUSED:
      return "nothing listens on " + path + ": start dbus";
    case EAGAIN:
      return path + " takes no connections (its queue is full): is dbus hung?";
    default:
      return "cannot connect to " + path + ": " + words_of(error);
  }
}

std::string silence(const std::string& path) {
  return path + " does not answer in time: are dbus and systemd hung?";
}

bool means_absent(const sd_bus_error& error) {
  constexpr std::array kNames{"org.freedesktop.systemd1.NoSuchUnit",
                              "org.freedesktop.DBus.Error.UnknownObject",
                              "org.freedesktop.DBus.Error.UnknownInterface"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](const char* name) { return sd_bus_error_has_name(&error, name) > 0; });
}

class CallError {
 public:
  CallError() = default;
  CallError(const CallError&) = delete;
  CallError& operator=(const CallError&) = delete;
  ~CallError() { sd_bus_error_free(&error_); }
  sd_bus_error* get() { return &error_; }

 private:
  sd_bus_error error_ = SD_BUS_ERROR_NULL;
};

int append_arguments(sd_bus_message* message, const SystemBus::Call& call) {
  int result = 0;
  for (const auto& text : call.strings) {
    if (result >= 0) result = sd_bus_message_append_basic(message, 's', text.c_str());
  }
  for (const auto& array : call.arrays) {
    std::vector<char*> words;
    words.reserve(array.size() + 1);
    // sd-bus wants char** but changes nothing.
    for (const auto& word : array) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    if (result >= 0) result = sd_bus_message_append_strv(message, words.data());
  }
  return result;
}

}  // namespace

base::Result<SystemBus> SystemBus::connect(const Host& host, const std::string& path, Kind kind,
                                           base::SteadyTime deadline, int* refused) {
  int error = 0;
  auto socket = connect_to(host, path, error);
  if (refused != nullptr) *refused = error;
  if (!socket.valid()) return base::Error{connect_error(path, error)};
  sd_bus* made = nullptr;
  int result = sd_bus_new(&made);
  if (result < 0) return base::Error{"cannot use D-Bus: " + words_of(-result)};
  SystemBus bus(std::unique_ptr<sd_bus, Close>(made), path);
  result = sd_bus_set_bus_client(made, kind == Kind::bus ? 1 : 0);
  if (result >= 0) result = sd_bus_set_fd(made, socket.get(), socket.get());
  if (result < 0) return base::Error{"cannot use D-Bus: " + words_of(-result)};
  static_cast<void>(socket.release());
  result = sd_bus_start(made);
  if (result >= 0 && bus.authenticate(deadline, error)) return bus;
  if (result < 0) error = -result;
  if (error == ETIMEDOUT) return base::Error{silence(path)};
  return base::Error{
      path + " refuses this client: " + words_of(error) +
      "; dbus serves only users whose name it finds, which those of DynamicUser= are not"};
}

bool SystemBus::authenticate(base::SteadyTime deadline, int& error) const {
  while (true) {
    if (const int processed = sd_bus_process(bus_.get(), nullptr); processed != 0) {
      if (processed < 0) {
        error = -processed;
        return false;
      }
      if (std::chrono::steady_clock::now() < deadline) continue;
    }
    const int ready = sd_bus_is_ready(bus_.get());
    if (ready > 0) return true;
    if (ready < 0) {
      error = -ready;
      return false;
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      error = ETIMEDOUT;
      return false;
    }
    const int events = sd_bus_get_events(bus_.get());
    pollfd waiting{sd_bus_get_fd(bus_.get()), static_cast<short>(std::max(events, 0)), 0};
    ::poll(&waiting, 1, static_cast<int>(left.count()));
  }
}

bool SystemBus::alive() const {
  for (int i = 0; i < kUnaskedLimit; ++i) {
    const int processed = sd_bus_process(bus_.get(), nullptr);
    if (processed < 0) return false;
    if (processed == 0) return sd_bus_is_ready(bus_.get()) > 0;
  }
  return false;
}

base::Result<Message> SystemBus::call(const Call& call, base::SteadyTime deadline,
                                      bool may_be_absent) const {
  sd_bus_message* made = nullptr;
  int result = sd_bus_message_new_method_call(bus_.get(), &made, call.destination,
                                              call.path.c_str(), call.interface, call.member);
  const Message request(made);
  if (result >= 0) result = sd_bus_message_set_auto_start(made, 0);
  if (result >= 0) result = append_arguments(made, call);
  CallError error;
  sd_bus_message* answer = nullptr;
  if (result >= 0) {
    result = sd_bus_call(bus_.get(), made, microseconds_until(deadline), error.get(), &answer);
  }
  Message reply(answer);
  if (result >= 0) return reply;
  if (may_be_absent && means_absent(*error.get())) return Message();
  // sd-bus reports its own time-out, and a bus's for the service, as one and the same.
  if (result == -ETIMEDOUT) return base::Error{silence(path_)};
  const bool said = error.get()->message != nullptr;
  const auto reason =
      said ? base::printable(error.get()->message, kReasonLimit) : words_of(-result);
  return base::Error{std::string(call.member) + " fails at " + path_ + ": " + reason};
}

}  // namespace local
