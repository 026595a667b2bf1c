// One TCP connection to one address and port, and the conversation on it, until an outcome or the
// deadline. Lives on the event loop's thread; owns its socket.
#pragma once

#include <functional>
#include <optional>

#include "base/event_loop.h"
#include "base/fd.h"
#include "base/ip.h"
#include "model/probe_result.h"
#include "probe/conversation.h"

namespace probe {

class Connection final : private base::EventLoop::Handler {
 public:
  struct Request {
    base::IpAddress address;
    std::uint16_t port = 0;
    std::optional<base::IpAddress> source_address;  // of the same family, or not used
    model::Depth depth = model::Depth::connect;
    const model::ClientProfile* client = nullptr;  // never null; outlives the connection
    base::SteadyTime deadline;
  };
  // Called exactly once, from the loop and never from start(), unless the connection is destroyed
  // before; may destroy it.
  using Done = std::function<void(model::Observation)>;

  Connection(base::EventLoop& loop, const Request& request, Done done);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();

  // The SYN went unanswered so far.
  [[nodiscard]] bool connecting() const { return state_ == State::connecting; }

 private:
  enum class State : std::uint8_t { idle, connecting, talking, finished };

  base::EventLoop::Progress ready(std::uint32_t events) override;
  void stuck() override;

  bool open_socket();
  bool fail_locally_later(int error);  // false
  bool finish_connect(std::uint32_t events);
  bool connected(base::SteadyTime now);
  void read_available();
  void send(const std::string& bytes);
  void note_progress(model::Stage before, base::SteadyTime now);
  void on_deadline();
  void on_silence();
  void schedule_silence();
  void ended(End reason, int error);
  void fail_connect(int error);
  void local_failure(int error);
  void note_local_address();
  void complete();

  base::EventLoop& loop_;
  Request request_;
  Done done_;
  base::Fd socket_;
  bool registered_ = false;  // with the loop
  bool was_reset_ = false;   // before the first read, which no longer tells
  State state_ = State::idle;
  Conversation conversation_;
  model::Observation seen_;
  base::SteadyTime stage_started_;
  base::EventLoop::TimerId deadline_timer_{};
  std::optional<base::EventLoop::TimerId> silence_timer_;
};

}  // namespace probe
