// A D-Bus socket with a scripted systemd behind it, both in a thread of this object's own. Speaks
// the real protocol, as libsystemd's server side.
#pragma once

#include <fnmatch.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/fd.h"

namespace test_support {

// Appends one variant to a message.
using BusValue = std::function<int(sd_bus_message* message)>;

inline BusValue bus_text(std::string value) {
  return [value](sd_bus_message* m) { return sd_bus_message_append(m, "v", "s", value.c_str()); };
}
inline BusValue bus_flag(bool value) {
  return [value](sd_bus_message* m) {
    return sd_bus_message_append(m, "v", "b", static_cast<int>(value));
  };
}
inline BusValue bus_signed(int value) {
  return [value](sd_bus_message* m) { return sd_bus_message_append(m, "v", "i", value); };
}
inline BusValue bus_unsigned(unsigned value) {
  return [value](sd_bus_message* m) { return sd_bus_message_append(m, "v", "u", value); };
}
inline BusValue bus_time(std::uint64_t microseconds) {
  return [microseconds](sd_bus_message* m) {
    return sd_bus_message_append(m, "v", "t", microseconds);
  };
}

// A variant of an array: `type` of its elements, each appended by a function.
inline BusValue bus_array(std::string type, std::vector<BusValue> elements) {
  return [type, elements](sd_bus_message* m) {
    int result = sd_bus_message_open_container(m, 'v', ("a" + type).c_str());
    if (result >= 0) result = sd_bus_message_open_container(m, 'a', type.c_str());
    for (const auto& element : elements) {
      if (result >= 0) result = element(m);
    }
    if (result >= 0) result = sd_bus_message_close_container(m);
    if (result >= 0) result = sd_bus_message_close_container(m);
    return result;
  };
}
inline int append_words(sd_bus_message* m, const std::vector<std::string>& words) {
  int result = sd_bus_message_open_container(m, 'a', "s");
  for (const auto& word : words) {
    if (result >= 0) result = sd_bus_message_append(m, "s", word.c_str());
  }
  return result < 0 ? result : sd_bus_message_close_container(m);
}
inline BusValue bus_words(std::vector<std::string> words) {
  return [words](sd_bus_message* m) {
    int result = sd_bus_message_open_container(m, 'v', "as");
    if (result >= 0) result = append_words(m, words);
    return result < 0 ? result : sd_bus_message_close_container(m);
  };
}

// Elements of the arrays that units have.
inline BusValue listen_on(std::string type, std::string address) {
  return [type, address](sd_bus_message* m) {
    return sd_bus_message_append(m, "(ss)", type.c_str(), address.c_str());
  };
}
inline BusValue condition(std::string name, bool trigger, bool negated, std::string parameter,
                          int outcome) {
  return [=](sd_bus_message* m) {
    return sd_bus_message_append(m, "(sbbsi)", name.c_str(), static_cast<int>(trigger),
                                 static_cast<int>(negated), parameter.c_str(), outcome);
  };
}
inline BusValue environment_file(std::string path, bool optional) {
  return [=](sd_bus_message* m) {
    return sd_bus_message_append(m, "(sb)", path.c_str(), static_cast<int>(optional));
  };
}
inline BusValue network(int family, std::vector<unsigned char> bytes, unsigned length) {
  return [=](sd_bus_message* m) {
    int result = sd_bus_message_open_container(m, 'r', "iayu");
    if (result >= 0) result = sd_bus_message_append(m, "i", family);
    if (result >= 0) result = sd_bus_message_append_array(m, 'y', bytes.data(), bytes.size());
    if (result >= 0) result = sd_bus_message_append(m, "u", length);
    return result < 0 ? result : sd_bus_message_close_container(m);
  };
}
inline BusValue exec_command(std::string path, std::vector<std::string> words,
                             std::vector<std::string> prefixes = {}) {
  return [=](sd_bus_message* m) {
    int result = sd_bus_message_open_container(m, 'r', "sasasttttuii");
    if (result >= 0) result = sd_bus_message_append(m, "s", path.c_str());
    if (result >= 0) result = append_words(m, words);
    if (result >= 0) result = append_words(m, prefixes);
    const std::uint64_t never = 0;
    if (result >= 0) {
      result = sd_bus_message_append(m, "ttttuii", never, never, never, never, 0U, 0, 0);
    }
    return result < 0 ? result : sd_bus_message_close_container(m);
  };
}

struct FakeUnit {
  std::string name;
  std::vector<std::string> aliases;
  std::string load_state = "loaded";
  std::string active_state = "active";
  std::map<std::string, BusValue> unit;   // of the interface Unit
  std::map<std::string, BusValue> typed;  // of the interface Service or Socket
  bool loaded = true;                     // or only a file, enabled, that nobody has asked for yet
};

class FakeSystemd {
 public:
  // What a method gets besides an answer.
  enum class Manner { answer, say_nothing, refuse, wrong_type };
  // What a connection gets.
  enum class Door { serve, silence, close, noise };

  // Listens on `socket`, whose folder it makes; `greets`: as a bus does.
  FakeSystemd(const std::filesystem::path& socket, bool greets) : greets_(greets) {
    std::filesystem::create_directories(socket.parent_path());
    listener_ = base::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket.string().copy(address.sun_path, sizeof address.sun_path - 1);
    ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(listener_.get(), 16);
    stop_ = base::Fd(::eventfd(0, EFD_CLOEXEC));
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeSystemd() {
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  FakeSystemd(const FakeSystemd&) = delete;
  FakeSystemd& operator=(const FakeSystemd&) = delete;

  void units(std::vector<FakeUnit> units) {
    const std::lock_guard lock(mutex_);
    units_ = std::move(units);
  }
  void version(std::string version, std::vector<std::string> environment) {
    const std::lock_guard lock(mutex_);
    version_ = std::move(version);
    environment_ = std::move(environment);
  }
  // From now on, for calls of this method (Hello, GetAll, …).
  void manner(std::string method, Manner manner) {
    const std::lock_guard lock(mutex_);
    manners_[std::move(method)] = manner;
  }
  // From now on, for new connections.
  void door(Door door) { door_ = door; }
  // Ends all connections there are.
  void hang_up() { hang_up_ = true; }
  // Sends so many signals after each answer, which nobody asked for.
  void signals(int count) { signals_ = count; }

  [[nodiscard]] int connections() const { return connections_; }
  [[nodiscard]] std::vector<std::string> calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  struct Unref {
    void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
  };
  using Bus = std::unique_ptr<sd_bus, Unref>;

  void serve() {
    std::vector<Bus> buses;
    std::vector<base::Fd> silent;
    while (true) {
      std::vector<pollfd> waiting{{stop_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
      for (const auto& bus : buses) waiting.push_back({sd_bus_get_fd(bus.get()), POLLIN, 0});
      // The time is for hang_up() alone.
      ::poll(waiting.data(), waiting.size(), 20);
      if (waiting[0].revents != 0) return;
      if (hang_up_.exchange(false)) buses.clear();
      if (waiting[1].revents != 0) take(buses, silent);
      std::erase_if(buses, [this](const Bus& bus) { return !process(bus.get()); });
    }
  }

  void take(std::vector<Bus>& buses, std::vector<base::Fd>& silent) {
    base::Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.valid()) return;
    ++connections_;
    switch (door_) {
      case Door::serve:
        break;
      case Door::silence:
        silent.push_back(std::move(socket));
        return;
      case Door::close:
        return;
      case Door::noise: {
        const std::string noise(3000, '\xfe');
        static_cast<void>(::send(socket.get(), noise.data(), noise.size(), MSG_NOSIGNAL));
        silent.push_back(std::move(socket));
        return;
      }
    }
    sd_bus* bus = nullptr;
    sd_id128_t id{};
    sd_bus_new(&bus);
    sd_bus_set_fd(bus, socket.get(), socket.get());
    sd_bus_set_server(bus, 1, id);
    static_cast<void>(socket.release());
    sd_bus_start(bus);
    buses.emplace_back(bus);
  }

  bool process(sd_bus* bus) {
    while (true) {
      sd_bus_message* message = nullptr;
      const int result = sd_bus_process(bus, &message);
      if (result < 0) return false;
      if (message != nullptr) answer(bus, message);
      sd_bus_message_unref(message);
      if (result == 0) return true;
    }
  }

  void answer(sd_bus* bus, sd_bus_message* call) {
    std::uint8_t type = 0;
    sd_bus_message_get_type(call, &type);
    if (type != SD_BUS_MESSAGE_METHOD_CALL) return;
    const std::lock_guard lock(mutex_);
    const std::string member = sd_bus_message_get_member(call);
    calls_.push_back(member);
    const auto found = manners_.find(member);
    const auto manner = found == manners_.end() ? Manner::answer : found->second;
    if (manner == Manner::say_nothing) return;
    if (manner == Manner::refuse) {
      sd_bus_reply_method_errorf(call, "org.freedesktop.DBus.Error.AccessDenied", "not\nfor you");
      return;
    }
    sd_bus_message* reply = nullptr;
    sd_bus_message_new_method_return(call, &reply);
    const bool there = manner == Manner::wrong_type ? sd_bus_message_append(reply, "d", 1.5) >= 0
                                                    : fill(member, call, reply);
    if (there) {
      sd_bus_send(bus, reply, nullptr);
    } else {
      sd_bus_reply_method_errorf(call, "org.freedesktop.systemd1.NoSuchUnit", "no such unit");
    }
    sd_bus_message_unref(reply);
    for (int i = 0; i < signals_; ++i) {
      sd_bus_emit_signal(bus, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                         "UnitNew", "so", "x.service", "/x");
    }
  }

  bool fill(const std::string& member, sd_bus_message* call, sd_bus_message* reply) {
    if (member == "Hello") return greets_ && sd_bus_message_append(reply, "s", ":1.7") >= 0;
    if (member == "ListUnitsByNames") return list_names(call, reply);
    if (member == "ListUnitsByPatterns") return list_patterns(call, reply);
    if (member == "ListUnitFilesByPatterns") return list_files(call, reply);
    const std::string path = sd_bus_message_get_path(call);
    const char* interface = nullptr;
    sd_bus_message_read(call, "s", &interface);
    const char* property = nullptr;
    if (member == "Get") sd_bus_message_read(call, "s", &property);
    if (path == "/org/freedesktop/systemd1") {
      return (std::string_view(property) == "Version" ? bus_text(version_)
                                                      : bus_words(environment_))(reply) >= 0;
    }
    char* decoded = nullptr;
    sd_bus_path_decode(path.c_str(), "/org/freedesktop/systemd1/unit", &decoded);
    const auto* unit = find(decoded != nullptr ? decoded : "");
    std::free(decoded);
    if (unit == nullptr) return false;
    const auto& values = std::string_view(interface).ends_with(".Unit") ? unit->unit : unit->typed;
    if (property != nullptr) {
      const auto value = values.find(property);
      return value != values.end() && value->second(reply) >= 0;
    }
    sd_bus_message_open_container(reply, 'a', "{sv}");
    for (const auto& [name, value] : values) {
      sd_bus_message_open_container(reply, 'e', "sv");
      sd_bus_message_append(reply, "s", name.c_str());
      value(reply);
      sd_bus_message_close_container(reply);
    }
    return sd_bus_message_close_container(reply) >= 0;
  }

  [[nodiscard]] const FakeUnit* find(std::string_view name) const {
    const auto found = std::find_if(units_.begin(), units_.end(), [&](const FakeUnit& unit) {
      return unit.name == name ||
             std::find(unit.aliases.begin(), unit.aliases.end(), name) != unit.aliases.end();
    });
    return found == units_.end() ? nullptr : &*found;
  }

  static void add_row(sd_bus_message* reply, const char* name, const char* load,
                      const char* active) {
    sd_bus_message_append(reply, "(ssssssouso)", name, "words", load, active, "dead", "", "/x", 0U,
                          "", "/");
  }

  bool list_names(sd_bus_message* call, sd_bus_message* reply) {
    sd_bus_message_open_container(reply, 'a', "(ssssssouso)");
    std::vector<const FakeUnit*> listed;
    const char* name = nullptr;
    sd_bus_message_enter_container(call, 'a', "s");
    while (sd_bus_message_read(call, "s", &name) > 0) {
      const auto* unit = find(name);
      if (unit == nullptr) {
        add_row(reply, name, "not-found", "inactive");
      } else if (std::find(listed.begin(), listed.end(), unit) == listed.end()) {
        add_row(reply, unit->name.c_str(), unit->load_state.c_str(), unit->active_state.c_str());
        listed.push_back(unit);
      }
    }
    return sd_bus_message_close_container(reply) >= 0;
  }

  bool list_patterns(sd_bus_message* call, sd_bus_message* reply) {
    std::vector<std::string> patterns;
    const char* pattern = nullptr;
    sd_bus_message_skip(call, "as");
    sd_bus_message_enter_container(call, 'a', "s");
    while (sd_bus_message_read(call, "s", &pattern) > 0) patterns.emplace_back(pattern);
    sd_bus_message_open_container(reply, 'a', "(ssssssouso)");
    for (const auto& unit : units_) {
      if (unit.loaded && std::any_of(patterns.begin(), patterns.end(), [&](const std::string& one) {
            return ::fnmatch(one.c_str(), unit.name.c_str(), FNM_NOESCAPE) == 0;
          })) {
        add_row(reply, unit.name.c_str(), unit.load_state.c_str(), unit.active_state.c_str());
      }
    }
    return sd_bus_message_close_container(reply) >= 0;
  }

  // Of those units that systemd would not list by itself.
  bool list_files(sd_bus_message* call, sd_bus_message* reply) {
    std::vector<std::string> patterns;
    const char* pattern = nullptr;
    sd_bus_message_skip(call, "as");
    sd_bus_message_enter_container(call, 'a', "s");
    while (sd_bus_message_read(call, "s", &pattern) > 0) patterns.emplace_back(pattern);
    sd_bus_message_open_container(reply, 'a', "(ss)");
    for (const auto& unit : units_) {
      const bool asked = std::any_of(patterns.begin(), patterns.end(), [&](const auto& one) {
        return ::fnmatch(one.c_str(), unit.name.c_str(), FNM_NOESCAPE) == 0;
      });
      if (asked && !unit.loaded) {
        sd_bus_message_append(reply, "(ss)", ("/etc/systemd/system/" + unit.name).c_str(),
                              "enabled");
      }
    }
    return sd_bus_message_close_container(reply) >= 0;
  }

  bool greets_;
  base::Fd listener_;
  base::Fd stop_;
  mutable std::mutex mutex_;
  std::vector<FakeUnit> units_;
  std::string version_ = "252.39-1~deb12u2";
  std::vector<std::string> environment_{"LANG=C.UTF-8"};
  std::map<std::string, Manner> manners_;
  std::vector<std::string> calls_;
  std::atomic<Door> door_ = Door::serve;
  std::atomic<bool> hang_up_ = false;
  std::atomic<int> signals_ = 0;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

}  // namespace test_support
