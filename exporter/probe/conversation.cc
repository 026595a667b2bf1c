#include "probe/conversation.h"

#include <cassert>

namespace probe {

using model::Depth;
using model::Outcome;
using model::Stage;

namespace {

// Names the program so that an administrator who meets the line in a log finds out what it is.
constexpr std::string_view kIdentification = "SSH-2.0-ssh_refusal_exporter\r\n";

const std::string& farewell() {
  static const std::string kPacket = disconnect_packet("probe complete");
  return kPacket;
}

}  // namespace

Conversation::Conversation(Depth depth, const model::ClientProfile& client)
    : depth_(depth), client_(client) {
  if (depth == Depth::connect) finish(Stage::done, Outcome::ok);
}

void Conversation::finish(Stage stage, Outcome outcome) {
  stage_ = stage;
  outcome_ = outcome;
  done_ = true;
}

void Conversation::identify(std::string& out) {
  if (spoke_) return;
  spoke_ = true;
  out += kIdentification;
}

void Conversation::speak_first(std::string& out) {
  if (done_ || stage_ != Stage::banner) return;
  if (identification_.other_protocol().empty()) {
    identify(out);
  } else {
    end(End::timeout);  // it has greeted in another protocol, and nothing of SSH followed
  }
}

void Conversation::feed(std::string_view bytes, std::string& out) {
  if (done_) return;
  bytes_received_ += bytes.size();
  if (stage_ == Stage::banner) feed_identification(bytes, out);
  if (!done_ && stage_ == Stage::kexinit && !bytes.empty()) feed_kexinit(bytes, out);
}

void Conversation::feed_identification(std::string_view& bytes, std::string& out) {
  bytes.remove_prefix(identification_.feed(bytes));
  switch (identification_.state()) {
    case IdentificationReader::State::reading:
      return;
    case IdentificationReader::State::not_ssh:
      finish(Stage::banner, Outcome::not_ssh);
      return;
    case IdentificationReader::State::unsupported_version:
      finish(Stage::banner, Outcome::unsupported_version);
      return;
    case IdentificationReader::State::identified:
      break;
  }
  identify(out);
  if (depth_ == Depth::banner) {
    out += farewell();
    finish(Stage::done, Outcome::ok);
  } else {
    stage_ = Stage::kexinit;
  }
}

void Conversation::feed_kexinit(std::string_view bytes, std::string& out) {
  kexinit_.feed(bytes);
  switch (kexinit_.state()) {
    case KexinitReader::State::reading:
      return;
    case KexinitReader::State::malformed:
      finish(Stage::kexinit, Outcome::malformed);
      return;
    case KexinitReader::State::disconnected:
      finish(Stage::kexinit, Outcome::closed);
      return;
    case KexinitReader::State::complete:
      break;
  }
  // Our own KEXINIT stays unsent: with it a server without a common algorithm logs an error.
  out += farewell();
  mismatch_ = find_mismatch(client_, kexinit_.lists());
  if (mismatch_) {
    finish(Stage::kexinit, Outcome::no_common_algorithm);
  } else {
    finish(Stage::done, Outcome::ok);
  }
}

void Conversation::end(End reason) {
  assert(!done_);
  const auto ended = reason == End::closed  ? Outcome::closed
                     : reason == End::reset ? Outcome::reset
                                            : Outcome::timeout;
  // A line without its end may be cut: it says neither which version nor which software.
  const bool suspicious = !identification_.other_protocol().empty();
  if (stage_ == Stage::kexinit || (reason == End::timeout && !suspicious) || bytes_received_ == 0 ||
      identification_.cut_short()) {
    finish(stage_, ended);
    return;
  }
  identification_.finish();
  const bool text = identification_.state() == IdentificationReader::State::reading &&
                    identification_.text_only();
  finish(Stage::banner, text ? Outcome::turned_away : Outcome::not_ssh);
}

void Conversation::report(model::Observation& seen) {
  assert(done_);
  seen.stage = stage_;
  seen.outcome = outcome_;
  seen.bytes_received = bytes_received_;
  if (!identification_.server().protocol.empty()) seen.server = identification_.server();
  seen.text = identification_.lines();
  seen.unfinished = identification_.unfinished();
  seen.other_protocol = identification_.other_protocol();
  seen.mismatch = std::move(mismatch_);
  seen.detail = stage_ == Stage::kexinit ? kexinit_.detail() : identification_.detail();
}

}  // namespace probe
