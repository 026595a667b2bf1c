// A client of D-Bus that cannot hang: every wait ends at a deadline, that for authentication
// included, which sd-bus itself would extend to 90 seconds. Hides how the socket is found below the
// host's root. Belongs to the thread that uses it; only one at a time.
#pragma once

#include <systemd/sd-bus.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "local/host.h"

namespace local {

struct MessageUnref {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, MessageUnref>;

class SystemBus {
 public:
  enum class Kind : bool {
    bus,   // a message bus, which wants a greeting
    peer,  // the service itself at the other end
  };

  // Connects to a socket of the host's and authenticates. The error says what refuses and what to
  // do; `refused`, if given, becomes the errno of connect(2), 0 if that succeeded.
  static base::Result<SystemBus> connect(const Host& host, const std::string& path, Kind kind,
                                         base::SteadyTime deadline, int* refused = nullptr);

  SystemBus(SystemBus&&) = default;
  SystemBus& operator=(SystemBus&&) = default;
  ~SystemBus() = default;

  // Reads what has come unasked; false if the other end is gone.
  [[nodiscard]] bool alive() const;

  struct Call {
    const char* destination = nullptr;
    std::string path;
    const char* interface = nullptr;
    const char* member = nullptr;
    // Its arguments: strings first, then arrays of strings.
    std::vector<std::string> strings;
    std::vector<std::vector<std::string>> arrays;
  };
  // The answer; null if `may_be_absent` and the object or its interface does not exist, which then
  // is no error.
  [[nodiscard]] base::Result<Message> call(const Call& call, base::SteadyTime deadline,
                                           bool may_be_absent = false) const;

 private:
  struct Close {
    void operator()(sd_bus* bus) const {
      sd_bus_close(bus);
      sd_bus_unref(bus);
    }
  };
  SystemBus(std::unique_ptr<sd_bus, Close> bus, std::string path)
      : bus_(std::move(bus)), path_(std::move(path)) {}
  [[nodiscard]] bool authenticate(base::SteadyTime deadline, int& error) const;

  std::unique_ptr<sd_bus, Close> bus_;
  std::string path_;  // of its socket, for words
};

}  // namespace local
