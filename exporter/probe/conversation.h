// One probe's talk with a server after the connection stands: read the identification, read its key
// exchange offer, leave politely. Sans-I/O: the caller moves the bytes and keeps the time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/probe_result.h"
#include "model/target.h"
#include "probe/identification.h"
#include "probe/kexinit.h"

namespace probe {

enum class End : std::uint8_t { closed, reset, timeout };

class Conversation {
 public:
  // `client` must outlive the conversation. Depth connect has nothing to say and is done at once.
  Conversation(model::Depth depth, const model::ClientProfile& client);

  // Bytes from the server. What must be sent back is appended to `out`.
  void feed(std::string_view bytes, std::string& out);
  // The server has been silent for a while: say who we are, which also makes servers of other
  // protocols answer; or done, if the server has greeted in one. Before that we keep quiet, so that
  // a server that turns us away ends with a clean close and not with a reset for unread bytes.
  void speak_first(std::string& out);
  // The connection has ended, or time is up. Not to be called once done.
  void end(End reason);

  [[nodiscard]] bool done() const { return done_; }
  // The stage that the next byte belongs to; with done(): where it stopped.
  [[nodiscard]] model::Stage stage() const { return stage_; }
  // Once done: moves what was learnt into `seen` (all but times, errno and ICMP).
  void report(model::Observation& seen);

 private:
  void feed_identification(std::string_view& bytes, std::string& out);
  void feed_kexinit(std::string_view bytes, std::string& out);
  void identify(std::string& out);
  void finish(model::Stage stage, model::Outcome outcome);

  model::Depth depth_;
  const model::ClientProfile& client_;
  IdentificationReader identification_;
  KexinitReader kexinit_;
  model::Stage stage_ = model::Stage::banner;
  model::Outcome outcome_ = model::Outcome::timeout;
  bool done_ = false;
  bool spoke_ = false;
  std::uint64_t bytes_received_ = 0;
  std::optional<model::AlgorithmMismatch> mismatch_;
  std::string detail_;
};

}  // namespace probe
